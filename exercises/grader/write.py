"""Everything that is written at the end, from the results; the same results give the same bytes."""

import os
from pathlib import Path

from . import tables
from .by_hand import answers_page, read_points, read_rows, to_fill_in
from .collect import Submission
from .feedback import feedback
from .klass import file_name
from .master import Master
from .report import report


def write_all(out: Path, folder: Path, master: Master, submissions: list[Submission], results: dict[str, dict]) -> str:
    """Write the tables, the feedback and the report; what was written, in words."""
    by_hand = folder / "by-hand.csv"
    filled = read_rows(by_hand)
    points, comments = read_points(filled, master)
    pairs = [(s, results[s.student]) for s in submissions]
    rows = [(s, result, tables.points(result, master, points.get(s.student, {}))) for s, result in pairs]
    put(out, tables.own(master, rows))
    put(folder / "canvas.csv", tables.canvas(master, rows))
    put(folder / "moodle.csv", tables.moodle(master, rows))
    put(folder / "report.html", report(master, rows))
    for submission, result, marks in rows:
        name = file_name(submission.student)
        put(
            folder / "gradescope" / name / "results.json",
            tables.gradescope(master, submission, result, marks),
        )
        said = comments.get(submission.student, {})
        put(folder / "feedback" / f"{name}.html", feedback(master, submission, result, marks, said))
    lines = [f"{out}: {len(rows)} students. In {folder}/: report.html, canvas.csv, moodle.csv, gradescope/, feedback/."]
    if broken := sum(result["status"] == ["grader-failed"] for _, result in pairs):
        lines.append(f"{broken} could not be graded, and it is not their fault: the notes say why. Run this again.")
    if any(q.by_hand for q in master.questions):
        put(folder / "by-hand.html", answers_page(master, pairs))
        put(by_hand, to_fill_in(master, pairs, filled))
        if unread := sum(value is None for _, _, marks in rows for value in marks.values()):
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
