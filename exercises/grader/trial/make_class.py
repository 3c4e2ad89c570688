"""A class to try the grader on: honest students, clumsy ones, and everything that a grader has to survive.

python -m exercises.grader.trial.make_class MASTER FOLDER --students 300

Each kind of submission is worth points that are known, so a grading can be checked; ``expected.csv`` beside the folder
has them. The hostile ones (`attacks`, `stalling`, `meddling`) spoil their first question, or try to, and only that one;
the `reckless` may spoil all of theirs.
"""

import argparse
import copy
import csv
import json
import os
import re
from collections.abc import Callable
from pathlib import Path

from course_lib.exercises.notebook import marks, text

from ..master import Master, read_master
from .attacks import IN_PLACE
from .meddling import BEFORE
from .reckless import RECKLESS
from .stalling import STALLING

SOLUTION = re.compile(r"^( *)### BEGIN SOLUTION[^\n]*\n(.*?)^ *### END SOLUTION[^\n]*(?:\n|\Z)", re.S | re.M)
HIDDEN = re.compile(r"^ *### BEGIN HIDDEN TESTS.*?^ *### END HIDDEN TESTS[^\n]*(?:\n|\Z)", re.S | re.M)


def stub(source: str) -> str:
    """An answer cell as the student gets it."""
    return SOLUTION.sub(lambda found: f"{found[1]}# YOUR CODE HERE\n{found[1]}raise NotImplementedError\n", source)


def solution(source: str) -> str:
    return SOLUTION.sub(lambda found: found[2], source)


def student_notebook(master: dict, answers: Callable[[str, str], str]) -> dict:
    """The master without solutions and hidden tests, with ``answers(grade_id, source)`` in the answer cells."""
    made = copy.deepcopy(master)
    for cell in made["cells"]:
        mark, source = marks(cell), HIDDEN.sub("", text(cell))
        if mark.get("solution"):
            written = cell["cell_type"] == "code"
            source = answers(mark["grade_id"], text(cell)) if written else "YOUR ANSWER HERE"
        cell["source"] = source
    return made


def kinds(path: Path, secrets: Path, port: int) -> dict[str, tuple[object, float | None, str]]:
    """``{kind: (content, points or None, a word of the status)}``; content is a notebook, text,
    a number of bytes, or several files.

    Args:
        secrets: a folder that the hostile ones try to read and to write.
        port: of 127.0.0.1, where they try to call.
    """
    raw, master = json.loads(path.read_bytes()), read_master(path)
    first, whole = master.graded[0], sum(q.points for q in master.graded)
    target = next(a for a in first.answers if a in master.answers)
    cell = master.answers[target]
    rest = whole - first.points

    def with_first(code: str) -> dict:
        code = code.replace("NAME", sorted(cell.names)[0]).replace("SECRETS", str(secrets)).replace("PORT", str(port))
        code = code.replace("GRADER", str(Path(__file__).parents[1]))
        return student_notebook(raw, lambda grade_id, source: code if grade_id == target else solution(source))

    good = solution(cell.source)
    full = with_first(good)
    made = {
        "full": (full, whole, "ok"),
        "blank": (student_notebook(raw, lambda _, source: stub(source)), 0, "ok"),
    }
    half = {a for q in master.graded[::2] for a in q.answers}
    half_points = sum(q.points for q in master.graded[::2])
    made["half"] = (
        student_notebook(raw, lambda i, s: solution(s) if i in half else stub(s)),
        half_points,
        "ok",
    )
    both = [("first.ipynb", made["blank"][0]), ("second.ipynb", full)]
    made["two-files"] = (both, whole, "ok")
    made |= {kind: (with_first(code), rest, status) for kind, (code, status) in (IN_PLACE | STALLING).items()}
    made |= {kind: (with_first(f"{code}\n{good}"), whole, "ok") for kind, code in BEFORE.items()}
    made |= {kind: (with_first(code), None, status) for kind, (code, status) in RECKLESS.items()}
    return made | rearranged(full, target, whole, rest) | broken_files(master)


def rearranged(full: dict, target: str, whole: float, rest: float) -> dict:
    """Right answers in notebooks that have been taken apart."""

    def having(cells: list[dict]) -> dict:
        return full | {"cells": cells}

    cells = full["cells"]
    is_test = [bool(marks(c).get("grade")) and c["cell_type"] == "code" for c in cells]
    tests = [c for c, test in zip(cells, is_test, strict=True) if test]
    is_first = [marks(c).get("grade_id") == target for c in cells]
    twice = [[c | {"source": "# begun here"}, c] if first else [c] for c, first in zip(cells, is_first, strict=True)]
    return {
        "test-deleted": (having([c for c in cells if c not in tests]), whole, "ok"),
        "test-edited": (
            having([c | {"source": "emit = print"} if c in tests else c for c in cells]),
            whole,
            "ok",
        ),
        "test-twice": (having(cells + tests), whole, "ok"),
        "reordered": (having(cells[::-1]), whole, "ok"),
        "answer-split": (having([c for pair in twice for c in pair]), whole, "ok"),
        "answer-deleted": (
            having([c for c, f in zip(cells, is_first, strict=True) if not f]),
            rest,
            "missing",
        ),
        "stripped": (having([c | {"metadata": {}} for c in cells]), whole, "ok"),
        "no-ids": (having([{k: v for k, v in c.items() if k != "id"} for c in cells]), whole, "ok"),
    }


def broken_files(master: Master) -> dict:
    foreign = {"cell_type": "code", "source": "x = 1", "outputs": [], "execution_count": None}
    foreign["metadata"] = {"nbgrader": {"grade_id": "another-1-answer", "solution": True}}
    return {
        "invalid-json": ('{"cells": [', 0, "unreadable"),
        "no-notebook": ('["a list"]', 0, "unreadable"),
        "deep": ("[" * 200_000, 0, "unreadable"),
        "odd-cells": (
            '{"cells": [7, null, {"cell_type": "code", "source": 3, "metadata": []}]}',
            0,
            "no-answers",
        ),
        "empty": ("", 0, "empty"),
        "200-megabytes": (200 << 20, 0, "too-large"),
        "other-assignment": (
            {"cells": [foreign], "nbformat": 4, "nbformat_minor": 5, "metadata": {}},
            0,
            "wrong-assignment",
        ),
    }


def write(path: Path, content: object) -> None:
    """Write what a student hands in: a file, or a folder if there are several, one a minute."""
    path.parent.mkdir(parents=True, exist_ok=True)
    if isinstance(content, list):
        for minute, (name, one) in enumerate(content):
            write(path.with_suffix("") / name, one)
            os.utime(path.with_suffix("") / name, (60 * minute, 60 * minute))
    elif isinstance(content, int):
        with open(path, "wb") as file:
            file.truncate(content)
    else:
        path.write_text(content if isinstance(content, str) else json.dumps(content), encoding="utf-8")


def make_class(
    path: Path, folder: Path, students: int, secrets: Path, port: int
) -> dict[str, tuple[float | None, str]]:
    """Write a class: one student of each kind, the others full, half, blank or wrong; what each is worth."""
    every = kinds(path, secrets, port)
    names = [*every, *(["full", "half", "blank", "wrong"] * students)][:students]
    expected = {}
    for i, kind in enumerate(names, 1):
        content, points, status = every[kind]
        student = f"{i:03d}-{kind}"
        write(folder / f"{student}.ipynb", content)
        expected[student] = (points, status)
    return expected


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="python -m exercises.grader.trial.make_class", description=__doc__.splitlines()[0]
    )
    parser.add_argument("master", type=Path)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--students", type=int, default=300)
    parser.add_argument(
        "--secrets", type=Path, default=Path("/nowhere"), help="a folder that they try to read and write"
    )
    parser.add_argument("--port", type=int, default=9, help="of 127.0.0.1, where they try to call")
    asked = parser.parse_args()
    expected = make_class(asked.master, asked.folder, asked.students, asked.secrets, asked.port)
    with open(asked.folder.with_name("expected.csv"), "w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([("student", "points", "status"), *((s, *e) for s, e in expected.items())])
    print(f"{len(expected)} submissions in {asked.folder}")


if __name__ == "__main__":
    main()
