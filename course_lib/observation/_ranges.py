"""A parameter that is one number, or a pair (low, high) from which every image draws its own."""

import torch
from torch import Generator, Tensor

Range = float | tuple[float, float]


def pair(value: Range) -> tuple[float, float]:
    """(low, high); a number is both. Raises ``ValueError`` for any other count of numbers."""
    ends = tuple(value) if isinstance(value, (tuple, list)) else (value, value)
    if len(ends) != 2:
        raise ValueError(f"expected a number or a pair (low, high), got {value}")
    return ends


def draw(value: Range, like: Tensor, generator: Generator | None) -> Tensor:
    """One number for each image of ``like``, uniform between the ends of the pair: (B, 1, 1, 1), float32."""
    low, high = pair(value)
    return low + (high - low) * torch.rand(
        len(like), 1, 1, 1, generator=generator, device=like.device, dtype=torch.float32
    )
