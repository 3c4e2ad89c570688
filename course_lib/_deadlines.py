"""`deadline`: what a reader wrote may run on for ever, and data may take long to make; this stops it."""

import contextlib
import signal
import threading


class Late(BaseException):
    """The time is up. No `Exception`, so that the code that is stopped does not catch it."""


@contextlib.contextmanager
def deadline(seconds: float):
    """Raise `Late` in the block after that many seconds; no limit on Windows or outside of the main thread."""
    if not hasattr(signal, "setitimer") or threading.current_thread() is not threading.main_thread():
        yield
        return

    def stop(*_):
        raise Late

    before = signal.signal(signal.SIGALRM, stop)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
