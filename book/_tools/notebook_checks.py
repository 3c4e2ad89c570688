"""What a stored chapter must look like; the runner and the tests ask the same questions."""

import json
import re

import prose
import sentences
from stored_prose import disagreements

SUMMARY = re.compile(r"^Ran on .+, in [\d.]+ s$")
MACHINE_PATH = re.compile(r"(?<![\w.:/-])(/(work|root|home|tmp|opt|Users|content)/|[A-Z]:\\Users\\)")
MAX_OUTPUT_BYTES = 500_000
MAX_COLUMNS = 100  # of code that is shown: what is wider scrolls, in the book and on a laptop
# Chapters that need more room for their outputs, each with the reason.
LARGER_OUTPUTS: dict[str, str] = {}


def alternative_text(output) -> str:
    """The figure's alternative text, which ``course_lib.plotting`` stores as text/plain; "" if none."""
    text = "".join(output.get("data", {}).get("text/plain", "")).strip()
    return "" if text.startswith("<") else text


def is_picture(output) -> bool:
    return any(kind.startswith("image/") for kind in output.get("data", {}))


def output_problems(nb, name: str = "") -> list[str]:
    """Reasons not to store the outputs of this run; empty when they are fit for the book."""
    problems, sizes = [], {}
    for i, cell in enumerate(nb.cells):
        outputs = cell.get("outputs", [])
        sizes[i] = len(json.dumps(outputs, ensure_ascii=False)) if outputs else 0
        problems += [f"cell {i}: {p}" for output in outputs for p in _one_output(output)]
        problems += [f"cell {i}: {p}" for output in outputs for p in _printed_prose(output)]
    if sum(sizes.values()) > MAX_OUTPUT_BYTES and name not in LARGER_OUTPUTS:
        largest = sorted(sizes, key=sizes.get, reverse=True)[:6]
        problems.append(
            f"outputs take {sum(sizes.values()) // 1000} kB, at most {MAX_OUTPUT_BYTES // 1000} kB a chapter; most in "
            + ", ".join(f"cell {i} ({sizes[i] // 1000} kB)" for i in largest)
        )
    return problems


def _one_output(output):
    if output.output_type == "error":
        yield f"an error is stored: {output.ename}: {output.evalue}"
    if output.output_type == "stream" and output.name == "stderr":
        yield f"something was written to stderr: {output.text.strip()[:200]!r}"
    if "application/vnd.jupyter.widget-view+json" in output.get("data", {}):
        yield "a live widget is stored; with COURSE_STATIC=1 it must be a static element"
    if is_picture(output) and not alternative_text(output):
        yield "a picture without alternative text; show it with course_lib.plotting and alt=..."
    for text in _texts(output):
        if found := MACHINE_PATH.search(text):
            yield f"a path of this machine: {text[max(0, found.start() - 20) : found.end() + 30]!r}"


def _texts(output):
    """The readable text of an output; base64 pictures may contain anything."""
    yield output.get("text", "")
    for kind, data in output.get("data", {}).items():
        if kind.startswith("text/") or kind == "image/svg+xml":
            yield re.sub(r"data:[\w/+.-]+;base64,[A-Za-z0-9+/=\s]+", "data:", "".join(data))


def form_problems(nb) -> list[str]:
    """Where the chapter departs from the form every chapter shares (CONTRIBUTING.md)."""
    problems = []
    code = [c for c in nb.cells if c.cell_type == "code"]
    if not nb.cells or nb.cells[0].cell_type != "markdown" or not nb.cells[0].source.startswith("# "):
        problems.append("the first cell must be Markdown and begin with the title, '# ...'")
    if not code or "session.start(" not in code[0].source or "pip" not in code[0].source:
        problems.append("the first code cell must be the setup cell: install if missing, imports, session.start")
    if not code or not code[-1].source.rstrip().endswith("print(run.summary())"):
        problems.append("the last code cell must end with print(run.summary())")
    ids = [c.get("id") for c in nb.cells]
    if None in ids or len(set(ids)) != len(ids):
        problems.append("cell ids are missing or not unique")
    for i, cell in enumerate(nb.cells):
        if cell.cell_type == "markdown":
            problems += [f"cell {i}: {p}" for p in markdown_problems(cell.source)]
        elif "remove-input" not in cell.metadata.get("tags", []):
            wide = [line.strip()[:30] for line in cell.source.splitlines() if len(line) > MAX_COLUMNS]
            problems += [f"cell {i}: a line of more than {MAX_COLUMNS} columns: {line} ..." for line in wide]
    return problems


def stored_problems(nb) -> list[str]:
    """What must hold for a chapter whose outputs are stored, and what its prose says of stored reference runs."""
    problems = disagreements(nb)
    code = [c for c in nb.cells if c.cell_type == "code"]
    lines = [line for o in (code[-1].outputs if code else []) for line in o.get("text", "").splitlines()]
    if not lines or not SUMMARY.match(lines[-1]):
        problems.append("no stored outputs, or the last line is not the run's summary; run `make execute`")
    for i, cell in enumerate(nb.cells):
        if cell.cell_type == "markdown":
            waiting = [c for c in prose.read(cell.source)[0] if c.value and cell.source[slice(*c.value)] == "?"]
            problems += [f"cell {i}: {c.expression} has no value yet; run `make execute`" for c in waiting]
        pictures = any(is_picture(o) for o in cell.get("outputs", []))
        if pictures and not cell.metadata.get("mystnb", {}).get("image", {}).get("alt"):
            problems.append(f"cell {i}: metadata mystnb.image.alt is missing; run `make execute`")
    return problems


def prose_problems(nb) -> list[str]:
    """What is wrong with the prose before anything runs: malformed comments, typed numbers, unknown citations."""
    problems = []
    for i, cell in enumerate(nb.cells):
        if cell.cell_type == "markdown":
            comments, found = prose.read(cell.source)
            found += sentences.citation_problems(comments)
            found += sentences.typed_numbers(cell.source)
            problems += [f"cell {i}: {problem}" for problem in found]
    return problems


def _printed_prose(output):
    """Sentences in the Markdown that a cell displays: tables and folds are code, prose is not."""
    text = re.sub(r"<details>.*?</details>", "", "".join(output.get("data", {}).get("text/markdown", "")), flags=re.S)
    if lines := [line for line in text.splitlines() if line.strip() and not line.lstrip().startswith("|")]:
        yield f"prose belongs into Markdown, with its numbers computed there: {lines[0][:60]!r}"


def markdown_problems(source: str) -> list[str]:
    """What Colab and JupyterLab would show raw (directives, roles, HTML); display maths in a sentence."""
    problems = []
    text = re.sub(r"^(```+|~~~+)(?!\{).*?^\1", "", prose.without(source), flags=re.S | re.M)
    for paragraph in re.split(r"\n\s*\n", text):
        if "$$" in paragraph and not re.fullmatch(r"\$\$[^$]+\$\$", paragraph.strip()):
            problems.append(f"display maths needs a paragraph of its own: {paragraph.strip()[:60]!r}")
    text = re.sub(r"\$\$.*?\$\$|(?<!\\)\$[^$\n]+\$", "", text, flags=re.S)
    forbidden = {"MyST directive": r"^(```+|:::+)\{", "MyST role": r"\{[\w:-]+\}`", "MyST target": r"^\([\w:-]+\)="}
    for what, pattern in forbidden.items():
        if found := re.search(pattern, text, flags=re.M):
            problems.append(f"{what} in a notebook: {found.group()!r}")
    text = re.sub(r"`[^`]*`|<(https?://|mailto:)[^>]*>", "", text)
    if found := re.search(r"<(/?[a-zA-Z][^>]*|!--)>?", text):
        problems.append(f"raw HTML in a notebook: {found.group()[:40]!r}")
    return problems
