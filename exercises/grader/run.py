"""One submission through the sandbox: a job in, reports out, then the hidden cells in and the values out.

What an answer hands over (a plan, a network as a list of its operations) is judged by a referee: a process that has
never run a line of a student's, and that says what the thing is worth.
"""

import json
import os
import secrets
import shutil
import tempfile
from dataclasses import asdict, dataclass, field
from pathlib import Path

from .link import LateError, Link
from .master import Master
from .result import Status
from .sandbox import Sandbox, command, course_library, environment, user_inside

# Characters of what a question's process says of its errors, far more than they need.
REPORT = 1 << 18
# A loop uses up its CPU seconds; on a busy machine that may take so many times longer.
PATIENCE = 6
# Seconds that the given cells may take, which import torch, on a machine with much to do.
START = 600
# Seconds for tidying up behind a question.
TIDY = 60


@dataclass(frozen=True)
class Limits:
    """What one question may use: bytes, and seconds of the CPU, each for its visible check and its hidden cell.

    It may sleep as long as it may compute. All the questions of a student together have twice the memory of one.
    """

    seconds: float = 60
    # Beyond what the given cells take.
    memory: int = 2 << 30
    processes: int = 64
    file: int = 64 << 20
    output: int = 8 << 20

    @property
    def longest(self) -> float:
        """Seconds of the clock that one step of one question takes, whatever it does."""
        return PATIENCE * self.seconds + TIDY


@dataclass
class Outcome:
    """What happened to one question: ``status`` is ok if its process did all it had to, whatever it computed."""

    status: Status = Status.KERNEL_DIED
    # Errors of its cells, and what the visible check said.
    report: dict = field(default_factory=dict)
    emitted: list[dict] = field(default_factory=list)
    # What it handed over to the referee, by name.
    handed: dict[str, object] = field(default_factory=dict)
    # What stopped the hidden cell, or the referee.
    stopped: str = ""

    @property
    def check_passed(self) -> bool:
        """Whether the visible check passed in the student's process."""
        return self.report.get("check", "nothing was reported") is None


def run(
    master: Master, job: dict, seeds: dict[str, int], limits: Limits, sandbox: Sandbox, hidden: tuple[Path, ...] = (),
    reference: bool = False,
) -> dict[str, Outcome]:  # fmt: skip
    """Run a job; every question has an outcome, whatever the student's code does."""
    outcomes = {q.id: Outcome() for q in master.graded}
    scratch = None if sandbox.locked else tempfile.mkdtemp(prefix="grading-")
    if scratch:
        os.chmod(scratch, 0o777)
    library = "/course" if sandbox.locked or not course_library() else str(course_library().parent)
    folder = scratch or "/tmp"
    more = {
        "limits": asdict(limits) | {"already": own_tasks(), "patience": PATIENCE},
        "folder": folder,
        "user": user_inside(sandbox),
        "locked": sandbox.locked,
    }
    try:
        with Link(command(sandbox, hidden), environment(folder, library), scratch or "/") as link:
            link.tell(job | more, START)
            if "ready" not in (said := link.hear(START)):
                raise RuntimeError(f"the given cells did not run:\n{said.get('failed') or link.complaint()}")
            converse(link, master, outcomes, seeds, limits, reference)
    finally:
        if scratch:
            shutil.rmtree(scratch, ignore_errors=True)
    return outcomes


def converse(link: Link, master: Master, outcomes, seeds: dict[str, int], limits: Limits, reference: bool) -> None:
    """The three rounds; where the keeper is silent for longer than it may be, the questions still open are given up."""
    nonces = {q.id: secrets.token_hex(16) for q in master.graded}

    def about(q, code: str) -> dict:
        return {"code": code, "seed": seeds[q.id], "nonce": nonces[q.id], "reference": reference}

    pending = {q.id for q in master.graded}
    try:
        for _ in master.graded:
            pending.discard(note_report(outcomes, link.hear(limits.longest)))
        pending = {q.id for q in master.graded if outcomes[q.id].status == Status.OK}
        link.tell({q.id: about(q, q.hidden) for q in master.graded}, limits.longest)
        while (said := link.hear(limits.longest)) and "over" not in said:
            pending.discard(note_values(outcomes, said, nonces))
        pending = {q.id for q in master.graded if q.referee and outcomes[q.id].status == Status.OK}
        # One mark is for one process: what a student's process knew is worth nothing here.
        nonces |= {name: secrets.token_hex(16) for name in nonces}
        tasks = {
            q.id: about(q, q.referee) | {"handed": outcomes[q.id].handed} for q in master.graded if q.id in pending
        }
        link.tell(tasks, limits.longest)
        while (said := link.hear(limits.longest)) and "over" not in said:
            pending.discard(note_values(outcomes, said, nonces))
    except LateError:
        for name in pending:
            outcomes[name].status = Status.TIMEOUT


def note_report(outcomes: dict[str, Outcome], said: dict) -> str:
    outcome = outcomes.get(said.get("question"))
    if outcome is None:
        return ""
    outcome.status = Status(said["status"])
    for line in said["lines"]:
        if line.startswith("report ") and len(line) < REPORT:
            outcome.report = parse(line[7:])
        elif line not in ("", "done") and not line.startswith("cell "):
            outcome.status = Status.FORGED
    return said["question"]


def note_values(outcomes: dict[str, Outcome], said: dict, nonces: dict[str, str]) -> str:
    outcome = outcomes.get(said.get("question"))
    if outcome is None:
        return ""
    if outcome.status != Status.FORGED:
        outcome.status = Status(said["status"])
    for line in said["lines"]:
        mark, _, rest = line.partition(" ")
        if mark == nonces[said["question"]]:
            found = parse(rest)
            if isinstance(name := found.get("handed"), str):
                outcome.handed[name] = found.get("value")
            else:
                outcome.emitted.append(found)
        elif mark == "stopped":
            outcome.stopped = rest
        elif line not in ("", "done"):
            outcome.status = Status.FORGED
    return said["question"]


def parse(line: str) -> dict:
    """A line that a student's process wrote: anything at all, so a dictionary only if it is one."""
    try:
        found = json.loads(line)
    except (ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


def own_tasks() -> int:
    """Threads that this user has already: older kernels count them against the limit on processes."""
    mine = [p for p in Path("/proc").iterdir() if p.name.isdigit()]
    count = 0
    for place in mine:
        try:
            if place.stat().st_uid == os.getuid():
                count += len(os.listdir(place / "task"))
        except OSError:
            continue
    return count
