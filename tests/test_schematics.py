"""The drawings in book/_static/schematics: well-formed, described, light, legible on both themes, and used."""

import re
from pathlib import Path
from xml.etree import ElementTree

import nbformat
import pytest

BOOK = Path(__file__).resolve().parents[1] / "book"
DRAWINGS = sorted((BOOK / "_static" / "schematics").glob("*.svg"))
SVG = "{http://www.w3.org/2000/svg}"
PAGES = {"white": "#ffffff", "the theme's dark page": "#14181e"}
PHONE = 340  # pixels that a drawing has at a width of 390


def luminance(colour: str) -> float:
    """Relative luminance of ``#rrggbb``, as the W3C's contrast ratio defines it."""
    parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts]
    return sum(w * p for w, p in zip((0.2126, 0.7152, 0.0722), linear, strict=True))


def contrast(a: str, b: str) -> float:
    high, low = sorted((luminance(a), luminance(b)), reverse=True)
    return (high + 0.05) / (low + 0.05)


def references() -> dict[str, list[tuple[str, str]]]:
    """Name of a drawing -> (chapter, alternative text) for each place that shows it."""
    found: dict[str, list[tuple[str, str]]] = {}
    for path in BOOK.rglob("*.ipynb"):
        for cell in nbformat.read(path, 4).cells:
            if cell.cell_type == "markdown":
                for alt, name in re.findall(r"!\[([^\]]*)\]\(\.\./_static/schematics/([\w-]+\.svg)\)", cell.source):
                    found.setdefault(name, []).append((path.stem, alt))
    return found


def test_there_are_drawings():
    assert len(DRAWINGS) >= 6


@pytest.mark.parametrize("path", DRAWINGS, ids=lambda p: p.stem)
def test_a_drawing_is_described_light_and_stands_alone(path):
    root = ElementTree.parse(path).getroot()
    assert root.tag == f"{SVG}svg" and len(path.read_bytes()) < 8_000
    title, description = root.find(f"{SVG}title"), root.find(f"{SVG}desc")
    assert root.get("aria-labelledby").split() == [title.get("id"), description.get("id")]
    assert len(title.text) > 20 and len(description.text) > 100
    tags = {element.tag.removeprefix(SVG) for element in root.iter()}
    assert not tags & {"image", "use", "script", "foreignObject", "style", "a"}
    for element in root.iter():
        for name, value in element.attrib.items():
            assert "href" not in name and (":" not in value or "font" in name), f"{name}={value}"
            assert "url(" not in value or value.startswith("url(#"), "only markers of its own"


@pytest.mark.parametrize("path", DRAWINGS, ids=lambda p: p.stem)
def test_a_drawing_is_legible_light_and_dark_and_on_a_phone(path):
    root = ElementTree.parse(path).getroot()
    width, height = (float(x) for x in root.get("viewBox").split()[2:])
    scale = min(1, PHONE / width)
    for element in root.iter(f"{SVG}text"):
        size = float(element.get("font-size") or root.get("font-size"))
        assert size * scale >= 8.5, element.text
        assert 0 <= float(element.get("x")) <= width and 0 <= float(element.get("y")) <= height - 2, element.text
    colours = {e.get(kind) for e in root.iter() for kind in ("fill", "stroke")} - {None, "none"}
    assert colours
    for colour in colours:
        for page, ground in PAGES.items():
            assert contrast(colour, ground) >= 3, f"{colour} on {page}"
    assert contrast(root.get("fill"), "#ffffff") > 4 and contrast(root.get("fill"), "#14181e") > 4, "the text's colour"


def test_every_drawing_is_shown_by_a_chapter_with_a_text_in_its_place():
    shown = references()
    assert set(shown) == {path.name for path in DRAWINGS}
    for name, places in shown.items():
        for chapter, alt in places:
            assert len(alt) > 60, f"{name} in {chapter}: the text says what one sees"
