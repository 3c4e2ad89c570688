"""course_lib: the library of the course *Learning with Less Supervision*.

Two layers, and imports point one way only::

    topics       metric_learning  denoising  receptive_fields
    foundation   session  training  data  noise  degradations  camera  metrics  plotting  explore  reference  exercises

Everything loads lazily: ``import course_lib`` costs nothing until a part is used.
"""

import importlib

__version__ = "0.1.0"

_PARTS = {
    "session", "training", "data", "noise", "degradations", "camera", "metrics", "plotting", "explore", "reference",
    "exercises", "metric_learning", "pretext_tasks", "denoising", "receptive_fields",
}  # fmt: skip


def __getattr__(name: str):
    if name in _PARTS:
        return importlib.import_module(f"{__name__}.{name}")
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted([*globals(), *_PARTS])
