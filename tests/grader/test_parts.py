"""The grader's parts that need no sandbox: taking answers, comparing values, writing tables."""

import csv
import io
import json
import math

import pytest
import small

from exercises.grader import compare, sandbox, tables
from exercises.grader.by_hand import read_points, read_rows, to_fill_in
from exercises.grader.collect import collect
from exercises.grader.inside import seccomp
from exercises.grader.klass import Grading, grade, keep, stored
from exercises.grader.master import read_master
from exercises.grader.rebuild import find_answers, job
from exercises.grader.run import Limits
from exercises.grader.sandbox import Sandbox
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


@pytest.mark.parametrize("odd", [10**400, [[[10**400]]], [[[0.2, None]]], "99", {}])
def test_an_odd_place_on_the_board_costs_no_points(odd):
    """Whatever stands there, it is no number, and no failure of the grader either."""
    wanted = [
        value(1.0),
        value(3.0) | {"what": "board"},
        value(None, target=[[[0.5, 0.5]]]) | {"what": "board"},
    ]
    given = [{"what": "x", "value": 1.0}, {"what": "board", "value": odd}]
    for reference in (wanted[:2], [wanted[0], wanted[2]]):
        verdict = compare.compare(reference, given)
        assert verdict.passed and verdict.board is None


# Tables


def result(points=2.0, text="an essay"):
    row = {"points": points, "of": 2.0, "status": "ok", "message": "", "right": 1, "wrong": [], "board": None}
    rows = {name: row | {"points": p} for name, p in (("small.1", points), ("small.2", 0.0), ("small.3", 1.0))}
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
        "ada;=1+1",
        "<script>alert(1)</script>".replace("/", ""),
    ]
    for name in names:
        small.write(tmp_path / "class" / f"{name}.ipynb", full)
    submissions = collect(tmp_path / "class", master)
    said = result(text="\ud800 <b>&")
    said["questions"]["small.1"] |= {"message": "<script>\ud800", "points": 0.0, "wrong": ["<i>"]}
    said |= {"notes": ["=note"]}
    for _ in range(2):
        write_all(tmp_path / "g.csv", tmp_path / "g", master, submissions, {s.student: said for s in submissions})
        by_hand = read_rows(tmp_path / "g" / "by-hand.csv")
        assert {student for student, _ in by_hand} == {s.student for s in submissions}
    for path in [tmp_path / "g.csv", *(tmp_path / "g").glob("*.csv")]:
        rows = list(csv.reader(io.StringIO(path.read_text("utf-8"))))
        cells = [part for row in rows for cell in row for part in cell.split(";")]
        assert not any(cell[:1] in "=+@" for cell in cells if cell), path
        assert not any(cell.startswith("-") and cell != "-" for cell in cells), path
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
    broken = grade(ada, Grading(master, Limits(), Sandbox(False), "", (), None))  # no reference: it cannot compare
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
    path.write_text("\ufeffstudent;question;points;comment\nada;small.4;1,5;Good\nbob;small.4;2;\n", encoding="utf-8")
    points, comments = read_points(read_rows(path), master)
    assert points == {"ada": {"small.4": 1.5}, "bob": {"small.4": 2.0}} and comments["ada"]["small.4"] == "Good"
    assert "bob,small.4,2," in to_fill_in(master, pairs, read_rows(path))  # bob's file has gone, his points have not
    path.write_text("student,question,points,comment\nada,small.4,9,\n")
    with pytest.raises(ValueError, match="0 to 2"):
        read_points(read_rows(path), master)
