"""What a student gets back: points, what the visible checks said, what happened. Nothing of the hidden checks.

Messages come from the student's own process, so they may be anything; they are shown as text and can do no harm.
"""

from html import escape

from .collect import Submission
from .master import Master
from .page import page
from .tables import number, total

MEANING = {
    "timeout": "It did not come to an end in the time that a question has. Is there a loop without an end?",
    "memory": "It asked for more memory than a question has.",
    "output": "It printed more than anybody could read, and was stopped.",
    "processes": "It started too many processes, and was stopped.",
    "forged": "It wrote into the channel that the grader listens to.",
    "kernel-died": "Python itself ended while your code ran: a call of exit, or a crash in a library.",
    "missing": "There was no answer cell for this question in the file.",
    "unreadable": "The file is not a notebook that can be read. Download it again and open it before you hand it in.",
    "empty": "The file is empty: the upload may have been cut off.",
    "too-large": "The file is larger than 20 MB. Clear the outputs (Edit > Clear All Outputs) and save it.",
    "wrong-assignment": "This notebook belongs to another assignment.",
    "no-answers": "No answer cell was found in this notebook. Copy your answers into a fresh one.",
    "no-file": "There is no notebook among your files.",
    "grader-failed": "The grader itself failed here; this is not your fault, and your instructor knows.",
}


def feedback(
    master: Master,
    submission: Submission,
    result: dict,
    marks: dict[str, float | None],
    comments: dict[str, str],
) -> str:
    """The student's page."""
    so_far = " so far; a person still reads the rest" if None in marks.values() else ""
    reached = f"<strong>{number(total(marks))} of {number(master.points)} points</strong>{so_far}"
    parts = [f"<p>{escape(submission.student)}: {reached}.</p>"]
    for status in result["status"]:
        if status in MEANING and submission.status != "ok":
            parts.append(f'<p class="bad">{MEANING[status]}</p>')
    for note in (*submission.notes, *result["notes"]):
        parts.append(f'<p class="soft">{escape(note)}</p>')
    for q in master.questions:
        parts.append(question(q, marks[q.id], result["questions"].get(q.id), comments.get(q.id, "")))
    return page(f"{master.name}: feedback", "\n".join(parts))


def question(q, points: float | None, row: dict | None, comment: str) -> str:
    """One question's section."""
    got = "not read yet" if points is None else f"{number(points)} of {number(q.points)}"
    kind = "good" if points == q.points else "soft" if points is None else "bad"
    parts = [f'<h2>{escape(q.id)} {escape(q.title)}: <span class="{kind}">{got}</span></h2>']
    if comment:
        parts.append(f"<p>{escape(comment)}</p>")
    if row is None or q.by_hand:
        return "\n".join(parts)
    if row["status"] in MEANING:
        parts.append(f"<p>{MEANING[row['status']]}</p>")
    if row.get("open"):
        parts.append("<p>Not answered yet.</p>")
    elif row["message"]:
        parts.append(f"<p>The visible check said:</p><pre>{escape(row['message'])}</pre>")
    elif row["status"] == "ok" and points == 0 and row["right"] + len(row["wrong"]):
        parts.append(
            "<p>The check in the notebook passed, and with other numbers the answer is not right. Which cases does "
            "the check not try?</p>"
        )
    if row["board"] is not None:
        parts.append(f"<p>On the leaderboard: {row['board']:.2f}</p>")
    return "\n".join(parts)
