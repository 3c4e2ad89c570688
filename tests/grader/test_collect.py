"""Finding submissions: whose file it is, which of several counts, and what no name or folder may break."""

import json
import os
import subprocess
import zipfile
from pathlib import Path

import nbformat
import pytest
import small

from exercises.grader.answers import find_answers
from exercises.grader.collect import collect


def students(folder, master):
    return {s.student: s for s in collect(folder, master)}


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
        ("Ada Lovelace_4711_assignsubmission_file/small-submission.ipynb", "Ada Lovelace", "4711"),
        ("Ada Lovelace_4711_assignsubmission_file_small-submission.ipynb", "Ada Lovelace", "4711"),
        ("van_der_berg_4711_9001_small-submission.ipynb", "van_der_berg", "4711"),
        ("van_der_berg_LATE_4711_9001_small-submission.ipynb", "van_der_berg", "4711"),
        ("anon_aB3xY_LATE_9001_small-submission.ipynb", "anon", "aB3xY"),
        ("anonymous_aB3xY_9001_small-submission.ipynb", "anonymous", "aB3xY"),
        ("ada.IPYNB", "ada", ""),
        ("Zoë Ångström, =1+1 '; rm -rf ~.ipynb", "Zoë Ångström, =1+1 '; rm -rf ~", ""),
    ],
)
def test_whose_file_it_is(name, student, platform_id, full, master, tmp_path):
    small.write(tmp_path / name, full)
    [found] = collect(tmp_path, master)
    assert (found.name, found.platform_id, found.status) == (student, platform_id, "ok")
    assert found.student == f"{student} {platform_id}".strip()
    assert found.late == ("late" in found.notes) == ("LATE" in name)


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
        "notes": "not-a-notebook",
    }


def test_two_people_of_one_name_stay_two(full, blank, master, tmp_path):
    small.write(tmp_path / "leeann_11_1_small.ipynb", full)
    small.write(tmp_path / "leeann_22_2_small.ipynb", blank)
    assert students(tmp_path, master).keys() == {"leeann 11", "leeann 22"}


def test_a_third_person_called_like_one_of_two_stays_a_third(full, blank, master, tmp_path):
    """Two results under one name would be one person's points given to another."""
    small.write(tmp_path / "leeann_11_1_small.ipynb", blank)
    small.write(tmp_path / "leeann_22_2_small.ipynb", blank)
    small.write(tmp_path / "leeann 11.ipynb", full)
    found = collect(tmp_path, master)
    assert len({s.student for s in found}) == 3


def test_a_name_does_not_change_when_a_namesake_comes(full, blank, master, tmp_path):
    """Points that a person has given stand under it."""
    small.write(tmp_path / "leeann_11_1_small.ipynb", full)
    [before] = students(tmp_path, master)
    small.write(tmp_path / "leeann_22_2_small.ipynb", blank)
    assert before in students(tmp_path, master)


@pytest.mark.parametrize(
    "name, ids",
    [
        ("adalovelace_4711_666_9002_small-submission.ipynb", "4711 or of 666"),
        ("eve_666_9002_4711_9001_small.ipynb", "666 or of 9002 or of 4711"),
        ("Ada_4711_assignsubmission_file__666_assignsubmission_file_x.ipynb", "4711 or of 666"),
    ],
)
def test_nobody_takes_the_place_of_another_by_a_name(name, ids, full, blank, master, tmp_path):
    """The platform's number decides; where two could be meant, neither is, and it is said."""
    own = "Ada_4711_assignsubmission_file_/x.ipynb" if "assign" in name else "adalovelace_4711_9001_small.ipynb"
    small.write(tmp_path / own, full)
    later = small.write(tmp_path / name, blank)
    os.utime(later, (2e9, 2e9))
    ada, eve = sorted(collect(tmp_path, master), key=lambda s: s.status == "conflict")
    assert (ada.platform_id, ada.status, ada.path.name) == ("4711", "ok", Path(own).name) and not ada.notes
    assert (eve.platform_id, eve.status) == ("", "conflict") and ids in eve.notes[-1]


def test_one_number_under_two_names_is_nobodys(full, blank, master, tmp_path):
    small.write(tmp_path / "adalovelace_4711_9001_small.ipynb", full)
    small.write(tmp_path / "eve_4711_9002_small.ipynb", blank)
    assert [s.status for s in collect(tmp_path, master)] == ["conflict", "conflict"]


def test_whatever_arrives_is_in_the_table(full, master, tmp_path):
    for name in (
        "lipei_105_9005_small-submission.html",
        "kowalskipiotr_106_9006_small.zip",
        "okaforada_112_9013_small-submission.ipynb.txt",
        "deyanira_113_9014_text.html",
        "lindqvist_114_text.html",
        "bob.docx",
        "carol/report.pdf",
    ):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("x")
    found = {s.student: s.status for s in collect(tmp_path, master)}
    assert found == {
        "lipei 105": "not-a-notebook",
        "kowalskipiotr 106": "not-a-notebook",
        "okaforada 112": "unreadable",
        "deyanira 113": "not-a-notebook",
        "lindqvist 114": "not-a-notebook",
        "bob": "not-a-notebook",
        "carol": "not-a-notebook",
    }


def test_a_notebook_under_another_name_or_in_an_archive_is_graded(full, master, tmp_path):
    (tmp_path / "okaforada_112_9013_small.ipynb.txt").write_text(json.dumps(full))
    with zipfile.ZipFile(tmp_path / "kowalski_106_9006_small.zip", "w") as archive:
        archive.writestr("../../evil/small.ipynb", json.dumps(full))
        archive.writestr("__MACOSX/._small.ipynb", "x")
    found = students(tmp_path, master)
    assert {s.status for s in found.values()} == {"ok"}
    assert found["kowalski 106"].notebook == full and found["kowalski 106"].notes == ["found in an archive"]
    assert not (tmp_path.parent / "evil").exists()


def test_an_archive_is_read_with_a_bound(full, master, tmp_path):
    bomb = zipfile.ZipFile(tmp_path / "bomb.zip", "w", zipfile.ZIP_DEFLATED)
    with bomb as archive, archive.open("small.ipynb", "w") as file:
        for _ in range(64):
            file.write(bytes(1 << 20))
    with zipfile.ZipFile(tmp_path / "two.zip", "w") as archive:
        archive.writestr("a.ipynb", json.dumps(full))
        archive.writestr("b.ipynb", json.dumps(full))
    assert {n: s.status for n, s in students(tmp_path, master).items()} == {
        "bomb": "too-large",
        "two": "not-a-notebook",
    }


def test_a_notebook_of_version_3_is_upgraded(full, master, tmp_path):
    old = nbformat.convert(nbformat.from_dict(full), 3)
    small.write(tmp_path / "ada.ipynb", old)
    [ada] = collect(tmp_path, master)
    assert ada.status == "ok" and find_answers(ada.notebook, master) == find_answers(full, master)


def test_scribbles_do_not_count_where_there_is_a_notebook(full, master, tmp_path):
    real = small.write(tmp_path / "ada" / "small.ipynb", full)
    scribbles = small.notebook([small.code("def double(x):\n    return 0\n")])
    later = small.write(tmp_path / "ada" / "scribbles.ipynb", scribbles)
    os.utime(real, (1_000, 1_000))
    os.utime(later, (2_000, 2_000))
    [found] = collect(tmp_path, master)
    assert (found.path, found.status) == (real, "ok")
    real.unlink()
    [found] = collect(tmp_path, master)
    assert (found.path, found.status) == (later, "ok")


def test_a_name_gives_no_orders(full, master, tmp_path):
    """Of a terminal, of the eye: a title, a second line, text from right to left."""
    small.write(tmp_path / "ada\x1b]0;x\x07\nbob,20\u202e\u2067.ipynb", full)
    small.write(tmp_path / "Zoë 李\u200c.ipynb", full)
    assert students(tmp_path, master).keys() == {
        r"ada\x1b]0;x\x07\nbob,20\u202e\u2067",
        "Zoë 李\u200c",
    }


def test_folders_without_bottom(full, master, tmp_path):
    small.write(tmp_path / "bob.ipynb", full)
    small.write(tmp_path / "ada" / "small.ipynb", full)
    inside = os.open(tmp_path / "ada", os.O_RDONLY)
    for _ in range(2100):  # its path is longer than any path may be
        os.mkdir("d", dir_fd=inside)
        deeper = os.open("d", os.O_RDONLY, dir_fd=inside)
        os.close(inside)
        inside = deeper
    os.close(inside)
    try:
        assert {name: s.status for name, s in students(tmp_path, master).items()} == {
            "ada": "ok",
            "bob": "ok",
        }
    finally:
        subprocess.run(["rm", "-rf", tmp_path / "ada"], check=True)  # pytest's own tidying has no stack for it


def test_a_file_that_may_not_be_read(full, master, tmp_path, monkeypatch):
    closed = small.write(tmp_path / "ada.ipynb", full)
    small.write(tmp_path / "bob.ipynb", full)
    read = type(closed).read_bytes

    def read_bytes(path):
        if path == closed:  # root may read whatever the mode says
            raise PermissionError(13, "Permission denied")
        return read(path)

    monkeypatch.setattr(type(closed), "read_bytes", read_bytes)
    assert {n: s.status for n, s in students(tmp_path, master).items()} == {"ada": "unreadable", "bob": "ok"}
