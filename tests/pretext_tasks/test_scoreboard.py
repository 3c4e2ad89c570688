"""Runs over their seeds, read from results that the test has written."""

import json

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from course_lib import reference
from course_lib.pretext_tasks.scoreboard import rank_correlation, spread_of, was_run


@pytest.fixture
def stored(monkeypatch, tmp_path):
    monkeypatch.setattr(reference, "RESULTS", tmp_path)

    def store(name, score):
        (tmp_path / f"{name}.json").write_text(json.dumps({"metrics": {"score": score}}))

    return store


def test_the_seeds_that_were_run_count(stored):
    for name, score in (("turn", 50.0), ("turn-2", 52.0), ("turn-3", 54.0), ("turn-180", 99.0)):
        stored(name, score)
    spread = spread_of("turn", "score")
    assert spread.values == (50.0, 52.0, 54.0) and spread.mean == 52 and spread.deviation == 2
    assert str(spread) == "52.0 ± 2.0"


def test_one_seed_has_no_deviation(stored):
    stored("turn", 50.0)
    assert spread_of("turn", "score").deviation is None and str(spread_of("turn", "score")) == "50.0"


def test_what_was_never_run_is_no_score(stored):
    with pytest.raises(FileNotFoundError, match="rotnet"):
        spread_of("rotnet", "score")
    stored("turn", 50.0)
    with pytest.raises(KeyError):
        spread_of("turn", "another")


def test_what_was_run_is_known(stored):
    stored("turn", 50.0)
    assert was_run("turn") and not was_run("turn-2")


@given(st.lists(st.floats(-1e3, 1e3, width=32), min_size=3, max_size=12, unique=True), st.integers(0, 99))
def test_rank_correlation_is_scipy_s(a, seed):
    b = torch.randn(len(a), generator=torch.Generator().manual_seed(seed))
    expected = stats.spearmanr(a, b.numpy()).statistic
    assert rank_correlation(torch.tensor(a), b).item() == pytest.approx(expected, abs=1e-5)


@pytest.mark.parametrize("shapes", [((3,), (4,)), ((1,), (1,)), ((2, 2), (2, 2))])
def test_what_cannot_be_ranked_is_refused(shapes):
    with pytest.raises(ValueError, match="N at least 2"):
        rank_correlation(*map(torch.zeros, shapes))
