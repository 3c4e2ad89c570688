"""A U-Net with a single step down: the baseline of the patch coursework.

After Ronneberger et al., "U-Net", MICCAI 2015, https://arxiv.org/abs/1505.04597
Chapter: book/denoising/autoencoders.ipynb
"""

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from .._checks import check_images


class ShallowUNet(nn.Module):
    """``y_hat = last(merge([a, up(b)]))``, where ``a`` is seen at full and ``b`` at half resolution.

    Its 59,777 parameters leave no choice of layout (all layers have a bias, none has batch norm)::

        a      3x3, 1 -> 16      160
        b      3x3, 16 -> 32     4,640     after a 2x2 max-pooling
        up     2x2, 32 -> 64     8,256     after every pixel was repeated four times
        merge  3x3, 80 -> 64     46,144    of a and up together
        last   3x3, 64 -> 1      577

    The 2x2 kernel reads a pixel and its right and lower neighbours. An odd side is halved upwards, and the
    surplus row or column is cut off after the upsampling, so any size goes through.

    Args:
        channels: 1 for grey images, 3 for colour.

    Shape:
        z: (B, channels, H, W), float in [0, 1] plus noise -> the same shape

    Raises:
        ValueError: a wrong rank, dtype or channel count, NaN, or grey levels of 255.

    Example:
        >>> ShallowUNet()(torch.zeros(1, 1, 5, 7)).shape
        torch.Size([1, 1, 5, 7])
    """

    def __init__(self, channels: int = 1):
        super().__init__()
        self.channels = channels
        self.a = nn.Conv2d(channels, 16, 3, padding=1)
        self.b = nn.Conv2d(16, 32, 3, padding=1)
        self.up = nn.Conv2d(32, 64, 2)
        self.merge = nn.Conv2d(16 + 64, 64, 3, padding=1)
        self.last = nn.Conv2d(64, channels, 3, padding=1)

    def forward(self, z: Tensor) -> Tensor:
        check_images(z, "z", channels=self.channels)
        a = self.a(z).relu()
        b = self.b(F.max_pool2d(a, 2, ceil_mode=True)).relu()
        repeated = F.interpolate(b, scale_factor=2)[:, :, : z.shape[2], : z.shape[3]]
        up = self.up(F.pad(repeated, (0, 1, 0, 1))).relu()
        return self.last(self.merge(torch.cat([a, up], 1)).relu())
