"""A topic, a chapter or an exercise is complete in all its places; the message names the place that was forgotten."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
# still to be written, and named here so that nothing else can be missing with them
IN_PREPARATION: set[str] = set()


def topics(root: Path) -> set[str]:
    """Names of the topics, from whichever place has them."""
    found = {folder.name for folder in (root / "book").glob("[a-z]*") if any(folder.glob("*.ipynb"))}
    found |= {folder.parent.name for folder in (root / "course_lib").glob("*/recipes")}
    return found | {notebook.stem for notebook in (root / "exercises" / "instructor").glob("*.ipynb")}


def places_of_topic(topic: str) -> list[str]:
    return [
        f"course_lib/{topic}/__init__.py",
        f"course_lib/{topic}/recipes/__init__.py",
        f"book/{topic}",
        f"tests/{topic}",
        f"exercises/instructor/{topic}.ipynb",
        f"exercises/student/{topic}.ipynb",
    ]


def forgotten(root: Path, topic: str) -> list[str]:
    """The places that a topic lacks, in words that say what to do."""
    missing = [f"{place} is missing" for place in places_of_topic(topic) if not (root / place).exists()]
    pages = {name: (root / name).read_text("utf-8") for name in ("_toc.yml", "book/api.md")}
    if not re.search(rf"^% api: {topic}$", pages["book/api.md"], re.M):
        missing.append(f"book/api.md lacks the line `% api: {topic}`")
    for chapter in sorted((root / "book" / topic).glob("*.ipynb")):
        if f"file: book/{topic}/{chapter.stem}\n" not in pages["_toc.yml"]:
            missing.append(f"_toc.yml lacks `file: book/{topic}/{chapter.stem}`")
    for module in sorted((root / "course_lib" / topic / "recipes").glob("*.py")):
        for name in re.findall(rf'"({topic}/\w+)"', module.read_text("utf-8")):
            if not (root / "book" / f"{name}.ipynb").exists():
                missing.append(f"{module.relative_to(root)} belongs to the chapter {name}, which is missing")
    return missing


@pytest.mark.parametrize("topic", sorted(topics(ROOT)))
def test_a_topic_is_in_all_its_places(topic):
    assert not set(forgotten(ROOT, topic)) - IN_PREPARATION


def test_what_is_in_preparation_is_missing():
    assert {place for topic in topics(ROOT) for place in forgotten(ROOT, topic)} >= IN_PREPARATION


def test_a_forgotten_place_is_named(tmp_path):
    for place in places_of_topic("toys"):
        path = tmp_path / place
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("") if path.suffix else path.mkdir(exist_ok=True)
    (tmp_path / "book/toys/first.ipynb").write_text("{}")
    (tmp_path / "course_lib/toys/recipes/first.py").write_text('chapter="toys/first"')
    (tmp_path / "_toc.yml").write_text("      - file: book/toys/first\n")
    (tmp_path / "book/api.md").write_text("% api: toys\n")
    assert topics(tmp_path) == {"toys"} and forgotten(tmp_path, "toys") == []

    (tmp_path / "exercises/student/toys.ipynb").unlink()
    assert forgotten(tmp_path, "toys") == ["exercises/student/toys.ipynb is missing"]
    (tmp_path / "_toc.yml").write_text("")
    (tmp_path / "book/api.md").write_text("")
    (tmp_path / "book/toys/first.ipynb").rename(tmp_path / "book/toys/second.ipynb")
    assert set(forgotten(tmp_path, "toys")[1:]) == {
        "book/api.md lacks the line `% api: toys`",
        "_toc.yml lacks `file: book/toys/second`",
        "course_lib/toys/recipes/first.py belongs to the chapter toys/first, which is missing",
    }
