"""Projects: the course's parts put together, two classics of looking into a network, and something to play with.

Chapters: book/projects/
"""

from .pictures import julia, stained_glass, strokes, waves

__all__ = ["julia", "stained_glass", "strokes", "waves"]
