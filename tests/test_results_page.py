"""The Results page: each number of each run is on it once, and each mark of the picture stands at its value."""

import re
from pathlib import Path
from xml.etree import ElementTree

import pytest

from course_lib.reference import RESULTS, picture, recipes, result, table
from course_lib.reference.chapters import order, title

BOOK = Path(__file__).parents[1] / "book"
SVG = "{http://www.w3.org/2000/svg}"
ALL = [result(path.stem) for path in sorted(RESULTS.glob("*.json"))]
STORED = [run for run in ALL if run["chapter"] in order()]  # a run may come before its chapter
CHAPTERS = [chapter for chapter in order() if any(run["chapter"] == chapter for run in STORED)]


def a_run(name="a", paper=None, headline=None, title="a network", trained=True, **metrics):
    training = {"steps": 10, "batch": 2, "training_seconds": 90} if trained else {}
    return {
        "name": name, "title": title, "chapter": "denoising/dncnn", "data": "trained on noise", "metrics": metrics,
        "paper": paper or {}, "source": "A. Author", "headline": headline,
        "run": {"seed": 0, "scale": "cpu", "precision": "no", "device": "a CPU", "torch": "2", "commit": "abc",
                "date": "2026-01-01"} | training,
    }  # fmt: skip


def marks(svg: str) -> tuple[list[float], list[float]]:
    """The values that the dots and the rings stand for, read back with the help of the axes' labels."""
    dots, rings, waiting, ticks = [], [], [], []

    def read():
        if len(ticks) > 1:
            (x0, v0), (x1, v1) = ticks[0], ticks[-1]
            for kind, x in waiting:
                kind.append(v0 + (x - x0) * (v1 - v0) / (x1 - x0))

    for element in ElementTree.fromstring(svg):
        if element.tag == f"{SVG}circle":
            waiting.append((rings if element.get("fill") == "none" else dots, float(element.get("cx"))))
        elif element.get("text-anchor") == "middle":
            ticks.append((float(element.get("x")), float(element.text)))
        elif element.get("font-style") == "italic":  # what the axis shows closes a group
            read()
            waiting, ticks = [], []
    return dots, rings


@pytest.mark.parametrize("chapter", CHAPTERS)
def test_dots_and_rings_stand_at_the_values(chapter):
    runs = [run | {"headline": recipes()[run["name"]].headline} for run in STORED if run["chapter"] == chapter]
    dots, rings = marks(picture.svg(title(chapter), runs))
    values = [run["metrics"][metric] for run in runs for metric in picture.shown(run)]
    papers = [value for run in runs for value in run["paper"].values()]
    assert sorted(dots) == pytest.approx(sorted(values), rel=0.01, abs=0.002 * (max(values) - min(values)))
    assert sorted(rings) == pytest.approx(sorted(papers), rel=0.01, abs=0.01)


def test_the_page_and_its_pictures_are_those_that_the_results_make(tmp_path):
    table.write(tmp_path)
    made = {p.relative_to(tmp_path) for p in tmp_path.rglob("*.*")}
    stored = {Path("results.md")} | {p.relative_to(BOOK) for p in (BOOK / "_static" / "results").iterdir()}
    assert made == stored, "run `make results`; a picture that no chapter has any more is to be deleted"
    for name in made:
        assert (tmp_path / name).read_text() == (BOOK / name).read_text(), f"{name}: run `make results`"


def test_every_number_of_every_run_stands_in_a_table_of_its_chapter():
    cells, name = {}, None  # of a run: all its cells with a number
    for line in table.page().splitlines():
        if line.startswith("|"):
            found = re.match(r"\| [^|]*`([\w-]+)` \|", line)
            name = found[1] if found else name if line.startswith("|  |") else None
            cells.setdefault(name, []).extend(re.findall(r"(?<=\| )-?\d+\.\d+(?: \(-?\d+\.\d+\))?(?= \|)", line))
    for run in STORED:
        digits = [4 if "MSE" in metric else 2 for metric in run["metrics"]]
        expected = [f"{value:.{d}f}" for value, d in zip(run["metrics"].values(), digits, strict=True)]
        assert sorted(cell.split()[0] for cell in cells[run["name"]]) == sorted(expected), run["name"]
        assert sum("(" in cell for cell in cells[run["name"]]) == len(run["paper"]), run["name"]


def test_what_is_measured_alike_stands_side_by_side():
    runs = [a_run("a", **{"easy: mAP (%)": 1.0, "hard: mAP (%)": 2.0, "easy: AUC (%)": 3.0, "hard: AUC (%)": 4.0})]
    page = "\n".join(line for block in table._blocks(runs) for line in table._table(block))
    assert page.splitlines()[0] == "| run |  | mAP (%) | AUC (%) |"
    assert "| easy | 1.00 | 3.00 |" in page and "|  | hard | 2.00 | 4.00 |" in page


def test_one_measure_on_several_sets_is_one_row_a_run():
    runs = [a_run(n, **{"x: accuracy (%)": 1.0, "y: accuracy (%)": 2.0, "accuracy (%)": 1.5}) for n in "ab"]
    (block,) = table._blocks(runs)
    assert table._table(block)[::2] == [
        "| run: accuracy (%) | x | y | all |",
        "| a network<br>`a` | 1.00 | 2.00 | 1.50 |",
    ]


def test_a_chapter_of_single_numbers_is_a_list():
    runs = [a_run(n, **{f"MSE, damage {n}": 0.01}) for n in "abcde"]
    (block,) = table._blocks(runs)
    assert table._table(block)[2] == "| a network<br>`a` | damage a | 0.0100 |"


def test_a_picture_copes_with_one_run_without_paper_and_with_a_measurement():
    for value in (0.0, 5.0, -3.0):
        dots, rings = marks(picture.svg("DnCNN: why?", [a_run(x=value, trained=False)]))
        assert dots == pytest.approx([value], abs=0.02) and rings == []


def test_the_seeds_of_a_run_share_its_row():
    runs = [a_run("a", title="A", x=1.0), a_run("a-2", title="A (seed 1)", x=2.0), a_run("b", title="B", x=3.0)]
    svg = picture.svg("why?", runs)
    assert len(marks(svg)[0]) == 3
    texts = [e.text for e in ElementTree.fromstring(svg).iter(f"{SVG}text")]
    assert {"A", "B"} <= set(texts) and "A (seed 1)" not in texts
    assert "3 runs, in 2 rows, a dot for each seed" in picture.alternative_text("why?", runs)
    # a repetition whose first run is missing has a row of its own
    assert "A (seed 1)" in picture.svg("why?", runs[1:])


def test_markup_in_a_title_is_text():
    svg = picture.svg("a < b & c: why?", [a_run(title="<b>", x=1.0)])
    assert [e.text for e in ElementTree.fromstring(svg).iter(f"{SVG}text")][0] == "a < b & c"


def test_runs_made_alike_share_their_provenance():
    from course_lib.reference import provenance

    first, second, other = a_run("a", x=1.0), a_run("b", x=2.0), a_run("c", x=2.0, trained=False)
    second["run"] = second["run"] | {"commit": "def", "date": "2026-01-03", "training_seconds": 300}
    lines = provenance.lines([first, second, other])
    assert len(lines) == 2 and lines[1].startswith("- `c`: a measurement on a CPU")
    assert lines[0].startswith("- `a`, `b` (2 to 5 min each): small scale, 10 steps of 2 images on a CPU")
    assert lines[0].endswith("Commits `abc`, `def`, 2026-01-01 to 2026-01-03.")


def test_the_alternative_text_says_how_far_from_the_paper():
    runs = [a_run("a", {"PSNR (dB)": 30.0}, **{"PSNR (dB)": 29.5}), a_run("b", x=1.0)]
    text = picture.alternative_text("DnCNN: why?", runs)
    assert text == (
        "DnCNN: 2 runs, a row each. This course minus the paper: -0.50 dB. 1 of them without a published value."
    )


@pytest.mark.parametrize("name", recipes())
def test_the_headline_of_a_run_is_one_of_its_metrics(name):
    headline = recipes()[name].headline
    if headline and (RESULTS / f"{name}.json").exists():
        assert headline in result(name)["metrics"]


def test_runs_with_many_metrics_in_common_share_a_wide_table():
    common = {f"block {k} (%)": 1.0 for k in range(8)}
    runs = [a_run("a", **{"orientation (%)": 2.0}, **common), a_run("b", **{"place (%)": 2.0}, **common)]
    assert len(table._blocks(runs)) == 1


def test_a_chapter_without_a_run_has_neither_picture_nor_table():
    assert [chapter for chapter in order() if f"]({chapter}.ipynb)" in table.page()] == CHAPTERS
