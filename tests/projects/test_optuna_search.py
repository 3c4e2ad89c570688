"""The search on the disk: every point once, by two processes at once, and after a kill; how much TPE spares."""

import os
import signal
import subprocess
import sys
import time

import pytest

from course_lib.projects.noisy_patches import cost_of_best, from_table, search
from course_lib.projects.noisy_patches.optuna_search import GRID

TABLE = {point: (k / 3, k / 2, float(k)) for k, point in enumerate(GRID)}
WORKER = """
import sys, time
from course_lib.projects.noisy_patches import search
from course_lib.projects.noisy_patches.optuna_search import GRID

def score(point, third):
    time.sleep(float(sys.argv[2]))
    return float(GRID.index(point) * third)

search(sys.argv[1], score)
"""


def worker(path, seconds: float) -> subprocess.Popen:
    return subprocess.Popen([sys.executable, "-W", "ignore", "-c", WORKER, str(path), str(seconds)])


def points(study, state: str = "COMPLETE") -> list:
    return [tuple(t.params[k] for k in ("depth", "filters", "nodes")) for t in study.trials if t.state.name == state]


def test_a_grid_is_every_point_once_and_then_done(tmp_path):
    study = search(tmp_path / "study", from_table(TABLE), trials=10)
    assert len(points(study)) == 10
    study = search(tmp_path / "study", from_table(TABLE))
    assert sorted(points(study)) == sorted(GRID) and study.best_value == 26
    assert points(study)[study.best_trial.number] == GRID[-1]
    asked = []
    search(tmp_path / "study", lambda point, third: asked.append(point))
    assert asked == [], "nothing is left to do"
    number, spent = cost_of_best(study, TABLE)
    assert number == spent == study.best_trial.number + 1


@pytest.mark.skipif(os.name == "nt", reason="kill -9")
def test_what_was_killed_is_done_by_the_next_and_nothing_twice(tmp_path):
    first = worker(tmp_path / "study", 0.1)
    deadline = time.monotonic() + 120
    while not (tmp_path / "study").exists() or (tmp_path / "study").read_bytes().count(b"\n") < 40:
        assert first.poll() is None and time.monotonic() < deadline
        time.sleep(0.05)
    first.send_signal(signal.SIGKILL)
    first.wait()
    study = search(tmp_path / "study", from_table(TABLE))
    done = points(study)
    assert sorted(done) == sorted(GRID), "every point, and none twice"
    assert len(study.trials) <= 28, "at most the one that was killed is there a second time"


def test_two_processes_share_a_study(tmp_path):
    both = [worker(tmp_path / "study", 0.02) for _ in range(2)]
    assert [process.wait(timeout=240) for process in both] == [0, 0]
    study = search(tmp_path / "study", from_table(TABLE))
    assert sorted(points(study)) == sorted(GRID)
    assert len({t.user_attrs["process"] for t in study.trials}) == 2, "both have worked"


def test_tpe_prunes_and_goes_on(tmp_path):
    study = search(tmp_path / "study", from_table(TABLE), "tpe", trials=12)
    study = search(tmp_path / "study", from_table(TABLE), "tpe", trials=8)
    assert len(study.trials) == 20 and points(study, "PRUNED")
    pruned = [t for t in study.trials if t.state.name == "PRUNED"]
    assert all(len(t.intermediate_values) < 3 for t in pruned)
    if cost := cost_of_best(study, TABLE):
        assert cost[1] <= cost[0]
    assert cost_of_best(study, {**TABLE, "never asked": (0, 0, 99.0)}) is None


def test_another_sampler_is_refused(tmp_path):
    for arguments in (("random",), ("tpe",)):
        with pytest.raises(ValueError, match="sampler must be grid, or tpe with a number of trials"):
            search(tmp_path / "study", from_table(TABLE), *arguments)


def test_a_lock_that_was_left_behind_is_broken_after_some_seconds(tmp_path):
    (tmp_path / "study.lock").touch()
    began = time.monotonic()
    study = search(tmp_path / "study", from_table(TABLE), trials=1)
    assert len(points(study)) == 1 and time.monotonic() - began > 3, "somebody might have held it"
