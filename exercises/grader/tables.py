"""The tables: the course's own, and the forms that Canvas, Moodle and Gradescope read.

Canvas: Grades > Import takes a CSV whose first columns are Student, ID, SIS User ID, SIS Login ID and Section; it finds
people by an ID, and an assignment by its title. Moodle: *Upload grading worksheet* of an assignment takes Identifier
("Participant 123"), Grade and Last modified (grade), and may have Feedback comments. Gradescope has no import of marks;
its programming assignments read one ``results.json`` a submission, which is what the folder ``gradescope/`` holds.
"""

import json

from .master import Master
from .result import QuestionResult, Status
from .standing import Standing
from .worksheet import number, table


def own(master: Master, class_: list[Standing]) -> str:
    """One row a student: points of each question, total, status, leaderboard, notes."""
    header = ["student", "id", *(q.id for q in master.questions), "late", "total", "of", "status", "board", "notes"]
    rows = []
    for one in class_:
        scores = [number(one.points[q.id]) for q in master.questions]
        total = [number(-one.penalty) if one.penalty else "", number(one.total), number(master.points)]
        rest = [one.status, number(one.result.board), "; ".join(one.notes)]
        rows.append([one.name, one.submission.platform_id, *scores, *total, *rest])
    return table(header, rows)


def canvas(master: Master, class_: list[Standing]) -> str:
    header = ["Student", "ID", "SIS User ID", "SIS Login ID", "Section", master.name]
    rows = [["    Points Possible", "", "", "", "", number(master.points)]]
    for one in importable(class_):
        number_there = one.submission.platform_id
        login = "" if number_there else one.name
        rows.append([one.name, number_there, "", login, "", number(one.total)])
    return table(header, rows)


def moodle(master: Master, class_: list[Standing]) -> str:
    header = ["Identifier", "Full name", "Grade", "Maximum grade", "Last modified (grade)", "Feedback comments"]
    rows = []
    for one in importable(class_):
        number_there = one.submission.platform_id
        identifier = f"Participant {number_there}" if number_there else one.name
        said = ", ".join(f"{name} {number(value) or 'not yet read'}" for name, value in one.points.items())
        if one.penalty:
            said += f"; late: {number(-one.penalty)}"
        if one.result.status != [Status.OK]:
            said += f" (status: {', '.join(one.result.status)})"
        rows.append([identifier, one.name, number(one.total), number(master.points), "-", said])
    return table(header, rows)


def importable(class_: list[Standing]) -> list[Standing]:
    """Those of whom it is clear who they are: no platform is told points that may be somebody else's."""
    return [one for one in class_ if one.submission.status != Status.CONFLICT]


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
        content["leaderboard"] = [{"name": "score", "value": one.result.board, "order": "desc"}]
    return json.dumps(content, ensure_ascii=False, indent=1) + "\n"
