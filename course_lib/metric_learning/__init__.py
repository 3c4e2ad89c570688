"""Metric learning: distances that mean something; `patches` has local descriptors. Chapters: book/metric_learning/"""

from .angular import arcface_loss, info_nce
from .batches import PeopleBatches, jittered
from .collapse import embedding_spread, is_collapsed
from .decision import Identification
from .gallery import TemplateGallery
from .identification import Identified, enrol_first, identify_unseen
from .losses import contrastive_loss, distance_matrix, hadsell_loss, hardest_negative_loss, pair_distance, triplet_loss
from .mining import STRATEGIES, hardest_triplets, mined_triplet_loss, random_triplets
from .pixel_space import at_distance, pixel_distance
from .rates import ROC, OpenSetCurve, open_set_curve, retrieval_map, roc, split_pairs
from .siamese_networks import Classifier, CosineClassifier, EmbeddingNet

__all__ = [
    "ROC",
    "STRATEGIES",
    "Classifier",
    "CosineClassifier",
    "EmbeddingNet",
    "Identification",
    "Identified",
    "OpenSetCurve",
    "PeopleBatches",
    "TemplateGallery",
    "arcface_loss",
    "at_distance",
    "contrastive_loss",
    "distance_matrix",
    "embedding_spread",
    "enrol_first",
    "hadsell_loss",
    "hardest_negative_loss",
    "hardest_triplets",
    "identify_unseen",
    "info_nce",
    "is_collapsed",
    "jittered",
    "mined_triplet_loss",
    "open_set_curve",
    "pair_distance",
    "pixel_distance",
    "random_triplets",
    "retrieval_map",
    "roc",
    "split_pairs",
    "triplet_loss",
]
