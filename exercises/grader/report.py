"""The instructor's page in numbers: how the class did on each question, which checks were hard, what went wrong."""

from collections import Counter
from dataclasses import dataclass

from .master import Master
from .result import Status
from .similar import pairs, shape
from .standing import Standing
from .worksheet import number


@dataclass(frozen=True)
class Bar:
    """A bar beside its number, so that nothing hangs on seeing it; ``share`` in percent."""

    share: float


@dataclass(frozen=True)
class Table:
    """A part of the page. A column whose head starts with # holds numbers; ``empty`` is said if there are no rows."""

    title: str
    caption: str
    columns: list[str]
    rows: list[list[str | Bar]]
    empty: str = "None."


def bar(part: float, whole: float) -> Bar:
    return Bar(round(100 * part / whole) if whole else 0)


def report(master: Master, class_: list[Standing]) -> list[Table]:
    """All the tables; they name students, so they are not for the class."""
    totals = [one.total for one in class_]
    return [
        distribution(totals, master.points),
        questions(master, class_),
        hardest(class_),
        messages(class_),
        statuses(class_),
        leaders(class_),
        unusual(class_),
        alike(master, class_),
    ]


def most_first(count: Counter) -> list[tuple]:
    return sorted(count.items(), key=lambda item: (-item[1], item[0]))


def distribution(totals: list[float], whole: float) -> Table:
    """How many students have how many points, in at most ten steps."""
    step = max(1, round(whole / 10))
    last = int(whole // step)
    count = Counter(min(int(t // step), last) for t in totals)
    rows = []
    for i in range(last + 1):
        low, high = number(i * step), number(min((i + 1) * step, whole))
        label = f"{low} to below {high}" if i < last else f"from {low}"
        rows.append([label, str(count[i]), bar(count[i], max(count.values(), default=1))])
    return Table("Points", "Students by points", ["points", "#students", ""], rows)


def questions(master: Master, class_: list[Standing]) -> Table:
    rows = []
    for q in master.questions:
        given = [one.points[q.id] for one in class_ if one.points[q.id] is not None]
        full = sum(value == q.points for value in given)
        opened = sum(one.result.questions[q.id].open for one in class_ if q.id in one.result.questions)
        mean = sum(given) / len(given) if given else 0
        unread = len(class_) - len(given)
        note = f"{unread} not read yet" if unread else f"{opened} not answered" if opened else ""
        of = f"{mean:.1f} of {number(q.points)}"
        rows.append([f"{q.id} {q.title}", of, str(full), bar(full, len(given)), note])
    return Table("Questions", "How the class did", ["question", "#mean", "#all points", "", ""], rows)


def hardest(class_: list[Standing]) -> Table:
    """Hidden checks by the share of those that tried and did not pass them."""
    wrong, tried = Counter(), Counter()
    for one in class_:
        for name, row in one.result.questions.items():
            if row.right and (row.wrong or row.points):
                tried[name] += 1
                wrong.update((name, what) for what in row.wrong)
    by_share = sorted(wrong.items(), key=lambda item: (-item[1] / tried[item[0][0]], item[0]))
    rows = [[f"{name}: {what}", f"{n} of {tried[name]}", bar(n, tried[name])] for (name, what), n in by_share[:15]]
    return Table(
        "The hardest checks",
        "Hidden values that were wrong where others of the question were right",
        ["check", "#wrong", ""],
        rows,
        "Nobody had some of a question's hidden values right and others wrong.",
    )


def messages(class_: list[Standing]) -> Table:
    count = Counter()
    for one in class_:
        for name, row in one.result.questions.items():
            if row.message and not row.open:
                count[name, row.message.splitlines()[0][:160]] += 1
    rows = [[name, str(n), said] for (name, said), n in most_first(count)[:15]]
    return Table("What the visible checks said most often", "Messages", ["question", "#students", "message"], rows)


def statuses(class_: list[Standing]) -> Table:
    count = Counter(status for one in class_ for status in one.result.status)
    rows = [[str(s), str(n), Status(s).meaning] for s, n in most_first(count)]
    return Table("Statuses", "Statuses", ["status", "#students", "what a student is told"], rows)


def leaders(class_: list[Standing]) -> Table:
    best = sorted((-one.result.board, one.student) for one in class_ if one.result.board is not None)
    rows = [[str(i), student, f"{-value:g}"] for i, (value, student) in enumerate(best[:20], 1)]
    return Table("Leaderboard", "The best twenty", ["#place", "student", "#score"], rows, "No entries.")


def unusual(class_: list[Standing]) -> Table:
    rows = [[one.student, ", ".join(one.result.status), "; ".join(one.notes)]
            for one in class_ if one.result.status != [Status.OK] or one.notes]  # fmt: skip
    return Table("Students to look at", "Anything but a plain ok", ["student", "status", "notes"], rows)


def alike(master: Master, class_: list[Standing]) -> Table:
    masters = {q.id: shape([c.source for c in q.before if c.id in q.answers]) for q in master.graded}
    found = pairs({one.student: one.result.shapes for one in class_}, masters)
    rows = [[one, other, str(len(questions)), ", ".join(questions)] for one, other, questions in found[:40]]
    return Table(
        "Similar answers",
        "The same but for names and comments, in a class where few have it: a reason to ask, and no proof",
        ["student", "student", "#answers", "questions"],
        rows,
    )
