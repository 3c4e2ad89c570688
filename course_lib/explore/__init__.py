"""Something to play with, in a kernel and in a page without one.

Run by a person, ``explore`` is a slider that calls the function. In stored outputs (``COURSE_STATIC=1``, set
by the runner) and wherever there is no kernel, it is HTML that holds the frames and needs nothing else.
"""

from .photo import your_photograph
from .player import explore
from .pointer import hover
from .questions import choice, number, quiz
from .split import compare

__all__ = ["choice", "compare", "explore", "hover", "number", "quiz", "your_photograph"]
