"""The grader's parts that need no sandbox: taking answers, comparing values, writing tables."""

import csv
import io
import json
import math
import os
import threading
import time

import pytest
import small

from exercises.grader import compare, sandbox, tables
from exercises.grader.answers import find_answers, find_essays, job
from exercises.grader.by_hand import Mark
from exercises.grader.collect import Submission, collect
from exercises.grader.grade import Grading, grade
from exercises.grader.inside import cells, seccomp
from exercises.grader.master import read_master
from exercises.grader.result import QuestionResult, Result, Status
from exercises.grader.run import Limits, Outcome
from exercises.grader.sandbox import Sandbox
from exercises.grader.standing import standing
from exercises.grader.whole_class import keep, stored
from exercises.grader.worksheet import read_sheet
from exercises.grader.write import write_all

# Taking answers


def test_only_the_answers_of_a_notebook_are_run(full, master):
    for cell in full["cells"]:
        if cell["metadata"].get("nbgrader", {}).get("grade"):
            cell["source"] = "assert False, 'my own check'"
    full["cells"].insert(0, small.code("raise SystemExit"))
    answers, notes = find_answers(full, master)
    text = json.dumps(job(master, answers))
    assert "my own check" not in text and "SystemExit" not in text and not notes
    assert "HIDDEN" not in text and "emit" not in text and "SOLUTION" not in text


def test_each_question_gets_the_cells_before_it(full, master):
    questions = job(master, find_answers(full, master)[0])["questions"]
    ids = {q["id"]: [cell["id"] for cell in q["cells"]] for q in questions}
    assert ids["small.1"] == ["small-1-answer"] and ids["small.3"] == [
        "small-1-answer",
        "small-2-answer",
        "small-3-answer",
    ]


def essay(notebook):
    return next(cell for cell in notebook["cells"] if cell["metadata"].get("nbgrader", {}).get("grade_id") == "small-4")


def test_an_answer_below_its_stub_is_found_with_a_note(blank, master):
    at = [c["id"] for c in blank["cells"]].index("small-1-answer")
    blank["cells"].insert(at + 1, small.code("%matplotlib inline\ndef double(x):\n    return 2 * x\n"))
    answers, notes = find_answers(blank, master)
    assert "return 2 * x" in answers["small-1-answer"][-1]
    assert notes == ["small-1-answer found in a cell below its stub"]
    blank["cells"][at]["source"] = "def double(x):\n    return 3 * x\n"
    answers, notes = find_answers(blank, master)  # an answer in its place is the answer, whatever stands elsewhere
    assert len(answers["small-1-answer"]) == 1 and notes == []


@pytest.mark.parametrize("said", ["YOUR ANSWER HERE\n\nI saw it.", "I saw it.\n\nYOUR ANSWER HERE", "I saw it."])
def test_an_essay_beside_its_placeholder_is_read(said, blank, master):
    assert find_essays(blank, master) == ({"small.4": ""}, [])
    essay(blank)["source"] = said
    essays, notes = find_essays(blank, master)
    assert "I saw it." in essays["small.4"] and notes == []


def test_an_essay_in_a_cell_of_its_own_is_read_with_a_note(blank, master):
    text = {"cell_type": "markdown", "id": "mine", "metadata": {}, "source": "I saw it."}
    blank["cells"].append(text)
    assert find_essays(blank, master) == ({"small.4": "I saw it."}, ["small.4: text found in a cell of its own"])
    blank["cells"][-1] = text | {"source": "## Hand in\n\nSave it."}
    assert find_essays(blank, master) == ({"small.4": ""}, [])


def test_an_essay_without_marks_is_read_with_a_note(blank, master):
    essay(blank)["source"] = "YOUR ANSWER HERE\n\nI saw it."
    for cell in blank["cells"]:
        cell["metadata"] = {}
    essays, notes = find_essays(blank, master)
    assert essays == {"small.4": "YOUR ANSWER HERE\n\nI saw it."}
    assert notes == ["small.4: text found in cells without marks"]


def test_a_master_that_emits_nothing_is_refused(tmp_path):
    broken = small.master()
    for cell in broken["cells"]:
        cell["source"] = cell["source"].replace('emit("double", double(x))', "pass")
    with pytest.raises(ValueError, match="small.1 emit nothing"):
        read_master(small.write(tmp_path / "small.ipynb", broken))


# The lock


def test_the_folder_that_one_grades_in_stays_outside(tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(str(tmp_path))  # where `python -m` was started is in the path
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    assert str(tmp_path) not in sandbox.lock(Sandbox(True)) and str(tmp_path) not in str(sandbox.environment("/tmp"))


def test_packages_in_the_course_are_there_and_nothing_else_of_it(tmp_path, monkeypatch):
    """Another Python with the packages of the course's .venv; the submissions stay outside all the same."""
    packages = tmp_path / "course" / ".venv" / "lib" / "site-packages"
    packages.mkdir(parents=True)
    monkeypatch.setattr(sandbox, "COURSE", tmp_path / "course")
    monkeypatch.syspath_prepend(str(packages))
    monkeypatch.setenv("PYTHONPATH", str(packages))
    assert (packages, True) in sandbox.mounts(())
    assert str(packages) in sandbox.environment("/tmp")["PYTHONPATH"].split(":")
    words = sandbox.lock(Sandbox(True))
    bound = [words[at + 2] for at, word in enumerate(words) if word.startswith("--ro-bind")]
    assert str(packages) in bound and str(tmp_path / "course") not in bound
    assert (packages, True) not in sandbox.mounts((packages / "submissions",))


def test_what_is_refused_is_refused_for_every_machine():
    for machine in seccomp.MACHINES:
        steps = seccomp.program(machine)
        assert len(steps) < 256 and steps[-1] == (seccomp.RETURN, 0, 0, seccomp.ALLOW)
        for at, (_, yes, no, _) in enumerate(steps):
            assert at + max(yes, no) + 1 <= len(steps)


# Comparing


def value(number, **how):
    return {"what": "x", "value": number, "atol": 1e-5, "rtol": 1e-4, "at_least": None} | how


@pytest.mark.parametrize(
    "wanted, given, right",
    [
        (1.0, 1.00001, True),
        (1.0, 1.01, False),
        (1, 1.0, True),
        (1.0, True, False),
        (1.0, "1.0", False),
        (1.0, None, False),
        (1.0, math.nan, False),
        (1.0, math.inf, False),
        (math.inf, math.inf, True),
        (math.inf, -math.inf, False),
        (math.inf, 1.0, False),
        (math.nan, math.nan, True),
        (1.0, 10**400, False),
        (None, None, True),
        (False, 0, False),
        ("a", "a", True),
        ([1.0, [2.0]], [1.0, [2.0]], True),
        ([1.0, 2.0], [1.0, 2.0, 3.0], False),
        ([1.0], 1.0, False),
        ({"a": 1.0}, {"a": 1.0}, True),
        ({"a": 1.0}, {"b": 1.0}, False),
    ],
)
def test_equal(wanted, given, right):
    assert compare.compare([value(wanted)], [{"what": "x", "value": given}]).passed == right


def test_how_to_compare_is_never_taken_from_the_student():
    given = {"what": "x", "value": 2.0, "atol": 100, "rtol": 100, "at_least": 0}
    assert not compare.compare([value(1.0)], [given]).passed


def test_as_many_values_as_the_master_has():
    wanted = [value(1.0), value(2.0)]
    right = [{"what": "x", "value": 1.0}, {"what": "x", "value": 2.0}]
    assert compare.compare(wanted, right).passed
    assert not compare.compare(wanted, right[:1]).passed
    assert not compare.compare(wanted, right + right[:1]).passed
    assert not compare.compare(wanted, right[::-1]).passed
    assert not compare.compare(wanted, [{"what": [], "value": 1.0}, {}]).passed


@pytest.mark.parametrize("speaker", ["emitter", "handing"])
def test_what_another_thread_says_is_not_heard(speaker):
    """An answer that leaves a thread behind, which calls what the hidden cell calls, changes nothing."""
    out, into = os.pipe()
    say = cells.emitter(into, "mark", False) if speaker == "emitter" else cells.handing(into, "mark")
    spy = threading.Thread(target=say, args=("double", 1.0))
    spy.start()
    spy.join()
    say("double", 2.0)
    os.close(into)
    with os.fdopen(out) as heard:
        assert [json.loads(line.removeprefix("mark "))["value"] for line in heard] == [2.0]


def test_a_bound_is_the_masters_and_only_numbers_reach_it():
    wanted = value(None, at_least=20)
    # the PSNR of a perfect image is infinite
    assert all(compare.good(wanted, reached) for reached in (20, 99.5, math.inf))
    for forged in (19.9, "99", [99.0], None, True, math.nan, 10**400, {}):
        assert not compare.good(wanted, forged)


@pytest.mark.parametrize("odd", [10**400, [[[10**400]]], [[[0.2, None]]], "99", {}])
def test_an_odd_place_on_the_board_costs_no_points(odd):
    """Whatever stands there, it is no number, and no failure of the grader either."""
    reference = [value(1.0), value(3.0) | {"what": "board"}]
    verdict = compare.compare(reference, [{"what": "x", "value": 1.0}, {"what": "board", "value": odd}])
    assert verdict.passed and verdict.board is None


def test_a_deep_value_costs_no_time():
    """Half a gigabyte of brackets would: values are walked along the master's, a few steps."""
    deep = [0] * 100_000
    for _ in range(450):
        deep = [deep]
    begun = time.perf_counter()
    for wanted in ([1.0, 2.0], [[[1.0]]], 1.0, {"a": 1.0}):
        assert not compare.compare([value(wanted)], [{"what": "x", "value": deep}]).passed
    assert time.perf_counter() - begun < 0.1


def test_the_visible_check_counts(master):
    question = master.graded[0]
    right = Outcome(Status.OK, {"check": None}, [value(1.0)])
    assert compare.judge(question, right, right)[0] == question.points
    for report in ({}, {"check": "said no"}, {"check": 7}):
        assert compare.judge(question, right, Outcome(Status.OK, report, [value(1.0)]))[0] == 0


# Tables


def result(points=2.0, text="an essay"):
    rows = {"small.1": points, "small.2": 0.0, "small.3": 1.0}
    questions = {name: QuestionResult(p, right=1) for name, p in rows.items()}
    return Result([Status.OK], [], questions, {"small.4": text})


def read(text):
    return list(csv.DictReader(io.StringIO(text)))


def test_tables_hold_the_same_points(full, master, tmp_path):
    small.write(tmp_path / "Ada Lovelace_4711_assignsubmission_file_" / "small.ipynb", full)
    [ada] = collect(tmp_path, master)
    rows = [standing(master, ada, result(), {(ada.student, "small.4"): Mark(1.5, "", "")})]
    [own] = read(tables.own(master, rows))
    assert (own["small.1"], own["small.4"], own["total"], own["of"]) == ("2", "1.5", "4.5", "8")
    possible, canvas = read(tables.canvas(master, rows))
    assert possible["Student"].strip() == "Points Possible" and possible["small"] == "8"
    assert (canvas["ID"], canvas["small"]) == ("4711", "4.5")
    [moodle] = read(tables.moodle(master, rows))
    assert (moodle["Identifier"], moodle["Grade"], moodle["Maximum grade"]) == (
        "Participant 4711",
        "4.5",
        "8",
    )
    gradescope = json.loads(tables.gradescope(master, rows[0]))
    assert gradescope["score"] == 4.5 == sum(test["score"] for test in gradescope["tests"])
    assert sum(test["max_score"] for test in gradescope["tests"]) == 8


def test_no_cell_is_a_formula_and_no_name_breaks_a_file(full, master, tmp_path):
    names = [
        "=1+1",
        "@SUM(A1)",
        "+ada",
        "-ada",
        "Zo\udcff",
        "ä" * 120,
        "ada;=1+1",
        "<script>alert(1)</script>".replace("/", ""),
    ]
    for name in names:
        small.write(tmp_path / "class" / f"{name}.ipynb", full)
    submissions = collect(tmp_path / "class", master)
    said = result(text="\ud800 <b>&")
    said.questions["small.1"] = QuestionResult(message="<script>\ud800", right=1, wrong=["<i>"])
    said.notes = ["=note"]
    for _ in range(2):
        write_all(tmp_path / "g.csv", tmp_path / "g", master, submissions, {s.student: said for s in submissions})
        by_hand = read_sheet(tmp_path / "g" / "by-hand.csv", ["student"])
        assert {row["student"] for row in by_hand} == {s.student for s in submissions}
    for path in [tmp_path / "g.csv", *(tmp_path / "g").glob("*.csv")]:
        rows = list(csv.reader(io.StringIO(path.read_text("utf-8-sig"))))
        cells = [part for row in rows for cell in row for part in cell.split(";")]
        assert not any(cell[:1] in "=+@" for cell in cells if cell), path
        assert not any(cell.startswith("-") and cell != "-" for cell in cells), path
    pages = [p.read_text("utf-8") for p in (tmp_path / "g").rglob("*.html")]
    assert len(pages) == 2 + len(names)
    assert not any(word in page for page in pages for word in ("<script>", "<i>", "<b>&"))
    [odd] = [s for s in submissions if s.student.startswith("Zo")]
    grading = Grading(master, Limits(), Sandbox(False), "", ())
    for submission in submissions:
        keep(tmp_path, submission, grading, said)
        assert stored(tmp_path, submission, grading) == said
    assert "\\udcff" in odd.student


def test_a_grader_that_fails_costs_one_student_a_second_run(full, master, tmp_path):
    small.write(tmp_path / "ada.ipynb", full)
    [ada] = collect(tmp_path, master)
    broken = grade(ada, Grading(master, Limits(), Sandbox(False), "", (), None))  # no reference: it cannot compare
    assert broken.status == [Status.GRADER_FAILED] and set(broken.questions) == {
        "small.1",
        "small.2",
        "small.3",
    }


def test_what_nobody_has_read_is_not_nought(master):
    assert standing(master, Submission("ada"), result(), {}).points["small.4"] is None
    assert standing(master, Submission("ada"), result(text=""), {}).points["small.4"] == 0
