"""The command: what it writes, that it goes on where it stopped, and that it works wherever it has to."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import small

from exercises.grader import sandbox, whole_class
from exercises.grader.__main__ import main
from exercises.grader.trial.make_class import kinds, write

COURSE = Path(sandbox.__file__).parents[2]


@pytest.fixture
def folder(master_path, tmp_path):
    """Six students."""
    every = kinds(master_path, tmp_path, 9)
    for kind in ("full", "half", "blank", "wrong", "raises", "empty"):
        write(tmp_path / "class" / f"{kind}.ipynb", every[kind][0])
    return tmp_path / "class"


def arguments(folder, out, master_path, *more):
    return ["grade", str(folder), "--out", str(out), "--master", str(master_path), "--seconds", "5", *more]


def written(out):
    """All that a run has written."""
    below = [path for path in out.with_suffix("").rglob("*") if path.is_file()]
    return {
        path.relative_to(out.parent).as_posix().replace(out.stem, "", 1): path.read_bytes() for path in [out, *below]
    }


def test_the_command(folder, master_path, tmp_path, capsys, monkeypatch):
    out = tmp_path / "grades.csv"
    assert main(arguments(folder, out, master_path)) == 0
    rows = [line.split(",") for line in out.read_text("utf-8-sig").splitlines()]
    assert [(row[0], row[7], row[9].split(";")[0]) for row in rows[1:]] == [
        ("blank", "0", "ok"),
        ("empty", "0", "empty"),
        ("full", "6", "ok"),
        ("half", "3", "ok"),
        ("raises", "4", "ok"),
        ("wrong", "4", "ok"),
    ]
    first = written(out)
    feedback = first["/feedback/raises.html"].decode()
    assert "ValueError: no" in feedback and "4 of 8 points" in feedback and "emit" not in feedback

    # Again: the results are there, nobody is graded anew, and every byte is the same.
    ran = []
    monkeypatch.setattr(whole_class, "grade", lambda submission, grading: ran.append(submission.student))
    assert main(arguments(folder, out, master_path)) == 0
    assert ran == [] and written(out) == first
    monkeypatch.undo()

    # A new file of one student, and one who is to be graded again.
    shutil.copy(folder / "full.ipynb", folder / "wrong.ipynb")
    graded, original = [], whole_class.grade
    monkeypatch.setattr(whole_class, "grade", lambda s, g: graded.append(s.student) or original(s, g))
    assert main(arguments(folder, out, master_path, "--regrade", "half")) == 0
    assert sorted(graded) == ["half", "wrong"]
    assert main(arguments(folder, out, master_path, "--regrade", "nobody")) == 1
    assert "no submission of nobody" in capsys.readouterr().err


def below(pid):
    """The process and all below it."""
    found = [pid]
    for parent in found:
        for task in Path(f"/proc/{parent}/task").glob("*/children"):
            try:
                found += [int(child) for child in task.read_text().split()]
            except OSError:
                continue
    return found


def alive(pid):
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] not in "ZX"
    except OSError:
        return False


def test_killed_in_the_middle(folder, master_path, tmp_path):
    """While somebody is graded who writes from a thread of its own, whose row hung on luck once."""
    if sandbox.find_sandbox().locked:
        write(folder / "spies.ipynb", kinds(master_path, tmp_path, 9)["spies"][0])
    whole, broken = tmp_path / "whole.csv", tmp_path / "broken.csv"
    assert main(arguments(folder, whole, master_path)) == 0
    command = [
        sys.executable,
        "-m",
        "exercises.grader",
        *arguments(folder, broken, master_path, "--workers", "1"),
    ]
    process = subprocess.Popen(command, cwd=COURSE, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    results = broken.with_suffix("") / "results"
    while len(list(results.glob("*.json"))) < 5:
        assert process.poll() is None
        time.sleep(0.02)
    family = below(process.pid)
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert not broken.exists() and len(list(results.glob("*.json"))) < len(list(folder.iterdir()))
    for path in results.glob("*.json"):
        json.loads(path.read_text())  # whole, or not there
    if sandbox.find_sandbox().locked:
        latest = time.monotonic() + 20
        while any(map(alive, family)) and time.monotonic() < latest:
            time.sleep(0.05)
        assert not any(map(alive, family)), "the sandbox outlives its grader"
    assert main(arguments(folder, broken, master_path)) == 0
    assert written(broken) == written(whole)


def test_without_bubblewrap(folder, master_path, tmp_path, capsys, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    sandbox.find_sandbox.cache_clear()
    try:
        assert main(arguments(folder, tmp_path / "grades.csv", master_path)) == 0
    finally:
        sandbox.find_sandbox.cache_clear()
    assert "WARNING: Bubblewrap (the command bwrap) is not installed" in capsys.readouterr().err
    rows = dict(line.split(",", 1) for line in (tmp_path / "grades.csv").read_text().splitlines())
    assert ",6,8,ok; unsandboxed," in rows["full"] and ",0,8,empty," in rows["empty"]


def python_for_everyone(environment):
    """A Python that another user may run, with this one's packages; None if there is none."""
    other = {"user": 65534, "group": 65534, "extra_groups": [], "cwd": COURSE, "env": environment}
    for python in (sys.executable, f"/usr/bin/python3.{sys.version_info.minor}"):
        try:
            if subprocess.run([python, "-c", "import IPython, exercises.grader.run"], **other).returncode == 0:
                return python, other
        except OSError:
            continue
    return None, other


def test_as_an_ordinary_user(folder, master_path, tmp_path):
    if os.getuid() != 0:
        pytest.skip("this is an ordinary user: the other tests show it")
    packages = str(Path(whole_class.__file__).parents[2]), str(Path(pytest.__file__).parents[1])
    python, other = python_for_everyone({"PATH": os.environ["PATH"], "PYTHONPATH": ":".join(packages)})
    if python is None:
        pytest.skip("no other user may run this Python")
    for path in (*tmp_path.parents[:2], tmp_path, *tmp_path.rglob("*"), master_path, master_path.parent):
        path.chmod(0o777)
    out = tmp_path / "grades.csv"
    subprocess.run([python, "-m", "exercises.grader", *arguments(folder, out, master_path)], check=True, **other)
    assert ",6,8,ok" in next(line for line in out.read_text().splitlines() if line.startswith("full,"))


def test_on_a_dask_cluster_of_two_processes(folder, master_path, tmp_path):
    distributed = pytest.importorskip("distributed", reason="Dask is an extra")
    here, there = tmp_path / "here.csv", tmp_path / "there.csv"
    assert main(arguments(folder, here, master_path)) == 0
    options = {"n_workers": 2, "threads_per_worker": 1, "processes": True, "dashboard_address": None}
    with distributed.LocalCluster(host="127.0.0.1", **options) as cluster:
        assert main(arguments(folder, there, master_path, "--scheduler", cluster.scheduler_address)) == 0
    assert written(there) == written(here)


def test_no_submissions_no_master_no_answer(folder, master_path, tmp_path, capsys):
    assert main(arguments(tmp_path / "nowhere", tmp_path / "g.csv", master_path)) == 1
    assert "there is no folder" in capsys.readouterr().err
    assert main(arguments(folder, tmp_path / "g.csv", tmp_path / "nobody.ipynb")) == 1
    broken = small.master()
    broken["cells"][2]["source"] = "def double(x):\n    return x\n"
    assert main(arguments(folder, tmp_path / "g.csv", small.write(tmp_path / "small.ipynb", broken))) == 1
    assert "the master's own answer to small.1 does not pass" in capsys.readouterr().err
