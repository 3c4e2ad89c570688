"""Pictures of what a network has learned: where it looks, its first filters, and what it takes to be alike.

Zagoruyko and Komodakis, ICLR 2017, arXiv:1612.03928; Gidaris et al., ICLR 2018, arXiv:1803.07728
Chapter: book/pretext_tasks/rotation.ipynb
"""

import torch
from torch import Tensor, nn
from torch.nn import functional as F


def attention_map(maps: Tensor, power: float = 2) -> Tensor:
    """``sum_c |a_c|^p``, from 0 to 1 in each picture: how much goes on in every cell.

    With a larger ``power`` the strongest channel decides.

    Shape: (B, C, H, W) -> (B, H, W)
    Raises: ``ValueError`` for what has not four dimensions, or a power that is not positive.
    """
    if maps.ndim != 4 or power <= 0:
        raise ValueError(f"maps must be (B, C, H, W) and power positive, got {tuple(maps.shape)} and {power}")
    energy = maps.abs().pow(power).sum(1)
    low, high = energy.amin((1, 2), keepdim=True), energy.amax((1, 2), keepdim=True)
    return (energy - low) / (high - low).clamp(min=1e-12)


def first_filters(model: nn.Module) -> Tensor:
    """The kernels of the first convolution as pictures in [0, 1], each stretched about grey, strongest first.

    Shape: -> (filters, channels, k, k)
    Raises: ``ValueError`` if there is no convolution.
    """
    conv = next((layer for layer in model.modules() if isinstance(layer, nn.Conv2d)), None)
    if conv is None:
        raise ValueError("the model has no convolution")
    weight = conv.weight.detach()
    weight = weight[weight.flatten(1).norm(dim=1).argsort(descending=True)]
    return 0.5 + 0.5 * weight / weight.abs().amax((1, 2, 3), keepdim=True).clamp(min=1e-12)


def neighbours(queries: Tensor, features: Tensor, count: int = 5) -> tuple[Tensor, Tensor]:
    """The ``count`` features that correlate most with each query: ``<q - mean q, f - mean f> / (|.| |.|)``.

    Shape: (M, D) and (N, D) -> indices and correlations in [-1, 1], both (M, count), best first
    Raises: ``ValueError`` if there are fewer than ``count`` features.

    Doersch et al., ICCV 2015, arXiv:1505.05192
    """
    if not 1 <= count <= len(features):
        raise ValueError(f"count must be between 1 and the {len(features)} features there are, got {count}")
    a, b = (F.normalize(f - f.mean(1, keepdim=True), dim=1) for f in (queries, features))
    correlation, index = torch.cat([some @ b.T for some in a.split(1000)]).topk(count, dim=1)
    return index, correlation
