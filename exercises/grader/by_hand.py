"""Points that a person gives: for written answers, and in place of the grader's where it was wrong.

The table, ``by-hand.csv`` in the results folder, has a row for each written answer: student, id, question, points,
comment, essay. Fill in points and comments and run the grader again: nothing is computed anew, the points are added and
the comments reach the students. A row that you add for a question that the grader judges overrides its points, with the
reason in ``comment``. What somebody has filled in is never lost, whoever comes or goes.

``essay`` is a fingerprint of the text that was read. If the student hands in another one afterwards, the points stay
and a note says so, until you have read it again and emptied that cell.
"""

import hashlib
from dataclasses import dataclass
from pathlib import Path

from .collect import Submission
from .master import Master
from .result import Result
from .worksheet import amount, read_sheet, table

HEADER = ["student", "id", "question", "points", "comment", "essay"]


@dataclass(frozen=True)
class Mark:
    """What a person has filled in for one question of one student."""

    points: float | None
    comment: str
    essay: str


Marks = dict[tuple[str, str], Mark]


def code_name(submission: Submission) -> str:
    """Under which somebody is marked by a person who shall not know whose answer it is."""
    return f"reader-{hashlib.sha256(submission.student.encode()).hexdigest()[:8]}"


def who(submissions: list[Submission]) -> dict[tuple[str, str], str]:
    """Every way in which a table may name a student: by name and id, by code, by the name alone if it is one's own."""
    found = {(s.name or s.student, s.platform_id): s.student for s in submissions}
    found |= {(code_name(s), ""): s.student for s in submissions}
    names = [s.name or s.student for s in submissions]
    found |= {(s.name, ""): s.student for s in submissions if names.count(s.name) == 1}
    return found | {(s.student, ""): s.student for s in submissions}


def person(path: Path, row: dict[str, str], known: dict[tuple[str, str], str]) -> str:
    """The student of a row; a `ValueError` if it is nobody's."""
    key = row["student"], row.get("id", "")
    if key not in known:
        name = " ".join(filter(None, key)) or "a row without a student"
        raise ValueError(
            f"{path.name}: {name!r} is nobody in this class. If the name was changed or garbled, mend it; if the file "
            "of this student has gone, take the row out"
        )
    return known[key]


def read_marks(path: Path, master: Master, submissions: list[Submission]) -> Marks:
    """``{(student, question): mark}``; a `ValueError` names the row that is wrong."""
    known, questions, marks = who(submissions), {q.id: q for q in master.questions}, {}
    for row in read_sheet(path, HEADER[:1] + HEADER[2:5]):
        given, comment = row["points"], row["comment"]
        if not given and not comment:
            continue
        student, question = person(path, row, known), questions.get(row["question"])
        where = f"{path.name}, {row['student']}, {row['question'] or 'no question'}"
        if question is None:
            raise ValueError(f"{where}: this assignment has the questions {', '.join(questions)}")
        try:
            points = amount(given) if given else None
        except ValueError:
            points = -1.0
        if points is not None and not 0 <= points <= question.points:
            raise ValueError(f"{where}: {given!r} is not from 0 to {question.points:g} points")
        if points is not None and not question.by_hand and not comment:
            raise ValueError(f"{where}: points in place of the grader's need a reason, in the column comment")
        if (student, question.id) in marks:
            raise ValueError(f"{where}: there are two rows")
        marks[student, question.id] = Mark(points, comment, row.get("essay", ""))
    return marks


def essay_mark(text: str) -> str:
    # A letter in front, or a spreadsheet takes some of these for numbers.
    return "e" + hashlib.sha256(text.encode("utf-8", "replace")).hexdigest()[:8]


def changed_since(marks: Marks, submission: Submission, result: Result) -> list[str]:
    """Questions whose text is another than the one that was marked."""
    return [
        question
        for question, said in result.by_hand.items()
        if (mark := marks.get((submission.student, question)))
        and mark.points is not None
        and mark.essay
        and mark.essay != essay_mark(said)
    ]


def to_fill_in(master: Master, pairs: list[tuple[Submission, Result]], marks: Marks, anonymous: bool) -> str:
    """The table: a row for everyone who wrote something, and all that is in it already."""
    rows = []
    for submission, result in pairs:
        name, number = submission.name or submission.student, submission.platform_id
        if anonymous:
            name, number = code_name(submission), ""
        for q in master.questions:
            said, mark = result.by_hand.get(q.id), marks.get((submission.student, q.id))
            if not said and not mark:
                continue
            essay = essay_mark(said) if said else ""
            given = ["", ""]
            if mark:
                given = ["" if mark.points is None else f"{mark.points:g}", mark.comment]
                essay = mark.essay if mark.points is not None and mark.essay else essay
            rows.append([name, number, q.id, *given, essay])
    return table(HEADER, sorted(rows) if anonymous else rows)
