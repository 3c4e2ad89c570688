"""Real images as tensors, verified, and batches cut from them on the device.

- datasets, downloaded once or taken from ``COURSE_DATA``: ``bsd400()``, ``bsd68()``, ``set12()``,
  ``cbsd68()``, ``cifar10(train)`` (and ``cifar10_source()``, its name beside results)
- photographs that need no download: ``photographs()``, and in the forms of bsd400 and bsd68
  ``photograph_tiles()`` and ``held_out_photographs()``
- ``Patches``: random crops, flips and rotations, a whole batch at once
- ``store``: ``fetch``, ``names``, ``describe``; ``DataError``, the one error of everything above

Pixels are uint8, or float in [0, 1]; images are (C, H, W).
"""

from . import store
from .datasets import bsd68, bsd400, cbsd68, cifar10, cifar10_source, set12
from .patches import Patches
from .photographs import held_out_photographs, photograph_tiles, photographs
from .store import DataError

__all__ = [
    "DataError",
    "Patches",
    "bsd400",
    "bsd68",
    "cbsd68",
    "cifar10",
    "cifar10_source",
    "held_out_photographs",
    "photograph_tiles",
    "photographs",
    "set12",
    "store",
]
