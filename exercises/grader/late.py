"""Late work: one small table, ``late.csv`` in the results folder, and what it takes away.

The grader writes a row for everyone whom Canvas marks as late; add rows for others. The row of the student ``*`` holds
what lateness costs everybody, as points (``1``) or as a share of the points reached (``10%``); a penalty in somebody's
own row counts instead, and anything in ``extension``, such as a date, forgives it.
"""

from dataclasses import dataclass
from pathlib import Path

from .by_hand import person, who
from .collect import Submission
from .worksheet import amount, read_sheet, table

HEADER = ["student", "id", "extension", "penalty"]
EVERYBODY = "*"


@dataclass(frozen=True)
class Lateness:
    """A row of the table."""

    extension: str = ""
    penalty: str = ""

    def takes(self, points: float, everybody: str) -> float:
        """How many of so many points it costs."""
        text = "" if self.extension else self.penalty or everybody
        if not text:
            return 0.0
        share = text.endswith("%")
        taken = amount(text.rstrip("% "))
        return min(points, points * taken / 100 if share else taken)


def read_late(path: Path, submissions: list[Submission]) -> tuple[dict[str, Lateness], str]:
    """The rows by student, and what lateness costs everybody; a `ValueError` names the row that is wrong."""
    known, rows, everybody = who(submissions), {}, ""
    for row in read_sheet(path, HEADER):
        one = Lateness(row["extension"], row["penalty"])
        try:
            taken = Lateness("", one.penalty).takes(100, "")
        except ValueError:
            taken = -1.0
        if taken < 0:
            where = f"{path.name}, {row['student']}"
            raise ValueError(f"{where}: a penalty is points (1) or a share (10%), not {one.penalty!r}")
        if row["student"] == EVERYBODY:
            everybody = one.penalty
        else:
            rows[person(path, row, known)] = one
    # Whoever is late is so with or without a row.
    return {s.student: Lateness() for s in submissions if s.late} | rows, everybody


def to_keep(submissions: list[Submission], rows: dict[str, Lateness], everybody: str) -> str:
    lines = [[EVERYBODY, "", "", everybody]]
    for s in submissions:
        if s.student in rows:
            lines.append([s.name or s.student, s.platform_id, rows[s.student].extension, rows[s.student].penalty])
    return table(HEADER, lines)
