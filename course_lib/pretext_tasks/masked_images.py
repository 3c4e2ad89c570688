"""Holes instead of pairs: hide most patches of a picture, and paint them from the rest.

He et al., "Masked Autoencoders Are Scalable Vision Learners", CVPR 2022, https://arxiv.org/abs/2111.06377
Chapter: book/pretext_tasks/without_negatives.ipynb
"""

import torch
from torch import Tensor

from .._checks import check_images, check_same_shape


def random_patches(images: Tensor, generator: torch.Generator, patch: int = 4, hidden: float = 0.6) -> Tensor:
    """Which pixels are hidden: ``hidden`` of all patches, drawn for each picture, equally many in each.

    Shape: images (B, C, H, W) -> bool (B, 1, H, W)
    Raises: ``ValueError`` unless sides are multiples of ``patch`` and ``hidden`` lies in (0, 1).
    """
    check_images(images, "images")
    batch, _, height, width = images.shape
    if patch < 1 or height % patch or width % patch:
        raise ValueError(f"height and width must be multiples of {patch}, got {height} x {width}")
    if not 0 < hidden < 1:
        raise ValueError(f"hidden must lie between 0 and 1, got {hidden}")
    rows, columns = height // patch, width // patch
    order = torch.rand(batch, rows * columns, generator=generator, device=generator.device).to(images.device)
    mask = order.argsort(1).argsort(1) < round(hidden * rows * columns)
    mask = mask.view(batch, 1, rows, columns)
    return mask.repeat_interleave(patch, 2).repeat_interleave(patch, 3)


def masked_image_loss(painted: Tensor, images: Tensor, mask: Tensor) -> Tensor:
    """``sum of |painted - images| over hidden pixels / their number``: what is visible earns nothing.

    Shape: painted and images (B, C, H, W), mask bool (B, 1, H, W) -> scalar
    Raises: ``ValueError`` for different shapes.
    Xie et al., "SimMIM", CVPR 2022, https://arxiv.org/abs/2111.09886
    """
    check_same_shape(painted, images, "painted and images")
    error = (painted - images).abs().mean(1, keepdim=True)
    check_same_shape(error, mask, "one channel of images, and mask")
    return (error * mask).sum() / mask.sum().clamp(min=1)


def hide(images: Tensor, mask: Tensor, grey: float = 0.45) -> Tensor:
    """``images`` with ``grey`` where ``mask`` is true: the value that the backbone takes for zero.

    Shape: (B, C, H, W), bool (B, 1, H, W) -> (B, C, H, W)
    """
    return torch.where(mask, grey, images)
