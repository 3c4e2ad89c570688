"""Answers that differ from the master's: what must come of a wrong one, and of another right one."""

from functools import cache

import pytest
from notebook_runs import EXERCISES, agree, answers, load, run, training

from course_lib.exercises.closing import names_in
from exercises.grader.master import CLOSED


@cache
def master(name: str):
    return load(EXERCISES / "instructor" / f"{name}.ipynb")


@cache
def reference(name: str, question: str, seed: int):
    """The master's own outcome."""
    return run(master(name), only=question, seed=seed)[question]


@cache
def trained(name: str) -> list[str]:
    return training(master(name))


def closed_names(name: str, question: str, code: str) -> list[str]:
    """Which closed functions the grader would find in the text of an answer."""
    check = next(c.source for c in master(name).cells if c.metadata.get("nbgrader", {}).get("grade_id") == question)
    found = CLOSED.search(check)
    return names_in(code, [f.strip().split(".")[-1] for f in found[1].split(",")]) if found else []


def changed(name: str, question: str, how: str | tuple[str, str]) -> dict[str, str]:
    """The answer cell, with (old, new) changed in the master's, or written anew."""
    cell = f"{question}-answer"
    if isinstance(how, str):
        return {cell: how}
    source, (old, new) = answers(master(name))[cell], how
    assert old in source
    return {cell: source.replace(old, new)}


def wrong_cases(table: dict, quick: set[str]) -> list:
    """Test cases of a table of wrong answers. On a leaderboard those that do not fail at once (``quick``) are `long`."""
    found = []
    for question, how in table:
        trains = question.endswith("-7") and how not in quick
        found.append(pytest.param(question, how, id=f"{question}: {how}", marks=[pytest.mark.long] * trains))
    return found


def cases(table: dict) -> list:
    """Test cases of a table of right answers. A leaderboard trains a network: all but its first answer are `long`."""
    found, boards = [], set()
    for question, how in table:
        again = question.endswith("-7") and question in boards
        boards.add(question)
        found.append(pytest.param(question, how, id=f"{question}: {how}", marks=[pytest.mark.long] * again))
    return found


def gets_no_points(name: str, question: str, how: str | tuple[str, str], hidden_only: bool = False) -> None:
    """A wrong answer fails a visible assert, and the hidden values on their own, for somebody who patches asserts.

    What is trained is trained once: there the hidden values alone are asked for.

    Args:
        hidden_only: the visible asserts let it pass.
    """
    wrong = changed(name, question, how)
    patched = run(master(name), only=question, replace=wrong, seed=1, asserts=False)[question]
    assert not agree(reference(name, question, 1), patched)
    if question not in trained(name):
        seen = run(master(name), only=question, replace=wrong, seed=1)[question]
        assert (seen.error is None) == hidden_only, seen.error


def gets_its_points(name: str, question: str, code: str) -> None:
    """A right answer passes the visible check and has the hidden values, for several seeds."""
    assert closed_names(name, question, code) == []
    for seed in (1,) if question in trained(name) else (1, 12345, 4_000_000_007):
        outcome = run(master(name), only=question, replace={f"{question}-answer": code}, seed=seed)[question]
        assert outcome.error is None, outcome.error
        assert agree(reference(name, question, seed), outcome), differences(reference(name, question, seed), outcome)


def differences(wanted, given) -> list[str]:
    from exercises.grader.compare import compare

    return compare(wanted.emitted, given.emitted).wrong
