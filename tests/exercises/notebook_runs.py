"""Exercise notebooks run in this process, cell by cell, and what their hidden tests emit."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import nbformat
from IPython.core.inputtransformer2 import TransformerManager

from course_lib.exercises import sheet
from course_lib.exercises.handover import plain
from exercises.grader.compare import compare

EXERCISES = Path(__file__).parents[2] / "exercises"
MASTERS = sorted((EXERCISES / "instructor").glob("*.ipynb"))


def load(path):
    return nbformat.read(path, as_version=4)


def marks(cell) -> dict:
    return cell.metadata.get("nbgrader", {})


def answers(notebook) -> dict[str, str]:
    """The code of every answer cell, by its id."""
    return {
        marks(c)["grade_id"]: c.source for c in notebook.cells if c.cell_type == "code" and marks(c).get("solution")
    }


def questions(notebook) -> dict[str, int]:
    """The points of every question, by the id of the cell that has them."""
    return {marks(c)["grade_id"]: marks(c)["points"] for c in notebook.cells if marks(c).get("grade")}


@dataclass
class Outcome:
    """How a test cell ended, and what it emitted, in the grader's form."""

    error: Exception | None = None
    emitted: list[dict] = field(default_factory=list)


def run(notebook, only=None, skip=(), replace: Mapping[str, str] = {}, seed=0, asserts=True):
    """Outcome of every locked test cell that was run, by grade_id: the cells that have a mark, in order.

    Args:
        only: answers and tests of this question alone, ``denoising-3``; all locked cells that help are run.
        skip: questions to leave out, as those that train.
        replace: other code for some answer cells.
        asserts: False leaves the visible asserts out, as somebody who patches them would.
    """
    sheet._sheet = None  # a fresh kernel has no sheet
    variables, outcomes, now = {"__name__": "exercise"}, {}, Outcome()

    def emit(what, value, atol=1e-5, rtol=1e-4, at_least=None):
        compared = {"atol": atol, "rtol": rtol, "at_least": at_least}
        now.emitted.append({"what": what, "value": plain(value)} | compared)

    for cell in notebook.cells:
        name = marks(cell).get("grade_id")
        if cell.cell_type != "code" or name is None or name.endswith("-submit"):
            continue
        question = "-".join(name.split("-")[:2])
        if question in questions(notebook) and (question in skip or question != (only or question)):
            continue
        now = Outcome()
        variables.update(emit=emit, seed=seed)
        code = TransformerManager().transform_cell(replace.get(name, cell.source))
        try:
            exec(compile(code, name, "exec", optimize=0 if asserts else 1), variables)
        except Exception as error:
            now.error = error
        if marks(cell).get("grade") or name.endswith("-check"):
            outcomes[name] = now
        elif now.error and not isinstance(now.error, NotImplementedError):
            raise now.error
    return outcomes


def training(notebook) -> list[str]:
    """Questions that take seconds, because something is trained in them."""
    cells = [c for c in notebook.cells if re.search(r"(?<![.\w])train\(", c.source) and marks(c)]
    return sorted({"-".join(marks(c)["grade_id"].split("-")[:2]) for c in cells} & questions(notebook).keys())


def agree(reference: Outcome, answer: Outcome) -> bool:
    """Whether the grader would give the points; tolerances and bounds are the master's."""
    return compare(reference.emitted, answer.emitted).passed
