"""Average precision as HPatches defines it.

Balntas et al., CVPR 2017, https://arxiv.org/abs/1704.05939
Chapter: book/metric_learning/patch_descriptors.ipynb
"""

import torch
from torch import Tensor

from ..._checks import check_same_shape


def trapezoidal_ap(scores: Tensor, right: Tensor, positives: int | None = None) -> Tensor:
    """The benchmark's average precision: the area under straight lines between the points (recall, precision).

    From (recall 0, precision 1) on, one point for each entry in the order of falling scores. scikit-learn's
    ``average_precision_score`` takes steps instead of lines and does not start at precision 1, so the two differ:
    with one positive in second place of two, this is (1 + 0) / 2 x 0 + (0 + 1/2) / 2 x 1 = 0.25, the other 0.5.

    Equal scores: whatever is wrong comes first. The benchmark keeps the order of its lists, and in its retrieval list
    the positives stand in front: a descriptor that is the same for every patch would be perfect. Without equal
    scores, as for any descriptor of real numbers that looks at the patch, the two rules agree.

    Args:
        positives: how many there are to be found; by default those in ``right``.

    Shape: scores (..., K), right (..., K) bool -> (...), float64
    Raises: ``ValueError`` for two different shapes, an empty list, NaN.
    """
    check_same_shape(scores, right, "scores and right")
    if not scores.ndim or not scores.numel() or scores.isnan().any():
        raise ValueError(f"scores must be (..., K), K at least 1, without NaN, got {tuple(scores.shape)}")
    by_rightness = right.to(torch.int8).argsort(dim=-1, stable=True)
    scores, right = scores.gather(-1, by_rightness), right.gather(-1, by_rightness)
    hits = right.gather(-1, scores.argsort(dim=-1, descending=True, stable=True)).double()
    found = hits.cumsum(-1)
    precision = found / torch.arange(1, hits.shape[-1] + 1, device=hits.device)
    before = torch.cat([torch.ones_like(precision[..., :1]), precision[..., :-1]], -1)
    total = found[..., -1] if positives is None else torch.full_like(found[..., -1], positives)
    return ((precision + before) / 2 * hits).sum(-1) / total.clamp(min=1)
