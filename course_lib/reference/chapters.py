"""The chapters' order and titles, read from the book's table of contents and from the notebooks."""

import json
import re
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parents[2]


def order() -> list[str]:
    """The chapters that are written, as ``topic/name``, in the order of the table of contents."""
    listed = re.findall(r"file: book/(\w+/\w+)", (ROOT / "_toc.yml").read_text("utf-8"))
    return [chapter for chapter in listed if (ROOT / "book" / f"{chapter}.ipynb").exists()]


@cache
def title(chapter: str) -> str:
    """The first line of the chapter, such as ``DnCNN: what if a network painted the noise?``"""
    cells = json.loads((ROOT / "book" / f"{chapter}.ipynb").read_text("utf-8"))["cells"]
    return "".join(cells[0]["source"]).splitlines()[0].removeprefix("# ")
