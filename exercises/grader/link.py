"""The line to a keeper: messages in and out, each with a deadline and a bound, and an end that always comes."""

import json
import os
import selectors
import signal
import subprocess
import tempfile
import threading
import time
from contextlib import suppress

# Bytes of a message, at most; what the keeper passes on, it cuts far below.
LONGEST = 64 << 20
_open: set["Link"] = set()
_lock = threading.Lock()


class LateError(RuntimeError):
    """Nothing was heard in time."""


class Link:
    """A process that is told and heard in lines of JSON."""

    def __init__(self, command: list[str], environment: dict[str, str], folder: str):
        # A pipe for its complaints would fill up if nobody read it.
        self.complaints = tempfile.TemporaryFile()  # noqa: SIM115
        self.process = subprocess.Popen(
            command,
            env=environment,
            cwd=folder,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self.complaints,
            start_new_session=True,
        )
        for end in (self.process.stdin, self.process.stdout):
            os.set_blocking(end.fileno(), False)
        self.read = b""
        with _lock:
            _open.add(self)

    def tell(self, message: dict, seconds: float) -> None:
        """Send a message; `LateError` if it is not taken in time."""
        left, latest = json.dumps(message).encode() + b"\n", time.monotonic() + seconds
        while left:
            self._wait(self.process.stdin, selectors.EVENT_WRITE, latest)
            try:
                left = left[os.write(self.process.stdin.fileno(), left) :]
            except BlockingIOError:
                continue
            except BrokenPipeError:
                return  # it is dead, and says no more

    def hear(self, seconds: float) -> dict:
        """The next message; empty if it has ended, `LateError` if it says nothing in time."""
        latest = time.monotonic() + seconds
        while b"\n" not in self.read:
            self._wait(self.process.stdout, selectors.EVENT_READ, latest)
            with suppress(BlockingIOError):
                chunk = os.read(self.process.stdout.fileno(), 1 << 20)
                self.read += chunk
                if not chunk or len(self.read) > LONGEST:
                    return {}
        line, _, self.read = self.read.partition(b"\n")
        try:
            said = json.loads(line)
        except (ValueError, RecursionError):
            return {}
        return said if isinstance(said, dict) else {}

    def _wait(self, pipe, event: int, latest: float) -> None:
        with selectors.DefaultSelector() as pipes:
            pipes.register(pipe, event)
            if not pipes.select(max(0.0, latest - time.monotonic())):
                raise LateError("the sandbox did not answer in time")

    def complaint(self) -> str:
        self.complaints.seek(0)
        return self.complaints.read(4000).decode("utf-8", "replace")

    def end(self) -> None:
        """Kill the sandbox, or without one the session, with all that is in it."""
        with suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.kill()

    def __enter__(self) -> "Link":
        return self

    def __exit__(self, *_) -> None:
        with _lock:
            _open.discard(self)
        self.end()
        self.process.wait()
        with suppress(BrokenPipeError):
            self.process.stdin.close()
        self.process.stdout.close()
        self.complaints.close()


def end_all() -> None:
    """Kill whatever runs now: the instructor has pressed Ctrl-C."""
    with _lock:
        for link in _open:
            link.end()
