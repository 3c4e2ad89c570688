"""Where a student stands: what the grader and a person have given for every question, and what that makes."""

from dataclasses import dataclass, field

from .collect import Submission
from .master import Master
from .result import Result


@dataclass(frozen=True)
class Standing:
    """One student's row in every table."""

    submission: Submission
    result: Result
    # Points of each question; None for one that a person has not read yet.
    points: dict[str, float | None]
    # What the person who read it says to the student, by question.
    comments: dict[str, str] = field(default_factory=dict)

    @property
    def student(self) -> str:
        return self.submission.student

    @property
    def total(self) -> float:
        return sum(value for value in self.points.values() if value is not None)

    @property
    def unread(self) -> int:
        return sum(value is None for value in self.points.values())

    @property
    def status(self) -> str:
        return "; ".join(self.result.status)

    @property
    def notes(self) -> list[str]:
        return [*self.submission.notes, *self.result.notes]


def standing(
    master: Master, submission: Submission, result: Result, given: dict[str, float], comments: dict[str, str]
) -> Standing:
    """Put together what the grader found and what a person gave."""
    points = {}
    for q in master.questions:
        if q.by_hand:
            # Where nothing is written, there is nothing to read.
            points[q.id] = given.get(q.id, None if result.by_hand.get(q.id) else 0.0)
        else:
            points[q.id] = result.questions[q.id].points
    return Standing(submission, result, points, comments)
