"""Losses of angles: a softmax over cosines takes the place of a margin between distances.

On the unit sphere ``|a - b|^2 = 2 - 2 cos(a, b)``: who makes angles small makes distances small. Half precision is
computed in float32. ``ValueError`` for an empty batch, other shapes, and tensors on different devices.

Chapter: book/metric_learning/siamese_networks.ipynb
"""

import math

import torch
from torch import Tensor
from torch.nn import functional as F

from .._checks import check_classes, check_embeddings, check_same_device, extremes


def arcface_loss(
    cosine: Tensor, labels: Tensor, margin: float = 0.5, scale: float = 64.0, easy_margin: bool = False
) -> Tensor:
    """``mean -log( e^(s cos(t_y + m)) / (e^(s cos(t_y + m)) + sum_(j != y) e^(s cos t_j)) )``: it has to win by m.

    The cross-entropy of a classifier whose logits are cosines, ``t_j`` being the angle between an embedding and the
    centre of class j, and y the right class. With ``m = 0`` it is content as soon as the own centre is the nearest; the
    margin makes the own class look m farther away than it is, so that classes end up apart, and their members together.

    ``cos(t + m)`` falls only up to ``t = pi - m``; beyond it would reward being as wrong as possible. From there on
    ``cos(t) - m sin(m)`` stands for it, which is smaller still and goes on falling. With ``easy_margin`` the margin is
    asked only of embeddings within 90 degrees of their centre, and ``cos(t)`` of all others. The slope of an angle over
    its cosine is infinite where two vectors coincide or are opposite; there the margin passes no gradient.

    Args:
        cosine: of the angle between each embedding and each class's centre, as from `CosineClassifier`.
        labels: the right class of each.
        margin: m, an angle in radians, at most a right one.
        scale: s; cosines between -1 and 1 alone would leave the softmax undecided among many classes.
        easy_margin: see above; for networks that do not get started otherwise.

    Shape: (B, classes) in [-1, 1], (B,) integers in [0, classes) -> scalar
    Raises: as the module says; a margin that looks like degrees, a scale that is not positive, cosines outside
        [-1, 1], labels that are no class.

    Deng, Guo, Xue, Zafeiriou, "ArcFace", CVPR 2019, https://arxiv.org/abs/1801.07698
    """
    check_embeddings(cosine, "cosine")
    _check_labels(labels, cosine, "cosine")
    check_classes(labels, cosine.shape[1])
    if not 0 <= margin <= math.pi / 2:
        raise ValueError(f"margin must be an angle in radians, from 0 to pi / 2, got {margin:g}")
    if not scale > 0:
        raise ValueError(f"scale must be positive, got {scale:g}")
    if (known := extremes(cosine)) and max(-known[0], known[1]) > 1.01:
        got = f"[{known[0]:.3g}, {known[1]:.3g}]"
        raise ValueError(f"cosine must lie in [-1, 1], got values in {got}: are they logits?")
    cosine = cosine.to(torch.promote_types(cosine.dtype, torch.float32))
    own = cosine.gather(1, labels[:, None])
    sine = (1 - own.square()).clamp(min=1e-12).sqrt()  # clamped values pass no gradient
    moved = own * math.cos(margin) - sine * math.sin(margin)  # cos(t + m)
    if easy_margin:
        moved = torch.where(own > 0, moved, own)
    else:
        moved = torch.where(own > -math.cos(margin), moved, own - margin * math.sin(margin))
    return F.cross_entropy(scale * cosine.scatter(1, labels[:, None], moved), labels)


def info_nce(embedding: Tensor, labels: Tensor, temperature: float = 0.1) -> Tensor:
    """``mean -log( e^(s_ip / T) / (e^(s_ip / T) + sum_n e^(s_in / T)) )``, ``s`` the cosine: which of these is p?

    The mean is over all pairs of an anchor i and a positive p, a picture of the same person; the sum over all negatives
    n, the pictures of other people in the batch. A triplet loss with all negatives at once and without a margin: the
    nearer a negative, the more of the force falls on it, and the lower T, the more so. In a batch that has everybody
    twice it is SimCLR's loss, `pretext_tasks.nt_xent`.

    Args:
        temperature: T.

    Shape: (B, D), (B,) integers -> scalar; 0 if nobody is there twice, or nobody else.
    Raises: as the module says; a temperature that is not positive.

    Sohn, "Improved Deep Metric Learning with Multi-class N-pair Loss Objective", NeurIPS 2016; the name: van den Oord
    et al., https://arxiv.org/abs/1807.03748
    """
    check_embeddings(embedding)
    _check_labels(labels, embedding, "embedding")
    if not temperature > 0:
        raise ValueError(f"temperature must be positive, got {temperature:g}")
    with torch.autocast(embedding.device.type, enabled=False):
        unit = F.normalize(embedding.to(torch.promote_types(embedding.dtype, torch.float32)), dim=1)
        similarity = unit @ unit.T / temperature
    same = labels[:, None] == labels
    # not minus infinity: in a batch of a single person its gradient would be NaN
    none = torch.finfo(similarity.dtype).min / 2
    others = similarity.masked_fill(same, none).logsumexp(1, keepdim=True)
    pair = same.clone().fill_diagonal_(False)
    # -log(e^p / (e^p + e^n)) = softplus(n - p)
    return F.softplus(others - similarity).masked_fill(~pair, 0).sum() / pair.sum().clamp(min=1)


def _check_labels(labels: Tensor, rows: Tensor, name: str) -> None:
    if labels.shape != rows.shape[:1] or labels.is_floating_point():
        got = f"{tuple(labels.shape)} {labels.dtype}"
        raise ValueError(f"labels must be ({len(rows)},) integers, one for each row of {name}, got {got}")
    if not len(rows):
        raise ValueError(f"{name} must hold at least one row, got {tuple(rows.shape)}: the mean of nothing is NaN")
    check_same_device(labels, rows, "labels", name)
