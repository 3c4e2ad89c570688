"""The course on a visitor's own picture: denoise it, paint it, dream it, and look into the networks that do.

``python -m course_lib.playground`` opens it in a browser; `show` puts it into a notebook. It needs the extra
``course_lib[playground]``, which is Gradio; everything but ``page.py`` works without.

Chapter: book/projects/playground.ipynb
"""

from .catalogue import tasks
from .page import playground, show
from .pictures import read_picture
from .task import Choice, Level, Task, View

__all__ = ["Choice", "Level", "Task", "View", "playground", "read_picture", "show", "tasks"]
