"""Which triplets of a batch to learn from: all of them, random ones, the hardest, or those that are just too hard.

A batch of B images holds about B^3 triplets, nearly all of which are right already and teach nothing. No function
here makes a B x B x B tensor: ``all`` and ``semi-hard`` work on (positive pairs) x B, the others on B x B.

Chapter: book/metric_learning/siamese_networks.ipynb
"""

import torch
from torch import Tensor

from .._checks import check_embeddings, check_same_device
from .losses import distance_matrix, pair_distance

STRATEGIES = ("all", "random", "batch-hard", "semi-hard")


def mined_triplet_loss(
    embedding: Tensor,
    labels: Tensor,
    mining: str = "batch-hard",
    margin: float = 1.0,
    squared: bool = False,
    generator: torch.Generator | None = None,
) -> Tensor:
    """The mean of ``m + d(a, p) - d(a, n)`` over the triplets that ``mining`` selects and that are not right yet.

    Triplets with a loss of 0 are left out of the mean: late in a training they are almost all, and their zeros would
    silence the others. Without any triplet to learn from, the loss is 0.

    Args:
        mining: ``all``: every triplet. ``random``: a random positive and negative for each anchor.
            ``batch-hard``: for each anchor the farthest positive and the nearest negative.
            ``semi-hard``: every triplet whose negative is farther than the positive, but by less than the margin.
        margin: m.
        squared: use squared distances.
        generator: for ``random``; by default torch's own.

    Shape: embedding (B, D), labels (B,) integers -> scalar
    Raises: ``ValueError`` on another strategy, other shapes, an empty batch, labels on another device.
    On a GPU, ``all`` and ``semi-hard`` wait once a step for the device: how many triplets there are, only it knows.

    Hermans et al., arXiv:1703.07737 (batch-hard); Schroff et al., CVPR 2015 (semi-hard).
    """
    _check(embedding, labels, mining)
    if mining in ("random", "batch-hard"):
        random = mining == "random"
        positive, negative, has_both = _random(labels, generator) if random else _hardest(embedding, labels)
        to_positive = pair_distance(embedding, embedding[positive], squared)
        gap = margin + to_positive - pair_distance(embedding, embedding[negative], squared)
        return _mean_of_active(gap.masked_fill(~has_both, 0))
    distances = distance_matrix(embedding, squared)
    same = labels[:, None] == labels
    anchor, positive = (same & ~torch.eye(len(labels), dtype=torch.bool, device=labels.device)).nonzero().T
    to_positive, to_all = distances[anchor, positive][:, None], distances[anchor]
    gap = margin + to_positive - to_all
    left_out = same[anchor]
    if mining == "semi-hard":
        left_out = left_out | (to_all <= to_positive)
    return _mean_of_active(gap.masked_fill(left_out, 0))


def hardest_triplets(embedding: Tensor, labels: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """For each anchor its farthest positive and its nearest negative, as three index vectors.

    Shape: (B, D), (B,) -> three (B',), B' being the number of anchors that have both. Raises: as `mined_triplet_loss`.
    """
    _check(embedding, labels, "batch-hard")
    return _of_anchors(*_hardest(embedding, labels))


def random_triplets(labels: Tensor, generator: torch.Generator | None = None) -> tuple[Tensor, Tensor, Tensor]:
    """For each anchor a random positive and a random negative, each uniform, as three index vectors.

    Shape: (B,) integers -> three (B',), B' being the number of anchors that have both.
    Raises: ``ValueError`` for labels that are no vector of integers.
    """
    if labels.ndim != 1 or labels.is_floating_point():
        raise ValueError(f"labels must be (B,) integers, got {tuple(labels.shape)} {labels.dtype}")
    return _of_anchors(*_random(labels, generator))


@torch.no_grad()
def _hardest(embedding: Tensor, labels: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """For every row its farthest positive, its nearest negative, and whether it has both: three (B,)."""
    distances = distance_matrix(embedding, squared=True)
    same = labels[:, None] == labels
    positive = distances.masked_fill(~same, -1).fill_diagonal_(-1).argmax(1)
    negative = distances.masked_fill(same, torch.inf).argmin(1)
    # by labels, not by distances: an embedding of NaN must end in a loss of NaN, which stops the training
    return positive, negative, (same.sum(1) > 1) & ~same.all(1)


def _random(labels: Tensor, generator: torch.Generator | None) -> tuple[Tensor, Tensor, Tensor]:
    """For every row a random positive and a random negative, and whether it has both: three (B,)."""
    same = labels[:, None] == labels
    device = generator.device if generator else labels.device
    draw = torch.rand(2, *same.shape, generator=generator, device=device, dtype=torch.float32)
    lots = draw.to(labels.device)
    positive = lots[0].masked_fill(~same, -1).fill_diagonal_(-1).max(1)
    negative = lots[1].masked_fill(same, -1).max(1)
    return positive.indices, negative.indices, (positive.values >= 0) & (negative.values >= 0)


def _of_anchors(positive: Tensor, negative: Tensor, has_both: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    anchor = has_both.nonzero()[:, 0]
    return anchor, positive[anchor], negative[anchor]


def _mean_of_active(gap: Tensor) -> Tensor:
    loss = gap.clamp(min=0)
    return loss.sum() / (loss > 0).sum().clamp(min=1)


def _check(embedding: Tensor, labels: Tensor, mining: str) -> None:
    if mining not in STRATEGIES:
        raise ValueError(f"mining must be one of {', '.join(STRATEGIES)}, got {mining!r}")
    check_embeddings(embedding)
    if labels.shape != embedding.shape[:1] or labels.is_floating_point():
        got = f"{tuple(labels.shape)} {labels.dtype}"
        raise ValueError(f"labels must be ({len(embedding)},) integers, one for each embedding, got {got}")
    if not len(embedding):
        raise ValueError(f"embedding must hold at least one row, got {tuple(embedding.shape)}")
    check_same_device(labels, embedding, "labels", "embedding")
