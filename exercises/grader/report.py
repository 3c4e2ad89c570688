"""The instructor's page: how the class did on each question, which checks were hard, and what went wrong with files."""

from collections import Counter
from html import escape

from .collect import Submission
from .feedback import MEANING
from .master import Master
from .page import bar, page, table
from .tables import board, number, total

Row = tuple[Submission, dict, dict]


def report(master: Master, rows: list[Row]) -> str:
    """The page; it names students, so it is not for the class."""
    totals = sorted(total(marks) for _, _, marks in rows)
    middle = number(totals[len(totals) // 2]) if totals else "-"
    parts = [
        f"<p>{len(rows)} students, {number(master.points)} points; the middle of the class has {middle}.</p>",
        "<h2>Points</h2>",
        distribution(totals, master.points),
        "<h2>Questions</h2>",
        questions(master, rows),
        "<h2>The hardest checks</h2>",
        hardest(rows),
        "<h2>What the visible checks said most often</h2>",
        messages(rows),
        "<h2>Statuses</h2>",
        statuses(rows),
        "<h2>Leaderboard</h2>",
        leaders(rows),
        "<h2>Students to look at</h2>",
        unusual(rows),
    ]
    return page(f"{master.name}: report", "\n".join(parts))


def distribution(totals: list[float], whole: float) -> str:
    """How many students have how many points, in at most ten steps."""
    step = max(1, round(whole / 10))
    count = Counter(min(int(t // step), int(whole // step)) for t in totals)
    largest = max(count.values(), default=1)
    lines = []
    for i in range(int(whole // step) + 1):
        low, high = i * step, min((i + 1) * step, whole)
        label = (
            f"{number(low)} to below {number(high)}" if low < high and i < int(whole // step) else f"from {number(low)}"
        )
        lines.append([label, str(count[i]), bar(count[i], largest)])
    return table("Students by points", ["points", "#students", ""], lines)


def questions(master: Master, rows: list[Row]) -> str:
    lines = []
    for q in master.questions:
        given = [marks[q.id] for _, _, marks in rows if marks[q.id] is not None]
        full = sum(value == q.points for value in given)
        opened = sum(bool(r["questions"].get(q.id, {}).get("open")) for _, r, _ in rows)
        mean = sum(given) / len(given) if given else 0
        unread = len(rows) - len(given)
        note = f"{unread} not read yet" if unread else f"{opened} not answered" if opened else ""
        name = f"{escape(q.id)} {escape(q.title)}"
        lines.append([name, f"{mean:.1f} of {number(q.points)}", str(full), bar(full, len(given)), note])
    return table("How the class did", ["question", "#mean", "#all points", "", ""], lines)


def hardest(rows: list[Row]) -> str:
    """Hidden checks by the share of those that tried and did not pass them."""
    wrong, tried = Counter(), Counter()
    for _, result, _ in rows:
        for name, row in result["questions"].items():
            if row["right"] and (row["wrong"] or row["points"]):
                tried[name] += 1
                wrong.update((name, what) for what in row["wrong"])
    lines = [
        [f"{escape(name)}: {escape(what)}", f"{n} of {tried[name]}", bar(n, tried[name])]
        for (name, what), n in sorted(wrong.items(), key=lambda item: (-item[1] / tried[item[0][0]], item[0]))[:15]
    ]
    if not lines:
        return "<p>Nobody had some of a question's hidden values right and others wrong.</p>"
    return table(
        "Hidden values that were wrong where others of the question were right",
        ["check", "#wrong", ""],
        lines,
    )


def messages(rows: list[Row]) -> str:
    count = Counter()
    for _, result, _ in rows:
        for name, row in result["questions"].items():
            if row["message"] and not row.get("open"):
                count[name, row["message"].splitlines()[0][:160]] += 1
    lines = [
        [escape(name), str(n), escape(said)]
        for (name, said), n in sorted(count.items(), key=lambda i: (-i[1], i[0]))[:15]
    ]
    return table("Messages", ["question", "#students", "message"], lines) if lines else "<p>Nothing.</p>"


def statuses(rows: list[Row]) -> str:
    count = Counter(status for _, result, _ in rows for status in result["status"])
    lines = [[escape(s), str(n), MEANING.get(s, "")] for s, n in sorted(count.items(), key=lambda i: (-i[1], i[0]))]
    return table("Statuses", ["status", "#students", "what a student is told"], lines)


def leaders(rows: list[Row]) -> str:
    best = sorted(
        ((board(r), s.student) for s, r, _ in rows if board(r) is not None),
        key=lambda pair: (-pair[0], pair[1]),
    )
    lines = [[str(i), escape(student), f"{value:.2f}"] for i, (value, student) in enumerate(best[:20], 1)]
    return table("The best twenty", ["#place", "student", "#score"], lines) if lines else "<p>No entries.</p>"


def unusual(rows: list[Row]) -> str:
    lines = [
        [escape(s.student), escape(", ".join(r["status"])), escape("; ".join([*s.notes, *r["notes"]]))]
        for s, r, _ in rows
        if r["status"] != ["ok"] or s.notes or r["notes"]
    ]
    return table("Anything but a plain ok", ["student", "status", "notes"], lines) if lines else "<p>None.</p>"
