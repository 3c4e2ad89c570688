"""Every exercise notebook: well formed, worth 20 points, and nothing of its solutions in anything that is published."""

import json
import re
import subprocess
from pathlib import Path

import nbformat
import pytest
import yaml
from notebook_runs import EXERCISES, MASTERS, agree, answers, load, marks, questions, run, training
from sphinx.util.matching import Matcher

from course_lib.exercises.notebook import blank
from exercises import generate, release

ROOT = EXERCISES.parent
REGION = re.compile(r"[ \t]*### BEGIN (SOLUTION|HIDDEN TESTS)\n(.*?)[ \t]*### END \1", re.S)
each_master = pytest.mark.parametrize("path", MASTERS, ids=lambda path: path.stem)


@pytest.fixture(scope="module")
def student():
    """The committed student notebook of a master."""
    return lambda path: load(EXERCISES / "student" / path.name)


# ---- the master ----------------------------------------------------------------------------------


@each_master
def test_a_master_is_well_formed(path):
    nb = load(path)
    nbformat.validate(nb)
    ids = [marks(c)["grade_id"] for c in nb.cells if marks(c)]
    assert len(ids) == len(set(ids)) and all(i.startswith(f"{path.stem}-") for i in ids)
    # Handed-in notebooks are recognised by these, and grades are filed under them: they are added to, never changed.
    assert all(re.fullmatch(rf"{path.stem}-\d+", name) for name in questions(nb))
    assert nb.metadata.kernelspec.name == "python3"
    for cell in nb.cells:
        assert cell.cell_type != "raw" and not cell.get("outputs") and not cell.get("execution_count")
        opened, closed = (len(re.findall(rf"### {word} (SOLUTION|HIDDEN)", cell.source)) for word in ("BEGIN", "END"))
        assert opened == closed == len(REGION.findall(cell.source))
        kinds = {kind for kind, _ in REGION.findall(cell.source)}
        m = marks(cell)
        by_hand = m.get("grade") and m.get("solution")
        if cell.cell_type == "code" and m.get("grade"):
            assert m["locked"] and kinds == {"HIDDEN TESTS"} and "emit(" in REGION.findall(cell.source)[0][1]
            name = re.escape(m["grade_id"].replace("-", ".", 1))
            assert re.search(rf'^(from .*\n\n)?with check\("{name}"(, closed=\[.*\])?\):$', cell.source, re.M)
        elif m.get("solution"):
            assert not m["locked"] and kinds == {"SOLUTION"} and bool(by_hand) == (cell.cell_type == "markdown")
        else:
            assert not kinds and (not m or m["locked"])
            assert m or cell.cell_type == "markdown" or "look" in cell.metadata.tags


@each_master
def test_the_sheet_names_the_questions_of_the_notebook(path):
    nb = load(path)
    setup = next(c.source for c in nb.cells if marks(c).get("grade_id") == f"{path.stem}-setup")
    rows = dict(re.findall(r'"([\w.]+)": \((\d+), ', setup))
    assert {q.replace(".", "-"): int(points) for q, points in rows.items()} == questions(nb)
    titles = dict(re.findall(r'"([\w.]+)": \(\d+, "(.*)"\)', setup))
    for name, title in titles.items():
        heading = rf"^## {name.split('.')[1]}\. {re.escape(title)} \({rows[name]} points"
        assert any(re.search(heading, c.source, re.M) for c in nb.cells), heading


@each_master
def test_the_masters_own_answers_get_all_points(path):
    """Found without the grader: every hidden value is there, and whatever a person does not read, the cells judge."""
    nb, points = load(path), questions(load(path))
    by_hand = [marks(c)["grade_id"] for c in nb.cells if marks(c).get("grade") and c.cell_type == "markdown"]
    outcomes = run(nb, seed=7, skip=by_hand)
    assert [*outcomes, *by_hand] == list(points)
    assert all(o.error is None and o.emitted for o in outcomes.values())
    # Another run of the same answers with the same seed is worth all of them.
    again = run(nb, seed=7, skip=training(nb))
    assert all(agree(outcomes[q], again[q]) for q in again)
    # Other inputs, other values: nobody can know them beforehand. A leaderboard's are compared with bounds alone.
    other = run(nb, seed=8, skip=training(nb))
    for q in other:
        board = any(line["what"] == "board" for line in other[q].emitted)
        assert board or not agree(outcomes[q], other[q]), q


# ---- the student's notebook ----------------------------------------------------------------------


@each_master
def test_the_student_notebook_is_what_nbgrader_makes_of_the_master(path):
    committed = (EXERCISES / "student" / path.name).read_text("utf-8")
    assert generate.student_version(path) == committed, "run `make student`"


@each_master
def test_the_student_notebook_has_all_but_the_answers(path, student):
    nb, master = student(path), load(path)
    nbformat.validate(nb)
    assert [marks(c).get("grade_id") for c in nb.cells] == [marks(c).get("grade_id") for c in master.cells]
    assert questions(nb) == questions(master)
    for mine, theirs in zip(nb.cells, master.cells, strict=True):
        assert mine.get("outputs", []) == [] and not mine.get("execution_count")
        if not REGION.search(theirs.source):
            assert mine.source == theirs.source
        if marks(mine).get("solution"):
            assert blank(mine.source)
    assert (EXERCISES / "student" / path.name).stat().st_size < 200_000


@each_master
def test_every_check_is_red_on_the_untouched_notebook_and_blank_is_zero(path, student):
    nb, blanks = load(path), answers(student(path))
    reference = run(nb, skip=training(nb))
    for outcomes in (run(student(path)), run(nb, replace=blanks), run(nb, replace=blanks, asserts=False)):
        assert len(outcomes) == len(questions(nb))
        for name, outcome in outcomes.items():
            assert isinstance(outcome.error, NotImplementedError), name
            assert name not in reference or not agree(reference[name], outcome)


@each_master
def test_the_answers_survive_colab(path, student, tmp_path):
    """Colab stores version 4.0 without cell ids, adds metadata of its own, and keeps nbgrader's."""
    nb, solved = student(path), answers(load(path))
    for cell in nb.cells:
        if marks(cell).get("grade_id") in solved:
            cell.source = solved[marks(cell)["grade_id"]]
    text = json.loads(nbformat.writes(nb))
    text["nbformat_minor"] = 0
    text["metadata"] = {"colab": {"provenance": []}, "kernelspec": text["metadata"]["kernelspec"]}
    for i, cell in enumerate(text["cells"]):
        cell.pop("id")
        cell["metadata"] |= {"id": f"x{i}", "colab": {"base_uri": "https://localhost:8080/"}}
    file = tmp_path / "downloaded.ipynb"
    file.write_text(json.dumps(text))
    assert answers(load(file)) == solved


# ---- nothing leaks -------------------------------------------------------------------------------


def secrets(path) -> set[str]:
    """Lines of solutions and hidden tests that are nowhere in library, tests, chapters or a student's own text."""
    master = load(path)
    known = "\n".join(REGION.sub("", c.source) for every in MASTERS for c in load(every).cells)
    tests = [file for file in ROOT.glob("tests/**/*.py") if "exercises" not in file.parts]
    for file in [*ROOT.glob("course_lib/**/*.py"), *ROOT.glob("book/**/*.md"), *tests]:
        known += file.read_text("utf-8")
    # as it is stored, with the sources that a chapter prints
    for chapter in ROOT.glob("book/**/*.ipynb"):
        known += "\n".join(c.source for c in load(chapter).cells) + chapter.read_text("utf-8")
    bodies = [body for c in master.cells for _, body in REGION.findall(c.source)]
    lines = {line.strip() for body in bodies for line in body.splitlines()}
    return {line for line in lines if len(line) > 25 and line not in known}


def leaks(folder: Path, found: set[str]) -> list[str]:
    """Files below the folder that hold a secret line, as it is or as JSON or HTML write it."""
    wanted = {form for s in found for form in (s, json.dumps(s)[1:-1], json.dumps(s, ensure_ascii=False)[1:-1])}
    wanted |= {form.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;") for form in wanted}
    files = [p for p in folder.rglob("*") if p.is_file() and ".git" not in p.parts]
    texts = {p: p.read_bytes().decode("utf-8", "ignore") for p in files if p.stat().st_size < 20_000_000}
    return [f"{p.relative_to(folder)}: {s}" for p, text in texts.items() for s in wanted if s in text]


@each_master
def test_the_student_notebooks_give_nothing_away(path, student):
    assert len(secrets(path)) > 40  # that many to look for
    assert leaks(EXERCISES / "student", secrets(path)) == []
    assert not re.search("BEGIN (SOLUTION|HIDDEN)|emit\\(", nbformat.writes(student(path)))
    assert leaks(EXERCISES / "instructor", secrets(path))  # the search can find


@each_master
def test_the_book_gives_nothing_away(path):
    """Sphinx never reads the folder, no page offers a file of it, and a book that has been built has none of it."""
    config = yaml.safe_load((ROOT / "_config.yml").read_text("utf-8"))
    excluded = Matcher(config["exclude_patterns"])
    assert excluded(path.relative_to(ROOT).as_posix())
    toc = (ROOT / "_toc.yml").read_text("utf-8")
    pages = [p.read_text("utf-8") for kind in ("md", "ipynb") for p in (ROOT / "book").rglob(f"*.{kind}")]
    assert "exercises/" not in toc
    offers = re.compile(r"(download|include|\]\().{0,40}exercises/instructor")
    assert not any(offers.search(page) for page in pages)
    if (ROOT / "_build" / "html").exists():
        assert leaks(ROOT / "_build" / "html", secrets(path)) == []


# ---- the public tree -----------------------------------------------------------------------------


@pytest.fixture
def course(tmp_path):
    """A small repository in the form of the course."""
    root = tmp_path / "course"
    files = {
        "README.md": "course",
        "exercises/instructor/a.ipynb": "solution",
        "exercises/student/a.ipynb": "task",
        "tests/exercises/test_a.py": "solution",
        "tests/test_b.py": "test",
    }
    for name, text in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)
    subprocess.run(["git", "init", "-q"], cwd=root, check=True)
    subprocess.run(["git", "add", "."], cwd=root, check=True)
    (root / "untracked.txt").write_text("mine")
    return root


def tree(folder):
    return sorted(p.relative_to(folder).as_posix() for p in folder.rglob("*") if p.is_file() and ".git" not in p.parts)


def test_a_release_has_everything_but_what_is_private(course, tmp_path):
    public = tmp_path / "public"
    assert release.release(public, course) == 3
    assert tree(public) == [release.LIST, "README.md", "exercises/student/a.ipynb", "tests/test_b.py"]


def test_a_second_release_replaces_the_first_and_leaves_the_rest(course, tmp_path):
    public = tmp_path / "public"
    (public / ".git").mkdir(parents=True)  # the empty clone of a public repository
    (public / ".git" / "config").write_text("theirs")
    release.release(public, course)
    (public / "notes.md").write_text("mine")
    subprocess.run(["git", "rm", "-q", "-f", "tests/test_b.py"], cwd=course, check=True)
    (course / "README.md").write_text("course, second edition")
    release.release(public, course)
    assert tree(public) == [release.LIST, "README.md", "exercises/student/a.ipynb", "notes.md"]
    assert (public / "README.md").read_text() == "course, second edition"
    assert (public / ".git" / "config").read_text() == "theirs" and not (public / "tests").exists()


def test_a_release_refuses_folders_that_are_not_its_own(course, tmp_path):
    other = tmp_path / "other"
    other.mkdir()
    (other / "thesis.tex").write_text("years of work")
    for target, why in (
        (other, "not empty"),
        (course, "lies in"),
        (course / "x", "lies in"),
        (tmp_path, "lies in"),
    ):
        with pytest.raises(SystemExit, match=why):
            release.release(target, course)
    assert tree(other) == ["thesis.tex"] and not (course / "x").exists()
    with pytest.raises(SystemExit, match="is a file"):
        release.release(other / "thesis.tex", course)


def test_a_release_never_writes_or_deletes_outside_of_its_folder(course, tmp_path):
    public, outside = tmp_path / "public", tmp_path / "outside"
    outside.mkdir()
    (outside / "precious").write_text("precious")
    public.mkdir()
    (public / release.LIST).write_text("../outside/precious\n")
    with pytest.raises(SystemExit, match="leads out"):
        release.release(public, course)
    (public / release.LIST).write_text("\n")
    (public / "README.md").symlink_to(outside / "precious")  # a link is replaced, what it points to stays
    (public / "tests").symlink_to(outside)  # a folder that leads elsewhere is refused
    with pytest.raises(SystemExit, match="leads out"):
        release.release(public, course)
    assert tree(outside) == ["precious"] and (outside / "precious").read_text() == "precious"


def test_a_release_needs_git(tmp_path):
    (tmp_path / "course").mkdir()
    with pytest.raises(SystemExit, match="what git tracks"):
        release.release(tmp_path / "public", tmp_path / "course")


def test_the_release_of_this_course_gives_nothing_away(tmp_path):
    release.release(tmp_path / "public")
    assert (tmp_path / "public" / "exercises" / "student" / "denoising.ipynb").is_file()
    assert not (tmp_path / "public" / "exercises" / "instructor").exists()
    for path in MASTERS:
        assert leaks(tmp_path / "public", secrets(path)) == []


def test_the_work_of_a_class_is_not_committed_by_accident():
    """A release copies whatever git tracks, so the folders of the instructor's page are none of it."""
    arriving = ["submissions/ada.ipynb", "grades.csv", "grades/report.html", "rehearsal/class/ada.ipynb", ".venv"]
    command = ["git", "check-ignore", "--no-index", *arriving]
    assert subprocess.run(command, cwd=ROOT, capture_output=True, text=True).stdout.split() == arriving
    # the grader's own files are no grades
    assert subprocess.run(["git", "check-ignore", "--no-index", "exercises/grader/grade.py"], cwd=ROOT).returncode == 1


# ---- the mutation run ----------------------------------------------------------------------------


def test_the_stored_mutation_run_has_no_hole():
    """`python tests/exercises/mutations.py` writes it: every mutant of an answer that behaves otherwise is caught."""
    stored = json.loads((Path(__file__).parent / "mutations.json").read_text("utf-8"))
    for path in MASTERS:
        nb = load(path)
        for question in set(questions(nb)) - set(training(nb)):
            if f"{question}-answer" in answers(nb):
                found = stored[question]
                assert found["survivors"] == [] and found["caught"] == found["mutants"] > 0, question
