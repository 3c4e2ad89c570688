"""Everything that is written at the end, from the results; the same results give the same bytes."""

import os
from pathlib import Path

from . import tables
from .by_hand import read_points, read_rows, to_fill_in
from .collect import Submission
from .master import Master
from .pages import answers_page, feedback_page, report_page
from .result import Result, Status
from .standing import standing
from .whole_class import file_name


def write_all(
    out: Path, folder: Path, master: Master, submissions: list[Submission], results: dict[str, Result]
) -> str:
    """Write the tables, the feedback and the report; what was written, in words."""
    by_hand = folder / "by-hand.csv"
    filled = read_rows(by_hand)
    points, comments = read_points(filled, master)
    pairs = [(s, results[s.student]) for s in submissions]
    class_ = [standing(master, s, r, points.get(s.student, {}), comments.get(s.student, {})) for s, r in pairs]
    put(out, tables.own(master, class_))
    put(folder / "canvas.csv", tables.canvas(master, class_))
    put(folder / "moodle.csv", tables.moodle(master, class_))
    put(folder / "report.html", report_page(master, class_))
    for one in class_:
        name = file_name(one.student)
        put(folder / "gradescope" / name / "results.json", tables.gradescope(master, one))
        put(folder / "feedback" / f"{name}.html", feedback_page(master, one))
    lines = [
        f"{out}: {len(class_)} students. In {folder}/: report.html, canvas.csv, moodle.csv, gradescope/, feedback/."
    ]
    if broken := sum(one.result.status == [Status.GRADER_FAILED] for one in class_):
        lines.append(f"{broken} could not be graded, and it is not their fault: the notes say why. Run this again.")
    if any(q.by_hand for q in master.questions):
        put(folder / "by-hand.html", answers_page(master, pairs))
        put(by_hand, to_fill_in(master, pairs, filled))
        if unread := sum(one.unread for one in class_):
            lines.append(
                f"{unread} answers wait for a person: read by-hand.html, fill in by-hand.csv, and run this again."
            )
    return "\n".join(lines)


def put(path: Path, text: str) -> None:
    """Write a file whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f".{path.name}.partial")
    partial.write_text(text, encoding="utf-8", errors="replace")  # half characters, which JSON can hold
    os.replace(partial, path)
