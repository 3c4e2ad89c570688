"""The Results page: every reference run next to the paper, with its provenance, made from the JSON files."""

import re
from pathlib import Path

from . import recipes, result

INTRODUCTION = """\
# Results: the papers and this course

Every number in the column *this course* was measured by the code of this repository in the run that its provenance
names; the table is generated from the stored results (`make results`). A run that falls short of the paper is shown
as it is, with the scale at which it was trained: the recipes train at the paper's scale on a GPU and at a much
smaller one on two CPU cores. Anyone with a GPU can replace a CPU run, in pieces of any length
(`--minutes 10` stops cleanly, and the same command goes on):

```bash
python -m course_lib.reference list
python -m course_lib.reference train dncnn-s25
```
"""


def page() -> str:
    """The whole page as Markdown."""
    chapters: dict[str, list[str]] = {}
    for name, recipe in recipes().items():
        chapters.setdefault(recipe.chapter, []).append(name)
    order = re.findall(r"file: book/(\S+)", (Path(__file__).parents[2] / "_toc.yml").read_text("utf-8"))
    sections = [_section(chapter, chapters[chapter]) for chapter in order if chapter in chapters]
    return "\n".join([INTRODUCTION, *sections])


def _section(chapter: str, names: list[str]) -> str:
    done, pending = [], []
    for name in names:
        try:
            done.append(result(name))
        except FileNotFoundError:
            pending.append(name)
    text = [f"## [](/book/{chapter})\n"]  # an empty link shows the chapter's title
    if done:
        alike: dict[str, list[dict]] = {}  # provenance -> the runs that share it
        for stored in done:
            alike.setdefault(_provenance(stored), []).append(stored)
        text += [*_table(done), ""]
        text += [f"- {_who(runs)}: {provenance}" for provenance, runs in alike.items()]
    if pending:
        text.append(f"- Not run yet: {', '.join(f'`{name}`' for name in pending)}.")
    return "\n".join(text) + "\n"


def _table(done: list[dict]) -> list[str]:
    """One line a metric; a run is named on its first. Columns for the paper only where a paper has a number."""
    comparable = any(stored["paper"] for stored in done)
    lines = ["| run | metric | this course |", "|---|---|---:|"]
    if comparable:
        lines = ["| run | metric | paper | this course | difference |", "|---|---|---:|---:|---:|"]
    for stored in done:
        who = f"{stored['title']}<br>`{stored['name']}`"
        for metric, value in stored["metrics"].items():
            digits = 4 if "MSE" in metric else 2  # mean squared errors are small; the rest is decibels and percent
            paper = stored["paper"].get(metric)
            numbers = [f"{value:.{digits}f}"]
            if paper is not None:
                numbers = [f"{paper:.{digits}f}", *numbers, f"{value - paper:+.{digits}f}"]
            elif comparable:
                numbers = ["-", *numbers, "-"]
            lines.append("| " + " | ".join([who, metric, *numbers]) + " |")
            who = ""
    return lines


def _who(runs: list[dict]) -> str:
    """The names, and how long each of them trained, if they did."""
    minutes = sorted({round(r["run"].get("training_seconds", 0) / 60) for r in runs})
    span = f"{minutes[0]} min" if len(minutes) == 1 else f"{minutes[0]} to {minutes[-1]} min each"
    names = ", ".join(f"`{r['name']}`" for r in runs)
    return f"{names} ({span})" if "steps" in runs[0]["run"] else names


def _provenance(stored: dict) -> str:
    """Everything that says how the numbers came about, but name and minutes."""
    run = stored["run"]
    scale = "the paper's scale" if run["scale"] == "gpu" else "a small scale"
    if "start" in run:
        scale += f", continued from the weights of `{run['start']}`"
    published = "Published values" if stored["paper"] else "The method (its published values are for other test sets)"
    if "model" in run:
        scale += ", " + ", ".join(f"{key} {value}" for key, value in run["model"].items()) + " instead of the paper's"
    if "restart_at" in run:
        scale += f", the learning rate raised once more at step {run['restart_at']:,}"
    if "steps" not in run:
        return (
            f"a measurement; {run['device']}, torch {run['torch']}, commit `{run['commit']}`, {run['date']}. "
            f"{stored['data'][0].upper()}{stored['data'][1:]}. {published}: {stored['source']}."
        )
    samples = f"patches of {run['patch']}x{run['patch']}" if "patch" in run else "images"
    return (
        f"{scale}: {run['steps']:,} steps of {run['batch']} {samples} ({run['steps'] * run['batch']:,} in all) on "
        f"{run['device']}, precision {run['precision']}, seed {run['seed']}, torch {run['torch']}, commit "
        f"`{run['commit']}`, {run['date']}. {stored['data'][0].upper()}{stored['data'][1:]}. "
        f"{published}: {stored['source']}."
    )
