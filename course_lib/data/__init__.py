"""Real images as tensors, verified, and batches cut from them on the device.

- datasets, downloaded once or taken from ``COURSE_DATA``: ``bsd400()``, ``bsd68()``, ``set12()``, ``cbsd68()``,
  ``cifar10(train)`` (``cifar10_source()``, its name beside results; ``cifar10_batches(device, batch)``),
  ``cats_and_dogs()`` (and ``cats_and_dogs_source()``), ``tiny_imagenet()`` (and ``tiny_imagenet_source()``)
- real noise, many shots of a scene and their mean (``Shots``): ``cc15()``, photographs, ``fluorescence()``
- photographs that need no download: ``photographs()``, and in the forms of bsd400 and bsd68
  ``photograph_tiles()`` and ``held_out_photographs()``; in the forms of cats_and_dogs, tiny_imagenet and cifar10
  ``cats_and_things()``, ``colourful_tiles()`` and ``cifar10_stand_in(count)``
- people: ``faces(people, shots)``, procedural and nobody's (``datasheet()`` says what varies; ``identities``,
  ``neutral_shots``, ``photograph`` make single pictures); real ones to measure on, never to print: ``att_faces()``
  (and ``att_source()``), ``lfw()``. Characters: ``omniglot()``
- patches that show the same point: ``patch_sequences(folder)`` in the format of HPatches, ``hpatches()``, and
  ``patch_sequence``, ``write_patch_sequences``, which make such sequences from photographs;
  ``picture_sequence(folder)`` and ``cut_sequence``, which cut them from six real ones of one plane
- ``Patches``: random crops, flips and rotations, a whole batch at once
- ``store``: ``fetch``, ``names``, ``describe``; ``DataError``, the one error of everything above

Pixels are uint8, or float in [0, 1]; images are (C, H, W).
"""

from . import store
from .characters import ALPHABETS, UNSEEN, Characters, omniglot
from .cifar import cifar10, cifar10_batches, cifar10_source, cifar10_stand_in
from .datasets import bsd68, bsd400, cbsd68, set12
from .embedded import held_out_photographs, photograph_tiles, photographs
from .homographies import cut_sequence, patch_sequence, write_patch_sequences
from .imagenet import TinyImagenet, colourful_tiles, tiny_imagenet, tiny_imagenet_source
from .patches import Patches
from .people import att_faces, att_source, lfw
from .pets import CatsAndDogs, cats_and_dogs, cats_and_dogs_source, cats_and_things
from .procedural_faces import Faces, datasheet, faces, identities, neutral_shots, photograph
from .real_noise import Shots, cc15, fluorescence
from .sequences import PATCH_TYPES, churchill, hpatches, patch_sequences, picture_sequence, write_strips
from .store import DataError

__all__ = [
    "ALPHABETS",
    "PATCH_TYPES",
    "UNSEEN",
    "CatsAndDogs",
    "Characters",
    "DataError",
    "Faces",
    "Patches",
    "Shots",
    "TinyImagenet",
    "att_faces",
    "att_source",
    "bsd400",
    "bsd68",
    "cats_and_dogs",
    "cats_and_dogs_source",
    "cats_and_things",
    "cbsd68",
    "cc15",
    "cifar10",
    "cifar10_batches",
    "cifar10_source",
    "cifar10_stand_in",
    "colourful_tiles",
    "churchill",
    "cut_sequence",
    "datasheet",
    "faces",
    "fluorescence",
    "held_out_photographs",
    "hpatches",
    "identities",
    "lfw",
    "neutral_shots",
    "omniglot",
    "patch_sequence",
    "patch_sequences",
    "photograph",
    "photograph_tiles",
    "photographs",
    "picture_sequence",
    "set12",
    "store",
    "tiny_imagenet",
    "tiny_imagenet_source",
    "write_patch_sequences",
    "write_strips",
]
