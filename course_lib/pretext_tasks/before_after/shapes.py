"""Signed distances: how far a pixel lies outside (positive) or inside (negative) of a shape, in pixels.

A distance knows everything that a painter needs: its sign is the exact mask, a ramp over one pixel at zero is an
antialiased edge, and its size inside is a relief. Coordinates ``u`` (along the shape) and ``v`` (across) are already
moved to the shape's middle and turned; sizes broadcast against them.

Chapter: book/pretext_tasks/before_after.ipynb
"""

import math

import torch
from torch import Tensor


def ellipse(u: Tensor, v: Tensor, long: Tensor, short: Tensor) -> Tensor:
    """``(|(u / long, v / short)| - 1) short``: zero on the edge, and a distance up to the flattening."""
    return (torch.hypot(u / long, v / short) - 1) * short


def half_ellipse(u: Tensor, v: Tensor, long: Tensor, short: Tensor) -> Tensor:
    """What is left of an ellipse that broke across the middle: its part with ``u < 0``."""
    return torch.maximum(ellipse(u, v, long, short), u)


def capsule(u: Tensor, v: Tensor, long: Tensor, radius: Tensor) -> Tensor:
    """All points within ``radius`` of the line from ``-long`` to ``long``."""
    return torch.hypot(u - torch.minimum(torch.maximum(u, -long), long), v) - radius


def lens(u: Tensor, v: Tensor, long: Tensor, short: Tensor) -> Tensor:
    """Where two equal discs overlap, ``2 long`` from tip to tip and ``2 short`` across: a leaf."""
    radius = (long.square() + short.square()) / (2 * short)
    return torch.hypot(u, v.abs() + radius - short) - radius


def polygon(u: Tensor, v: Tensor, sides: Tensor) -> Tensor:
    """``max_k (u cos a_k + v sin a_k - r_k)``: a stone with sides at equal angles and at unequal distances.

    Shape: sides (..., K), where u and v are (..., H, W).
    """
    distance = None
    for k, r in enumerate(sides[..., None, None].unbind(-3)):
        angle = 2 * math.pi * k / sides.shape[-1]
        side = u * math.cos(angle) + v * math.sin(angle) - r
        distance = side if distance is None else torch.maximum(distance, side)
    return distance
