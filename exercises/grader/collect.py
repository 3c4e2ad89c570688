"""Find the submissions: one notebook a student, whatever the learning platform made of the folder.

Understood are ``STUDENT.ipynb``, ``STUDENT/any/where/x.ipynb`` (nbgrader's layout is one of these), and the names that
Canvas and Moodle give to the files of a bulk download. A name is data here: it becomes a column, never a command.
"""

import hashlib
import json
import os
import re
import unicodedata
from dataclasses import dataclass, field
from pathlib import Path

from course_lib.exercises.notebook import marks

from .answers import find_answers, marked
from .master import Master
from .result import Status

LARGEST = 20 << 20  # bytes; a notebook of this course has some hundred kB
CANVAS = re.compile(r"^(?P<student>[^_]+)(?P<late>_LATE)?_(?P<id>\d+)_\d+_.+$")
MOODLE = re.compile(r"^(?P<student>.+?)_(?P<id>\d+)_assignsubmission_(file|onlinetext)(_.*)?$")
TURNS = ("LRE", "RLE", "LRO", "RLO", "PDF", "LRI", "RLI", "FSI", "PDI")  # characters that turn text around
HANDED_IN = re.compile(r"[-_ ]*submission(?:[-_ ]?\(?\d+\)?)?$", re.I)


@dataclass
class Submission:
    """A student's notebook; ``status`` is ok if it can be run, else what is the matter with the file."""

    student: str
    path: Path | None = None
    platform_id: str = ""  # of the student at Canvas, of the participant at Moodle
    status: Status = Status.NO_FILE
    sha: str = ""
    marked: int = 0  # answers in cells with their marks; the others were found by a name
    notes: list[str] = field(default_factory=list)
    data: bytes = field(default=b"", repr=False)  # only on its way to another machine

    @property
    def notebook(self) -> dict:
        return json.loads(self.data or self.path.read_bytes())


def collect(folder: Path, master: Master) -> list[Submission]:
    """All the submissions, sorted by student."""
    if not folder.is_dir():
        raise FileNotFoundError(f"there is no folder {folder}")
    found: dict[tuple[str, str], list[Path]] = {}
    late = set()
    for entry in sorted(folder.iterdir()):
        if entry.name.startswith((".", "__MACOSX")) or entry.is_symlink():
            continue
        if entry.is_dir():
            name, files = readable(entry.name), notebooks(entry)
        elif is_notebook(entry.name):
            name, files = readable(entry.stem), [entry]
        else:
            continue
        if canvas := CANVAS.match(name):
            key = canvas["student"], canvas["id"]
            late |= {key} if canvas["late"] else set()
        elif moodle := MOODLE.match(name):
            key = moodle["student"], moodle["id"]
        else:
            key = (name if entry.is_dir() else without_assignment(name, master.name)), ""
        found.setdefault(key, []).extend(files)
    students = distinct(list(found))
    made = [
        choose(students[name, number], files, number, (name, number) in late, master)
        for (name, number), files in found.items()
    ]
    return sorted(made, key=lambda submission: submission.student)


def distinct(keys: list[tuple[str, str]]) -> dict[tuple[str, str], str]:
    """One name for each (name, id): with the id where two people have one name, even if a third is called just so."""
    names, given = [name for name, _ in keys], {}
    for name, number in sorted(keys):
        student = name if names.count(name) == 1 else f"{name} {number}".strip()
        while student in given.values():
            student += " (another)"
        given[name, number] = student
    return given


def readable(name: str) -> str:
    """A file's name as text that can be shown anywhere: on disk it may be any bytes, commands of a terminal too."""
    text = name.encode("utf-8", "backslashreplace").decode()
    return "".join(
        c.encode("unicode_escape").decode()
        if unicodedata.category(c) in ("Cc", "Zl", "Zp") or unicodedata.bidirectional(c) in TURNS
        else c
        for c in text
    )


def is_notebook(name: str) -> bool:
    return name.lower().endswith(".ipynb")


def notebooks(folder: Path) -> list[Path]:
    """The notebooks below a folder, however deep; no links, which might lead anywhere, and none of Jupyter's copies."""
    found, folders = [], [str(folder)]
    while folders:
        try:
            entries = [e for e in os.scandir(folders.pop()) if not e.name.startswith((".", "__MACOSX"))]
        except OSError:  # closed to us, or so deep that its name is too long
            continue
        folders += [e.path for e in entries if e.is_dir(follow_symlinks=False)]
        found += [Path(e.path) for e in entries if is_notebook(e.name) and e.is_file(follow_symlinks=False)]
    return sorted(found)


def without_assignment(stem: str, assignment: str) -> str:
    """``ada-denoising-submission (1)`` is by ada."""
    return re.sub(rf"[-_ ]*{re.escape(assignment)}$", "", HANDED_IN.sub("", stem), flags=re.I) or stem


def choose(student: str, files: list[Path], platform_id: str, late: bool, master: Master) -> Submission:
    """The latest file that is a submission of this assignment; if none is, the latest, and its status says why.

    What only defines something of the same name, like a page of scribbles, counts where there is nothing else.
    """
    newest_first = sorted(files, key=lambda p: (p.stat().st_mtime_ns, p.name), reverse=True)
    read = [look(Submission(student, path, platform_id), master) for path in newest_first]
    fine = [s for s in read if s.status == Status.OK]
    order = [*(s for s in fine if s.marked), *fine, *read, Submission(student, None, platform_id)]
    chosen = order[0]
    if len(read) > 1:
        chosen.notes.append(f"{len(read)} files, taken: {readable(chosen.path.name)}")
    if late:
        chosen.notes.append("late")
    return chosen


def look(submission: Submission, master: Master) -> Submission:
    """Read one file as far as is needed to say whether it can be graded."""
    size = submission.path.stat().st_size
    if size == 0 or size > LARGEST:
        submission.status = Status.EMPTY if size == 0 else Status.TOO_LARGE
        return submission
    try:
        submission.sha = hashlib.sha256(submission.path.read_bytes()).hexdigest()
        notebook = submission.notebook
        cells = notebook["cells"]
        if not isinstance(cells, list):
            raise ValueError("no cells")
        answers, _ = find_answers(notebook, master)
        submission.marked = len(marked(notebook) & master.answers.keys())
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        submission.status = Status.UNREADABLE
        return submission
    if not answers:
        foreign = any(isinstance(cell, dict) and marks(cell) for cell in cells)
        submission.status = Status.WRONG_ASSIGNMENT if foreign else Status.NO_ANSWERS
        return submission
    submission.status = Status.OK
    return submission
