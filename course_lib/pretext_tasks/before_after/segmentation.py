"""A small network that paints masks, the loss it learns from, and the measure it is judged by.

Chapter: book/pretext_tasks/before_after.ipynb
"""

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ..._checks import check_images, check_same_shape
from .activation_maps import conv_bn_relu


class SegmentationNetwork(nn.Module):
    """A U-Net of two levels: down to a quarter for context, up again for edges, with the finer volumes handed across.

    Args:
        width: filters at full size; the lower levels have twice as many.

    Shape: (B, 3, H, W), float in [0, 1], H and W multiples of 4 -> logits (B, H, W), positive for "anomaly"
    Raises: ``ValueError`` for other images.
    Ronneberger, Fischer, Brox, "U-Net", MICCAI 2015, https://arxiv.org/abs/1505.04597
    """

    def __init__(self, width: int = 8):
        super().__init__()
        self.fine = nn.Sequential(*conv_bn_relu(3, width))
        self.middle = nn.Sequential(nn.MaxPool2d(2), *conv_bn_relu(width, 2 * width))
        self.coarse = nn.Sequential(
            nn.MaxPool2d(2), *conv_bn_relu(2 * width, 2 * width), *conv_bn_relu(2 * width, 2 * width)
        )
        self.up_half = nn.Sequential(*conv_bn_relu(4 * width, 2 * width))
        self.up_full = nn.Sequential(*conv_bn_relu(3 * width, width))
        self.last = nn.Conv2d(width, 1, 1)
        nn.init.constant_(self.last.bias, -2.0)  # few pixels are anomalies

    def forward(self, x: Tensor) -> Tensor:
        check_images(x, "x", channels=3)
        if x.shape[-2] % 4 or x.shape[-1] % 4:
            raise ValueError(f"height and width must be multiples of 4, got {tuple(x.shape[-2:])}")
        fine = self.fine((x - 0.45) / 0.25)
        middle = self.middle(fine)
        up = self.up_half(torch.cat([middle, F.interpolate(self.coarse(middle), scale_factor=2)], 1))
        up = self.up_full(torch.cat([fine, F.interpolate(up, scale_factor=2)], 1))
        return self.last(up)[:, 0]


def segmentation_loss(logits: Tensor, mask: Tensor) -> Tensor:
    """Cross entropy plus ``1 - Dice``, ``Dice = 2 sum p m / (sum p + sum m)`` over the batch.

    Cross entropy alone is nearly satisfied by "no anomaly anywhere", which is right for 97 pixels in 100; Dice counts
    overlap only.

    Shape: logits (B, H, W), mask bool or in [0, 1] (B, H, W) -> scalar
    Raises: ``ValueError`` for different shapes.
    """
    check_same_shape(logits, mask, "logits and mask")
    mask = mask.to(logits.dtype)
    p = logits.sigmoid()
    dice = (2 * (p * mask).sum() + 1) / (p.sum() + mask.sum() + 1)
    return F.binary_cross_entropy_with_logits(logits, mask) + 1 - dice


def pixel_iou(found: Tensor, truth: Tensor) -> float:
    """``|found and truth| / |found or truth|``, all pixels of all pictures counted together, in [0, 1].

    Shape: two bool tensors of one shape. If both are empty they agree: 1.
    Raises: ``ValueError`` for other types, or a shape each.
    """
    if found.dtype != torch.bool or truth.dtype != torch.bool:
        raise ValueError(f"found and truth must be bool, got {found.dtype} and {truth.dtype}")
    check_same_shape(found, truth, "found and truth")
    union = (found | truth).sum().item()
    return (found & truth).sum().item() / union if union else 1.0
