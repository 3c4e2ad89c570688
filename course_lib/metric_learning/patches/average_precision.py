"""Average precision as HPatches defines it.

Balntas et al., CVPR 2017, https://arxiv.org/abs/1704.05939
Chapter: book/metric_learning/patch_descriptors.ipynb
"""

import torch
from torch import Tensor

from ..._checks import check_same_shape

TIES = ("careful", "benchmark")


def trapezoidal_ap(scores: Tensor, right: Tensor, positives: int | None = None, ties: str = "careful") -> Tensor:
    """The benchmark's average precision: the area under straight lines between the points (recall, precision).

    From (recall 0, precision 1) on, one point for each entry in the order of falling scores. scikit-learn's
    ``average_precision_score`` takes steps instead of lines and does not start at precision 1, so the two differ:
    with one positive in second place of two, this is (1 + 0) / 2 x 0 + (0 + 1/2) / 2 x 1 = 0.25, the other 0.5.

    Args:
        positives: how many there are to be found; by default those in ``right``.
        ties: which of equal scores comes first. ``careful``: whatever is wrong. ``benchmark``: what stands first in the
            list, as in the benchmark's own code, whose retrieval list has the positives in front: a descriptor that is
            the same for every patch would be perfect. Without equal scores, as for any descriptor of real numbers that
            looks at the patch, the two agree; those of bits have many.

    Shape: scores (..., K), right (..., K) bool -> (...), float64
    Raises: ``ValueError`` for two different shapes, an empty list, NaN, another rule.
    """
    check_ties(ties)
    check_same_shape(scores, right, "scores and right")
    if not scores.ndim or not scores.numel() or scores.isnan().any():
        raise ValueError(f"scores must be (..., K), K at least 1, without NaN, got {tuple(scores.shape)}")
    if ties == "careful":
        by_rightness = right.to(torch.int8).argsort(dim=-1, stable=True)
        scores, right = scores.gather(-1, by_rightness), right.gather(-1, by_rightness)
    hits = right.gather(-1, scores.argsort(dim=-1, descending=True, stable=True)).double()
    found = hits.cumsum(-1)
    total = found[..., -1] if positives is None else torch.full_like(found[..., -1], positives)
    return (_share(found, torch.arange(1, hits.shape[-1] + 1, device=hits.device)) * hits).sum(-1) / total.clamp(min=1)


def ap_of_ranks(wrong_before: Tensor, positives: int | None = None) -> Tensor:
    """`trapezoidal_ap` of a list of which is known, for each right entry from the best on, how many wrong ones precede.

    Shape: (..., P), never falling along the last axis -> (...), float64
    """
    found = torch.arange(1, wrong_before.shape[-1] + 1, device=wrong_before.device).double()
    return _share(found, found + wrong_before).sum(-1) / max(1, positives or wrong_before.shape[-1])


def _share(found: Tensor, place: Tensor) -> Tensor:
    """Mean of the precision at a hit, the ``found``-th in this ``place``, and just before it, where it begins at 1."""
    before = torch.where(place > 1, (found - 1) / (place - 1).clamp(min=1), 1.0)
    return (found / place + before) / 2


def check_ties(ties: str) -> None:
    """Raise ``ValueError`` for another rule than the two."""
    if ties not in TIES:
        raise ValueError(f"ties must be one of {', '.join(TIES)}, got {ties!r}")
