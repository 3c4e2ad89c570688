"""The Results page: every reference run next to the paper, with its provenance, made from the JSON files."""

from . import RECIPES, recipe, result

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
    for name in RECIPES:
        chapters.setdefault(recipe(name).chapter, []).append(name)
    sections = [_section(chapter, names) for chapter, names in chapters.items()]
    return "\n".join([INTRODUCTION, *sections])


def _section(chapter: str, names: list[str]) -> str:
    rows, provenance, pending = [], [], []
    for name in names:
        try:
            stored = result(name)
        except FileNotFoundError:
            pending.append(name)
            continue
        for metric, value in stored["metrics"].items():
            paper = stored["paper"].get(metric)
            published, difference = ("-", "-") if paper is None else (f"{paper:.2f}", f"{value - paper:+.2f}")
            rows.append(
                f"| `{name}` | {stored['title']} | {metric} | {published} | {value:.2f} | {difference} |"
            )
        provenance.append(_provenance(stored))
    text = [f"## [{chapter}]({chapter})\n"]
    if rows:
        header = "| run | model | metric | paper | this course | difference |\n|---|---|---|---:|---:|---:|"
        text += [header, *rows, "", *provenance]
    if pending:
        text.append(f"- Not run yet: {', '.join(f'`{name}`' for name in pending)}.")
    return "\n".join(text) + "\n"


def _provenance(stored: dict) -> str:
    run = stored["run"]
    scale = "the paper's scale" if run["scale"] == "gpu" else "a small scale, for want of a GPU"
    if "start" in run:
        scale += f", continued from the weights of `{run['start']}`"
    patches = run["steps"] * run["batch"]
    return (
        f"- `{stored['name']}`: {scale}: {run['steps']:,} steps of {run['batch']} patches of "
        f"{run['patch']}x{run['patch']} ({patches:,} patches), {run['training_seconds'] / 60:.0f} min on "
        f"{run['device']}, precision {run['precision']}, seed {run['seed']}, torch {run['torch']}, commit "
        f"`{run['commit']}`, {run['date']}. {stored['data'][0].upper()}{stored['data'][1:]}. "
        f"Published values: {stored['source']}."
    )
