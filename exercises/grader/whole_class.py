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
from contextlib import suppress
from dataclasses import asdict
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from urllib.parse import quote

from .collect import Submission
from .grade import Grading, grade, prepare, unopened
from .link import end_all
from .result import Result, Status
from .sandbox import INSIDE, course_library

Pool = Callable[[list[Submission], Grading], Iterable[tuple[Submission, Result]]]
# Of what a result holds; another number makes every result stale.
VERSION = 4


@cache
def versions() -> str:
    """Of all that a result depends on besides the notebooks: course_lib, what runs in the sandbox, torch."""
    digest = hashlib.sha256()
    for folder in filter(None, (course_library(), INSIDE)):
        for path in sorted(folder.rglob("*.py")):
            digest.update(path.relative_to(folder).as_posix().encode() + path.read_bytes())
    with suppress(PackageNotFoundError):
        digest.update(version("torch").encode())
    return digest.hexdigest()


def fingerprint(submission: Submission, grading: Grading) -> str:
    parts = [VERSION, grading.master.sha, grading.seed, sorted(asdict(grading.limits).items()), grading.sandbox.locked]
    parts += [versions(), submission.status, submission.sha]
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()


def place(folder: Path, student: str) -> Path:
    """Where a student's result is kept; the name may hold anything a file system allows, and some more."""
    return folder / f"{file_name(student)}.json"


def file_name(student: str) -> str:
    """A file name that any file system takes, and that no two students share."""
    name = quote(student, safe=" @+,=")
    return name if len(name) < 170 else f"{name[:160]}-{hashlib.sha256(student.encode()).hexdigest()[:16]}"


def stored(folder: Path, submission: Submission, grading: Grading) -> Result | None:
    """A finished result, if it is of this very submission."""
    try:
        kept = json.loads(place(folder, submission.student).read_text(encoding="utf-8"))
        return Result.from_json(kept["result"]) if kept["fingerprint"] == fingerprint(submission, grading) else None
    except (OSError, ValueError, TypeError, KeyError):
        return None


def keep(folder: Path, submission: Submission, grading: Grading, result: Result) -> None:
    """Write a result whole or not at all."""
    target = place(folder, submission.student)
    partial = target.with_suffix(f".{os.getpid()}.partial")
    kept = {"fingerprint": fingerprint(submission, grading), "result": result.as_json()}
    partial.write_text(json.dumps(kept, indent=1), encoding="utf-8")
    os.replace(partial, target)


def grade_all(
    submissions: list[Submission], grading: Grading, folder: Path, again: Callable[[str], bool], pool: Pool
) -> Iterable[tuple[Submission, Result]]:
    """Every student's result as it becomes known, those on disk first; the reference is made only if it is needed."""
    folder.mkdir(parents=True, exist_ok=True)
    todo = []
    for submission in submissions:
        result = None if again(submission.student) else stored(folder, submission, grading)
        if result is None and submission.status != Status.OK:
            result = unopened(submission, grading.master)
            keep(folder, submission, grading, result)
        if result is None:
            todo.append(submission)
        else:
            yield submission, result
    for submission, result in pool(todo, prepare(grading)) if todo else ():
        if result.status != [Status.GRADER_FAILED]:
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
        except BaseException:
            # After Ctrl-C nobody else's turn comes, and those whose turn it is do not keep anybody waiting.
            executor.shutdown(wait=False, cancel_futures=True)
            end_all()
            raise
        finally:
            executor.shutdown(cancel_futures=True)

    return pool
