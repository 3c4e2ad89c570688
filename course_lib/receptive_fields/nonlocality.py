"""NN3D: a network sees what is near, a non-local filter sees what is alike; let them take turns.

Cruz, Foi, Katkovnik and Egiazarian, "Nonlocality-Reinforced Convolutional Neural Networks for Image Denoising", IEEE
Signal Processing Letters 2018, https://doi.org/10.1109/LSP.2018.2850222
Chapter: book/receptive_fields/nonlocality.ipynb
"""

from collections.abc import Callable

from torch import Tensor

from .._checks import check_images, check_sigma
from .groups import group_filter
from .matching import block_matching


def nn3d(
    z: Tensor,
    sigma: float,
    denoiser: Callable[[Tensor, float], Tensor],
    rounds: int = 2,
    strength: float = 0.25,
    block: int = 10,
    count: int = 32,
) -> Tensor:
    """``z_k = z / k + (1 - 1/k) y_{k-1}``; ``y_k = NLF(f(z_k, sigma / k), strength * sigma / k)``; returns ``y_K``.

    The first round denoises the noisy image and filters the result in groups of similar blocks. Every further one mixes
    a part of the noisy image back in, which now holds less noise, and does the same more gently. Blocks are matched
    once, in the network's first estimate.

    Args:
        z: noisy images.
        sigma: their noise level in [0, 1].
        denoiser: ``(z, sigma) -> y_hat``, any. A network for one level takes ``lambda z, sigma: denoise(model, z)``.
        rounds: K; the paper's 2.
        strength: of the non-local filter; the paper's 1/4, and 0 switches it off.
        block: side of the blocks; the paper's 10.
        count: blocks in a group; the paper's 32.

    Shape: (B, C, H, W) -> (B, C, H, W)
    Raises: ``ValueError`` for what is no image batch, a sigma in grey levels, ``rounds < 1`` or ``strength < 0``.
    """
    check_images(z, "z")
    check_sigma(sigma)
    if rounds < 1 or not strength >= 0:
        raise ValueError(f"rounds must be at least 1 and strength at least 0, got {rounds} and {strength}")
    if not len(z):
        return z.clone()
    y_hat, matches = z, None
    for k in range(1, rounds + 1):
        y_hat = denoiser(z / k + (1 - 1 / k) * y_hat, sigma / k)
        if matches is None:
            matches = block_matching(y_hat, block, count)
        y_hat = group_filter(y_hat, matches, strength * sigma / k, block)
    return y_hat
