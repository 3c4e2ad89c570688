"""The instructor's notebook, as the grader sees it: given cells, answers, and questions with their points."""

import hashlib
import json
import re
import textwrap
from dataclasses import dataclass, field
from pathlib import Path

REGION = re.compile(
    r"^[ \t]*### BEGIN HIDDEN TESTS[^\n]*\n(.*?)^[ \t]*### END HIDDEN TESTS[^\n]*(?:\n|\Z)", re.S | re.M
)
DEFINED = re.compile(r"^(?:async +def|def|class) +(\w+)", re.M)


@dataclass(frozen=True)
class Cell:
    """A code cell that is run: ``answer`` if the student writes it."""

    id: str
    source: str
    answer: bool

    @property
    def names(self) -> list[str]:
        """The functions and classes that it defines, by which a cell without its mark is recognised."""
        return DEFINED.findall(self.source)


@dataclass(frozen=True)
class Question:
    """A graded question; ``before`` are the cells that run before its check."""

    id: str  # as the students see it: denoising.3
    points: float
    title: str
    before: tuple[Cell, ...] = ()
    check: str = ""
    hidden: str = ""
    by_hand: bool = False
    answers: tuple[str, ...] = ()  # grade_ids of its answer cells
    model: str = ""  # for a question that a person reads: the model answer, and what it is worth


@dataclass(frozen=True)
class Master:
    """The whole notebook. ``given`` are the cells before the first answer, the same for everyone."""

    name: str
    given: tuple[Cell, ...]
    questions: tuple[Question, ...]
    sha: str = field(repr=False)

    @property
    def graded(self) -> list[Question]:
        return [q for q in self.questions if not q.by_hand]

    @property
    def answers(self) -> dict[str, Cell]:
        """Every answer cell that is run."""
        return {cell.id: cell for q in self.graded for cell in q.before if cell.answer}

    @property
    def points(self) -> float:
        return sum(q.points for q in self.questions)


def marks(cell: dict) -> dict:
    """nbgrader's metadata of a cell, whatever else may be in its place."""
    found = cell.get("metadata")
    found = found.get("nbgrader") if isinstance(found, dict) else None
    return found if isinstance(found, dict) and isinstance(found.get("grade_id"), str) else {}


def text(cell: dict) -> str:
    """The cell's source; on disk it may be a list of lines."""
    source = cell.get("source", "")
    if isinstance(source, list):
        source = "".join(line for line in source if isinstance(line, str))
    return source if isinstance(source, str) else ""


def belongs(grade_id: str, question: str) -> bool:
    """Whether a cell is the question's: ``denoising-3``, ``denoising-3-answer``."""
    return re.fullmatch(re.escape(question.replace(".", "-")) + r"(\D.*)?", grade_id) is not None


def read_master(path: Path) -> Master:
    """Read and check the instructor's notebook; a `ValueError` says what is wrong with it."""
    data = path.read_bytes()
    cells = [cell for cell in json.loads(data)["cells"]]
    marked = [(marks(cell), cell) for cell in cells if marks(cell)]
    ids = [m["grade_id"] for m, _ in marked]
    if len(set(ids)) != len(ids):
        raise ValueError(f"{path.name} has two cells with the grade_id {max(ids, key=ids.count)!r}")
    titles, graded = headings(cells), [m for m, _ in marked if m.get("grade")]
    by_hand = [m["grade_id"].replace("-", ".", 1) for m in graded if m.get("solution")]
    run, questions = [], []
    for m, cell in marked:
        name = m["grade_id"].replace("-", ".", 1)
        if m.get("grade"):
            own = tuple(i for i, (n, _) in zip(ids, marked, strict=True) if n.get("solution") and belongs(i, name))
            shared = {
                "id": name,
                "points": float(m["points"]),
                "title": titles[m["grade_id"]],
                "answers": own,
            }
            if name in by_hand:
                questions.append(Question(**shared, by_hand=True, model=text(cell)))
                continue
            hidden = "\n".join(textwrap.dedent(part) for part in REGION.findall(text(cell)))
            if "emit(" not in hidden:
                raise ValueError(f"{path.name}: the hidden tests of {name} emit nothing, so there is nothing to grade")
            check = REGION.sub("", text(cell))
            questions.append(Question(**shared, before=tuple(run), check=check, hidden=hidden))
        elif cell["cell_type"] == "code" and not any(belongs(m["grade_id"], name) for name in by_hand):
            run.append(Cell(m["grade_id"], REGION.sub("", text(cell)), bool(m.get("solution"))))
    if not questions:
        raise ValueError(f"{path.name} has no graded cells")
    first = next((i for i, cell in enumerate(run) if cell.answer), len(run))
    return Master(path.stem, tuple(run[:first]), tuple(questions), hashlib.sha256(data).hexdigest())


def headings(cells: list[dict]) -> dict[str, str]:
    """For each marked cell the last heading above it, without its number and its points."""
    titles, last = {}, ""
    for cell in cells:
        if (
            cell["cell_type"] == "markdown"
            and (found := re.findall(r"^##? +(.+)$", text(cell), re.M))
            and not marks(cell)
        ):
            last = re.sub(r"^\d+\. *| *\([^)]*points?[^)]*\)$", "", found[-1]).strip()
        if marks(cell):
            titles[marks(cell)["grade_id"]] = last
    return titles
