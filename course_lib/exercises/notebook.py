"""An exercise notebook as plain JSON: the marks of its cells, their text, and what is still blank.

`submit` reads a notebook with these in the student's kernel, and the grader in its own process. There a file comes
from outside and may hold anything, so nothing is taken for granted but that a cell is a dictionary.
"""

import re

STUB = "raise NotImplementedError"
PLACEHOLDER = "YOUR ANSWER HERE"
DEFINED = re.compile(r"^(?:async +def|def|class) +(\w+)", re.M)


def marks(cell: dict) -> dict:
    """nbgrader's metadata of a cell; empty if there is none with an id, whatever else is in its place."""
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
    """Whether a cell is the question's (nbgrader allows no dots): ``denoising-3``, ``denoising-3-answer``."""
    return re.fullmatch(re.escape(question.replace(".", "-")) + r"(\D.*)?", grade_id) is not None


def defined(sources: list[str]) -> set[str]:
    """Names of the functions and classes that the cells define."""
    return {name for source in sources for name in DEFINED.findall(source)}


def blank(source: str) -> bool:
    """Whether an answer cell is as it was handed out, or empty."""
    return STUB in source or not prose(source)


def prose(source: str) -> str:
    """What somebody has written, above or below the placeholder or in its place."""
    return source.replace(PLACEHOLDER, "").strip()
