"""Where a student stands: what the grader and a person have given for every question, and what that makes."""

from dataclasses import dataclass, field

from .by_hand import Marks, changed_since
from .collect import Submission
from .late import Lateness
from .master import Master
from .result import Result


@dataclass(frozen=True)
class Standing:
    """One student's row in every table.

    Attributes:
        points: of each question; None for one that a person has not read yet.
        comments: what the person who read it says to the student, by question.
        overridden: questions whose points a person has set in place of the grader.
        penalty: points that lateness costs.
        remarks: for the instructor and the student, besides those of the grading.
    """

    submission: Submission
    result: Result
    points: dict[str, float | None]
    comments: dict[str, str] = field(default_factory=dict)
    overridden: tuple[str, ...] = ()
    penalty: float = 0.0
    remarks: tuple[str, ...] = ()

    @property
    def student(self) -> str:
        return self.submission.student

    @property
    def name(self) -> str:
        return self.submission.name or self.submission.student

    @property
    def reached(self) -> float:
        return sum(value for value in self.points.values() if value is not None)

    @property
    def total(self) -> float:
        return round(self.reached - self.penalty, 6)

    @property
    def unread(self) -> int:
        return sum(value is None for value in self.points.values())

    @property
    def status(self) -> str:
        return "; ".join(self.result.status)

    @property
    def notes(self) -> list[str]:
        return [*self.submission.notes, *self.result.notes, *self.remarks]


def standing(
    master: Master, submission: Submission, result: Result, marks: Marks, late: Lateness | None = None, rule: str = ""
) -> Standing:
    """Put together what the grader found, what a person gave, and what lateness costs (``rule``, if not said here)."""
    points, comments, overridden, remarks = {}, {}, [], []
    for q in master.questions:
        mark = marks.get((submission.student, q.id))
        if mark and mark.comment:
            comments[q.id] = mark.comment
        given = mark.points if mark else None
        if q.by_hand:
            # Where nothing is written, there is nothing to read.
            points[q.id] = 0.0 if given is None and not result.by_hand.get(q.id) else given
        elif given is not None:
            points[q.id] = given
            overridden.append(q.id)
            remarks.append(f"{q.id}: {given:g} points by hand, {mark.comment}")
        else:
            points[q.id] = result.questions[q.id].points
    remarks += [f"{q}: essay changed since it was marked" for q in changed_since(marks, submission, result)]
    reached = sum(value for value in points.values() if value is not None)
    penalty = late.takes(reached, rule) if late else 0.0
    if late and late.extension:
        remarks.append(f"extension: {late.extension}")
    elif penalty:
        remarks.append(f"late: {penalty:g} points less")
    return Standing(submission, result, points, comments, tuple(overridden), penalty, tuple(remarks))
