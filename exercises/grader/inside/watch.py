"""Watches one process at a time: what it writes, what it uses, and that it comes to an end."""

import os
import selectors
import signal
import time

import processes

# Seconds between two looks at the clock, the memory and the number of processes.
TICK = 0.1
DONE = b"\ndone\n"


class Child:
    """One question's process and the ends of its pipes, none of which ever makes anybody wait."""

    def __init__(self, pid: int, report: int, output: int, hidden: int):
        self.pid, self.report, self.output, self.hidden = pid, report, output, hidden
        self.cell, self.printed, self.idle, self.outbox = None, 0, 0.0, b""
        for end in (report, output, hidden):
            os.set_blocking(end, False)

    def send(self) -> None:
        """As much of what is to be sent as it takes now."""
        try:
            self.outbox = self.outbox[os.write(self.hidden, self.outbox) :]
        except BlockingIOError:
            pass
        except OSError:
            # It has ended already; `wait` says how.
            self.outbox = b""


class Watch:
    """Waits for a process within the limits."""

    def __init__(self, limits: dict, locked: bool):
        self.limits, self.locked = limits, locked
        # Of which a forked process has a share that costs nothing.
        self.own = processes.memory(os.getpid())
        self.waiting: dict[str, Child] = {}

    def wait(self, child: Child) -> tuple[list[str], str]:
        """The lines a child writes until it says that it is done, or has to be given up, and which of the two."""
        data, status = b"", None
        now = time.monotonic()
        latest = now + self.limits["patience"] * self.limits["seconds"]
        child.idle = 0.0
        most = processes.cpu(child.pid) + processes.buried + self.limits["seconds"]
        with selectors.DefaultSelector() as pipes:
            pipes.register(child.report, selectors.EVENT_READ)
            pipes.register(child.output, selectors.EVENT_READ)
            while status is None:
                # It has closed both and lives on.
                if not pipes.get_map():
                    time.sleep(TICK)
                if child.outbox:
                    child.send()
                before = len(data) + child.printed
                for key, _ in pipes.select(TICK):
                    try:
                        chunk = os.read(key.fd, 1 << 20)
                    except BlockingIOError:
                        # Somebody else has read it.
                        continue
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
        family = processes.below(child.pid, *others)
        held = {pid: max(0, processes.memory(pid) - self.own) for pid, state in family.items() if state not in "ZX"}
        mine = held.keys() - others
        if len(mine) >= self.limits["processes"]:
            return "processes"
        beside = processes.in_folders("/tmp", "/dev/shm") + processes.in_sockets() if self.locked else 0
        of_mine = sum(held[pid] for pid in mine)
        if of_mine > self.limits["memory"] or sum(held.values()) + beside > 2 * self.limits["memory"]:
            return "memory"
        # Only who runs, or would if the machine had time, is not idle: one waits for a vfork without a sign of sleep.
        child.idle += passed if all(family[pid] != "R" for pid in mine) else 0
        # The dead count, too: those whom their parents have not buried, and orphans, buried here.
        used = sum(processes.cpu(pid) for pid in family.keys() - others) + processes.buried
        return "timeout" if late or child.idle > self.limits["seconds"] or used > most else None

    def clear(self) -> None:
        """Kill all that is left below this process, except the children that wait for their hidden cells."""
        safe = {child.pid for child in self.waiting.values()}
        latest = time.monotonic() + 20
        # A fork bomb takes several rounds: stop them, then end them.
        while time.monotonic() < latest:
            left = [pid for pid, state in processes.below(*safe).items() if pid not in safe and state not in "ZX"]
            if not left:
                return
            for sent in (signal.SIGSTOP, signal.SIGKILL):
                for pid in left:
                    processes.kill(pid, sent)
        # Then the whole sandbox goes.
        os._exit(3)
