"""The tables: the course's own, and the forms that Canvas, Moodle and Gradescope read.

Canvas: Grades > Import takes a CSV whose first columns are Student, ID, SIS User ID, SIS Login ID and Section; it finds
people by an ID, and an assignment by its title. Moodle: *Upload grading worksheet* of an assignment takes Identifier
("Participant 123"), Grade and Last modified (grade), and may have Feedback comments. Gradescope has no import of marks;
its programming assignments read one ``results.json`` a submission, which is what the folder ``gradescope/`` holds.
"""

import csv
import io
import json
import re

from .master import Master
from .result import QuestionResult, Status
from .standing import Standing

FORMULA = re.compile(r"(?:^|(?<=;))(?=[=+\-@\t\r\n＝＋－＠])")  # some spreadsheets take a semicolon for a comma
HARMLESS = re.compile(r"(?:^|(?<=;))'(?=[=+\-@\t\r\n＝＋－＠])")
NUMBER = re.compile(r"-?[\d.]*")  # and the dash that stands for nothing


def number(value: float | None) -> str:
    """Points as people write them: 3, 2.5, and nothing for what is not known."""
    return "" if value is None else f"{value:g}"


def table(header: list[str], rows: list[list[str]]) -> str:
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows([header, *([harmless(cell) for cell in row] for row in rows)])
    return text.getvalue()


def harmless(cell: str) -> str:
    """A cell that no spreadsheet computes: what starts like a formula, as a student's name may, gets an apostrophe."""
    return cell if NUMBER.fullmatch(cell) else FORMULA.sub("'", cell)


def as_it_was(cell: str) -> str:
    return HARMLESS.sub("", cell)


def own(master: Master, class_: list[Standing]) -> str:
    """One row a student: points of each question, total, status, leaderboard, notes."""
    header = ["student", *(q.id for q in master.questions), "total", "of", "status", "board", "notes"]
    rows = []
    for one in class_:
        scores = [number(one.points[q.id]) for q in master.questions]
        best = "" if one.result.board is None else f"{one.result.board:.2f}"
        total = [number(one.total), number(master.points)]
        rows.append([one.student, *scores, *total, one.status, best, "; ".join(one.notes)])
    return table(header, rows)


def canvas(master: Master, class_: list[Standing]) -> str:
    header = ["Student", "ID", "SIS User ID", "SIS Login ID", "Section", master.name]
    rows = [["    Points Possible", "", "", "", "", number(master.points)]]
    for one in class_:
        number_there = one.submission.platform_id
        login = "" if number_there else one.student
        rows.append([one.student, number_there, "", login, "", number(one.total)])
    return table(header, rows)


def moodle(master: Master, class_: list[Standing]) -> str:
    header = ["Identifier", "Full name", "Grade", "Maximum grade", "Last modified (grade)", "Feedback comments"]
    rows = []
    for one in class_:
        number_there = one.submission.platform_id
        identifier = f"Participant {number_there}" if number_there else one.student
        said = ", ".join(f"{name} {number(value) or 'not yet read'}" for name, value in one.points.items())
        if one.result.status != [Status.OK]:
            said += f" (status: {', '.join(one.result.status)})"
        rows.append([identifier, one.student, number(one.total), number(master.points), "-", said])
    return table(header, rows)


def gradescope(master: Master, one: Standing) -> str:
    """The results.json of one submission."""
    tests = []
    for q in master.questions:
        row = one.result.questions.get(q.id, QuestionResult())
        said = "A person reads this one." if one.points[q.id] is None else row.message
        shown = {"score": one.points[q.id] or 0, "max_score": q.points, "output": said, "visibility": "after_published"}
        tests.append({"name": f"{q.id} {q.title}".strip(), **shown})
    content = {"score": one.total, "output": f"Status: {', '.join(one.result.status)}", "tests": tests}
    if one.result.board is not None:
        content["leaderboard"] = [{"name": "score", "value": round(one.result.board, 2), "order": "desc"}]
    return json.dumps(content, ensure_ascii=False, indent=1) + "\n"
