"""What becomes of a right answer: a perfect score counts, a stub below does not wipe it, the table has a place."""

import math
from types import SimpleNamespace

import pytest

from exercises.grader import __main__ as command
from exercises.grader.answers import find_answers
from exercises.grader.compare import good

ANSWER = "def double(x):\n    return 2 * x\n"
STUB = "def double(x):\n    raise NotImplementedError()\n"


@pytest.mark.parametrize("value", [26, 26.0, 1e308, math.inf])
def test_what_reaches_the_bound_is_good_and_infinity_does(value):
    assert good({"at_least": 26, "value": None, "atol": 0, "rtol": 0}, value)


@pytest.mark.parametrize("value", [25.999, math.nan, -math.inf, "inf", [math.inf], True, None])
def test_what_does_not_reach_it_is_not(value):
    assert not good({"at_least": 26, "value": None, "atol": 0, "rtol": 0}, value)


def double_of_two(*sources):
    cells = [
        {"cell_type": "code", "source": s, "metadata": {"nbgrader": {"grade_id": "x-1-answer", "solution": True}}}
        for s in sources
    ]
    master = SimpleNamespace(answers={"x-1-answer": SimpleNamespace(names={"double"})})
    answers, _ = find_answers({"cells": cells}, master)
    space = {}
    for source in answers["x-1-answer"]:
        exec(source, space)
    return space["double"](2)


@pytest.mark.parametrize(
    "sources",
    [(ANSWER, STUB), (STUB, ANSWER), (STUB, ANSWER, STUB), (ANSWER, "\n", STUB), (ANSWER, "factor = 2\n", STUB)],
)
def test_an_untouched_copy_never_wipes_an_answer(sources):
    assert double_of_two(*sources) == 4


def test_of_two_answers_the_last_counts_and_a_stub_alone_is_a_stub():
    assert double_of_two(ANSWER, ANSWER.replace("2", "3")) == 6
    with pytest.raises(NotImplementedError):
        double_of_two(STUB, STUB)


@pytest.mark.parametrize(
    ("out", "table"), [("grades", "grades.csv"), ("grades.csv", "grades.csv"), ("my class/all", "my class/all.csv")]
)
def test_a_table_without_an_ending_gets_one(out, table, tmp_path, monkeypatch):
    written = []
    monkeypatch.setattr(command, "read_master", lambda path: SimpleNamespace(name="x"))
    monkeypatch.setattr(command, "collect", lambda *_: [])
    monkeypatch.setattr(command, "claim", lambda *_: None)
    monkeypatch.setattr(command.by_hand, "read_marks", lambda *_: None)
    monkeypatch.setattr(command.late, "read_late", lambda *_: None)
    monkeypatch.setattr(command, "Grading", lambda *_: None)
    monkeypatch.setattr(command, "grade_class", lambda *_: {})
    monkeypatch.setattr(command, "write_all", lambda out, folder, *_: written.append((out, folder)))
    assert command.main(["grade", str(tmp_path), "--out", str(tmp_path / out), "--no-sandbox"]) == 0
    assert written == [(tmp_path / table, (tmp_path / table).with_suffix(""))]


def test_a_folder_is_no_table_and_that_is_said_before_anything_is_graded(tmp_path, monkeypatch, capsys):
    (tmp_path / "a.b").mkdir()
    monkeypatch.setattr(command, "read_master", lambda path: SimpleNamespace(name="x"))
    assert command.main(["grade", str(tmp_path), "--out", str(tmp_path / "a.b"), "--no-sandbox"]) == 1
    assert "a.b is a folder" in capsys.readouterr().err
