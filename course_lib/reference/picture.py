"""The picture of the Results page: for each chapter an SVG with a row for each run, this course beside the paper.

It is drawn by hand, not by matplotlib, so that the same results give the same bytes everywhere.
"""

import re
from html import escape

from matplotlib.ticker import MaxNLocator

WIDTH, ROW, MARGIN, FONT = 340, 29, 8, 11.5  # pixels
# In the middle between white and the dark page, as in plotting's figures: legible on both.
GREY, BLUE, VERMILION = "#767b82", "#2b62f3", "#e8480c"


def file(chapter: str) -> str:
    """Where the picture of ``topic/name`` lies in the book."""
    return f"_static/results/results-{chapter.split('/')[1]}.svg"


def split_unit(metric: str) -> tuple[str, str]:
    """``'gain (dB)'`` -> ``('gain', 'dB')``; the unit may be missing."""
    found = re.fullmatch(r"(.*) \(([^()]*)\)", metric)
    return (found[1], found[2]) if found else (metric, "")


def shown(run: dict) -> list[str]:
    """The metrics that stand for a run: those that its paper has, else one."""
    return list(run["paper"]) or [run["headline"] or next(iter(run["metrics"]))]


def svg(title: str, runs: list[dict]) -> str:
    """All runs of a chapter; those measured in the same unit share an axis."""
    groups: dict[str, list[dict]] = {}
    for run in runs:
        groups.setdefault(split_unit(shown(run)[0])[1], []).append(run)
    titles = [run["title"] for run in runs]
    y, body = 18, [_text(0, 18, title.split(":")[0], f'font-weight="600" font-size="{FONT + 1.5}"')]
    for unit, group in groups.items():
        ticks, place = _axis(group)
        rows = _rows(group)
        bottom = y + ROW * len(rows) + 4
        for tick in ticks:
            line = f'<path d="M{place(tick):.1f} {y + 6}V{bottom}" stroke="{GREY}" stroke-opacity=".25"/>'
            body += [line, _text(place(tick), bottom + 12, f"{tick:g}", 'text-anchor="middle"')]
        for first, *more in rows:
            body.append(_text(0, y + 17, first["title"] if titles.count(first["title"]) == 1 else first["name"]))
            for run in (first, *more):
                body += _marks(run, y + 24, place)
            y += ROW
        body.append(_text(0, bottom + 27, _measure(group, unit), 'font-style="italic"'))
        y = bottom + 34
    size = f'width="{WIDTH}" height="{y}" viewBox="0 0 {WIDTH} {y}"'
    font = f'font-family="Verdana, DejaVu Sans, sans-serif" font-size="{FONT}" fill="{GREY}"'
    return "\n".join([f'<svg xmlns="http://www.w3.org/2000/svg" {size} {font}>', *body, "</svg>\n"])


def _rows(runs: list[dict]) -> list[list[dict]]:
    """The runs that share a row: one, and its repetitions, whose titles end in ``(seed 1)`` and so on."""
    rows: list[list[dict]] = []
    for run in runs:
        title, seed = re.fullmatch(r"(.*?)( \(seed \d+\))?", run["title"]).groups()
        row = next((row for row in rows if seed and row[0]["title"] == title), None)
        if row:
            row.append(run)
        else:
            rows.append([run])
    return rows


def _axis(runs: list[dict]):
    """Tick values, and the function from a value to its place. At least a tenth of the largest value is in sight."""
    values = [run[of][m] for run in runs for m in shown(run) for of in ("metrics", "paper") if m in run[of]]
    low, high = min(values), max(values)
    margin = max(0.05 * (high - low), (0.1 * max(map(abs, values)) - (high - low)) / 2) or 1
    low, high = low - margin, high + margin
    ticks = [t for t in MaxNLocator(5, steps=[1, 2, 5, 10]).tick_values(low, high) if low <= t <= high]
    return ticks, lambda value: MARGIN + (WIDTH - 2 * MARGIN) * (value - low) / (high - low)


def _marks(run: dict, y: float, place) -> list[str]:
    """A ring for the paper, a dot for this course, and a line between the two."""
    marks = []
    for metric in shown(run):
        x = place(run["metrics"][metric])
        if metric in run["paper"]:
            paper = place(run["paper"][metric])
            ring = f'cx="{paper:.1f}" cy="{y}" r="4.5" fill="none" stroke="{VERMILION}" stroke-width="1.6"'
            marks.append(f'<path d="M{paper:.1f} {y}H{x:.1f}" stroke="{GREY}" stroke-width="2"/><circle {ring}/>')
        marks.append(f'<circle cx="{x:.1f}" cy="{y}" r="3" fill="{BLUE}"/>')
    return marks


def _measure(runs: list[dict], unit: str) -> str:
    """What the axis shows: the names of the measures, or the unit alone if they are too many."""
    names = [re.sub(r"^.*: |,.*", "", split_unit(m)[0]) for run in runs for m in shown(run)]
    text = ", ".join(dict.fromkeys(names)) + (f" ({unit})" if unit else "")
    return text if len(text) < 55 else unit


def _text(x: float, y: float, text: str, more: str = "") -> str:
    return f'<text x="{x:.4g}" y="{y}" {more}>{escape(text)}</text>'.replace(" >", ">")


def alternative_text(title: str, runs: list[dict]) -> str:
    """What the picture shows, in a sentence or two; the numbers themselves stand in the table."""
    rows = len(_rows(runs))
    each = "a row each" if rows == len(runs) else f"in {rows} row{'s' if rows > 1 else ''}, a dot for each seed"
    text = f"{title.split(':')[0]}: {len(runs)} run{'s' if len(runs) > 1 else ''}, {each}."
    for unit, pairs in _differences(runs).items():
        low, high = (f"{d:+.{4 if unit == 'MSE' else 2}f}" for d in (min(pairs), max(pairs)))
        unit = f" {unit}" if unit not in ("", "MSE") else ""
        span = f"{low}{unit}" if low == high else f"between {low} and {high}{unit}"
        text += f" This course minus the paper: {span}."
    if alone := sum(not run["paper"] for run in runs):
        text += (
            f" {alone} of them without a published value." if alone < len(runs) else " The papers test on other data."
        )
    return text.replace("[", "(").replace("]", ")")


def _differences(runs: list[dict]) -> dict[str, list[float]]:
    found: dict[str, list[float]] = {}
    for run in runs:
        for metric, paper in run["paper"].items():
            unit = split_unit(metric)[1] or ("MSE" if "MSE" in metric else "")
            found.setdefault(unit, []).append(run["metrics"][metric] - paper)
    return found
