"""What a reader writes: the key functions of a chapter, and graded exercises.

In a chapter, `attempt` compares a function that the reader has written with the library's, and `fold` hides a hint or
a solution. In a graded notebook (``exercises/student/``), `start` names the questions, `check` surrounds the asserts of
one, `progress` shows the points so far and `submit` makes the file to hand in; `probe` sees all that a call of an
answer does, and `record` writes a network down as plain operations, for a leaderboard.
"""

import importlib

from .attempts import attempt
from .folds import fold
from .handin import submit
from .sheet import check, progress, start

__all__ = ["attempt", "check", "fold", "probe", "progress", "record", "start", "submit"]
_WITH_TORCH = {"probe": ".probing", "record": ".tape"}


def __getattr__(name: str):
    # The grader reads notebooks with this package and must not wait for torch.
    if name in _WITH_TORCH:
        return getattr(importlib.import_module(_WITH_TORCH[name], __name__), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
