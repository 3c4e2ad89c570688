"""The Results page: a picture, then a table for each chapter with the runs' provenance, made from the JSON files."""

from pathlib import Path

from . import picture, provenance, recipes, result
from .chapters import order, title
from .gpu.measured import section

INTRODUCTION = """\
# Results: the papers and this course

A row is a run, with all its seeds, a dot a number that it measured, and a ring the number of its paper; a click leads
to the chapter. A run whose paper tests on other data has no ring, and is shown by one number alone.

{pictures}

All numbers were measured by the code of this repository; this page is made from the stored results (`make results`).
Almost all runs are at **a small scale**: what two CPU cores train in minutes to two hours, with far fewer steps than
the paper, sometimes fewer images or a narrower network. The recipes hold the paper's scale, too. Whoever has a GPU can
replace a run, in pieces of any length (`--minutes 10` stops cleanly, and the same command goes on):

```bash
python -m course_lib.reference list
python -m course_lib.reference train dncnn-s25
```

In the tables the paper's number follows in brackets. Below each, folded: hardware, steps, data, commit and paper.
"""
COLUMNS, MOST_COLUMNS = 7, 10  # of numbers side by side; as many as the second if most of them are full
Row = tuple[dict, str, dict[str, str]]  # a run, what it was tested on, and its numbers by column


def page() -> str:
    """The whole page as Markdown."""
    runs, pending = _by_chapter()
    pictures = [
        f"[![{picture.alternative_text(title(chapter), stored)}]({picture.file(chapter)})]({chapter}.ipynb)"
        for chapter, stored in runs.items()
    ]
    sections = [_section(chapter, stored) for chapter, stored in runs.items()]
    if on_gpus := section():
        sections.insert(0, on_gpus)
    if pending:
        sections.append("Not run yet: " + ", ".join(f"`{name}`" for name in pending) + ".\n")
    return "\n".join([INTRODUCTION.format(pictures="\n".join(pictures)), *sections])


def write(book: Path) -> None:
    """Write ``results.md`` and its pictures into the folder of the book."""
    (book / "results.md").write_text(page())
    for chapter, stored in _by_chapter()[0].items():
        path = book / picture.file(chapter)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(picture.svg(title(chapter), stored))


def _by_chapter() -> tuple[dict[str, list[dict]], list[str]]:
    """The stored results of each chapter that has some, in the order of the book; the names of what was not run yet."""
    runs, pending = {}, []
    for chapter in order():
        for name, recipe in recipes().items():
            if recipe.chapter == chapter:
                try:
                    stored = result(name) | {"headline": recipe.headline}
                    runs.setdefault(chapter, []).append(stored)  # not before there is one: no chapter without a run
                except FileNotFoundError:
                    pending.append(name)
    return runs, pending


def _section(chapter: str, runs: list[dict]) -> str:
    tables = [line for block in _blocks(runs) for line in (*_table(block), "")]
    folded = [":::{dropdown} How these numbers came about", *provenance.lines(runs), ":::"]
    return "\n".join([f"## [{title(chapter)}]({chapter}.ipynb)", "", *tables, *folded]) + "\n"


def _split(metric: str) -> tuple[str, str]:
    """What was tested on, which names a row, and what was measured, which names a column.

    >>> _split("easy: matching mAP (%)")
    ('easy', 'matching mAP (%)')
    >>> _split("BSD68 PSNR, sigma 15 (dB)")
    ('BSD68 PSNR (dB)', 'sigma 15')
    >>> _split("CIFAR-10 accuracy (%)")
    ('', 'CIFAR-10 accuracy (%)')
    """
    if ": " in metric:
        return tuple(metric.split(": ", 1))
    if ", " not in metric:
        return "", metric
    measure, condition = metric.split(", ", 1)
    text, unit = picture.split_unit(condition)
    return f"{measure} ({unit})" if unit else measure, text


def _rows(runs: list[dict]) -> list[Row]:
    rows: dict[tuple[str, str], Row] = {}
    for run in runs:
        for metric, value in run["metrics"].items():
            tested, column = _split(metric)
            digits = 4 if "MSE" in metric else 2  # mean squared errors are small; the rest is decibels and percent
            number = f"{value:.{digits}f}"
            if (paper := run["paper"].get(metric)) is not None:
                number += f" ({paper:.{digits}f})"
            rows.setdefault((run["name"], tested), (run, tested, {}))[2][column] = number
    return list(rows.values())


def _blocks(runs: list[dict]) -> list[list[Row]]:
    """Rows that are tested on the same, or have a column in common, stand in one table; single numbers in the last."""
    blocks: list[list[Row]] = []
    for row in _rows(runs):
        for block in blocks:
            columns, same_test = _columns(block), any(row[1] == tested != "" for _, tested, _ in block)
            shared = columns.keys() & row[2].keys()
            limit = MOST_COLUMNS if 2 * len(shared) >= len(row[2]) else COLUMNS
            if (same_test or shared) and len(columns | row[2]) <= limit:
                block.append(row)
                break
        else:
            blocks.append([row])
    tables, rest = [], []
    for block in blocks:
        run, tested, numbers = block[0]
        if len(block) == len(numbers) == 1:
            rest.append((run, "", {", ".join(filter(None, (tested, column))): n for column, n in numbers.items()}))
        else:
            tables.append(block)
    return [*tables, rest] if rest else tables


def _columns(block: list[Row]) -> dict[str, None]:
    """The names of the columns, in order: a set that keeps it."""
    return {column: None for _, _, numbers in block for column in numbers}


def _table(block: list[Row]) -> list[str]:
    """The numbers side by side; below each other where hardly any run has a number in the same column."""
    columns, tests = list(_columns(block)), list(dict.fromkeys(tested for _, tested, _ in block))
    head = f"run: {tests[0]}" if tests[0] and len(tests) == 1 else "run"
    if 3 * sum(len(numbers) for *_, numbers in block) < len(block) * len(columns):
        block = [(run, column, {"": number}) for run, _, numbers in block for column, number in numbers.items()]
        columns = [""]
    elif len(tests) == 1:
        block = [(run, "", numbers) for run, _, numbers in block]
    elif len(columns) == 1 and len(tests) <= COLUMNS:  # one measure: what was tested on stands side by side
        head, runs = f"run: {columns[0]}", {}
        for run, tested, numbers in block:
            runs.setdefault(run["name"], (run, "", {}))[2][tested or "all"] = numbers[columns[0]]
        block, columns = list(runs.values()), [tested or "all" for tested in tests]
    return _lines(head, columns, block)


def _lines(head: str, columns: list[str], block: list[Row]) -> list[str]:
    named = any(tested for _, tested, _ in block)
    cells = [[head, *[""] * named, *columns], ["---", *["---"] * named, *["---:"] * len(columns)]]
    before = None
    for run, tested, numbers in block:
        who = "" if run is before else f"{run['title']}<br>`{run['name']}`"
        cells.append([who, *[tested] * named, *(numbers.get(column, "") for column in columns)])
        before = run
    return [f"| {' | '.join(row)} |" for row in cells]
