"""The whole class: everyone's result, in parallel, each kept on disk the moment it is there.

A result is filed under the student's name together with a fingerprint of all that it depends on: the submission, the
master, the limits, the seed, the grader. What was interrupted therefore goes on where it stopped, a submission that
has changed is graded anew, and nothing else is.
"""

import hashlib
import json
import os
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import asdict, dataclass
from pathlib import Path
from urllib.parse import quote

from .collect import Submission
from .compare import judge
from .master import Master, Question
from .rebuild import by_hand_answers, find_answers, job, solutions
from .run import FORGED, Limits, Outcome, run
from .sandbox import Sandbox

Pool = Callable[[list[Submission], "Grading"], Iterable[tuple[Submission, dict]]]
VERSION = 2  # of what a result holds; another number makes every result stale


@dataclass(frozen=True)
class Grading:
    """What all submissions of a class share."""

    master: Master
    limits: Limits
    sandbox: Sandbox
    seed: str
    hidden: tuple[Path, ...]  # folders that must not be visible in the sandbox
    reference: dict[str, Outcome]

    @property
    def seeds(self) -> dict[str, int]:
        return question_seeds(self.master, self.seed)


def question_seeds(master: Master, seed: str) -> dict[str, int]:
    """A number for each question, the same for the whole class; nobody without the master can know it beforehand."""
    digest = {q.id: hashlib.sha256(f"{master.sha} {seed} {q.id}".encode()).digest() for q in master.graded}
    return {name: int.from_bytes(value[:4], "big") for name, value in digest.items()}


def prepare(master: Master, limits: Limits, sandbox: Sandbox, seed: str, hidden: tuple[Path, ...]) -> Grading:
    """Run the master's own answers for the reference; a `RuntimeError` says if one of its questions fails itself."""
    seeds = question_seeds(master, seed)
    reference = run(master, job(master, solutions(master)), seeds, limits, sandbox, hidden, reference=True)
    for q in master.graded:
        outcome = reference[q.id]
        errors = [*outcome.report.get("errors", {}).values(), outcome.report.get("check"), outcome.stopped]
        _, verdict = judge(q, outcome, outcome)
        if outcome.status != "ok" or any(errors) or not verdict.passed:
            said = next(filter(None, errors), None) or ", ".join(verdict.wrong) or "no value emitted"
            raise RuntimeError(f"the master's own answer to {q.id} does not pass ({outcome.status}): {said}")
    return Grading(master, limits, sandbox, seed, hidden, reference)


def grade(submission: Submission, grading: Grading) -> dict:
    """The result of one submission, as plain data; whatever happens, there is one, so nobody else loses theirs."""
    try:
        return graded(submission, grading)
    except Exception as error:  # no memory for a process, no space on the disk, or a trick nobody has thought of
        return failed(submission, grading.master, error)


def failed(submission: Submission, master: Master, error: Exception) -> dict:
    """The result where the grader could not do its work."""
    said = (str(error).strip() or type(error).__name__).splitlines()[-1]
    rows = {q.id: blank(q) for q in master.graded}
    return {
        "student": submission.student,
        "status": ["grader-failed"],
        "notes": [said],
        "questions": rows,
        "by_hand": {},
    }


def graded(submission: Submission, grading: Grading) -> dict:
    master = grading.master
    result = {
        "student": submission.student,
        "status": [submission.status],
        "notes": [],
        "questions": {},
        "by_hand": {},
    }
    outcomes, answers = {}, {}
    if submission.status == "ok":
        answers, result["notes"] = find_answers(submission.notebook, master)
        result["by_hand"] = by_hand_answers(submission.notebook, master)
        task = job(master, answers)
        outcomes = run(master, task, grading.seeds, grading.limits, grading.sandbox, grading.hidden)
    for q in master.graded:
        result["questions"][q.id] = one(q, grading, outcomes.get(q.id), answers)
    troubles = [row["status"] for row in result["questions"].values() if row["status"] != "ok"]
    if submission.status == "ok" and troubles:
        result["status"] = sorted(set(troubles))
    if submission.status == "ok" and not grading.sandbox.locked:
        result["status"].append("unsandboxed")
    return result


def blank(q: Question) -> dict:
    """The row of a question that earned nothing."""
    return {
        "points": 0.0,
        "of": q.points,
        "status": "ok",
        "message": "",
        "right": 0,
        "wrong": [],
        "board": None,
    }


def one(q: Question, grading: Grading, outcome: Outcome | None, answers: dict) -> dict:
    """One question of one student."""
    row = blank(q)
    missing = [a for a in q.answers if a in grading.master.answers and a not in answers]
    if outcome is None:
        return row
    if outcome.status == FORGED:  # of what came through that pipe nothing can be believed
        return row | {"status": FORGED}
    row["points"], verdict = judge(q, grading.reference[q.id], outcome)
    row |= {
        "right": len(verdict.right),
        "wrong": verdict.wrong,
        "board": verdict.board,
        "status": outcome.status,
    }
    errors = outcome.report.get("errors")
    own = [text for cell, text in errors.items() if cell in q.answers] if isinstance(errors, dict) else []
    said = [text[:2000] for text in (*own, outcome.report.get("check")) if isinstance(text, str) and text]
    row["message"] = "\n".join(said)
    row["open"] = bool(outcome.report.get("open"))
    if outcome.status == "ok" and missing:
        row["status"] = "missing"
    elif outcome.status == "ok" and out_of_memory(row["message"]):
        row["status"] = "memory"
    return row


def out_of_memory(message: str) -> bool:
    return "MemoryError" in message or "can't allocate memory" in message or "not enough memory" in message


def fingerprint(submission: Submission, grading: Grading) -> str:
    parts = [
        VERSION,
        grading.master.sha,
        grading.seed,
        sorted(asdict(grading.limits).items()),
        grading.sandbox.locked,
    ]
    parts += [submission.status, submission.sha]
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()


def place(folder: Path, student: str) -> Path:
    """Where a student's result is kept; the name may hold anything a file system allows, and some more."""
    return folder / f"{file_name(student)}.json"


def file_name(student: str) -> str:
    """A file name that any file system takes, and that no two students share."""
    name = quote(student, safe=" @+,=")
    return name if len(name) < 170 else f"{name[:160]}-{hashlib.sha256(student.encode()).hexdigest()[:16]}"


def stored(folder: Path, submission: Submission, grading: Grading) -> dict | None:
    """A finished result, if it is of this very submission."""
    try:
        kept = json.loads(place(folder, submission.student).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return kept["result"] if kept.get("fingerprint") == fingerprint(submission, grading) else None


def keep(folder: Path, submission: Submission, grading: Grading, result: dict) -> None:
    """Write a result whole or not at all."""
    target = place(folder, submission.student)
    partial = target.with_suffix(f".{os.getpid()}.partial")
    kept = {"fingerprint": fingerprint(submission, grading), "result": result}
    partial.write_text(json.dumps(kept, indent=1), encoding="utf-8")
    os.replace(partial, target)


def grade_all(
    submissions: list[Submission], grading: Grading, folder: Path, again: Callable[[str], bool], pool: Pool
) -> Iterable[tuple[Submission, dict]]:
    """Every student's result as it becomes known, those on disk first."""
    folder.mkdir(parents=True, exist_ok=True)
    todo = []
    for submission in submissions:
        result = None if again(submission.student) else stored(folder, submission, grading)
        if result is None:
            todo.append(submission)
        else:
            yield submission, result
    for submission, result in pool(todo, grading):
        if result["status"] != ["grader-failed"]:
            keep(folder, submission, grading, result)
        yield submission, result


def threads(workers: int) -> Pool:
    """Graded here, `workers` at a time: threads, because each only waits for a process of its own."""

    def pool(todo: list[Submission], grading: Grading):
        executor = ThreadPoolExecutor(workers)
        try:
            futures = {executor.submit(grade, submission, grading): submission for submission in todo}
            for future in as_completed(futures):
                yield futures[future], future.result()
        finally:
            executor.shutdown(cancel_futures=True)  # after Ctrl-C nobody else's turn comes

    return pool
