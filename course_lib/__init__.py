"""course_lib: the library of the course *Learning with Less Supervision*.

Two layers, and imports point one way only::

    topics       one package for each part of the book: denoising, metric_learning, ...
    foundation   session  training  data  observation  features  metrics  plotting  explore  reference  exercises

Everything loads lazily: ``import course_lib`` costs nothing until a part is used.
"""

import importlib
import pkgutil

__version__ = "0.1.0"

# topics are found rather than listed, so that a new one needs no line here
_PARTS = {module.name for module in pkgutil.iter_modules(__path__) if not module.name.startswith("_")}


def __getattr__(name: str):
    if name in _PARTS:
        return importlib.import_module(f"{__name__}.{name}")
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted([*globals(), *_PARTS])
