"""The first process in the sandbox: it prepares, forks a process for every question, watches it, and reports.

It never runs a line of a student's, and those who do cannot kill it or look into it: in the sandbox it is process 1,
whom no signal from inside reaches, and it is not dumpable, so nobody inside may trace it or read its memory. A message
is a line of JSON, in on stdin and out on stdout:

    in   the job: given cells, questions with their cells and visible checks, limits
    out  {"ready": true}, then for each question what its process wrote, and how it ended
    in   {question: {"code": ..., ...}}, the hidden cells, when all of that has left: nothing hidden can get into it
    out  for each question what its process wrote this time: the values it emitted, and what it handed over
    in   {question: {"code": ..., "handed": ...}}, for the referees: new processes, in which no answer has ever run
    out  for each of them the values it emitted

The processes of the questions wait in between, so the hidden cell finds everything as the visible check left it.
Whatever a process does or does not do, nothing here waits for it without a limit.
"""

import json
import os
import signal
import sys
import traceback
from contextlib import suppress
from pathlib import Path

import cells
import processes
from watch import Child, Watch

REFEREE = "referee"


def main() -> None:
    processes.protect_this_one()
    out = os.fdopen(os.dup(1), "w", encoding="utf-8")
    # What the given cells print.
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)

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
    keeper, broken = Keeper(job, shell), set()
    for question in job["questions"]:
        question["cells"] = [cell for cell in question["cells"] if cell["id"] not in broken]
        child = keeper.start(question)
        lines, status = keeper.watch.wait(child)
        if status == "ok":
            keeper.watch.waiting[question["id"]] = child
            # Whoever only said that it was done gets no further.
            processes.kill(child.pid, signal.SIGSTOP)
        elif child.cell:
            # It shall not stop the questions behind it too.
            broken.add(child.cell)
        keeper.watch.clear()
        say({"question": question["id"], "status": status, "lines": lines})
    hidden = json.loads(sys.stdin.readline())
    for name, child in list(keeper.watch.waiting.items()):
        child.outbox = json.dumps(hidden[name]).encode() + b"\n"
        processes.kill(child.pid, signal.SIGCONT)
        lines, status = keeper.watch.wait(child)
        del keeper.watch.waiting[name]
        keeper.watch.clear()
        say({"question": name, "status": status, "lines": lines})
    say({"over": True})
    for name, told in json.loads(sys.stdin.readline()).items():
        question = next(q for q in job["questions"] if q["id"] == name)
        lines, status = keeper.watch.wait(keeper.start(question, told))
        keeper.watch.clear()
        say({"question": name, "status": status, "lines": lines})
    say({"over": True})


class Keeper:
    """Starts the questions' processes."""

    def __init__(self, job: dict, shell):
        self.job, self.shell = job, shell
        self.watch = Watch(job["limits"], job["locked"])
        # Now, since later a student may have put something in its place.
        for name in (*(q["id"] for q in job["questions"]), REFEREE):
            folder = Path(job["folder"], name)
            folder.mkdir()
            folder.chmod(0o755 if name == REFEREE else 0o777)

    def start(self, question: dict, told: dict | None = None) -> Child:
        """Fork a process that runs the question's cells and its visible check, then waits for the hidden cell.

        With ``told`` it is a referee: it runs no answer, and judges at once what one has handed over.
        """
        (report, report_in), (output, output_in) = os.pipe(), os.pipe()
        hidden, hidden_out = processes.socket_pair()
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
            processes.limit(self.job["limits"], self.job["user"])
            with suppress(OSError):
                os.chdir(Path(self.job["folder"], question["id"] if told is None else REFEREE))
            if told is None:
                cells.answer(self.shell, question, report_in, hidden_out)
            else:
                cells.referee(self.shell, question, told, report_in)
        finally:
            os._exit(1)


if __name__ == "__main__":
    main()
