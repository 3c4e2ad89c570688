"""Chapters name their method and lead on: links resolve in a checkout, and "Next" is the next chapter of the book."""

import re
from pathlib import Path

import nbformat
import pytest
import yaml

ROOT = Path(__file__).resolve().parents[1]
BOOK = ROOT / "book"
TOC = yaml.safe_load((ROOT / "_toc.yml").read_text())
LISTED = [ROOT / c["file"] for part in TOC["parts"] for c in part["chapters"]]
CHAPTERS = [path.with_suffix(".ipynb") for path in LISTED if path.with_suffix(".ipynb").exists()]
PAGES = [*CHAPTERS, *BOOK.glob("*.md"), ROOT / "README.md", ROOT / "CONTRIBUTING.md", ROOT / "exercises" / "README.md"]
LINK = re.compile(r"\]\(([^)\s]+)\)")


def name(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def text(path: Path) -> str:
    """What the author wrote, without code."""
    if path.suffix == ".md":
        written = path.read_text("utf-8")
    else:
        cells = nbformat.read(path, as_version=4).cells
        written = "\n\n".join(cell.source for cell in cells if cell.cell_type == "markdown")
    return re.sub(r"^```.*?^```$|`[^`]*`", "", written, flags=re.M | re.S)


def targets(path: Path, written: str) -> list[Path]:
    """The files of this repository that the text links to."""
    found = (link.split("#")[0] for link in LINK.findall(written) if "://" not in link)
    return [(path.parent / link).resolve() for link in found if link]


def paragraph(path: Path, start: str) -> str:
    return next((p for p in re.split(r"\n\s*\n|\n(?=\*\*)", text(path)) if p.startswith(start)), "")


@pytest.mark.parametrize("path", PAGES, ids=name)
def test_every_link_leads_to_a_file(path):
    """With its ending: the book does without, GitHub and Jupyter do not."""
    assert [target for target in targets(path, text(path)) if not target.is_file()] == []


def test_the_front_page_maps_what_is_there():
    rows = {line.split(" | ")[0].strip("| "): line for line in text(BOOK / "index.md").splitlines() if line[:1] == "|"}
    for part in TOC["parts"]:
        chapters = [ROOT / f"{c['file']}.ipynb" for c in part["chapters"] if (ROOT / f"{c['file']}.ipynb").exists()]
        if chapters:
            assert targets(BOOK / "index.md", rows.pop(part["caption"])) == chapters
    del rows["part"], rows["---|---|---"]
    assert all("*in preparation*" in row for row in rows.values()), "a part with no chapter yet says so"


@pytest.mark.parametrize("path", CHAPTERS, ids=name)
def test_a_title_names_the_method_and_asks(path):
    title = text(path).splitlines()[0]
    assert re.fullmatch(r"# [A-Z][^:?]*: .*\?", title), f"{title!r}, not like '# DnCNN: what if ...?'"


@pytest.mark.parametrize("path", CHAPTERS, ids=name)
def test_next_is_the_next_chapter_of_the_book(path):
    following = CHAPTERS[CHAPTERS.index(path) + 1 :][:1]  # none after the last
    assert targets(path, paragraph(path, "**Next:**")) == following


@pytest.mark.parametrize("path", CHAPTERS, ids=name)
def test_what_a_chapter_builds_on_comes_before_it(path):
    before = paragraph(path, "**Before this:**")
    assert before, "a chapter says what one should know: '**Before this:** ...'"
    earlier = CHAPTERS[: CHAPTERS.index(path)]
    assert [t for t in targets(path, before.split("**After")[0]) if t not in earlier] == []


@pytest.mark.parametrize("path", CHAPTERS, ids=name)
def test_a_chapter_leads_to_the_graded_notebook_of_its_part(path):
    graded = ROOT / "exercises" / "student" / f"{path.parent.name}.ipynb"
    if graded.exists():
        assert graded in targets(path, text(path))
