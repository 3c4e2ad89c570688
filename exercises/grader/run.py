"""One submission through the sandbox: a job in, reports out, then the hidden cells in and the values out."""

import json
import os
import secrets
import shutil
import signal
import subprocess
import tempfile
import threading
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path

from .master import Master
from .result import Status
from .sandbox import Sandbox, command, course_library, environment, user_inside

LINE = 64 << 20  # bytes of a message from the keeper, at most; it cuts what it passes on far below
REPORT = 1 << 18  # characters of what a question's process says of its errors, far more than they need


@dataclass(frozen=True)
class Limits:
    """What one question may use: bytes, and seconds of the CPU, each for its visible check and its hidden cell.

    It may sleep as long as it may compute. All the questions of a student together have twice the memory of one.
    """

    seconds: float = 60
    memory: int = 2 << 30  # beyond what the given cells take
    processes: int = 64
    file: int = 64 << 20
    output: int = 8 << 20


@dataclass
class Outcome:
    """What happened to one question: ``status`` is ok if its process did all it had to, whatever it computed."""

    status: Status = Status.KERNEL_DIED
    report: dict = field(default_factory=dict)  # errors of cells; what the visible check said
    emitted: list[dict] = field(default_factory=list)
    stopped: str = ""  # what stopped the hidden cell


def run(
    master: Master, job: dict, seeds: dict[str, int], limits: Limits, sandbox: Sandbox, hidden: tuple[Path, ...] = (),
    reference: bool = False,
) -> dict[str, Outcome]:  # fmt: skip
    """Run a job; every question has an outcome, whatever the student's code does."""
    outcomes = {q.id: Outcome() for q in master.graded}
    nonces = {q.id: secrets.token_hex(16) for q in master.graded}
    secret = {
        q.id: {"code": q.hidden, "seed": seeds[q.id], "nonce": nonces[q.id], "reference": reference}
        for q in master.graded
    }
    scratch = None if sandbox.locked else tempfile.mkdtemp(prefix="grading-")
    if scratch:
        os.chmod(scratch, 0o777)
    library = "/course" if sandbox.locked or not course_library() else str(course_library().parent)
    folder = scratch or "/tmp"
    told = asdict(limits) | {"already": own_tasks()}
    # A pipe that nobody reads would fill up.
    complaints = tempfile.TemporaryFile()  # noqa: SIM115
    process = subprocess.Popen(
        command(sandbox, hidden),
        env=environment(folder, library),
        cwd=scratch or "/",
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=complaints,
        start_new_session=True,
    )
    overall = threading.Timer(900 + len(outcomes) * 15 * limits.seconds, end, (process,))
    overall.start()
    try:
        more = {"limits": told, "folder": folder, "user": user_inside(sandbox), "locked": sandbox.locked}
        tell(process, job | more)
        if "ready" not in (said := hear(process)):
            end(process)
            complaints.seek(0)
            why = said.get("failed") or complaints.read(4000).decode("utf-8", "replace")
            raise RuntimeError(f"the given cells did not run:\n{why}")
        for _ in job["questions"]:
            note_report(outcomes, hear(process))
        tell(process, secret)
        while said := hear(process):
            note_values(outcomes, said, nonces)
    finally:
        overall.cancel()
        end(process)
        complaints.close()
        if scratch:
            shutil.rmtree(scratch, ignore_errors=True)
    return outcomes


def tell(process: subprocess.Popen, message: dict) -> None:
    try:
        process.stdin.write(json.dumps(message).encode() + b"\n")
        process.stdin.flush()
    except BrokenPipeError:
        pass  # it is dead, and says no more


def hear(process: subprocess.Popen) -> dict:
    """The keeper's next message; empty if it has ended."""
    try:
        said = json.loads(process.stdout.readline(LINE) or "{}")
    except (ValueError, RecursionError):
        return {}
    return said if isinstance(said, dict) else {}


def note_report(outcomes: dict[str, Outcome], said: dict) -> None:
    outcome = outcomes.get(said.get("question"))
    if outcome is None:
        return
    outcome.status = Status(said["status"])
    for line in said["lines"]:
        if line.startswith("report ") and len(line) < REPORT:
            outcome.report = parse(line[7:])
        elif line not in ("", "done") and not line.startswith("cell "):
            outcome.status = Status.FORGED


def note_values(outcomes: dict[str, Outcome], said: dict, nonces: dict[str, str]) -> None:
    outcome = outcomes.get(said.get("question"))
    if outcome is None:
        return
    if outcome.status != Status.FORGED:
        outcome.status = Status(said["status"])
    for line in said["lines"]:
        mark, _, rest = line.partition(" ")
        if mark == nonces[said["question"]]:
            outcome.emitted.append(parse(rest))
        elif mark == "stopped":
            outcome.stopped = rest
        elif line not in ("", "done"):
            outcome.status = Status.FORGED


def parse(line: str) -> dict:
    """A line that a student's process wrote: anything at all, so a dictionary only if it is one."""
    try:
        found = json.loads(line)
    except (ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


def end(process: subprocess.Popen) -> None:
    """Kill the sandbox, or without one the session, with all that is in it."""
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.kill()
    process.wait()


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
