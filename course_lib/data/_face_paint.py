"""Brushes and colours of the procedural faces: soft masks, layers, skin, hair."""

import torch
from torch import Tensor


def inside(distance: Tensor, soft: float) -> Tensor:
    """1 where ``distance`` is negative, 0 where it is positive, with an edge about a pixel wide."""
    return torch.sigmoid(-4 * distance / soft)


def over(canvas: Tensor, colour: Tensor, mask: Tensor) -> Tensor:
    """Paint ``colour`` over ``canvas`` where ``mask`` is 1. Shapes (N, 3, H, W), (N, 3, H or 1, W or 1), (N, H, W)."""
    return torch.lerp(canvas, colour.expand_as(canvas), mask.unsqueeze(1))


def rgb(*parts) -> Tensor:
    return torch.stack(torch.broadcast_tensors(*parts), 1)


def mix(colours: list[tuple[float, float, float]], share: Tensor) -> Tensor:
    """A colour along a list of colours, ``share`` in [0, 1]: (N, 1, 1) -> (N, 3, 1, 1)."""
    table = share.new_tensor(colours)
    place = share.clamp(0, 1).flatten() * (len(colours) - 1)
    below = place.floor().long().clamp(max=len(colours) - 2)
    return torch.lerp(table[below], table[below + 1], (place - below).unsqueeze(1)).view(-1, 3, 1, 1)


def skin_colour(n: dict) -> Tensor:
    skin = mix([(0.95, 0.80, 0.70), (0.86, 0.66, 0.52), (0.66, 0.45, 0.33), (0.40, 0.26, 0.19)], n["skin"])
    hue = n["skin_hue"].unsqueeze(1)
    return skin * torch.cat([1 + 0.03 * (-hue), 1 + 0.03 * hue, 1 - 0.02 * hue.abs()], 1)


def hair_colour(n: dict) -> Tensor:
    hair = mix([(0.07, 0.06, 0.06), (0.22, 0.14, 0.09), (0.42, 0.24, 0.12), (0.78, 0.62, 0.36)], n["hair_tone"])
    return torch.lerp(hair, torch.full_like(hair, 0.68), n["hair_grey"].clamp(0, 1).unsqueeze(1))


def hue(share: Tensor, strength: float) -> Tensor:
    """A pale colour of the colour circle, (N, 1, 1) -> (N, 3, 1, 1), around 1."""
    angles = share.new_tensor([0.0, 2.1, 4.2]).view(1, 3, 1, 1)
    return 1 + strength * torch.cos(2 * torch.pi * share.unsqueeze(1) - angles)
