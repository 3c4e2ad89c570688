"""Points: what a student's process emitted against what the master's did. No student's code runs here."""

import math
from dataclasses import dataclass, field

from .master import Question
from .run import Outcome

ENDLESS = (ArithmeticError, RecursionError, ValueError)  # numbers without end, lists without bottom
BOARD = "board"  # a value of this name is shown on the leaderboard and carries no points


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
            reached = score(wanted[0], given[0].get("value")) if same_number else math.nan
            verdict.board = reached if math.isfinite(reached) else None
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
            reached = score(wanted, value)
            return math.isfinite(reached) and reached >= wanted["at_least"]
        return equal(wanted["value"], value, wanted["atol"], wanted["rtol"])
    except ENDLESS:
        return False


def score(wanted: dict, value) -> float:
    """A number as it is; of images, their PSNR in dB against the clean ones of the master's run; nan of all else."""
    try:
        if wanted["target"] is None:
            return float(value) if number(value) else math.nan
        return psnr(value, wanted["target"])
    except ENDLESS:
        return math.nan


def equal(a, b, atol: float, rtol: float) -> bool:
    """``|a - b| <= atol + rtol |a|`` for numbers, in lists and dictionaries of the same form."""
    if isinstance(a, list):
        return (
            isinstance(b, list) and len(a) == len(b) and all(equal(x, y, atol, rtol) for x, y in zip(a, b, strict=True))
        )
    if isinstance(a, dict):
        return isinstance(b, dict) and a.keys() == b.keys() and all(equal(a[k], b[k], atol, rtol) for k in a)
    if number(a) and number(b):
        return a == b or (a != a and b != b) or abs(a - b) <= atol + rtol * abs(a) < math.inf
    return type(a) is type(b) and a == b


def number(value) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def psnr(value, target) -> float:
    """Mean over a batch of images in [0, 1] of ``-10 log10 mean (clamp(value) - target)^2``; nan for another shape."""
    levels = []
    for image, clean in zip(value, target, strict=True) if same_length(value, target) else []:
        pairs = list(zip(flat(image), flat(clean), strict=False))
        if len(list(flat(image))) != len(list(flat(clean))) or not all(number(v) for v, _ in pairs):
            return math.nan
        error = sum((min(max(v, 0.0), 1.0) - c) ** 2 for v, c in pairs) / len(pairs)
        levels.append(-10 * math.log10(error) if error > 0 else math.inf)
    return sum(levels) / len(levels) if levels else math.nan


def same_length(a, b) -> bool:
    return isinstance(a, list) and isinstance(b, list) and len(a) == len(b)


def flat(value):
    if isinstance(value, list):
        for part in value:
            yield from flat(part)
    else:
        yield value


def judge(question: Question, reference: Outcome, outcome: Outcome) -> tuple[float, Verdict]:
    verdict = compare(reference.emitted, outcome.emitted)
    return (question.points if verdict.passed and outcome.status == "ok" else 0.0), verdict
