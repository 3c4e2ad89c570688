"""Neighbor2Neighbor: the pair that Noise2Noise needs, cut out of a single picture.

Huang et al., "Neighbor2Neighbor: Self-Supervised Denoising from Single Noisy Images", CVPR 2021,
https://arxiv.org/abs/2101.02824
Chapter: book/learning_from_noise/noise2void.ipynb
"""

from collections.abc import Callable

import torch
from torch import Generator, Tensor, nn

from .._checks import check_images

# the pixels of a 2 x 2 cell, row by row, are 0 1 / 2 3; which two touch, in both orders
ADJACENT = ((0, 1), (1, 0), (0, 2), (2, 0), (1, 3), (3, 1), (2, 3), (3, 2))


def neighbour_choice(z: Tensor, generator: Generator | None = None) -> Tensor:
    """Two adjacent pixels of every 2 x 2 cell, each of the eight ordered pairs as likely as the others.

    Shape: (B, C, H, W) -> (2, B, 1, H // 2, W // 2), numbers from 0 to 3. Raises: ``ValueError`` below 2 x 2.
    """
    check_images(z, "z")
    if min(z.shape[-2:]) < 2:
        raise ValueError(f"z must be at least 2 x 2, got {tuple(z.shape)}")
    shape = (len(z), 1, z.shape[2] // 2, z.shape[3] // 2)
    pair = torch.randint(len(ADJACENT), shape, generator=generator, device=z.device)
    return torch.stack([_look_up(row, pair) for row in zip(*ADJACENT, strict=True)])


def subsample(z: Tensor, choice: Tensor) -> tuple[Tensor, Tensor]:
    """``g_1(z), g_2(z)``: two pictures of half the size, from the pixels that `neighbour_choice` chose.

    Shape: (B, C, H, W) and (2, B, 1, H // 2, W // 2) -> two of (B, C, H // 2, W // 2); an odd last row or column is not
        used.
    """
    height, width = z.shape[2] // 2 * 2, z.shape[3] // 2 * 2
    cells = nn.functional.pixel_unshuffle(z[..., :height, :width], 2).unflatten(1, (z.shape[1], 4))
    first, second = (cells.gather(2, which[:, :, None].expand(-1, z.shape[1], 1, -1, -1))[:, :, 0] for which in choice)
    return first, second


def neighbor2neighbor_loss(
    model: Callable[[Tensor], Tensor], z: Tensor, generator: Generator | None = None, weight: float = 1.0
) -> Tensor:
    """``mean (d)^2 + weight mean (d - (g_1(f(z)) - g_2(f(z))))^2``, ``d = f(g_1(z)) - g_2(z)``.

    Neighbours have independent noise but not quite the same clean value; the second term takes that difference out, as
    the network itself sees it. ``f(z)`` in it gets no gradient.

    Args:
        weight: the paper's gamma: 1 to 2 for synthetic noise, more for real noise; it smooths.

    Shape: (B, C, H, W) -> scalar, float32. Raises: as `neighbour_choice`.
    """
    choice = neighbour_choice(z, generator)
    first, second = subsample(z, choice)
    with torch.no_grad():
        clean_first, clean_second = subsample(model(z).float(), choice)
    error = model(first).float() - second.float()
    return error.square().mean() + weight * (error - (clean_first - clean_second)).square().mean()


def _look_up(row: tuple[int, ...], index: Tensor) -> Tensor:
    return torch.tensor(row).to(index.device)[index]
