"""Graded exercises: what a student's notebook calls.

`start` names the questions, `check` surrounds the asserts of one, `progress` shows the points so far and `submit` makes
the file to hand in. The notebooks are in ``exercises/student/``.
"""

from .handin import submit
from .sheet import check, progress, start

__all__ = ["check", "progress", "start", "submit"]
