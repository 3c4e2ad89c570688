"""Answers that differ from the master's: what must come of a wrong one, and of another right one."""

from functools import cache

from notebook_runs import EXERCISES, agree, answers, load, run


@cache
def master(name: str):
    return load(EXERCISES / "instructor" / f"{name}.ipynb")


@cache
def reference(name: str, question: str, seed: int):
    """The master's own outcome."""
    return run(master(name), only=question, seed=seed)[question]


def gets_no_points(name: str, question: str, old: str, new: str, hidden_only: bool = False) -> None:
    """The master's answer with one thing changed fails a visible assert, and the hidden values on their own.

    Args:
        hidden_only: the visible asserts let it pass.
    """
    cell = f"{question}-answer"
    source = answers(master(name))[cell]
    assert old in source
    wrong = {cell: source.replace(old, new)}
    seen = run(master(name), only=question, replace=wrong, seed=1)[question]
    assert (seen.error is None) == hidden_only, seen.error
    patched = run(master(name), only=question, replace=wrong, seed=1, asserts=False)[question]
    assert not agree(reference(name, question, 1), patched)


def gets_its_points(name: str, question: str, code: str, seeds: tuple[int, ...] = (1, 12345)) -> None:
    for seed in seeds:
        outcome = run(master(name), only=question, replace={f"{question}-answer": code}, seed=seed)[question]
        assert outcome.error is None, outcome.error
        assert agree(reference(name, question, seed), outcome)
