"""Everything that is written at the end, from the results; the same results give the same bytes."""

import json
import os
from pathlib import Path

from . import archive, by_hand, late, tables
from .collect import Submission
from .master import Master
from .pages import answers_page, feedback_page, report_page
from .result import Result, Status
from .standing import Standing, standing
from .whole_class import file_name

# With this mark in front, Excel takes a CSV for what it is.
MARK = "\ufeff"


def claim(folder: Path, master: Master) -> None:
    """Make the folder this assignment's; a `ValueError` if it is another's, before anything is touched."""
    note = folder / "assignment.json"
    if note.exists():
        name = json.loads(note.read_text(encoding="utf-8"))["assignment"]
        if name != master.name:
            raise ValueError(f"{folder} holds the results of {name}; choose another --out for {master.name}")
    put(note, json.dumps({"assignment": master.name}) + "\n")


def write_all(
    out: Path,
    folder: Path,
    master: Master,
    submissions: list[Submission],
    results: dict[str, Result],
    anonymous: bool = False,
) -> str:
    """Write the tables, the feedback and the report; what was written, in words."""
    by_hand_table, late_table = folder / "by-hand.csv", folder / "late.csv"
    marks = by_hand.read_marks(by_hand_table, master, submissions)
    lateness, rule = late.read_late(late_table, submissions)
    pairs = [(s, results[s.student]) for s in submissions]
    class_ = [standing(master, s, r, marks, lateness.get(s.student), rule) for s, r in pairs]
    put(out, MARK + tables.own(master, class_))
    put(folder / "canvas.csv", MARK + tables.canvas(master, class_))
    put(folder / "moodle.csv", MARK + tables.moodle(master, class_))
    put(folder / "report.html", report_page(master, class_))
    give_back(folder, master, class_)
    put(late_table, MARK + late.to_keep(submissions, lateness, rule))
    if any(q.by_hand for q in master.questions):
        put(folder / "by-hand.html", answers_page(master, pairs, marks, anonymous))
        put(by_hand_table, MARK + by_hand.to_fill_in(master, pairs, marks, anonymous))
    return said(out, folder, class_)


def give_back(folder: Path, master: Master, class_: list[Standing]) -> None:
    """A page for each student, and all of them in one archive for each platform that takes one."""
    archives: dict[str, dict[str, str]] = {"canvas": {}, "moodle": {}}
    for one in class_:
        name, page = file_name(one.student), feedback_page(master, one)
        put(folder / "gradescope" / name / "results.json", tables.gradescope(master, one))
        put(folder / "feedback" / f"{name}.html", page)
        for platform, named in (("canvas", archive.canvas_name(one)), ("moodle", archive.moodle_name(one))):
            if named:
                archives[platform][named] = page
    for platform, pages in archives.items():
        if pages:
            put(folder / f"feedback-{platform}.zip", archive.archive(pages))


def said(out: Path, folder: Path, class_: list[Standing]) -> str:
    """What there is to say to the instructor."""
    others = "report.html, canvas.csv, moodle.csv, gradescope/, feedback/"
    lines = [f"{out}: {len(class_)} students. In {folder}/: {others}."]
    if broken := sum(one.result.status == [Status.GRADER_FAILED] for one in class_):
        lines.append(f"{broken} could not be graded, and it is not their fault: the notes say why. Run this again.")
    if unclear := [one.student for one in class_ if one.submission.status == Status.CONFLICT]:
        lines.append(f"{len(unclear)} files may be one person's or another's (see the notes): {', '.join(unclear[:5])}")
    if changed := [one.student for one in class_ if any("essay changed" in note for note in one.remarks)]:
        lines.append(f"{len(changed)} have handed in another essay since theirs was marked: {', '.join(changed[:5])}")
    if unread := sum(one.unread for one in class_):
        what = "read by-hand.html, fill in by-hand.csv, and run this again"
        lines.append(f"{unread} answers wait for a person: {what}.")
    return "\n".join(lines)


def put(path: Path, content: str | bytes) -> None:
    """Write a file whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f".{path.name}.partial")
    # Half characters, which JSON can hold, are replaced.
    partial.write_bytes(content if isinstance(content, bytes) else content.encode("utf-8", "replace"))
    os.replace(partial, path)
