"""The instructor's notebook, as the grader sees it: given cells, answers, and questions with their points."""

import hashlib
import json
import re
import textwrap
from dataclasses import dataclass, field
from pathlib import Path

from course_lib.exercises.notebook import belongs, defined, marks, text

REGION = re.compile(
    r"^[ \t]*### BEGIN HIDDEN TESTS[^\n]*\n(.*?)^[ \t]*### END HIDDEN TESTS[^\n]*(?:\n|\Z)", re.S | re.M
)
# What a check closes stays closed for the hidden tests.
CLOSED = re.compile(r"^with check\([^\n]*closed=\[(.+?)\]\):", re.M)
CLOSE = "from course_lib.exercises.closing import close as _close\nfor _name in [{}]:\n    _close(_name)"
# The line in hidden tests below which a referee takes over.
REFEREE = "# ---- the referee ----\n"


@dataclass(frozen=True)
class Cell:
    """A code cell that is run: ``answer`` if the student writes it."""

    id: str
    source: str
    answer: bool

    @property
    def names(self) -> set[str]:
        """The functions and classes that it defines, by which a cell without its mark is recognised."""
        return defined([self.source])


@dataclass(frozen=True)
class Question:
    """A graded question; ``before`` are the cells that run before its check."""

    # As the students see it: denoising.3
    id: str
    points: float
    title: str
    before: tuple[Cell, ...] = ()
    check: str = ""
    hidden: str = ""
    # Names of library functions that may not be used.
    closed: tuple[str, ...] = ()
    # What judges the things that the hidden code hands over, in a process of its own.
    referee: str = ""
    by_hand: bool = False
    # grade_ids of its answer cells.
    answers: tuple[str, ...] = ()
    # For a question that a person reads: the model answer and what it is worth, and what its code defines.
    model: str = ""
    names: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Master:
    """The whole notebook. ``given`` are the cells before the first answer, the same for everyone."""

    name: str
    given: tuple[Cell, ...]
    questions: tuple[Question, ...]
    sha: str = field(repr=False)
    # Text that everybody was given, and the question below whose heading it stands.
    given_text: dict[str, str] = field(default_factory=dict, repr=False)

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
                code = [text(c) for n, c in marked if n["grade_id"] in own and c["cell_type"] == "code"]
                names = frozenset(defined(code))
                questions.append(Question(**shared, by_hand=True, model=text(cell), names=names))
                continue
            hidden = "\n".join(textwrap.dedent(part) for part in REGION.findall(text(cell)))
            hidden, _, referee = hidden.partition(REFEREE)
            if "emit(" not in hidden + referee:
                raise ValueError(f"{path.name}: the hidden tests of {name} emit nothing, so there is nothing to grade")
            check = REGION.sub("", text(cell))
            closed = CLOSED.search(check)
            if closed:
                hidden = f"{CLOSE.format(closed[1])}\n{hidden}"
                shared["closed"] = tuple(name.strip().split(".")[-1] for name in closed[1].split(","))
            questions.append(Question(**shared, before=tuple(run), check=check, hidden=hidden, referee=referee))
        elif cell["cell_type"] == "code" and not any(belongs(m["grade_id"], name) for name in by_hand):
            run.append(Cell(m["grade_id"], REGION.sub("", text(cell)), bool(m.get("solution"))))
    if not questions:
        raise ValueError(f"{path.name} has no graded cells")
    first = next((i for i, cell in enumerate(run) if cell.answer), len(run))
    sha = hashlib.sha256(data).hexdigest()
    return Master(path.stem, tuple(run[:first]), tuple(questions), sha, given_text(cells))


def given_text(cells: list[dict]) -> dict[str, str]:
    """The question to which each unmarked text belongs: the one that is graded below the same heading, if any."""
    sections: list[list[dict]] = [[]]
    for cell in cells:
        if cell["cell_type"] == "markdown" and text(cell).startswith("## "):
            sections.append([])
        sections[-1].append(cell)
    found = {}
    for section in sections:
        graded = [marks(c)["grade_id"].replace("-", ".", 1) for c in section if marks(c).get("grade")]
        texts = [text(c).strip() for c in section if c["cell_type"] == "markdown" and not marks(c)]
        found |= dict.fromkeys(texts, graded[-1] if graded else "")
    return found


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
