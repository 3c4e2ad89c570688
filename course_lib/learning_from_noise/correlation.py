"""How much the noise of a pixel says about that of its neighbours: what decides which method may be used.

Chapter: book/learning_from_noise/noise2void.ipynb
"""

import torch
from torch import Tensor

from .._checks import check_images


def noise_correlation(noise: Tensor, reach: int = 3) -> Tensor:
    """``r(dy, dx) = corr(n(p), n(p + (dy, dx)))``, over all pixels p of all images and channels.

    Noise is ``z - y``, or, where nobody has y, the difference of two shots of one scene. The mean of each channel of
    each image is taken off first. White noise has 1 in the middle and, with N pixels in all, numbers of about
    ``1 / sqrt(N)`` elsewhere.

    Args:
        reach: of the largest shift in pixels, at least 0 and smaller than both sides.

    Shape: (B, C, H, W), float -> (2 reach + 1, 2 reach + 1), symmetric about its centre, on the same device; NaN where
        there is no noise.
    Raises: ``ValueError`` for what is no batch of images, and for a reach out of range.
    """
    check_images(noise, "noise")
    height, width = noise.shape[-2:]
    if not 0 <= reach < min(height, width):
        raise ValueError(f"reach must be from 0 to {min(height, width) - 1}, got {reach}")
    n = noise.float() - noise.float().mean((-2, -1), keepdim=True)
    side = 2 * reach + 1
    # a shift and its opposite pair the same pixels: the first half is enough
    half = []
    for shift in range(side * side // 2 + 1):
        dy, dx = reach - shift // side, reach - shift % side  # both >= 0 but for dx
        a = n[..., : height - dy, max(0, -dx) : width - max(0, dx)]
        b = n[..., dy:, max(0, dx) : width - max(0, -dx)]
        half.append((a * b).sum() / (a.square().sum() * b.square().sum()).sqrt())
    half = torch.stack(half)
    return torch.cat([half, half[:-1].flip(0)]).view(side, side)
