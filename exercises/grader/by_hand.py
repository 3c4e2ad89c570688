"""The questions that a person reads: all the answers on one page, and a table to put the points in.

The table, ``by-hand.csv`` in the results folder, has a row for each answer: student, question, points, comment. Fill in
points and comments and run the grader again: nothing is computed anew, the points are added and the comments reach the
students. What somebody has filled in is never lost, whoever comes or goes.
"""

import csv
from html import escape
from pathlib import Path

from .collect import Submission
from .master import Master
from .page import page
from .tables import as_it_was, table

HEADER = ["student", "question", "points", "comment"]


def read_rows(path: Path) -> dict[tuple[str, str], tuple[str, str]]:
    """What is filled in: ``{(student, question): (points, comment)}``, as text."""
    if not path.exists():
        return {}
    with open(path, newline="", encoding="utf-8-sig") as file:
        first = file.readline()
        file.seek(0)
        rows = csv.DictReader(file, delimiter=";" if ";" in first else ",")  # spreadsheets of some countries
        if missing := set(HEADER) - set(rows.fieldnames or ()):
            raise ValueError(f"{path} has no column {', '.join(sorted(missing))}")
        return {
            (as_it_was(r["student"]), r["question"]): (
                (r["points"] or "").strip(),
                as_it_was((r["comment"] or "").strip()),
            )
            for r in rows
        }


def read_points(rows: dict, master: Master) -> tuple[dict[str, dict[str, float]], dict[str, dict[str, str]]]:
    """``{student: {question: points}}``, and the comments alike; a `ValueError` names the row that is wrong."""
    most = {q.id: q.points for q in master.questions if q.by_hand}
    points, comments = {}, {}
    for (student, question), (given, comment) in rows.items():
        comments.setdefault(student, {})[question] = comment
        if not given:
            continue
        try:
            value = float(given.replace(",", "."))
        except ValueError:
            value = -1.0
        if not 0 <= value <= most.get(question, -1):
            raise ValueError(
                f"by-hand.csv: {given!r} for {student}, {question}: points are 0 to {most.get(question, 0):g}"
            )
        points.setdefault(student, {})[question] = value
    return points, comments


def to_fill_in(master: Master, results: list[tuple[Submission, dict]], rows: dict) -> str:
    """The table: a row for everyone who wrote something, and all that is in it already."""
    wanted = [(s.student, q) for s, result in results for q, said in result["by_hand"].items() if said]
    return table(HEADER, [[*key, *rows.get(key, ("", ""))] for key in dict.fromkeys([*wanted, *rows])])


def answers_page(master: Master, results: list[tuple[Submission, dict]]) -> str:
    """Every student's text, below the model answer and what it is worth."""
    parts = []
    for q in master.questions:
        if q.by_hand:
            parts.append(f"<h2>{escape(q.id)} {escape(q.title)} ({q.points:g} points)</h2>")
            parts.append(f"<details><summary>Model answer and rubric</summary><pre>{escape(q.model)}</pre></details>")
            for submission, result in results:
                if said := result["by_hand"].get(q.id):
                    parts.append(f"<h3>{escape(submission.student)}</h3><pre>{escape(said[:20_000])}</pre>")
    return page(f"{master.name}: to be read", "\n".join(parts))
