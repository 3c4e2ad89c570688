"""A term: points by hand that come back from a spreadsheet, late work, second attempts, another assignment."""

import csv
import io
import os
import subprocess
import sys
import time
import zipfile
from pathlib import Path

import pytest
import small

from exercises.grader import by_hand, late, similar, whole_class
from exercises.grader.__main__ import main
from exercises.grader.by_hand import Mark, code_name, essay_mark, read_marks, to_fill_in
from exercises.grader.collect import collect
from exercises.grader.grade import Grading
from exercises.grader.result import QuestionResult, Result, Status
from exercises.grader.run import Limits
from exercises.grader.sandbox import Sandbox
from exercises.grader.standing import standing
from exercises.grader.write import claim, write_all


def result(essay="an essay"):
    questions = {f"small.{i}": QuestionResult(float(i), right=1) for i in (1, 2, 3)}
    return Result([Status.OK], [], questions, {"small.4": essay})


@pytest.fixture
def class_(full, master, tmp_path):
    """Ada and Zoë, from Canvas, and what the grader found."""
    for name in ("lovelaceada_4711_9001_small.ipynb", "zoë_LATE_22_9002_small.ipynb"):
        small.write(tmp_path / "class" / name, full)
    return [(s, result()) for s in collect(tmp_path / "class", master)]


def write(class_, master, folder, anonymous=False):
    submissions, results = [s for s, _ in class_], {s.student: r for s, r in class_}
    return write_all(folder.with_suffix(".csv"), folder, master, submissions, results, anonymous)


def rows(path):
    return list(csv.DictReader(io.StringIO(path.read_text("utf-8-sig"))))


# Points by hand


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "cp1252", "utf-16"])
@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
def test_a_table_comes_back_from_any_spreadsheet(encoding, delimiter, class_, master, tmp_path):
    write(class_, master, tmp_path / "g")
    path = tmp_path / "g" / "by-hand.csv"
    assert path.read_bytes().startswith(b"\xef\xbb\xbf")  # so that Excel takes it for UTF-8
    filled = rows(path)
    assert [(r["student"], r["id"], r["question"], r["points"]) for r in filled] == [
        ("lovelaceada", "4711", "small.4", ""),
        ("zoë", "22", "small.4", ""),
    ]
    filled[0] |= {"points": "1,5", "comment": "Schön; gut"}
    text = io.StringIO()
    writer = csv.DictWriter(text, list(filled[0]), delimiter=delimiter, lineterminator="\r\n")
    writer.writeheader()
    writer.writerows(filled)
    path.write_bytes(text.getvalue().encode(encoding))
    marks = read_marks(path, master, [s for s, _ in class_])
    assert [(k, m.points, m.comment) for k, m in marks.items()] == [
        (("lovelaceada 4711", "small.4"), 1.5, "Schön; gut")
    ]
    write(class_, master, tmp_path / "g")
    assert rows(path)[0]["points"] == "1.5" and rows(tmp_path / "g.csv")[0]["small.4"] == "1.5"


@pytest.mark.parametrize(
    "row, message",
    [
        ("zoë,22,small.4,9,", "zoë, small.4: '9' is not from 0 to 2 points"),
        ("zoë,22,small.4,-1,", "not from 0 to 2"),
        ("zoë,22,small.4,much,", "not from 0 to 2"),
        ("zoë,22,small.4,nan,", "not from 0 to 2"),
        ("zoë,22,small.9,1,", "this assignment has the questions small.1, small.2"),
        ("zoe,22,small.4,1,", "'zoe 22' is nobody in this class"),
        ("zoë,23,small.4,1,", "'zoë 23' is nobody in this class"),
        ("bob,,small.4,1,", "'bob' is nobody in this class"),
        ("zoÃ«,22,small.4,1,", "by-hand.csv, zoÃ«: the letters of the column 'student' have been garbled"),
        ("zoë,22,small.4,1,SchÃ¶n", "by-hand.csv, zoë: the letters of the column 'comment' have been garbled"),
        ("zo\ufffd,22,small.4,1,", "garbled"),
        ("zoë,22,small.1,2,", "points in place of the grader's need a reason"),
        ("zoë,22,small.4,1,\nzoë,22,small.4,2,", "there are two rows"),
    ],
)
def test_what_cannot_be_trusted_is_refused_with_the_name(row, message, class_, master, tmp_path):
    path = tmp_path / "by-hand.csv"
    path.write_text(f"student,id,question,points,comment\n{row}\n", "utf-8")
    with pytest.raises(ValueError, match=r"by-hand\.csv") as caught:
        read_marks(path, master, [s for s, _ in class_])
    assert message in str(caught.value)


def test_a_row_without_points_is_no_error_whoever_it_names(class_, master, tmp_path):
    path = tmp_path / "by-hand.csv"
    path.write_text("student,id,question,points,comment\nbob,,small.4,,\n,,,,\n", "utf-8")
    assert read_marks(path, master, [s for s, _ in class_]) == {}


def test_another_essay_after_marking_is_flagged_until_it_is_read(class_, master, tmp_path):
    ada, first = class_[0]
    marks = {(ada.student, "small.4"): Mark(2.0, "Good", essay_mark("an essay"))}
    assert standing(master, ada, first, marks).notes == []
    second = result("another essay")
    assert standing(master, ada, second, marks).notes == ["small.4: essay changed since it was marked"]
    # The points stay, and so does what was read, until the cell is emptied.
    assert essay_mark("an essay") in to_fill_in(master, [(ada, second)], marks, False)
    again = {(ada.student, "small.4"): Mark(2.0, "Good", "")}
    assert essay_mark("another essay") in to_fill_in(master, [(ada, second)], again, False)
    assert standing(master, ada, second, again).notes == []
    write([(ada, second)], master, tmp_path / "g")
    page = tmp_path / "g" / "by-hand.html"
    assert "has changed" not in page.read_text("utf-8")
    (tmp_path / "g" / "by-hand.csv").write_text(
        f"student,id,question,points,comment,essay\nlovelaceada,4711,small.4,2,,{essay_mark('an essay')}\n"
    )
    said = write([(ada, second)], master, tmp_path / "g")
    assert (
        "has changed" in page.read_text("utf-8") and "another essay since theirs was marked: lovelaceada 4711" in said
    )


def test_points_of_the_grader_are_overridden_with_a_reason(class_, master, tmp_path):
    write(class_, master, tmp_path / "g")
    path = tmp_path / "g" / "by-hand.csv"
    path.write_text(path.read_text("utf-8-sig") + "zoë,22,small.1,2,the question was wrong\n", "utf-8")
    for _ in range(2):
        write(class_, master, tmp_path / "g")
        zoe = rows(tmp_path / "g.csv")[1]
        assert zoe["small.1"] == "2" and "small.1: 2 points by hand, the question was wrong" in zoe["notes"]
    assert "the question was wrong" in (tmp_path / "g" / "feedback" / "zo%C3%AB 22.html").read_text("utf-8")


def test_marking_without_names(class_, master, tmp_path):
    write(class_, master, tmp_path / "g", anonymous=True)
    path, page = tmp_path / "g" / "by-hand.csv", tmp_path / "g" / "by-hand.html"
    for text in (path.read_text("utf-8-sig"), page.read_text("utf-8")):
        assert not any(word in text for word in ("lovelaceada", "zoë", "4711"))
    name = code_name(class_[0][0])
    assert name in page.read_text("utf-8")
    path.write_text(f"student,id,question,points,comment,essay\n{name},,small.4,2,,\n")
    write(class_, master, tmp_path / "g")  # the names are back, and the points are where they belong
    assert rows(path)[0] | {"essay": ""} == {
        "student": "lovelaceada", "id": "4711", "question": "small.4", "points": "2", "comment": "", "essay": ""
    }  # fmt: skip


# Late


@pytest.mark.parametrize(
    "table, penalty, note",
    [
        ("", 0, ""),
        ("*,,,10%", 0.6, "late: 0.6 points less"),
        ("*,,,1", 1, "late: 1 points less"),
        ("*,,,100", 6, "late: 6 points less"),
        ("*,,,10%\nzoë,22,,1", 1, "late: 1 points less"),
        ("*,,,10%\nzoë,22,3 May,", 0, "extension: 3 May"),
    ],
)
def test_late_work_costs_what_the_table_says(table, penalty, note, class_, master, tmp_path):
    path = tmp_path / "g" / "late.csv"
    path.parent.mkdir()
    path.write_text(f"student,id,extension,penalty\n{table}\n", "utf-8")
    for _ in range(2):
        write(class_, master, tmp_path / "g")
        ada, zoe = rows(tmp_path / "g.csv")
        assert (float(ada["total"]), float(zoe["total"])) == (6, pytest.approx(6 - penalty))
        assert note in zoe["notes"] and "late:" not in ada["notes"]
    assert [r["student"] for r in rows(path)] == ["*", "zoë"]
    canvas = rows(tmp_path / "g" / "canvas.csv")[2]
    assert float(canvas["small"]) == pytest.approx(6 - penalty)


def test_a_late_table_with_an_error_is_refused(class_, tmp_path):
    path = tmp_path / "late.csv"
    for row, message in (
        ("zoë,22,,much", "a penalty is points"),
        ("bob,,,1", "'bob' is nobody"),
        ("zoë,22,,-1", "penalty"),
    ):
        path.write_text(f"student,id,extension,penalty\n{row}\n", "utf-8")
        with pytest.raises(ValueError, match="late.csv") as caught:
            late.read_late(path, [s for s, _ in class_])
        assert message in str(caught.value)


# Giving back


def test_one_archive_of_feedback_for_each_platform(full, class_, master, tmp_path):
    small.write(tmp_path / "class" / "Bob Lee_7_assignsubmission_file_" / "small.ipynb", full)
    small.write(tmp_path / "class" / "carol.ipynb", full)
    everyone = [(s, result()) for s in collect(tmp_path / "class", master)]
    write(everyone, master, tmp_path / "g")
    names = {p: zipfile.ZipFile(tmp_path / "g" / f"feedback-{p}.zip").namelist() for p in ("canvas", "moodle")}
    assert names == {
        "canvas": ["lovelaceada_4711_9001_small.html", "zoë_LATE_22_9002_small.html"],
        "moodle": ["Bob Lee_7_assignsubmission_file_feedback.html"],
    }
    first = (tmp_path / "g" / "feedback-canvas.zip").read_bytes()
    write(everyone, master, tmp_path / "g")
    assert (tmp_path / "g" / "feedback-canvas.zip").read_bytes() == first


def test_a_file_of_nobody_knows_whom_is_sent_to_no_platform(class_, full, master, tmp_path):
    small.write(tmp_path / "class" / "lovelaceada_4711_666_9003_small.ipynb", full)
    everyone = [(s, result()) for s in collect(tmp_path / "class", master)]
    said = write(everyone, master, tmp_path / "g")
    assert len(rows(tmp_path / "g.csv")) == 3 and len(rows(tmp_path / "g" / "canvas.csv")) == 3
    assert "1 files may be one person's or another's" in said


# Assignments and versions


def test_another_assignment_with_the_same_out_is_refused(master_path, class_, master, tmp_path, capsys):
    write(class_, master, tmp_path / "g")
    claim(tmp_path / "g", master)
    before = {p: p.read_bytes() for p in tmp_path.rglob("*") if p.is_file()}
    other = small.write(tmp_path / "elsewhere" / "other.ipynb", small.master())
    before[other] = other.read_bytes()
    out = str(tmp_path / "g.csv")
    assert main(["grade", str(tmp_path / "class"), "--out", out, "--master", str(other), "--no-sandbox"]) == 1
    assert "holds the results of small; choose another --out for other" in capsys.readouterr().err
    assert {p: p.read_bytes() for p in tmp_path.rglob("*") if p.is_file()} == before


def test_an_error_in_a_table_is_said_before_anybody_is_graded(master_path, full, tmp_path, capsys, monkeypatch):
    small.write(tmp_path / "class" / "ada.ipynb", full)
    (tmp_path / "g").mkdir()
    (tmp_path / "g" / "by-hand.csv").write_text("student,id,question,points,comment\nbob,,small.4,1,\n")
    monkeypatch.setattr(whole_class, "prepare", lambda grading: pytest.fail("the reference was made"))
    command = ["grade", str(tmp_path / "class"), "--out", str(tmp_path / "g.csv"), "--master", str(master_path)]
    assert main([*command, "--no-sandbox"]) == 1
    assert "'bob' is nobody in this class" in capsys.readouterr().err


def test_a_result_hangs_on_the_versions(class_, master, monkeypatch):
    grading = Grading(master, Limits(), Sandbox(False), "", ())
    before = whole_class.fingerprint(class_[0][0], grading)
    whole_class.versions.cache_clear()
    monkeypatch.setattr(whole_class, "version", lambda name: "9.9" if name == "torch" else pytest.fail(name))
    assert whole_class.fingerprint(class_[0][0], grading) != before
    whole_class.versions.cache_clear()


def test_with_nothing_to_grade_it_takes_three_seconds(master_path, full, tmp_path):
    """Of the CPU: no reference is made and torch is not imported."""
    for i in range(100):
        small.write(tmp_path / "class" / f"student{i}.ipynb", full)
    command = ["grade", str(tmp_path / "class"), "--out", str(tmp_path / "g.csv"), "--master", str(master_path)]
    submissions = collect(tmp_path / "class", whole_class_master := small_master(master_path))
    grading = Grading(whole_class_master, Limits(), Sandbox(False), "", ())
    (tmp_path / "g" / "results").mkdir(parents=True)
    for submission in submissions:
        whole_class.keep(tmp_path / "g" / "results", submission, grading, result())
    before = os.times()
    subprocess.run(
        [sys.executable, "-m", "exercises.grader", *command, "--no-sandbox"],
        cwd=Path(by_hand.__file__).parents[2],
        check=True,
        stderr=subprocess.DEVNULL,
    )
    after = os.times()
    assert after.children_user + after.children_system - before.children_user - before.children_system < 3
    assert len(rows(tmp_path / "g.csv")) == 100


def small_master(path):
    from exercises.grader.master import read_master

    return read_master(path)


def test_elsewhere_than_on_linux_it_says_so_at_once(monkeypatch):
    import importlib

    import exercises.grader.__main__ as command

    monkeypatch.setattr(sys, "platform", "win32")
    with pytest.raises(SystemExit, match="needs Linux, and this is win32.*WSL"):
        importlib.reload(command)


# Similar answers


ANSWER = """
def observe(y, sigma, shots, generator):
    total = torch.zeros_like(y)
    for _ in range(shots):
        total = total + y + sigma / 255 * torch.randn(y.shape, generator=generator)
    return total / shots
"""


def test_names_and_comments_make_no_difference():
    renamed = ANSWER.replace("total", "summe").replace("sigma", "s").replace("    return", "    # fertig\n    return")
    renamed = renamed.replace("generator):", 'generator):\n    """Mine."""')
    assert similar.shape([ANSWER]) == similar.shape([renamed]) != ""
    assert similar.shape([ANSWER.replace("255", "256")]) != similar.shape([ANSWER])
    assert similar.shape(["def f(x):\n    return x"]) == ""
    begun = time.perf_counter()
    assert similar.shape(["x = " + "-" * 100_000 + "1"]) == similar.shape(["("]) == similar.shape(["[" * 300_000]) == ""
    assert time.perf_counter() - begun < 5


def test_who_is_named_together():
    shapes = {f"s{i:02d}": {"q.1": f"own{i}", "q.2": "common", "q.3": "masters"} for i in range(30)}
    shapes["s03"]["q.1"] = shapes["s17"]["q.1"]
    assert similar.pairs(shapes, {"q.3": "masters"}) == [("s03", "s17", ["q.1"])]
