"""Every kind of submission that a class may hold: each honest one has its points, none of the others harms anyone."""

import json
import socket
import sys
from pathlib import Path

import pytest

from exercises.grader.collect import collect
from exercises.grader.grade import grade
from exercises.grader.sandbox import COURSE
from exercises.grader.trial.attacks import IN_PLACE
from exercises.grader.trial.make_class import kinds, write
from exercises.grader.trial.meddling import BEFORE
from exercises.grader.trial.reckless import RECKLESS
from exercises.grader.trial.stalling import STALLING
from exercises.grader.whole_class import threads

HONEST = "full half blank two-files test-deleted test-edited test-twice reordered answer-split answer-deleted"
HONEST += " stripped no-ids"
FILES = "invalid-json no-notebook deep odd-cells empty 200-megabytes other-assignment"
KINDS = [*HONEST.split(), *IN_PLACE, *STALLING, *BEFORE, *RECKLESS, *FILES.split()]
# Without bubblewrap a submission may kill, read and write what its user may, which is not for a test to try.
PLAIN = ["full", "endless", "exits", "fork-bomb", "8-gigabytes", "chatty", "empty"]


def everything_below(folder: Path) -> dict[str, bytes]:
    return {str(p): p.read_bytes() if p.is_file() else b"" for p in sorted(folder.rglob("*"))}


@pytest.fixture(scope="module")
def graded(grading, master, master_path, tmp_path_factory):
    """One of each kind, two at a time, beside a listener that nobody may reach and a folder that nobody may touch."""
    folder, secrets = tmp_path_factory.mktemp("class"), tmp_path_factory.mktemp("secrets")
    (secrets / "grades.csv").write_text("ada,20")
    for path in (secrets, secrets / "grades.csv"):
        path.chmod(0o777)
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        listener.setblocking(False)
        every = kinds(master_path, secrets, listener.getsockname()[1])
        assert every.keys() == set(KINDS)
        if not grading.sandbox.locked:
            every = {kind: every[kind] for kind in PLAIN}
        for kind, (content, _, _) in every.items():
            write(folder / f"{kind}.ipynb", content)
        before = everything_below(secrets), sorted(folder.iterdir())
        results = {s.student: r for s, r in threads(2)(collect(folder, master), grading)}
        with pytest.raises(BlockingIOError):
            listener.accept()
    assert (everything_below(secrets), sorted(folder.iterdir())) == before
    return {kind: (results[kind], points, status) for kind, (_, points, status) in every.items()}


@pytest.mark.parametrize("kind", KINDS)
def test_submission(kind, graded, grading, master):
    if kind not in graded:
        pytest.skip("only behind the lock of bubblewrap")
    result, points, status = graded[kind]
    json.dumps(result.as_json())
    questions = list(result.questions.values())
    if points is None:
        assert questions[0].points == 0
    else:
        assert sum(q.points for q in questions) == points, result
    assert not status or status in result.status, result
    ran = kind not in FILES.split()
    assert ("unsandboxed" in result.status) == (ran and not grading.sandbox.locked)


def test_nothing_of_the_grader_is_visible(graded):
    if "steals" not in graded:
        pytest.skip("only behind the lock of bubblewrap")
    assert graded["steals"][0].questions["small.1"].message == "seen: []"


def test_no_folder_of_the_instructors_is_named(graded, master_path):
    if "tells-paths" not in graded:
        pytest.skip("only behind the lock of bubblewrap")
    message = graded["tells-paths"][0].questions["small.1"].message
    assert "/proc" in message and "/usr" in message
    telling = {part for path in (COURSE, Path(sys.prefix), master_path) for part in path.parts[1:]} - {"usr", "tmp"}
    assert not [word for word in message.split() if telling & set(word.split("/"))], message


def test_no_hidden_line_reaches_the_student(graded, master):
    hidden = {line.strip() for q in master.graded for line in q.hidden.splitlines() if len(line.strip()) > 8}
    assert len(hidden) > 5
    for result, _, _ in graded.values():
        for question in result.questions.values():
            assert not any(line in question.message for line in hidden)


def test_graded_again_it_is_the_same(grading, master, master_path, tmp_path):
    every = kinds(master_path, tmp_path, 9)
    for kind in ("full", "wrong", "patches"):
        write(tmp_path / f"{kind}.ipynb", every[kind][0])
    first, second = ([grade(s, grading) for s in collect(tmp_path, master)] for _ in range(2))
    assert first == second
