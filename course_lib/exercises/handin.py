"""`submit`: the file to hand in, and what is missing in it.

What counts is the saved notebook, but what a student sees is the running kernel. They differ more often than one
thinks: not saved, an old definition still alive, a helper function in a cell that the grader does not take. So
`submit` compares the two and says what it finds.
"""

import ast
import builtins
import inspect
import json
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from types import FunctionType

from .notebook import belongs, blank, defined, finished, loose_code, loose_prose, marks, parse, text
from .sheet import OPEN, Sheet, current, describe, progress

NO_NOTEBOOK = """I cannot see which file this notebook is in. Save it, then name it: submit("denoising.ipynb").
If that does not work either, save it, download it (File > Download) and hand in that: it is all the grader needs."""


def submit(path: str | Path | None = None) -> None:
    """Write ``NAME-submission.ipynb`` into the working folder and print what is missing.

    Colab gives the notebook as it is on the screen; JupyterLab, Notebook and VS Code tell where the file is, and it is
    the *saved* file that is handed in. Elsewhere give the ``path``.
    """
    sheet = current()
    progress()
    notebook = read_notebook(path, sheet.variables)
    if notebook is None:
        print(NO_NOTEBOOK)
        return
    problems = list(missing(notebook, sheet))
    out = Path(f"{sheet.name}-submission.ipynb")
    out.write_text(json.dumps(notebook, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
    print()
    for problem in problems:
        print(f"- {problem}")
    verdict = "Look at the list above before you hand it in." if problems else "Nothing is missing."
    print(f"{verdict} The file to hand in: {out}")
    if "google.colab" in sys.modules:
        from google.colab import files

        files.download(str(out))


def read_notebook(path: str | Path | None, variables: dict) -> dict | None:
    """The notebook that calls, as its JSON; None if it cannot be found."""
    if path is None and "google.colab" in sys.modules:
        from google.colab import _message

        answer = _message.blocking_request("get_ipynb", request="", timeout_sec=60)  # what its own tools use
        return answer["ipynb"] if answer else None
    told = [variables.get("__vsc_ipynb_file__"), os.environ.get("JPY_SESSION_NAME")]  # by VS Code, by Jupyter
    candidates = told if path is None else [path]
    for candidate in candidates:
        if candidate and Path(candidate).is_file() and Path(candidate).suffix == ".ipynb":
            return read_json(Path(candidate))
    if path is not None:
        raise FileNotFoundError(f"there is no notebook {path}")
    return None


def read_json(path: Path) -> dict:
    try:
        notebook = json.loads(path.read_text(encoding="utf-8"))
        iter(notebook["cells"])
        return notebook
    except (ValueError, KeyError, TypeError) as error:
        raise ValueError(f"{path} is not a notebook: {error!r}") from None


def missing(notebook: dict, sheet: Sheet) -> Iterator[str]:
    """What a student would want to know before handing this notebook in, one sentence each."""
    cells = [cell for cell in notebook["cells"] if isinstance(cell, dict)]
    answers = {marks(cell)["grade_id"]: cell for cell in cells if marks(cell).get("solution")}
    if not answers:
        yield (
            "The answer cells have lost their marks, so the grader has to look for the functions by their names and "
            "for your text below its question. A fresh notebook, with your answers copied into it, is safer."
        )
    saved = "\n".join(text(cell) for cell in cells if cell.get("cell_type") == "code")
    without = []
    for q in sheet.questions.values():
        mine = {grade_id: cell for grade_id, cell in answers.items() if belongs(grade_id, q.name)}
        if answers:
            open_ones = [grade_id for grade_id, cell in mine.items() if not answered(cells, grade_id, cell)]
            gone = not mine or bool(open_ones)
            yield from (f"{q.name}: {said}" for said in elsewhere(cells, mine))
        else:
            gone = not q.tested.keys() <= finished([saved]) if q.tested else q.status == OPEN
        if gone and q.status == OPEN:
            without.append(q.name)
        elif gone:
            yield f"{q.name}: an answer is missing in the file. Is it saved? Press Ctrl+S and run this cell again."
        elif q.status == OPEN:
            yield f"{q.name}: its check has not been run."
        elif not sheet.passes(q):
            yield f"{q.name}: {describe(q, sheet)}."
        elif differs := [name for name, thing in q.tested.items() if not written(thing, saved)]:
            yield (
                f"{q.name}: the {', '.join(differs)} that passed is not what the file says. Save the notebook (Ctrl+S) "
                "and run this cell again; if it says the same, run the answer and its check again."
            )
    if without:
        yield f"No answer yet: {', '.join(without)}."
    if answers and (extra := left_behind(cells, sheet.variables)):
        yield (
            f"Your answers use {', '.join(extra)} from cells that you added. The grader takes the answer cells only: "
            "move there what they need."
        )


def answered(cells: list[dict], grade_id: str, cell: dict) -> bool:
    """Whether there is an answer, in its cell or where the grader looks for it besides."""
    source = text(cell)
    if cell.get("cell_type") != "code":
        return not blank(source) or bool(loose_prose(cells, grade_id))
    names = defined([source])
    return not blank(source) or bool(names) and names <= finished([source, *loose_code(cells, names)])


def elsewhere(cells: list[dict], mine: dict[str, dict]) -> Iterator[str]:
    """What the grader will find though it does not stand where it should."""
    for grade_id, cell in mine.items():
        source = text(cell)
        if cell.get("cell_type") != "code":
            if loose_prose(cells, grade_id):
                yield "your text stands in a cell of its own below the one for it; it will be found."
        elif loose_code(cells, defined([source]) - finished([source])):
            yield "your answer stands in a cell of its own below the one for it; it will be found."


def written(thing: object, saved: str) -> bool:
    """Whether the source of this live function or class stands in the saved notebook."""
    functions = (
        [thing] if isinstance(thing, FunctionType) else [f for f in vars(thing).values() if isinstance(f, FunctionType)]
    )
    try:
        return all(inspect.getsource(f).rstrip() in saved for f in functions)
    except (OSError, TypeError):
        return True  # no source to be had, as for a dataclass's methods: nothing to compare


def left_behind(cells: list[dict], variables: dict) -> list[str]:
    """Names that answer cells use, the live notebook knows, and no cell that the grader keeps defines."""
    kept, used = set(dir(builtins)), set()
    for cell in cells:
        if cell.get("cell_type") == "code" and marks(cell):
            tree = parse(text(cell))
            kept |= bound(tree)
            if marks(cell).get("solution"):
                used |= {n.id for n in ast.walk(tree) if isinstance(n, ast.Name)}
    return sorted(name for name in used - kept if name in variables)


def bound(tree: ast.AST) -> set[str]:
    """Every name that the code gives a meaning to, anywhere in it."""
    names = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Name) and not isinstance(node.ctx, ast.Load):
            names.add(node.id)
        elif isinstance(node, (ast.FunctionDef, ast.ClassDef)):
            names.add(node.name)
        elif isinstance(node, ast.arg):
            names.add(node.arg)
        elif isinstance(node, ast.alias):
            names.add((node.asname or node.name).split(".")[0])
        elif isinstance(node, ast.ExceptHandler) and node.name:
            names.add(node.name)
    return names
