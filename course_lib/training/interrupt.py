"""Ctrl-C between two steps, never inside of one: half an update is worth nothing."""

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager


class Request:
    """Whether somebody has asked to stop."""

    made = False


@contextmanager
def deferred(active: bool = True) -> Iterator[Request]:
    """``with deferred() as stop:`` the first Ctrl-C sets ``stop.made``; a second one stops at once, as ever.

    Only the main thread can be told of Ctrl-C; elsewhere, and where somebody has taken charge of it, nothing changes.
    """
    request = Request()
    if (
        not active
        or threading.current_thread() is not threading.main_thread()
        or signal.getsignal(signal.SIGINT) is not signal.default_int_handler
    ):
        yield request
        return

    def note(number, frame):
        request.made = True
        signal.signal(signal.SIGINT, signal.default_int_handler)
        print("Ctrl-C: this step is finished and saved first; once more stops at once.", flush=True)

    signal.signal(signal.SIGINT, note)
    try:
        yield request
    finally:
        signal.signal(signal.SIGINT, signal.default_int_handler)
