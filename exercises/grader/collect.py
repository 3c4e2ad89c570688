"""Find the submissions: one notebook a student, whatever the learning platform made of the folder.

Understood are ``STUDENT.ipynb``, ``STUDENT/any/where/x.ipynb`` (nbgrader's layout is one of these), and the names that
Canvas and Moodle give to the files of a bulk download. A name is data here: it becomes a column, never a command.
Whatever is in the folder ends up in the table, if only with the reason why it could not be graded.
"""

import hashlib
import os
from collections import defaultdict
from dataclasses import dataclass, field
from pathlib import Path

from course_lib.exercises.notebook import marks

from .answers import find_answers, marked
from .files import NotANotebookError, is_notebook, may_hold_notebook, notebook_of, read_file
from .master import Master
from .owners import Owner, owner, readable
from .result import Status


@dataclass
class Submission:
    """A student's notebook.

    Attributes:
        student: one name for one person; with the platform's number where there is one, so that it never changes.
        name: as the platform shows it.
        entry: the name of the file or folder in the download.
        status: ok if it can be run, else what is the matter with the file.
        marked: answers in cells with their marks; the others were found by a name.
        data: the notebook, where it is not the file itself, and on its way to another machine.
    """

    student: str
    path: Path | None = None
    name: str = ""
    platform_id: str = ""
    entry: str = ""
    status: Status = Status.NO_FILE
    late: bool = False
    sha: str = ""
    marked: int = 0
    notes: list[str] = field(default_factory=list)
    data: bytes = field(default=b"", repr=False)

    @property
    def notebook(self) -> dict:
        return notebook_of(self.data or self.path.read_bytes())


def collect(folder: Path, master: Master) -> list[Submission]:
    """All the submissions, sorted by student."""
    if not folder.is_dir():
        raise FileNotFoundError(f"there is no folder {folder}")
    found: dict[Owner, list[tuple[Path, str]]] = defaultdict(list)
    for entry in sorted(folder.iterdir()):
        if entry.name.startswith((".", "__MACOSX")) or entry.is_symlink():
            continue
        whose = owner(readable(entry.name), master.name, entry.is_dir())
        found[whose] += [(path, entry.name) for path in (files_below(entry) if entry.is_dir() else [entry])]
    everyone = one_each(found)
    students = distinct(list(everyone))
    made = [choose(students[whose], whose, files, master) for whose, files in everyone.items()]
    settle(made)
    return sorted(made, key=lambda submission: submission.student)


def one_each(found: dict[Owner, list]) -> dict[Owner, list]:
    """Files of one person together, late and in time."""
    people: dict[tuple, Owner] = {}
    merged: dict[Owner, list] = defaultdict(list)
    for whose, files in found.items():
        key = whose.name, whose.id, whose.others
        first = people.setdefault(key, whose)
        if whose.late and not first.late:
            people[key] = whose
            merged[whose] = merged.pop(first, [])
        merged[people[key]] += files
    return merged


def distinct(people: list[Owner]) -> dict[Owner, str]:
    """One name for each person, who keeps it whoever else comes: where there is a number, it is part of the name."""
    given: dict[Owner, str] = {}
    for whose in sorted(people, key=lambda o: (not o.id, o.name, o.id)):
        student = f"{whose.name} {whose.id}".strip()
        while student in given.values():
            student += " (another)"
        given[whose] = student
    return given


def settle(made: list[Submission]) -> None:
    """Nobody is given what might be another's: names that can be read in two ways, one number under two names."""
    by_id = defaultdict(list)
    for submission in made:
        if submission.platform_id:
            by_id[submission.platform_id].append(submission)
    for number, several in by_id.items():
        if len(several) > 1:
            names = ", ".join(s.name for s in several)
            for submission in several:
                submission.status = Status.CONFLICT
                submission.notes.append(f"the number {number} stands under several names ({names}): whose is it?")


def files_below(folder: Path) -> list[Path]:
    """The files below a folder, however deep; no links, which might lead anywhere, and none of Jupyter's copies."""
    found, folders = [], [str(folder)]
    while folders:
        try:
            entries = [e for e in os.scandir(folders.pop()) if not e.name.startswith((".", "__MACOSX"))]
        # Closed to us, or so deep that its name is too long.
        except OSError:
            continue
        folders += [e.path for e in entries if e.is_dir(follow_symlinks=False)]
        found += [Path(e.path) for e in entries if e.is_file(follow_symlinks=False)]
    notebooks = [path for path in found if is_notebook(path.name)]
    return sorted(notebooks or [path for path in found if may_hold_notebook(path.name)] or found)


def choose(student: str, whose: Owner, files: list[tuple[Path, str]], master: Master) -> Submission:
    """The latest file that is a submission of this assignment; if none is, the latest, and its status says why.

    What only defines something of the same name, like a page of scribbles, counts where there is nothing else.
    """
    person = {"name": whose.name, "platform_id": whose.id, "late": whose.late}
    newest_first = sorted(files, key=lambda f: (f[0].stat().st_mtime_ns, f[0].name), reverse=True)
    read = [look(Submission(student, path, entry=entry, **person), master) for path, entry in newest_first]
    fine = [s for s in read if s.status == Status.OK]
    order = [*(s for s in fine if s.marked), *fine, *read, Submission(student, **person)]
    chosen = order[0]
    if len(read) > 1:
        chosen.notes.append(f"{len(read)} files, taken: {readable(chosen.path.name)}")
    if whose.late:
        chosen.notes.append("late")
    if whose.others:
        chosen.status = Status.CONFLICT
        numbers = " or of ".join(whose.others)
        chosen.notes.append(f"the file's name can be read as of {numbers}: ask, and rename it NAME_NUMBER_1_FILE.ipynb")
    return chosen


def look(submission: Submission, master: Master) -> Submission:
    """Read one file as far as is needed to say whether it can be graded."""
    try:
        data, notes = read_file(submission.path)
        submission.notes += map(readable, notes)
        submission.sha = hashlib.sha256(data).hexdigest()
        if notes:
            submission.data = data
        notebook = notebook_of(data)
        answers, _ = find_answers(notebook, master)
        submission.marked = len(marked(notebook) & master.answers.keys())
    except NotANotebookError as error:
        submission.status = error.status
        submission.notes += [readable(error.note)] if error.note else []
        return submission
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError):
        submission.status = Status.UNREADABLE
        return submission
    if not answers:
        foreign = any(isinstance(cell, dict) and marks(cell) for cell in notebook["cells"])
        submission.status = Status.WRONG_ASSIGNMENT if foreign else Status.NO_ANSWERS
        return submission
    submission.status = Status.OK
    return submission
