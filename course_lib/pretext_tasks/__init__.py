"""Self-supervised pretext tasks: questions whose answers come with the picture, and what a network learns from them.

Chapters: book/pretext_tasks/
"""

from .backbone import NIN, Classifier, ResNet18
from .few_labels import few_labels, label_curve
from .probing import (
    LinearProbe,
    accuracy,
    block_features,
    knn,
    linear_probe,
    logistic_regression,
)

__all__ = [
    "NIN",
    "Classifier",
    "LinearProbe",
    "ResNet18",
    "accuracy",
    "block_features",
    "few_labels",
    "knn",
    "label_curve",
    "linear_probe",
    "logistic_regression",
]
