"""An exercise notebook as plain JSON: the marks of its cells, their text, and what is still blank.

`submit` reads a notebook with these in the student's kernel, and the grader in its own process. There a file comes
from outside and may hold anything, so nothing is taken for granted but that a cell is a dictionary.
"""

import ast
import re

STUB = "raise NotImplementedError"
PLACEHOLDER = "YOUR ANSWER HERE"
# Characters of code that are read as code.
LONGEST = 200_000
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


def finished(sources: list[str]) -> set[str]:
    """Names of those functions and classes that are more than the stub that was handed out."""
    names = set()
    for source in sources:
        end = len(source)
        for found in reversed(list(DEFINED.finditer(source))):
            if STUB not in source[found.start() : end]:
                names.add(found[1])
            end = found.start()
    return names


def blank(source: str) -> bool:
    """Whether an answer cell is as it was handed out, or empty."""
    return STUB in source or not prose(source)


def prose(source: str) -> str:
    """What somebody has written, above or below the placeholder or in its place."""
    return source.replace(PLACEHOLDER, "").strip()


def loose_code(cells: list[dict], names: set[str]) -> list[str]:
    """Cells without a mark that define one of these names: an answer below its stub, or one that lost its mark."""
    sources = [text(cell) for cell in cells if cell.get("cell_type") == "code" and not marks(cell)]
    return [source for source in sources if finished([source]) & names]


def loose_prose(cells: list[dict], grade_id: str) -> list[str]:
    """Text in cells without a mark right below the one with this mark, up to the next heading."""
    found, below = [], False
    for cell in cells:
        if marks(cell) or cell.get("cell_type") != "markdown" or text(cell).lstrip().startswith("#"):
            below = marks(cell).get("grade_id") == grade_id
        elif below and prose(text(cell)):
            found.append(text(cell))
    return found


def parse(code: str) -> ast.AST:
    """The cell as Python; without its magics, and empty if it is not Python at all, or too long to be an answer."""
    if len(code) > LONGEST:
        return ast.Module([], [])
    lines = [re.sub(r"^(\s*)[%!].*", r"\1pass", line) for line in code.split("\n")]
    try:
        return ast.parse("\n".join(lines))
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return ast.Module([], [])
