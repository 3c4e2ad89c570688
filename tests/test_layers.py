"""The shape of the library: imports point one way, files fit on a page, importing costs nothing."""

import ast
import re
import subprocess
import sys
from pathlib import Path

import pytest

import course_lib

LIBRARY = Path(course_lib.__file__).parent
FILES = sorted(LIBRARY.rglob("*.py"))
# a topic is a part of the book, with recipes for its runs; everything else of the library is the foundation
TOPICS = {chapter.parent.name for chapter in (LIBRARY.parent / "book").glob("[a-z]*/*.ipynb")}
TOPICS |= {folder.parent.name for folder in LIBRARY.glob("*/recipes")}
# Where the curriculum builds one topic on another.
BUILDS_ON = {
    "learning_from_noise": {"denoising"},
    "receptive_fields": {"denoising"},
    "projects": {"denoising", "metric_learning", "pretext_tasks", "receptive_fields"},
    # the whole course behind one page
    "playground": {"denoising", "learning_from_noise", "pretext_tasks", "projects", "receptive_fields"},
}
HEAVY = ["torchvision", "matplotlib", "skimage", "sklearn", "accelerate", "pooch", "ipywidgets", "IPython", "pandas"]


def parts_imported(file: Path, library: Path = LIBRARY) -> set[str]:
    """The parts of the library, such as ``noise``, that a file imports anywhere, also inside functions."""
    package = ("course_lib", *file.relative_to(library).parent.parts)
    parts = set()
    for node in ast.walk(ast.parse(file.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            names = [a.name.split(".") for a in node.names]
        elif isinstance(node, ast.ImportFrom):
            base = list(package[: len(package) - node.level + 1]) if node.level else []
            base += node.module.split(".") if node.module else []
            names = [[*base, a.name] for a in node.names]
        else:
            continue
        parts |= {name[1] for name in names if name[0] == "course_lib" and len(name) > 1}
    return parts


def forbidden(part: str) -> set[str]:
    return TOPICS - {part} - BUILDS_ON.get(part, set())


@pytest.mark.parametrize("file", FILES, ids=lambda p: p.relative_to(LIBRARY).as_posix())
def test_imports_point_one_way(file):
    part = file.relative_to(LIBRARY).with_suffix("").parts[0]
    wrong = parts_imported(file) & forbidden(part)
    assert not wrong, f"{part} must not import {', '.join(sorted(wrong))}"


@pytest.mark.parametrize(
    "line",
    [
        "from ..denoising import DnCNN",
        "from .. import denoising",
        "import course_lib.denoising.dncnn as d",
        "def f():\n    from course_lib.denoising.dncnn import DnCNN",
    ],
)
def test_an_import_of_a_topic_is_seen(tmp_path, line):
    (tmp_path / "data").mkdir()
    (file := tmp_path / "data" / "x.py").write_text(line)
    assert parts_imported(file, tmp_path) & forbidden("data") == {"denoising"}


def topics_named(file: Path) -> set[str]:
    """The topics whose modules a file names in a string that is no docstring, as an import by string would."""
    tree = ast.parse(file.read_text("utf-8"))
    bodies = (node.body for node in ast.walk(tree) if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef))
    prose = {id(body[0].value) for body in bodies if body and isinstance(body[0], ast.Expr)}
    strings = (n for n in ast.walk(tree) if isinstance(n, ast.Constant) and isinstance(n.value, str))
    found = (re.findall(r"(?:course_lib)?\.(\w+)", n.value) for n in strings if id(n) not in prose)
    return {name for names in found for name in names} & TOPICS


def test_the_foundation_names_no_topic_in_a_string_either(tmp_path):
    for file in FILES:
        if file.relative_to(LIBRARY).with_suffix("").parts[0] not in TOPICS:
            assert not topics_named(file), f"{file.relative_to(LIBRARY)} knows of {', '.join(topics_named(file))}"
    (file := tmp_path / "x.py").write_text(
        '"""Not course_lib.denoising."""\nNAMES = {"course_lib.denoising.dncnn": 1}\n'
    )
    assert topics_named(file) == {"denoising"}


@pytest.mark.parametrize("file", FILES, ids=lambda p: p.relative_to(LIBRARY).as_posix())
def test_a_library_file_fits_on_a_page(file):
    assert len(file.read_text("utf-8").splitlines()) <= 200


@pytest.fixture(scope="module")
def fresh() -> list[str]:
    """A fresh interpreter: seconds for ``import course_lib`` after torch; heavy packages its parts load."""
    code = f"""
import sys, time, torch
began = time.perf_counter()
import course_lib
print(time.perf_counter() - began)
for part in sorted(course_lib._PARTS):
    getattr(course_lib, part)
print(*[m for m in {HEAVY} if m in sys.modules])
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    return done.stdout.split("\n")


def test_importing_the_library_costs_at_most_a_tenth_of_a_second(fresh):
    assert float(fresh[0]) <= 0.1


def test_parts_load_without_the_heavy_packages(fresh):
    assert fresh[1].split() == []
