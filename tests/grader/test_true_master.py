"""The denoising exercises, up to the question before the first that trains, behind the real lock and with torch."""

import json
from pathlib import Path

import pytest

from course_lib.exercises.notebook import marks
from exercises.grader.collect import collect
from exercises.grader.grade import Grading, grade, prepare
from exercises.grader.master import read_master
from exercises.grader.run import Limits
from exercises.grader.sandbox import find_sandbox
from exercises.grader.trial.make_class import kinds, write

MASTER = Path(__file__).parents[2] / "exercises" / "instructor" / "denoising.ipynb"


pytestmark = pytest.mark.skipif(not MASTER.exists(), reason="the public tree has no masters")


@pytest.fixture(scope="module")
def shortened(tmp_path_factory):
    notebook = json.loads(MASTER.read_text(encoding="utf-8"))
    at = next(i for i, cell in enumerate(notebook["cells"]) if marks(cell).get("grade_id") == "denoising-4")
    path = tmp_path_factory.mktemp("instructor") / "denoising.ipynb"
    write(path, notebook | {"cells": notebook["cells"][: at + 1]})
    return path


def test_every_question_has_a_title_points_and_an_answer():
    master = read_master(MASTER)
    assert [q.id for q in master.questions if q.by_hand] == [master.questions[-1].id]
    assert all(q.title and q.answers and q.points > 0 for q in master.questions)


def test_right_wrong_and_patched_answers(shortened, tmp_path):
    master = read_master(shortened)
    every = kinds(shortened, tmp_path, 9)
    for kind in ("full", "patches"):
        write(tmp_path / f"{kind}.ipynb", every[kind][0])
    grading = prepare(Grading(master, Limits(), find_sandbox(), "", ()))
    for submission in collect(tmp_path, master):
        result = grade(submission, grading)
        assert sum(q.points for q in result.questions.values()) == every[submission.student][1], result
