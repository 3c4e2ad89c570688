"""Holes filled without any training, and how well a hole has been filled.

Chapter: book/pretext_tasks/inpainting.ipynb
"""

import torch
from torch import Tensor
from torch.nn import functional as F


def mean_colour(x: Tensor, mask: Tensor) -> Tensor:
    """The hole in the mean colour of what is left: the least that one can do. (B, 3, H, W) -> the same."""
    known = ~mask
    return torch.where(mask, (x * known).sum((2, 3), keepdim=True) / known.sum((2, 3), keepdim=True), x)


def membrane(x: Tensor, mask: Tensor, sweeps: int = 20) -> Tensor:
    """A rubber skin over the hole, held at its border: ``laplace(y) = 0``, a pixel is the mean of its neighbours.

    From coarse to fine: the mean of what is known fills the smallest picture, which is enlarged to fill the next one,
    and on each level the unknown pixels are replaced by the mean of their neighbours ``sweeps`` times. All on the
    device, for any mask that leaves a pixel.

    Shape: (B, C, H, W), mask (B or 1, 1, H, W), True in the hole -> (B, C, H, W); what is known stays.
    """
    weight = (~mask).to(x.dtype).expand(len(x), 1, *x.shape[-2:])
    levels = [(x * weight, weight)]
    while max(levels[-1][0].shape[-2:]) > 1:
        levels.append(tuple(F.avg_pool2d(t, 2, ceil_mode=True) for t in levels[-1]))
    cross = x.new_tensor([[0, 1, 0], [1, 0, 1], [0, 1, 0]]).expand(x.shape[1], 1, 3, 3) / 4
    y = levels[-1][0]
    for total, share in reversed(levels):
        unknown = share == 0
        enlarged = F.interpolate(y, size=total.shape[-2:], mode="bilinear", align_corners=False)
        y = torch.where(unknown, enlarged, total / share.clamp(min=1e-9))
        for _ in range(sweeps):
            around = F.conv2d(F.pad(y, (1, 1, 1, 1), mode="replicate"), cross, groups=x.shape[1])
            y = torch.where(unknown, around, y)
    return torch.where(mask, y, x)


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
