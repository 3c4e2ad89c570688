"""What a reader writes: the key functions of a chapter, and graded exercises.

In a chapter, `attempt` compares a function that the reader has written with the library's, and `fold` hides a hint or
a solution. In a graded notebook (``exercises/student/``), `start` names the questions, `check` surrounds the asserts of
one, `progress` shows the points so far and `submit` makes the file to hand in; `probe` sees all that a call of an
answer does, and `record` writes a network down as plain operations, for a leaderboard.
"""

import importlib

from .handin import submit
from .sheet import check, progress, start

__all__ = ["attempt", "check", "fold", "probe", "progress", "record", "start", "submit"]
# The grader reads notebooks with this package and must not wait for torch and plots.
_LATER = {"attempt": ".attempts", "fold": ".folds", "probe": ".probing", "record": ".tape"}


def __getattr__(name: str):
    if name in _LATER:
        return getattr(importlib.import_module(_LATER[name], __name__), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
