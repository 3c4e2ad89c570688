"""What a grading says of one submission: plain data, as it is kept on disk and as the pages and tables show it."""

from dataclasses import asdict, dataclass, field
from enum import StrEnum


class Status(StrEnum):
    """How a question, or the whole submission, went; `meaning` is what its student is told."""

    meaning: str

    def __new__(cls, value: str, meaning: str = ""):
        member = str.__new__(cls, value)
        member._value_, member.meaning = value, meaning
        return member

    OK = "ok"
    TIMEOUT = "timeout", "It did not come to an end in the time that a question has. Is there a loop without an end?"
    MEMORY = "memory", "It asked for more memory than a question has."
    OUTPUT = "output", "It printed more than anybody could read, and was stopped."
    PROCESSES = "processes", "It started too many processes, and was stopped."
    FORGED = "forged", "It wrote into the channel that the grader listens to."
    KERNEL_DIED = "kernel-died", "Python itself ended while your code ran: a call of exit, or a crash in a library."
    MISSING = "missing", "There was no answer cell for this question in the file."
    UNREADABLE = (
        "unreadable",
        "The file is not a notebook that can be read. Download it again and open it before you hand it in.",
    )
    EMPTY = "empty", "The file is empty: the upload may have been cut off."
    TOO_LARGE = (
        "too-large",
        "The file is larger than 20 MB. Clear the outputs (Edit > Clear All Outputs) and save it.",
    )
    WRONG_ASSIGNMENT = "wrong-assignment", "This notebook belongs to another assignment."
    NO_ANSWERS = "no-answers", "No answer cell was found in this notebook. Copy your answers into a fresh one."
    NO_FILE = "no-file", "There is no notebook among your files."
    NOT_A_NOTEBOOK = (
        "not-a-notebook",
        "What arrived is not a notebook (.ipynb), so nothing in it can be run. Hand in the notebook itself.",
    )
    CONFLICT = "conflict", "It is not clear whose file this is; your instructor has to ask."
    GRADER_FAILED = (
        "grader-failed",
        "The grader itself failed here; this is not your fault, and your instructor knows.",
    )
    UNSANDBOXED = "unsandboxed"


@dataclass
class QuestionResult:
    """One question that the grader judges."""

    points: float = 0.0
    status: Status = Status.OK
    # What the answer's own errors and the visible check said: from the student's process, so it may be anything.
    message: str = ""
    # The stub, untouched.
    open: bool = False
    # How many of the hidden values were right, and the names of those that were not.
    right: int = 0
    wrong: list[str] = field(default_factory=list)
    # What the leaderboard shows.
    board: float | None = None


@dataclass
class Result:
    """One submission."""

    status: list[Status]
    notes: list[str] = field(default_factory=list)
    questions: dict[str, QuestionResult] = field(default_factory=dict)
    # For each question that a person reads, what the student wrote.
    by_hand: dict[str, str] = field(default_factory=dict)
    # Fingerprints of the answers without their names and comments.
    shapes: dict[str, str] = field(default_factory=dict)

    @property
    def board(self) -> float | None:
        """The best value for the leaderboard."""
        return max((q.board for q in self.questions.values() if q.board is not None), default=None)

    def as_json(self) -> dict:
        return asdict(self)

    @classmethod
    def from_json(cls, kept: dict) -> "Result":
        """The inverse of `as_json`; a ``TypeError``, ``KeyError`` or ``ValueError`` if it is something else."""
        rows = {
            name: QuestionResult(**row | {"status": Status(row["status"])}) for name, row in kept["questions"].items()
        }
        return cls(**kept | {"status": [Status(s) for s in kept["status"]], "questions": rows})
