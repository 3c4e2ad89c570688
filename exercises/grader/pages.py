"""The pages that people read, from the templates beside this file.

What students write ends up on them, so everything is escaped by the templates' engine, and a content policy in each
page forbids scripts. A page holds all it needs, light and dark, on a screen or on paper.
"""

from functools import cache
from pathlib import Path

from .by_hand import Marks, changed_since, code_name
from .collect import Submission
from .master import Master
from .report import report
from .result import Result
from .standing import Standing
from .worksheet import number

LONGEST = 20_000  # characters of an answer that is shown


@cache
def template(name: str):
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    made = Environment(
        loader=FileSystemLoader(Path(__file__).parent / "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    made.filters |= {"number": number, "zip": zip}
    return made.get_template(name)


def feedback_page(master: Master, one: Standing) -> str:
    """What a student gets back: points, what the visible checks said, what happened. Nothing of the hidden checks."""
    return template("feedback.html").render(title=f"{master.name}: feedback", master=master, one=one)


def report_page(master: Master, class_: list[Standing]) -> str:
    """How the class did; it names students, so it is not for the class."""
    totals = sorted(one.total for one in class_)
    middle = number(totals[len(totals) // 2]) if totals else "-"
    return template("report.html").render(
        title=f"{master.name}: report", master=master, count=len(class_), middle=middle, tables=report(master, class_)
    )


def answers_page(master: Master, pairs: list[tuple[Submission, Result]], marks: Marks, anonymous: bool) -> str:
    """Every student's text, below the model answer and what it is worth, and what has been given for it."""
    questions = [q for q in master.questions if q.by_hand]
    said = {q.id: [] for q in questions}
    for submission, result in pairs:
        changed = changed_since(marks, submission, result)
        for q in questions:
            if text := result.by_hand.get(q.id):
                mark = marks.get((submission.student, q.id))
                name = code_name(submission) if anonymous else submission.student
                said[q.id].append((name, text[:LONGEST], mark, q.id in changed))
    for entries in said.values() if anonymous else ():
        entries.sort(key=lambda entry: entry[0])
    return template("by_hand.html").render(title=f"{master.name}: to be read", questions=questions, said=said)
