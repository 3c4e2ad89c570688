"""What a reader writes: the key functions of a chapter, and graded exercises.

In a chapter, `attempt` compares a function that the reader has written with the library's, and `fold` hides a hint or
a solution. In a graded notebook (``exercises/student/``), `start` names the questions, `check` surrounds the asserts of
one, `progress` shows the points so far and `submit` makes the file to hand in.
"""

from .attempts import attempt
from .folds import fold
from .handin import submit
from .sheet import check, progress, start

__all__ = ["attempt", "check", "fold", "progress", "start", "submit"]
