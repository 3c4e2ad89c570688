"""Holes filled without any training, and how well a hole has been filled.

Chapter: book/pretext_tasks/inpainting.ipynb
"""

import torch
from torch import Tensor


def mean_colour(x: Tensor, mask: Tensor) -> Tensor:
    """The hole in the mean colour of what is left: the least that one can do. (B, 3, H, W) -> the same."""
    known = ~mask
    return torch.where(mask, (x * known).sum((2, 3), keepdim=True) / known.sum((2, 3), keepdim=True), x)


def biharmonic(x: Tensor, mask: Tensor) -> Tensor:
    """The smoothest surface that meets the border of the hole in value and slope: ``laplace(laplace(y)) = 0`` inside.

    By scikit-image on the CPU, image by image; clipped to [0, 1].

    Shape: (B, 3, H, W) in [0, 1], mask (B or 1, 1, H, W) -> (B, 3, H, W)
    Damelin and Hoang, 2018, https://doi.org/10.1155/2018/3950312
    """
    from skimage.restoration import inpaint_biharmonic

    filled = [
        torch.from_numpy(inpaint_biharmonic(y.permute(1, 2, 0).double().numpy(), m[0].numpy(), channel_axis=-1))
        for y, m in zip(x.cpu(), mask.expand(len(x), -1, -1, -1).cpu(), strict=True)
    ]
    return torch.stack(filled).permute(0, 3, 1, 2).float().clamp(0, 1).to(x.device)


def hole_psnr(y_hat: Tensor, x: Tensor, mask: Tensor) -> Tensor:
    """``-10 log10 mean (y_hat - x)^2`` over the pixels of the hole alone, in dB: (B, 3, H, W) twice, mask -> (B,)."""
    mask = mask.expand_as(x)
    error = ((y_hat - x).square() * mask).flatten(1).sum(1) / mask.flatten(1).sum(1)
    return -10 * error.log10()
