"""Before and after: what a factory's two cameras can teach without annotation.

Chapter: book/pretext_tasks/before_after.ipynb
"""

from .activation_maps import BeforeAfterClassifier, class_activation_map, evidence, pseudo_masks
from .background import empty_station, flatten_field, foreground
from .belt import Sequences, conveyor
from .kinds import AFTER, BEFORE, KINDS, REACHING, anomalies, items
from .segmentation import SegmentationNetwork, pixel_iou, segmentation_loss
from .training_examples import BEFORE_LABEL, Examples, classifier_batches, empty_stations, examples, mask_batches

__all__ = [
    "AFTER",
    "BEFORE",
    "BEFORE_LABEL",
    "KINDS",
    "REACHING",
    "BeforeAfterClassifier",
    "Examples",
    "SegmentationNetwork",
    "Sequences",
    "anomalies",
    "class_activation_map",
    "classifier_batches",
    "conveyor",
    "empty_station",
    "empty_stations",
    "evidence",
    "examples",
    "flatten_field",
    "foreground",
    "items",
    "mask_batches",
    "pixel_iou",
    "pseudo_masks",
    "segmentation_loss",
]
