"""The first process in the sandbox: it prepares, forks a process for every question, watches it, and reports.

It never runs a line of a student's, and those who do cannot kill it or look into it: in the sandbox it is process 1,
whom no signal from inside reaches, and it is not dumpable, so nobody inside may trace it or read its memory. A message
is a line of JSON, in on stdin and out on stdout:

    in   the job: given cells, questions with their cells and visible checks, limits
    out  {"ready": true}, then for each question what its process wrote, and how it ended
    in   {question: {"code": ..., ...}}, the hidden cells, when all of that has left: nothing hidden can get into it
    out  for each question what its process wrote this time: the values it emitted

The processes of the questions wait in between, so the hidden cell finds everything as the visible check left it.
"""

import json
import os
import selectors
import signal
import sys
import time
import traceback
from contextlib import suppress
from pathlib import Path

import cells
import processes

PATIENCE = 6  # a loop uses up its CPU seconds; on a busy machine that may take so many times longer
TICK = 0.1  # seconds between two looks at the clock, the memory and the number of processes
DONE = b"\ndone\n"


def main() -> None:
    processes.protect_this_one()
    out = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)  # what the given cells print

    def say(message: dict) -> None:
        out.write(json.dumps(message) + "\n")
        out.flush()

    job = json.loads(sys.stdin.readline())
    try:
        shell = cells.new_shell()
        for cell in job["given"]:
            cells.run_given(shell, cell)
    except Exception:
        return say({"failed": traceback.format_exc()})
    say({"ready": True})
    keeper, broken = Keeper(job, shell), {}
    for question in job["questions"]:
        question["cells"] = [cell for cell in question["cells"] if cell["id"] not in broken]
        child = keeper.start(question)
        lines, status = keeper.wait(child)
        if status == "ok":
            keeper.waiting[question["id"]] = child
            processes.kill(child.pid, signal.SIGSTOP)  # whoever only said that it was done gets no further
        elif child.cell:
            broken[child.cell] = status  # it shall not stop the questions behind it too
        keeper.clear()
        say({"question": question["id"], "status": status, "cell": child.cell, "lines": lines})
    hidden = json.loads(sys.stdin.readline())
    for name, child in list(keeper.waiting.items()):
        child.send(hidden[name])
        lines, status = keeper.wait(child)
        del keeper.waiting[name]
        keeper.clear()
        say({"question": name, "status": status, "lines": lines})


class Child:
    """One question's process and the pipes to it."""

    def __init__(self, pid: int, report: int, output: int, hidden: int):
        self.pid, self.report, self.output, self.hidden = pid, report, output, hidden
        self.cell, self.printed, self.idle = None, 0, 0.0

    def send(self, hidden: dict) -> None:
        processes.kill(self.pid, signal.SIGCONT)
        try:
            with os.fdopen(self.hidden, "w", encoding="utf-8") as pipe:
                pipe.write(json.dumps(hidden) + "\n")
        except BrokenPipeError:
            pass  # it has ended already; `wait` says how


class Keeper:
    """Starts the questions' processes and waits for what they write, within the limits."""

    def __init__(self, job: dict, shell):
        self.job, self.limits, self.shell = job, job["limits"], shell
        self.own = processes.memory(os.getpid())  # of which a forked process has a share that costs nothing
        self.waiting: dict[str, Child] = {}
        for question in job["questions"]:  # now, since later a student may have put something in its place
            folder = Path(job["folder"], question["id"])
            folder.mkdir()
            folder.chmod(0o777)

    def start(self, question: dict) -> Child:
        """Fork a process that runs the question's cells and its visible check, then waits for the hidden cell."""
        (report, report_in), (output, output_in), (hidden_out, hidden) = (os.pipe() for _ in range(3))
        pid = os.fork()
        if pid:
            for end in (report_in, output_in, hidden_out):
                os.close(end)
            return Child(pid, report, output, hidden)
        try:
            os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
            os.dup2(output_in, 1)
            os.dup2(output_in, 2)
            processes.close_all_but({0, 1, 2, report_in, hidden_out})
            processes.limit(self.limits, self.job["user"])
            with suppress(OSError):
                os.chdir(Path(self.job["folder"], question["id"]))
            cells.answer(self.shell, question, report_in, hidden_out)
        finally:
            os._exit(1)

    def wait(self, child: Child) -> tuple[list[str], str]:
        """The lines a child writes until it says that it is done, or has to be given up, and which of the two."""
        data, status = b"", None
        now = time.monotonic()
        latest = now + PATIENCE * self.limits["seconds"]
        child.idle = 0.0
        most = processes.cpu(child.pid) + self.limits["seconds"]
        with selectors.DefaultSelector() as pipes:
            pipes.register(child.report, selectors.EVENT_READ)
            pipes.register(child.output, selectors.EVENT_READ)
            while status is None:
                if not pipes.get_map():  # it has closed both and lives on
                    time.sleep(TICK)
                before = len(data) + child.printed
                for key, _ in pipes.select(TICK):
                    chunk = os.read(key.fd, 1 << 20)
                    if not chunk:
                        pipes.unregister(key.fd)
                    elif key.fd == child.output:
                        child.printed += len(chunk)
                    else:
                        data += chunk
                if data.endswith(DONE):
                    status = "ok"
                elif max(child.printed, len(data)) > self.limits["output"]:
                    status = "output"
                else:
                    then, now = now, time.monotonic()
                    silent = len(data) + child.printed == before
                    status = self.trouble(child, now - then, now > latest, most, silent)
        lines = data.decode("utf-8", "replace").splitlines()
        for line in lines:
            if line.startswith("cell "):
                child.cell = line[5:]
        return lines, status

    def trouble(self, child: Child, passed: float, late: bool, most: float, silent: bool) -> str | None:
        """Why this child has to be given up, if it has; its end counts only once everything has been read."""
        pid, ended = os.waitpid(child.pid, os.WNOHANG) if silent else (0, 0)
        if pid:
            slow = os.WIFSIGNALED(ended) and os.WTERMSIG(ended) == signal.SIGXCPU
            return "timeout" if slow else "kernel-died"
        others = {c.pid for c in self.waiting.values()} - {child.pid}
        held = {pid: max(0, processes.memory(pid) - self.own) for pid in processes.below(child.pid, *others)}
        mine = held.keys() - others
        if len(mine) >= self.limits["processes"]:
            return "processes"
        beside = processes.in_folders("/tmp", "/dev/shm") + processes.in_sockets() if self.job["locked"] else 0
        of_mine = sum(held[pid] for pid in mine)
        if of_mine > self.limits["memory"] or sum(held.values()) + beside > 2 * self.limits["memory"]:
            return "memory"
        child.idle += passed if all(map(processes.asleep, mine)) else 0
        slow = late or child.idle > self.limits["seconds"] or sum(map(processes.cpu, mine)) > most
        return "timeout" if slow else None

    def clear(self) -> None:
        """Kill all that is left below this process, except the children that wait for their hidden cells."""
        safe = {child.pid for child in self.waiting.values()}
        latest = time.monotonic() + 20
        while time.monotonic() < latest:  # a fork bomb takes several rounds: stop them, then end them
            left = [pid for pid in processes.below(*safe) if pid not in safe]
            if not left:
                return
            for sent in (signal.SIGSTOP, signal.SIGKILL):
                for pid in left:
                    processes.kill(pid, sent)
        os._exit(3)  # then the whole sandbox goes


if __name__ == "__main__":
    main()
