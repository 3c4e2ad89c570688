"""The sheet of one exercise notebook: its questions, and which of them pass their visible checks.

It lives in the notebook's kernel and forgets everything with it. Nothing here decides about a grade: the grader runs
the answers again, elsewhere, with other inputs, and compares what they return outside the student's process.
"""

import sys
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from types import FunctionType

from . import closing
from .handover import pack, unpack

OPEN, PASSED, FAILED = "not answered yet", "passes", "fails"


@dataclass
class Question:
    """One question: its points, its title, and what its check said when it last ran."""

    name: str
    points: int
    title: str
    by_hand: bool = False
    status: str = OPEN
    message: str = ""
    tested: dict[str, object] = field(default_factory=dict)  # the student's functions and classes, by name


@dataclass
class Sheet:
    """The questions of one notebook, in order, and the notebook's variables."""

    name: str
    questions: dict[str, Question]
    variables: dict[str, object]

    def stale(self, q: Question) -> list[str]:
        """Names of what was defined anew since the question's check passed; the check has not seen it."""
        return [name for name, tested in q.tested.items() if self.variables.get(name) is not tested]

    def passes(self, q: Question) -> bool:
        """Whether the check passed, and for what is defined now."""
        return q.status == PASSED and not self.stale(q)

    def points(self) -> int:
        """Points of the questions that pass their visible checks now, those graded by hand left out."""
        return sum(q.points for q in self.questions.values() if self.passes(q) and not q.by_hand)


_sheet: Sheet | None = None


def start(name: str, questions: dict[str, tuple[int, str]], by_hand: tuple[str, ...] = ()) -> None:
    """Open the sheet of a notebook: ``{"denoising.1": (points, title), ...}``. Running it again forgets nothing.

    Hidden tests call ``emit("what", value)`` and take their inputs from ``seed``; what a referee is to judge, they
    `hand_over`, and it lies in ``handed``. The grader brings its own; where it has not, as when a teacher runs a
    master, the notebook gets an ``emit`` that does nothing and the seed 0.

    Args:
        by_hand: the questions that a person grades; their check only says that everything is there.
    """
    global _sheet
    variables = sys._getframe(1).f_globals
    variables.setdefault("emit", _nothing)
    variables.setdefault("seed", 0)
    variables.setdefault("handed", handed := {})
    variables.setdefault("hand_over", lambda name, thing: handed.update({name: unpack(pack(thing))}))
    if _sheet is None or (_sheet.name, list(_sheet.questions)) != (name, list(questions)):
        rows = {q: Question(q, points, title, q in by_hand) for q, (points, title) in questions.items()}
        _sheet = Sheet(name, rows, variables)
    total = sum(points for points, _ in questions.values())
    print(f"{name}: {len(questions)} questions, {total} points. progress() shows how far you are.")


def _nothing(*_, **__) -> None:
    """The ``emit`` of a notebook that is not being graded."""


def current() -> Sheet:
    """The open sheet. Raises ``RuntimeError`` if the notebook's first cell has not run."""
    if _sheet is None:
        raise RuntimeError("run the first code cell of the notebook: it opens the sheet of questions")
    return _sheet


class check:  # noqa: N801, it reads as a statement: `with check("denoising.1"):`
    """Surround the asserts of one question, so that `progress` knows how they ended.

    Errors go on as ever, but a notebook shows of those that the check itself raises only what helps (`in_short`).
    Functions in ``closed`` do not work inside (`course_lib.exercises.closing`).

    >>> start("demo", {"demo.1": (2, "Doubling")})
    demo: 1 questions, 2 points. progress() shows how far you are.
    >>> with check("demo.1"):
    ...     assert 1 + 1 == 2, "adding 1 to 1 should give 2"
    demo.1 passes. You have 2 points so far.
    """

    def __init__(self, question: str, closed: Iterable[Callable] = ()):
        self.sheet, self.closing = current(), closing.closed(closed)
        if question not in self.sheet.questions:
            known = ", ".join(self.sheet.questions)
            raise ValueError(f"the sheet {self.sheet.name!r} has no question {question!r}, only {known}")
        self.question = self.sheet.questions[question]

    def __enter__(self) -> None:
        self.closing.__enter__()

    def __exit__(self, kind, error, traceback) -> bool:
        self.closing.__exit__(None, None, None)
        q, cell = self.question, sys._getframe(1)
        # What the notebook itself defines, not what it imports.
        things = {name: cell.f_globals.get(name) for name in cell.f_code.co_names}
        q.tested = {
            name: thing
            for name, thing in things.items()
            if isinstance(thing, (FunctionType, type)) and thing.__module__ == cell.f_globals["__name__"]
        }
        if error is None:
            q.status, q.message = PASSED, ""
            print(f"{q.name} {describe(q, self.sheet)}. You have {self.sheet.points()} points so far.")
        elif isinstance(error, NotImplementedError):
            q.status, q.message = OPEN, ""
        else:
            said = str(error).strip() or kind.__name__
            q.status, q.message = (
                FAILED,
                said if isinstance(error, AssertionError) else f"{kind.__name__}: {said}",
            )
        if error is not None and (lines := in_short(error, traceback, q)):
            error._render_traceback_ = lambda: lines  # IPython asks for this before it draws a traceback
        return False


def in_short(error: Exception, traceback, q: Question) -> list[str] | None:
    """What a student needs to read of an error, as lines; None if that is the whole traceback."""
    cell = traceback.tb_frame.f_code.co_filename
    while traceback.tb_next:
        traceback = traceback.tb_next
    if isinstance(error, NotImplementedError):
        return [
            f"{q.name} is not answered yet. In the cell above, write your answer in place of",
            "`raise NotImplementedError`, run that cell, and then this one again.",
        ]
    if traceback.tb_frame.f_code.co_filename != cell:
        return None  # it comes from the answer: there the traceback helps
    if isinstance(error, AssertionError):
        return [f"{q.name} fails in line {traceback.tb_lineno} of this cell:", "", str(error)]
    if isinstance(error, NameError) and error.name:
        return [f"{error.name} is not known yet. Run the cells above, from the first one to your answer."]
    if "NoneType" in str(error):
        return [
            f"{q.name} fails in line {traceback.tb_lineno} of this cell: {type(error).__name__}: {error}",
            "",
            "Something is None where a result should be. Does your answer end with a return?",
        ]
    return None


def progress() -> None:
    """Print which questions pass their visible checks, what the others said last, and the points so far."""
    sheet = current()
    questions = list(sheet.questions.values())
    by_hand = sum(q.points for q in questions if q.by_hand)
    total = sum(q.points for q in questions) - by_hand
    filled = round(20 * sheet.points() / total)
    print(f"{sheet.name}  [{'#' * filled}{'.' * (20 - filled)}]  {sheet.points()} of {total} points")
    width = max(len(q.title) for q in questions)
    for q in questions:
        earned = "?" if q.by_hand else q.points * sheet.passes(q)
        print(f"  {q.name:<14} {q.title:<{width}}  {earned} of {q.points}  {describe(q, sheet)}")
    print("These are the visible checks. The grader asks the same with other numbers", end="")
    print(f", and a person gives up to {by_hand} points more." if by_hand else ".")


def describe(q: Question, sheet: Sheet) -> str:
    """What there is to say about a question, in one line."""
    if q.status == PASSED and (stale := sheet.stale(q)):
        return f"{', '.join(stale)} changed since: run the check again"
    if q.status == PASSED:
        return "runs; a person reads your text" if q.by_hand else PASSED
    first_line = q.message.split("\n")[0]
    return f"{q.status}: {first_line}" if first_line else q.status
