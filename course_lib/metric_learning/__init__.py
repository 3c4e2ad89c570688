"""Metric learning: distances that mean something. Chapters: book/metric_learning/"""

from .average_precision import trapezoidal_ap
from .batches import PeopleBatches, jittered
from .collapse import embedding_spread, is_collapsed
from .descriptors import L2Net, ResidualDescriptor, describe, pixel_descriptor, sift_descriptor, to_32
from .gallery import Identification, TemplateGallery
from .losses import (
    contrastive_loss,
    distance_matrix,
    hadsell_loss,
    hardest_negative_loss,
    pair_distance,
    triplet_loss,
)
from .mining import STRATEGIES, hardest_triplets, mined_triplet_loss, random_triplets
from .networks import Classifier, EmbeddingNet, embed
from .patch_batches import PatchPairs, patch_views
from .patch_tasks import matching, retrieval, verification
from .pictures import at_distance, mosaic, pixel_distance, tsne
from .protocol import Identified, enrol_first, identify_unseen
from .rates import ROC, OpenSetCurve, open_set_curve, retrieval_map, roc, split_pairs
from .task_files import Pairs, Retrieval, draw_pairs, draw_retrieval, read_tasks, write_tasks

__all__ = [
    "ROC",
    "STRATEGIES",
    "Classifier",
    "EmbeddingNet",
    "Identification",
    "Identified",
    "L2Net",
    "OpenSetCurve",
    "Pairs",
    "PatchPairs",
    "PeopleBatches",
    "ResidualDescriptor",
    "Retrieval",
    "TemplateGallery",
    "at_distance",
    "contrastive_loss",
    "describe",
    "distance_matrix",
    "draw_pairs",
    "draw_retrieval",
    "embed",
    "embedding_spread",
    "enrol_first",
    "hadsell_loss",
    "hardest_negative_loss",
    "hardest_triplets",
    "identify_unseen",
    "is_collapsed",
    "jittered",
    "matching",
    "mined_triplet_loss",
    "mosaic",
    "open_set_curve",
    "pair_distance",
    "patch_views",
    "pixel_descriptor",
    "pixel_distance",
    "random_triplets",
    "read_tasks",
    "retrieval",
    "retrieval_map",
    "roc",
    "sift_descriptor",
    "split_pairs",
    "to_32",
    "trapezoidal_ap",
    "triplet_loss",
    "tsne",
    "verification",
    "write_tasks",
]
