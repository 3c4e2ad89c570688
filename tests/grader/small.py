"""A small master without torch, with the same marks as a real one: three questions for the grader, one for a person."""

import json
from pathlib import Path

SETUP = '''import math
import random
calls = []

def check(question):
    """Stands in for the course's own."""
    import contextlib
    return contextlib.nullcontext()
'''

ANSWERS = {
    "small-1-answer": "def double(x):\n    ### BEGIN SOLUTION\n    return 2 * x\n    ### END SOLUTION\n",
    "small-2-answer": "def area(w, h):\n    ### BEGIN SOLUTION\n    return w * h\n    ### END SOLUTION\n\n"
    "def around(w, h):\n    ### BEGIN SOLUTION\n    return 2 * (w + h)\n    ### END SOLUTION\n",
    "small-3-answer": "def guess():\n    ### BEGIN SOLUTION\n    return [[0.5, 0.5]]\n    ### END SOLUTION\n",
}
CHECKS = {
    "small-1": (
        2,
        'with check("small.1"):\n    assert double(2) == 4, f"twice 2 is 4, yours says {double(2)}"\n',
        "    rng = random.Random(seed)\n    for _ in range(3):\n        x = rng.uniform(-5, 5)\n"
        '        emit("double", double(x))\n',
    ),
    "small-2": (
        3,
        'with check("small.2"):\n    assert area(2, 3) == 6, "two rows of three"\n    side = 4\n',
        '    emit("area", area(side, 5.5))\n    emit("around", {"w": around(seed, 2), "list": [around(1, 1)]})\n',
    ),
    "small-3": (
        1,
        'with check("small.3"):\n    assert len(guess()) == 1\n',
        '    hand_over("guess", guess())\n    # ---- the referee ----\n'
        '    error = sum((a - b) ** 2 for a, b in zip(handed["guess"][0], [0.5, 0.25])) / 2\n'
        '    emit("score", -10 * math.log10(error), at_least=10)\n'
        '    emit("board", -10 * math.log10(error))\n',
    ),
}


def code(source: str, grade_id: str | None = None, **marks) -> dict:
    metadata = {}
    if grade_id:
        shared = {"grade_id": grade_id, "grade": False, "solution": False, "locked": True, "task": False}
        metadata = {"nbgrader": shared | {"schema_version": 3} | marks}
    return {"cell_type": "code", "id": grade_id or "loose", "metadata": metadata, "execution_count": None,
            "outputs": [], "source": source}  # fmt: skip


def notebook(cells: list[dict]) -> dict:
    spec = {"display_name": "Python 3", "language": "python", "name": "python3"}
    return {"cells": cells, "metadata": {"kernelspec": spec}, "nbformat": 4, "nbformat_minor": 5}


def master() -> dict:
    cells = [code(SETUP, "small-setup")]
    for (answer_id, answer), (check_id, (points, visible, hidden)) in zip(ANSWERS.items(), CHECKS.items(), strict=True):
        cells.append(
            {
                "cell_type": "markdown",
                "id": "text",
                "metadata": {},
                "source": f"## {check_id[-1]}. A task ({points} points)",
            }
        )
        cells.append(code(answer, answer_id, solution=True, locked=False))
        test = f"{visible}    ### BEGIN HIDDEN TESTS\n{hidden}    ### END HIDDEN TESTS\n"
        cells.append(code(test, check_id, grade=True, points=points))
    cells.append(code("raise SystemExit('pictures never run')"))
    essay = code(
        "### BEGIN SOLUTION\nRead by a person.\n### END SOLUTION",
        "small-4",
        solution=True,
        grade=True,
        points=2,
    )
    task = {"cell_type": "markdown", "id": "task", "metadata": {}, "source": "## 4. An essay (2 points)"}
    cells += [task, essay | {"cell_type": "markdown"}]
    return notebook(cells)


def write(path: Path, content: dict) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(content), encoding="utf-8")
    return path
