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
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from types import FunctionType

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
    answers = {}
    for cell in notebook["cells"]:
        marks = cell.get("metadata", {}).get("nbgrader", {})
        if marks.get("solution"):
            answers[marks["grade_id"]] = source(cell)
    if not answers:
        yield "The answer cells have lost their marks, so the grader has to guess: copy them into a fresh notebook."
        return
    saved = "\n".join(source(cell) for cell in notebook["cells"] if cell["cell_type"] == "code")
    without = []
    for q in sheet.questions.values():
        mine = [text for grade_id, text in answers.items() if belongs(grade_id, q.name)]
        if not mine or any(blank(text) for text in mine):
            if q.status == OPEN:
                without.append(q.name)
            else:
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
    if extra := left_behind(notebook, sheet.variables):
        yield (
            f"Your answers use {', '.join(extra)} from cells that you added. The grader takes the answer cells only: "
            "move there what they need."
        )


def belongs(grade_id: str, question: str) -> bool:
    """Whether an answer cell is the question's (nbgrader allows no dots): ``denoising-3``, ``denoising-3-answer``."""
    return re.fullmatch(re.escape(question.replace(".", "-")) + r"(\D.*)?", grade_id) is not None


def blank(text: str) -> bool:
    return "raise NotImplementedError" in text or "YOUR ANSWER HERE" in text or not text.strip()


def source(cell: dict) -> str:
    """The cell's text; on disk it may be a list of lines."""
    return "".join(cell["source"])


def written(thing: object, saved: str) -> bool:
    """Whether the source of this live function or class stands in the saved notebook."""
    functions = (
        [thing] if isinstance(thing, FunctionType) else [f for f in vars(thing).values() if isinstance(f, FunctionType)]
    )
    try:
        return all(inspect.getsource(f).rstrip() in saved for f in functions)
    except (OSError, TypeError):
        return True  # no source to be had, as for a dataclass's methods: nothing to compare


def left_behind(notebook: dict, variables: dict) -> list[str]:
    """Names that answer cells use, the live notebook knows, and no cell that the grader keeps defines."""
    kept, used = set(dir(builtins)), set()
    for cell in notebook["cells"]:
        marks = cell.get("metadata", {}).get("nbgrader")
        if cell["cell_type"] == "code" and marks:
            tree = parse(source(cell))
            kept |= bound(tree)
            if marks.get("solution"):
                used |= {n.id for n in ast.walk(tree) if isinstance(n, ast.Name)}
    return sorted(name for name in used - kept if name in variables)


def parse(text: str) -> ast.AST:
    """The cell as Python; without its magics, and empty if it is not Python at all."""
    lines = [re.sub(r"^(\s*)[%!].*", r"\1pass", line) for line in text.split("\n")]
    try:
        return ast.parse("\n".join(lines))
    except SyntaxError:
        return ast.Module([], [])


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
