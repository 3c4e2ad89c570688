"""All tasks of the playground. A new one is a function that returns a `Task`, and a name in this list."""

from .looking import attention_task, field_task
from .painting import dream_task, style_task
from .restoring import denoising_task, one_image_task
from .task import Task

MAKERS = (denoising_task, one_image_task, style_task, dream_task, field_task, attention_task)


def tasks() -> list[Task]:
    """The tasks, in the order in which they are offered; some look up which weights there are."""
    return [make() for make in MAKERS]
