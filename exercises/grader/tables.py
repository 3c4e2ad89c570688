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

from .collect import Submission
from .master import Master

FORMULA = re.compile(r"(?:^|(?<=;))(?=[=+\-@\t\r\n＝＋－＠])")  # some spreadsheets take a semicolon for a comma
HARMLESS = re.compile(r"(?:^|(?<=;))'(?=[=+\-@\t\r\n＝＋－＠])")
NUMBER = re.compile(r"-?[\d.]*")  # and the dash that stands for nothing


def points(result: dict, master: Master, by_hand: dict[str, float]) -> dict[str, float | None]:
    """Points for each question; None for one that a person has not read yet."""
    scores = {name: row["points"] for name, row in result["questions"].items()}
    for q in master.questions:
        if q.by_hand:
            scores[q.id] = by_hand.get(
                q.id, None if result["by_hand"].get(q.id) else 0.0
            )  # nothing written: nothing to read
    return {q.id: scores[q.id] for q in master.questions}


def total(marks: dict[str, float | None]) -> float:
    return sum(value for value in marks.values() if value is not None)


def number(value: float | None) -> str:
    """Points as people write them: 3, 2.5, and nothing for what is not known."""
    return "" if value is None else f"{value:g}"


def board(result: dict) -> float | None:
    """The best value for the leaderboard that a submission has emitted."""
    return max((row["board"] for row in result["questions"].values() if row.get("board") is not None), default=None)


def table(header: list[str], rows: list[list[str]]) -> str:
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows([header, *([harmless(cell) for cell in row] for row in rows)])
    return text.getvalue()


def harmless(cell: str) -> str:
    """A cell that no spreadsheet computes: what starts like a formula, as a student's name may, gets an apostrophe."""
    return cell if NUMBER.fullmatch(cell) else FORMULA.sub("'", cell)


def as_it_was(cell: str) -> str:
    return HARMLESS.sub("", cell)


def own(master: Master, rows: list[tuple[Submission, dict, dict]]) -> str:
    """One row a student: points of each question, total, status, leaderboard, notes."""
    header = ["student", *(q.id for q in master.questions), "total", "of", "status", "board", "notes"]
    lines = []
    for submission, result, marks in rows:
        scores = [number(marks[q.id]) for q in master.questions]
        best = board(result)
        lines.append([
            submission.student, *scores, number(total(marks)), number(master.points), "; ".join(result["status"]),
            "" if best is None else f"{best:.2f}", "; ".join([*submission.notes, *result["notes"]]),
        ])  # fmt: skip
    return table(header, lines)


def canvas(master: Master, rows: list[tuple[Submission, dict, dict]]) -> str:
    header = ["Student", "ID", "SIS User ID", "SIS Login ID", "Section", master.name]
    lines = [["    Points Possible", "", "", "", "", number(master.points)]]
    for submission, _, marks in rows:
        login = "" if submission.platform_id else submission.student
        lines.append([submission.student, submission.platform_id, "", login, "", number(total(marks))])
    return table(header, lines)


def moodle(master: Master, rows: list[tuple[Submission, dict, dict]]) -> str:
    header = [
        "Identifier",
        "Full name",
        "Grade",
        "Maximum grade",
        "Last modified (grade)",
        "Feedback comments",
    ]
    lines = []
    for submission, result, marks in rows:
        identifier = f"Participant {submission.platform_id}" if submission.platform_id else submission.student
        said = ", ".join(f"{name} {number(value) or 'not yet read'}" for name, value in marks.items())
        if result["status"] != ["ok"]:
            said += f" (status: {', '.join(result['status'])})"
        lines.append([identifier, submission.student, number(total(marks)), number(master.points), "-", said])
    return table(header, lines)


def gradescope(master: Master, submission: Submission, result: dict, marks: dict) -> str:
    """The results.json of one submission."""
    tests = []
    for q in master.questions:
        row = result["questions"].get(q.id, {})
        said = row.get("message", "") if marks[q.id] is not None else "A person reads this one."
        shown = {
            "score": marks[q.id] or 0,
            "max_score": q.points,
            "output": said,
            "visibility": "after_published",
        }
        tests.append({"name": f"{q.id} {q.title}".strip(), **shown})
    content = {"score": total(marks), "output": f"Status: {', '.join(result['status'])}", "tests": tests}
    if (best := board(result)) is not None:
        content["leaderboard"] = [{"name": "score", "value": round(best, 2), "order": "desc"}]
    return json.dumps(content, ensure_ascii=False, indent=1) + "\n"
