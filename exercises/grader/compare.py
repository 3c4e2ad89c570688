"""Points: what a student's process emitted against what the master's did. No student's code runs here.

Values from outside are walked along the master's, never along themselves: nobody can make this take longer by
emitting something deep or long.
"""

import math
from dataclasses import dataclass, field

from .master import Question
from .result import Status
from .run import Outcome

# Numbers without end, lists without bottom.
ENDLESS = (ArithmeticError, RecursionError, ValueError)
# A value of this name is shown on the leaderboard and carries no points.
BOARD = "board"


@dataclass
class Verdict:
    """How one question went: all its values right, or no points."""

    right: list[str] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)
    board: float | None = None

    @property
    def passed(self) -> bool:
        return bool(self.right) and not self.wrong


def compare(reference: list[dict], emitted: list[dict]) -> Verdict:
    """Each name's values must be as many as the master's, in its order, and equal or good enough.

    How values are compared is taken from the reference alone; what a student's process says about it is not read.
    """
    verdict, expected, found = Verdict(), by_name(reference), by_name(emitted)
    for what, wanted in expected.items():
        given = found.get(what, [])
        same_number = len(given) == len(wanted)
        if what == BOARD:
            reached = score(given[0].get("value")) if same_number else math.nan
            verdict.board = float(f"{reached:.3g}") if math.isfinite(reached) else None
            continue
        fine = same_number and all(good(w, g.get("value")) for w, g in zip(wanted, given, strict=True))
        (verdict.right if fine else verdict.wrong).append(what)
    return verdict


def by_name(values: list[dict]) -> dict[str, list[dict]]:
    names: dict[str, list[dict]] = {}
    for value in values:
        if isinstance(value.get("what"), str):
            names.setdefault(value["what"], []).append(value)
    return names


def good(wanted: dict, value) -> bool:
    """Whether one value is what the master's run has, or reaches the bound that it sets."""
    try:
        if wanted["at_least"] is not None:
            return score(value) >= wanted["at_least"]  # nan never; the PSNR of a perfect image is infinite
        return equal(wanted["value"], value, wanted["atol"], wanted["rtol"])
    except ENDLESS:
        return False


def score(value) -> float:
    """A number as it is, nan of all else."""
    try:
        return float(value) if number(value) else math.nan
    except ENDLESS:
        return math.nan


def equal(a, b, atol: float, rtol: float) -> bool:
    """``|a - b| <= atol + rtol |a|`` for numbers, in lists and dictionaries of the same form."""
    if isinstance(a, list):
        return same_length(a, b) and all(equal(x, y, atol, rtol) for x, y in zip(a, b, strict=True))
    if isinstance(a, dict):
        return isinstance(b, dict) and a.keys() == b.keys() and all(equal(a[k], b[k], atol, rtol) for k in a)
    if number(a) and number(b):
        return a == b or (a != a and b != b) or abs(a - b) <= atol + rtol * abs(a) < math.inf
    return type(a) is type(b) and a == b


def number(value) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def same_length(a, b) -> bool:
    return isinstance(a, list) and isinstance(b, list) and len(a) == len(b)


def judge(question: Question, reference: Outcome, outcome: Outcome) -> tuple[float, Verdict]:
    """The question's points, or none: its values right, its visible check passed, its process ended well."""
    verdict = compare(reference.emitted, outcome.emitted)
    passed = verdict.passed and outcome.check_passed and outcome.status == Status.OK
    return (question.points if passed else 0.0), verdict
