"""Has everything been mapped to one point? What to look at when a loss stands still at its margin.

Chapter: book/metric_learning/siamese_networks.ipynb
"""

import math

from torch import Tensor

from .._checks import check_embeddings
from .losses import distance_matrix


def embedding_spread(embedding: Tensor) -> float:
    """The mean distance of two embeddings of a batch: what to log in order to see a collapse.

    About sqrt(2) for points all over the unit sphere, 0 if everything is mapped to one point.

    Shape: (B, D), B at least 2 -> number, NaN if the embedding holds one
    Raises: ``ValueError`` for another form or fewer rows.
    """
    check_embeddings(embedding)
    if len(embedding) < 2:
        raise ValueError(f"embedding must hold at least two rows, got {len(embedding)}")
    distances = distance_matrix(embedding.detach())
    count = len(embedding)
    return (distances.triu(1).sum() / (count * (count - 1) / 2)).item()


def is_collapsed(embedding: Tensor, scale: float = 1.0) -> bool:
    """Whether the mean distance of two embeddings is below a twentieth of ``scale`` (the sphere's radius: 1).

    Shape: (B, D), B at least 2 -> bool. Raises: as `embedding_spread`, and for NaN, which is worse than a collapse.
    """
    spread = embedding_spread(embedding)
    if math.isnan(spread):
        raise ValueError("embedding contains NaN")
    return spread < 0.05 * scale
