"""The grader's parts that need no sandbox: finding submissions, taking answers, comparing values, writing tables."""

import csv
import io
import json
import math
import os

import pytest
import small

from exercises.grader import compare, sandbox, tables
from exercises.grader.by_hand import read_points, read_rows, to_fill_in
from exercises.grader.collect import collect
from exercises.grader.inside import seccomp
from exercises.grader.klass import Grading, grade, keep, stored
from exercises.grader.make_class import solution, stub, student_notebook
from exercises.grader.master import read_master
from exercises.grader.rebuild import find_answers, job
from exercises.grader.run import Limits
from exercises.grader.sandbox import Sandbox
from exercises.grader.write import write_all


@pytest.fixture
def full():
    return student_notebook(small.master(), lambda _, source: solution(source))


@pytest.fixture
def blank():
    return student_notebook(small.master(), lambda _, source: stub(source))


def students(folder, master):
    return {s.student: s for s in collect(folder, master)}


# Finding submissions


@pytest.mark.parametrize(
    "name, student, platform_id",
    [
        ("ada.ipynb", "ada", ""),
        ("ada-small-submission.ipynb", "ada", ""),
        ("ada_small (1).ipynb", "ada_small (1)", ""),
        ("ada/small/small.ipynb", "ada", ""),
        ("lovelaceada_4711_880022_small-submission-1.ipynb", "lovelaceada", "4711"),
        ("lovelaceada_LATE_4711_880022_small-submission.ipynb", "lovelaceada", "4711"),
        ("Ada Lovelace_4711_assignsubmission_file_/small-submission.ipynb", "Ada Lovelace", "4711"),
        ("Zoë Ångström, =1+1 '; rm -rf ~.ipynb", "Zoë Ångström, =1+1 '; rm -rf ~", ""),
    ],
)
def test_whose_file_it_is(name, student, platform_id, full, master, tmp_path):
    small.write(tmp_path / name, full)
    [found] = collect(tmp_path, master)
    assert (found.student, found.platform_id, found.status) == (student, platform_id, "ok")
    assert ("late" in found.notes) == ("LATE" in name)


def test_the_latest_file_counts_and_the_note_says_so(full, blank, master, tmp_path):
    old = small.write(tmp_path / "ada" / "second.ipynb", blank)
    new = small.write(tmp_path / "ada" / "first.ipynb", full)
    os.utime(old, (1_000, 1_000))
    os.utime(new, (2_000, 2_000))
    [found] = collect(tmp_path, master)
    assert found.path == new and found.notes == ["2 files, taken: first.ipynb"]


def test_a_broken_upload_does_not_hide_a_good_one(full, master, tmp_path):
    good = small.write(tmp_path / "ada" / "a.ipynb", full)
    os.utime(good, (1_000, 1_000))
    (tmp_path / "ada" / "b.ipynb").write_text("")
    [found] = collect(tmp_path, master)
    assert found.path == good and found.status == "ok"


def test_what_is_not_a_submission_is_left_alone(full, master, tmp_path):
    outside = small.write(tmp_path / "elsewhere" / "secret.ipynb", full)
    folder = tmp_path / "class"
    small.write(folder / "ada" / ".ipynb_checkpoints" / "small-checkpoint.ipynb", full)
    small.write(folder / "__MACOSX" / "bob.ipynb", full)
    (folder / "notes.txt").write_text("hello")
    (folder / "eve.ipynb").symlink_to(outside)
    (folder / "mallory").mkdir()
    (folder / "mallory" / "x.ipynb").symlink_to(outside)
    assert {name: s.status for name, s in students(folder, master).items()} == {
        "ada": "no-file",
        "mallory": "no-file",
    }


def test_two_people_of_one_name_stay_two(full, blank, master, tmp_path):
    small.write(tmp_path / "leeann_11_1_small.ipynb", full)
    small.write(tmp_path / "leeann_22_2_small.ipynb", blank)
    assert students(tmp_path, master).keys() == {"leeann 11", "leeann 22"}


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
    assert str(tmp_path) not in sandbox.lock(Sandbox(True)) and str(tmp_path) not in str(
        sandbox.environment("/tmp")
    )


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
    return {"what": "x", "value": number, "atol": 1e-5, "rtol": 1e-4, "at_least": None, "target": None} | how


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


def test_at_least_and_psnr_are_reckoned_here():
    clean = [[[0.2, 0.8]], [[0.5, 0.5]]]
    wanted = value(None, at_least=20, target=clean)
    noisy = [[[0.3, 0.7]], [[0.6, 1.5]]]  # 20 dB; 0.1 and, clamped, 0.5: 8.86 dB
    assert compare.psnr(noisy, clean) == pytest.approx((20 + 10 * math.log10(2 / 0.26)) / 2)
    assert compare.good(wanted, clean) is False  # no image is without error but the copied one
    assert compare.good(wanted, [[[0.201, 0.8]], [[0.501, 0.5]]])
    assert not compare.good(wanted, noisy)
    for forged in (99.0, "99", [99.0], [[[0.2, "0.8"]], [[0.5, 0.5]]], [[[0.2]], [[0.5]]], None, [[], []]):
        assert not compare.good(wanted, forged)


# Tables


def result(points=2.0, text="an essay"):
    row = {"points": points, "of": 2.0, "status": "ok", "message": "", "right": 1, "wrong": [], "board": None}
    rows = {
        name: row | {"points": p} for name, p in (("small.1", points), ("small.2", 0.0), ("small.3", 1.0))
    }
    return {"status": ["ok"], "notes": [], "questions": rows, "by_hand": {"small.4": text}}


def read(text):
    return list(csv.DictReader(io.StringIO(text)))


def test_tables_hold_the_same_points(full, master, tmp_path):
    small.write(tmp_path / "Ada Lovelace_4711_assignsubmission_file_" / "small.ipynb", full)
    [ada] = collect(tmp_path, master)
    rows = [(ada, result(), tables.points(result(), master, {"small.4": 1.5}))]
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
    gradescope = json.loads(tables.gradescope(master, *rows[0]))
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
        "<script>alert(1)</script>".replace("/", ""),
    ]
    for name in names:
        small.write(tmp_path / "class" / f"{name}.ipynb", full)
    submissions = collect(tmp_path / "class", master)
    said = result(text="\ud800 <b>&")
    said["questions"]["small.1"] |= {"message": "<script>\ud800", "points": 0.0, "wrong": ["<i>"]}
    said |= {"notes": ["=note"]}
    for _ in range(2):
        write_all(
            tmp_path / "g.csv", tmp_path / "g", master, submissions, {s.student: said for s in submissions}
        )
        by_hand = read_rows(tmp_path / "g" / "by-hand.csv")
        assert {student for student, _ in by_hand} == {s.student for s in submissions}
    for path in [tmp_path / "g.csv", *(tmp_path / "g").glob("*.csv")]:
        rows = list(csv.reader(io.StringIO(path.read_text("utf-8"))))
        assert not any(cell[:1] in "=+@" for row in rows for cell in row if cell), path
        assert not any(cell.startswith("-") and cell != "-" for row in rows for cell in row), path
    pages = [p.read_text("utf-8") for p in (tmp_path / "g").rglob("*.html")]
    assert len(pages) == 2 + len(names)
    assert not any(word in page for page in pages for word in ("<script>", "<i>", "<b>&"))
    [odd] = [s for s in submissions if s.student.startswith("Zo")]
    grading = Grading(master, Limits(), Sandbox(False), "", (), {})
    for submission in submissions:
        keep(tmp_path, submission, grading, said)
        assert stored(tmp_path, submission, grading) == said
    assert "\\udcff" in odd.student


def test_a_grader_that_fails_costs_one_student_a_second_run(full, master, tmp_path):
    small.write(tmp_path / "ada.ipynb", full)
    [ada] = collect(tmp_path, master)
    broken = grade(
        ada, Grading(master, Limits(), Sandbox(False), "", (), None)
    )  # no reference: it cannot compare
    assert broken["status"] == ["grader-failed"] and set(broken["questions"]) == {
        "small.1",
        "small.2",
        "small.3",
    }


def test_what_nobody_has_read_is_not_nought(master):
    assert tables.points(result(), master, {})["small.4"] is None
    assert tables.points(result(text=""), master, {})["small.4"] == 0


def test_points_by_hand_survive_and_are_checked(master, tmp_path, full):
    small.write(tmp_path / "class" / "ada.ipynb", full)
    pairs = [(s, result()) for s in collect(tmp_path / "class", master)]
    path = tmp_path / "by-hand.csv"
    path.write_text(to_fill_in(master, pairs, read_rows(path)))
    assert read(path.read_text()) == [{"student": "ada", "question": "small.4", "points": "", "comment": ""}]
    path.write_text(
        "\ufeffstudent;question;points;comment\nada;small.4;1,5;Good\nbob;small.4;2;\n", encoding="utf-8"
    )
    points, comments = read_points(read_rows(path), master)
    assert (
        points == {"ada": {"small.4": 1.5}, "bob": {"small.4": 2.0}} and comments["ada"]["small.4"] == "Good"
    )
    assert "bob,small.4,2," in to_fill_in(
        master, pairs, read_rows(path)
    )  # bob's file has gone, his points have not
    path.write_text("student,question,points,comment\nada,small.4,9,\n")
    with pytest.raises(ValueError, match="0 to 2"):
        read_points(read_rows(path), master)
