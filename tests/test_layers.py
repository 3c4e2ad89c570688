"""The shape of the library: imports point one way, files fit on a page, importing costs nothing."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

import course_lib

LIBRARY = Path(course_lib.__file__).parent
FILES = sorted(LIBRARY.rglob("*.py"))
TOPICS = {
    "metric_learning", "pretext_tasks", "denoising", "receptive_fields", "learning_from_noise", "projects",
}  # fmt: skip
# Where the curriculum builds one topic on another.
BUILDS_ON = {
    "learning_from_noise": {"denoising"},
    "receptive_fields": {"denoising"},
    "projects": {"denoising", "metric_learning"},
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
