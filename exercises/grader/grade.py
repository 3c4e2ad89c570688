"""One submission: its answers through the sandbox, and what they are worth against the master's."""

import hashlib
import re
import sys
from dataclasses import dataclass, field, replace
from pathlib import Path

from course_lib.exercises.closing import names_in, refusal

from .answers import find_answers, find_essays, job, solutions
from .collect import Submission
from .compare import judge
from .master import Master, Question
from .result import QuestionResult, Result, Status
from .run import Limits, Outcome, run
from .sandbox import Sandbox
from .similar import shape


@dataclass(frozen=True)
class Grading:
    """What all submissions of a class share."""

    master: Master
    limits: Limits
    sandbox: Sandbox
    seed: str
    # Folders that must not be visible in the sandbox.
    hidden: tuple[Path, ...]
    # What the master's own answers gave; there only once somebody is to be graded.
    reference: dict[str, Outcome] = field(default_factory=dict)

    @property
    def seeds(self) -> dict[str, int]:
        return question_seeds(self.master, self.seed)


def question_seeds(master: Master, seed: str) -> dict[str, int]:
    """A number for each question, the same for the whole class; nobody without the master can know it beforehand."""
    digest = {q.id: hashlib.sha256(f"{master.sha} {seed} {q.id}".encode()).digest() for q in master.graded}
    return {name: int.from_bytes(value[:4], "big") for name, value in digest.items()}


def prepare(grading: Grading) -> Grading:
    """Run the master's own answers for the reference; a `RuntimeError` says if one of its questions fails itself."""
    master, sandbox = grading.master, grading.sandbox
    task = job(master, solutions(master))
    reference = run(master, task, grading.seeds, grading.limits, sandbox, grading.hidden, reference=True)
    for q in master.graded:
        outcome = reference[q.id]
        errors = [*outcome.report.get("errors", {}).values(), outcome.report.get("check"), outcome.stopped]
        _, verdict = judge(q, outcome, outcome)
        if outcome.status != Status.OK or any(errors) or not verdict.passed:
            said = next(filter(None, errors), None) or ", ".join(verdict.wrong) or "no value emitted"
            raise RuntimeError(f"the master's own answer to {q.id} does not pass ({outcome.status}): {said}")
    return replace(grading, reference=reference)


def grade(submission: Submission, grading: Grading) -> Result:
    """The result of one submission; whatever happens, there is one, so nobody else loses theirs."""
    try:
        return graded(submission, grading)
    # No memory for a process, no space on the disk, or a trick that nobody has thought of.
    except Exception as error:
        return failed(grading.master, error)


def failed(master: Master, error: Exception) -> Result:
    """The result where the grader could not do its work."""
    said = (str(error).strip() or type(error).__name__).splitlines()[-1]
    return Result([Status.GRADER_FAILED], [said], {q.id: QuestionResult() for q in master.graded})


def unopened(submission: Submission, master: Master) -> Result:
    """The result of what cannot be run."""
    return Result([submission.status], questions={q.id: QuestionResult() for q in master.graded})


def graded(submission: Submission, grading: Grading) -> Result:
    master = grading.master
    if submission.status != Status.OK:
        return unopened(submission, master)
    notebook = submission.notebook
    answers, notes = find_answers(notebook, master)
    essays, more = find_essays(notebook, master)
    task = job(master, answers)
    outcomes = run(master, task, grading.seeds, grading.limits, grading.sandbox, grading.hidden)
    rows = {q.id: one(q, grading, outcomes[q.id], answers) for q in master.graded}
    troubles = {row.status for row in rows.values()} - {Status.OK}
    status = sorted(troubles) or [Status.OK]
    if not grading.sandbox.locked:
        status.append(Status.UNSANDBOXED)
    shapes = {q.id: shape([source for a in q.answers for source in answers.get(a, [])]) for q in master.graded}
    return Result(status, notes + more, rows, essays, shapes)


def one(q: Question, grading: Grading, outcome: Outcome, answers: dict) -> QuestionResult:
    """One question of one student."""
    # Of what came through a forged pipe nothing can be believed.
    if outcome.status == Status.FORGED:
        return QuestionResult(status=Status.FORGED)
    points, verdict = judge(q, grading.reference[q.id], outcome)
    used = names_in("\n".join(source for a in q.answers for source in answers.get(a, [])), q.closed)
    if used:
        points = 0.0
    errors = outcome.report.get("errors")
    own = [text for cell, text in errors.items() if cell in q.answers] if isinstance(errors, dict) else []
    said = [text[:2000] for text in (*own, outcome.report.get("check")) if isinstance(text, str) and text]
    said = [*map(refusal, used), *said]
    row = QuestionResult(
        points=points,
        status=outcome.status,
        message=discreet("\n".join(said)),
        open=bool(outcome.report.get("open")),
        right=len(verdict.right),
        wrong=verdict.wrong,
        board=verdict.board,
    )
    if outcome.status == Status.OK and any(a in grading.master.answers and a not in answers for a in q.answers):
        row.status = Status.MISSING
    elif outcome.status == Status.OK and out_of_memory(row.message):
        row.status = Status.MEMORY
    return row


# Absolute paths that are the same everywhere stay, as an error of a library names them.
SYSTEM = "usr|lib|lib64|bin|sbin|tmp|proc|sys|dev|etc|course"
PATH = re.compile(rf"(?<![\w/.)\]])/(?!(?:{SYSTEM})\b)[\w.@+~-]+(?:/[\w.@+~-]*)+")


# Names with a space end no path for the pattern; the kernel's lists of mounts write it as \\040.
INSTALLED = (str(Path(__file__).parents[2]), str(Path(sys.prefix)))
ROOTS = [*INSTALLED, *(root.replace(" ", r"\040") for root in INSTALLED)]


def discreet(message: str) -> str:
    """A message without the names of the instructor's folders, which inside are where they are outside."""
    for root in sorted(ROOTS, key=len, reverse=True):
        message = message.replace(root, "/...")
    return PATH.sub("/...", message)


def out_of_memory(message: str) -> bool:
    return "MemoryError" in message or "can't allocate memory" in message or "not enough memory" in message
