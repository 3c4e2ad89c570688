"""Losses of a learned distance: what is alike comes together, what is not goes apart.

``d(a, b) = |a - b|_2`` is the distance of two embeddings; a pair has ``y = 0`` if both show the same, ``y = 1`` if not.
The losses raise ``ValueError`` for an empty batch, whose mean would be NaN, for other shapes, and for tensors on
different devices.

Chapter: book/metric_learning/siamese_networks.ipynb
"""

import torch
from torch import Tensor

from .._checks import check_embeddings, check_members, check_same_device, check_same_shape


def pair_distance(a: Tensor, b: Tensor, squared: bool = False) -> Tensor:
    """``d_i = |a_i - b_i|_2``, or its square, for rows that belong together.

    The root has an infinite slope at 0; there the gradient is set to 0, since two equal embeddings give no direction.

    Shape: two (B, D) -> (B,), at least float32: half precision overflows at 256.
    Raises: ``ValueError`` for other shapes, or two that differ in shape or device.
    """
    check_embeddings(a, "a")
    check_same_shape(a, b, "the two batches of embeddings")
    check_same_device(a, b, "a", "b")
    precise = torch.promote_types(a.dtype, torch.float32)
    return _root((a.to(precise) - b.to(precise)).square().sum(1), squared)


def contrastive_loss(a: Tensor, b: Tensor, y: Tensor, margin: float = 1.0) -> Tensor:
    """``mean (1 - y)/2 d + y/2 max(0, m - d)``: the lecture's form, a constant pull and a constant push.

    Shape: a, b (B, D); y (B,), 0 for the same and 1 for different -> scalar. Raises: as the module says.
    """
    d, y = pair_distance(a, b), _check_y(y, a)
    return ((1 - y) / 2 * d + y / 2 * (margin - d).clamp(min=0)).mean()


def hadsell_loss(a: Tensor, b: Tensor, y: Tensor, margin: float = 1.0) -> Tensor:
    """``mean (1 - y)/2 d^2 + y/2 max(0, m - d)^2``: springs, whose force grows with what is wrong.

    Shape: a, b (B, D); y (B,), 0 for the same and 1 for different -> scalar. Raises: as the module says.
    Hadsell, Chopra, LeCun, CVPR 2006, https://doi.org/10.1109/CVPR.2006.100
    """
    d, y = pair_distance(a, b), _check_y(y, a)
    return ((1 - y) / 2 * d.square() + y / 2 * (margin - d).clamp(min=0).square()).mean()


def triplet_loss(
    anchor: Tensor, positive: Tensor, negative: Tensor, margin: float = 1.0, squared: bool = False
) -> Tensor:
    """``mean max(0, m + d(a, p) - d(a, n))``: only the difference counts, not the distances themselves.

    With ``squared`` both distances are squared; with a margin of 1 that is the loss of the patch descriptors.

    Shape: three (B, D) embeddings -> scalar. Raises: as the module says.
    Schroff, Kalenichenko, Philbin, "FaceNet", CVPR 2015, https://doi.org/10.1109/CVPR.2015.7298682
    """
    _check_some(anchor, "anchor")
    gap = pair_distance(anchor, positive, squared) - pair_distance(anchor, negative, squared)
    return (margin + gap).clamp(min=0).mean()


def hardest_negative_loss(anchor: Tensor, positive: Tensor, margin: float = 1.0) -> Tensor:
    """``mean max(0, m + d(a_i, p_i) - min(d(a_i, p_j), d(a_j, p_i)))``, j being whichever other pair is nearest.

    For batches in which every pair shows a point of its own: all others are negatives, and only the hardest counts.
    Distances, not their squares: with the hardest negatives the squares make descriptors collapse.

    Shape: two (B, D), B at least 2 -> scalar. Raises: as the module says.
    Mishchuk et al., HardNet, NeurIPS 2017, https://arxiv.org/abs/1705.10872
    """
    check_embeddings(anchor, "anchor")
    check_same_shape(anchor, positive, "anchor and positive")
    check_same_device(anchor, positive, "anchor", "positive")
    if (count := len(anchor)) < 2:
        raise ValueError(f"anchor must hold at least two rows, since the others are the negatives, got {count}")
    distances = distance_matrix(torch.cat([anchor, positive]))[:count, count:]
    others = distances.masked_fill(torch.eye(count, dtype=torch.bool, device=distances.device), torch.inf)
    nearest = torch.minimum(others.min(0).values, others.min(1).values)
    return (margin + distances.diagonal() - nearest).clamp(min=0).mean()


def distance_matrix(embedding: Tensor, squared: bool = False) -> Tensor:
    """``D_ij = |e_i - e_j|_2``, or its square, by ``|e_i|^2 + |e_j|^2 - 2 e_i . e_j``: one matrix product.

    The formula subtracts large numbers of nearly equal size when embeddings lie far from the origin, or in clusters far
    from each other. So the batch is moved to the origin first, and the product has the digits of float64 (of float32
    on Apple's GPUs, which have no other).

    Shape: (B, D) -> (B, B), at least float32 also under mixed precision, in which it would lose the small distances.
    Raises: ``ValueError`` unless (B, D) and floating point.
    """
    check_embeddings(embedding)
    with torch.autocast(embedding.device.type, enabled=False):
        result = torch.promote_types(embedding.dtype, torch.float32)
        e = embedding.to(result if embedding.device.type == "mps" else torch.float64)
        e = e - e.mean(0)
        norms = e.square().sum(1)
        return _root((torch.addmm(norms, e, e.T, alpha=-2) + norms[:, None]).to(result), squared)


def _root(squares: Tensor, squared: bool) -> Tensor:
    if squared:
        return squares.clamp(min=0)
    return squares.clamp(min=1e-12).sqrt()  # clamped values pass no gradient


def _check_y(y: Tensor, a: Tensor) -> Tensor:
    _check_some(a, "a")
    if y.shape != a.shape[:1]:
        raise ValueError(f"y must have one number for each pair, ({len(a)},), got {tuple(y.shape)}")
    check_same_device(y, a, "y", "a")
    check_members(y, (0, 1), "y")
    return y.to(a.dtype)


def _check_some(embedding: Tensor, name: str) -> None:
    if not len(embedding):
        raise ValueError(f"{name} must hold at least one row, got {tuple(embedding.shape)}: the mean of nothing is NaN")
