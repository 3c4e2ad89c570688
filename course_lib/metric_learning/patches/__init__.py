"""Patches that show the same point of the world: descriptors, and the benchmark that judges them.

Chapter: book/metric_learning/patch_descriptors.ipynb
"""

from .average_precision import trapezoidal_ap
from .batches import PatchPairs, patch_views
from .descriptors import L2Net, ResidualDescriptor, describe, pixel_descriptor, sift_descriptor, to_32
from .task_files import Pairs, Retrieval, draw_pairs, draw_retrieval, read_retrieval, read_tasks, write_tasks
from .tasks import matching, retrieval, verification

__all__ = [
    "L2Net",
    "Pairs",
    "PatchPairs",
    "ResidualDescriptor",
    "Retrieval",
    "describe",
    "draw_pairs",
    "draw_retrieval",
    "matching",
    "patch_views",
    "pixel_descriptor",
    "read_retrieval",
    "read_tasks",
    "retrieval",
    "sift_descriptor",
    "to_32",
    "trapezoidal_ap",
    "verification",
    "write_tasks",
]
