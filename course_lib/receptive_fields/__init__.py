"""Receptive fields: what an output pixel could see, what it does see, and beyond. Chapters: book/receptive_fields/"""

from .effective import EffectiveReceptiveField, effective_receptive_field
from .groups import group_filter, haar_matrix, neighbour_shrink, nonlocal_filter, smooth_shrink
from .initialisation import outside_large_
from .matching import block_matching
from .nonlocality import nn3d
from .theoretical import ReceptiveField, receptive_field

__all__ = [
    "EffectiveReceptiveField",
    "ReceptiveField",
    "block_matching",
    "effective_receptive_field",
    "group_filter",
    "haar_matrix",
    "neighbour_shrink",
    "nn3d",
    "nonlocal_filter",
    "outside_large_",
    "receptive_field",
    "smooth_shrink",
]
