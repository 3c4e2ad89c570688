"""Networks that describe a patch of 32 x 32 pixels by 128 numbers on the unit sphere, and three ways without learning.

Tian, Fan, Wu, "L2-Net", CVPR 2017, https://doi.org/10.1109/CVPR.2017.649
Chapter: book/metric_learning/patch_descriptors.ipynb
"""

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ..._checks import check_images
from ...features import device_of, evaluating

SIDE = 32


class L2Net(nn.Module):
    """``e = g(x) / |g(x)|``: six 3 x 3 convolutions and one of 8 x 8, 1,336,032 parameters.

    The patch coursework's form of L2-Net: widths 32, 32, 64, 64, 128, 128, strides 2 at the third and the fifth, each
    convolution with bias, batch norm and ReLU; dropout; an 8 x 8 convolution to 128 numbers.

    Shape:
        x: (B, 1, 32, 32), float in [0, 1] -> (B, 128), unit length

    Raises:
        ValueError: what is no batch of grey 32 x 32 patches, NaN, grey levels of 255.
    """

    def __init__(self, dropout: float = 0.3):
        super().__init__()
        widths, strides = (1, 32, 32, 64, 64, 128, 128), (1, 1, 2, 1, 2, 1)
        blocks = [conv_bn(*pair, s) + [nn.ReLU()] for *pair, s in zip(widths, widths[1:], strides, strict=False)]
        self.body = nn.Sequential(*(layer for block in blocks for layer in block), nn.Dropout(dropout))
        self.head = nn.Conv2d(128, 128, 8)

    def forward(self, x: Tensor) -> Tensor:
        return F.normalize(self.head(self.body(standardised(x))).flatten(1).float(), dim=1)


class ResidualBlock(nn.Module):
    """``relu(x + f(x))`` with two 3 x 3 convolutions; a 1 x 1 convolution on the way around where the shape changes."""

    def __init__(self, before: int, after: int, stride: int = 1):
        super().__init__()
        self.change = nn.Sequential(*conv_bn(before, after, stride), nn.ReLU(), *conv_bn(after, after, 1))
        same = before == after and stride == 1
        self.around = (
            nn.Identity() if same else nn.Sequential(nn.Conv2d(before, after, 1, stride), nn.BatchNorm2d(after))
        )

    def forward(self, x: Tensor) -> Tensor:
        return F.relu(self.around(x) + self.change(x))


class ResidualDescriptor(nn.Module):
    """The same job with two residual blocks, about as many parameters as the coursework's (1,193,840).

    Its report gives that number without the layers; ours has 1,199,744: a convolution to 32, residual blocks to 32 and
    64 (stride 2), a convolution to 128 (stride 2), and L2-Net's head. Shapes and errors as `L2Net`.
    """

    def __init__(self, dropout: float = 0.3):
        super().__init__()
        self.body = nn.Sequential(
            *conv_bn(1, 32, 1), nn.ReLU(), ResidualBlock(32, 32), ResidualBlock(32, 64, 2),
            *conv_bn(64, 128, 2), nn.ReLU(), nn.Dropout(dropout),
        )  # fmt: skip
        self.head = nn.Conv2d(128, 128, 8)

    def forward(self, x: Tensor) -> Tensor:
        return F.normalize(self.head(self.body(standardised(x))).flatten(1).float(), dim=1)


def conv_bn(before: int, after: int, stride: int) -> list[nn.Module]:
    """3 x 3 convolution with bias, and batch norm."""
    return [nn.Conv2d(before, after, 3, stride, padding=1), nn.BatchNorm2d(after)]


def standardised(x: Tensor) -> Tensor:
    """Mean 0 and standard deviation 1 in every patch: light is not identity. Checks the shape on the way."""
    check_images(x, "x", channels=1)
    if x.shape[-2:] != (SIDE, SIDE):
        raise ValueError(f"x must be patches of {SIDE} x {SIDE}, got {tuple(x.shape[-2:])}")
    return (x - x.mean((1, 2, 3), keepdim=True)) / (x.std((1, 2, 3), keepdim=True) + 1e-3)


def pixel_descriptor(x: Tensor) -> Tensor:
    """The standardised patch itself on unit length, 1,024 numbers. Shape: (B, 1, 32, 32) -> (B, 1024)"""
    return F.normalize(standardised(x).flatten(1), dim=1)


def sift_descriptor(x: Tensor) -> Tensor:
    """SIFT by kornia: histograms of gradient directions in 4 x 4 cells. Shape: (B, 1, 32, 32) -> (B, 128)

    Lowe, IJCV 2004, https://doi.org/10.1023/B:VISI.0000029664.99615.94
    """
    from kornia.feature import SIFTDescriptor

    check_images(x, "x", channels=1)
    with torch.no_grad():
        return SIFTDescriptor(SIDE, rootsift=False).to(x.device)(x.float())


def to_32(patches: Tensor) -> Tensor:
    """uint8 patches of any size (N, 1, S, S) -> float (N, 1, 32, 32) in [0, 1], by averaging areas.

    Raises: ``ValueError`` for another form or type: patches in [0, 1] would end 255 times too dark.
    """
    if patches.ndim != 4 or patches.dtype != torch.uint8:
        raise ValueError(f"patches must be uint8 (N, 1, S, S), got {tuple(patches.shape)} {patches.dtype}")
    x = patches.float() / 255
    return x if x.shape[-1] == SIDE else F.interpolate(x, (SIDE, SIDE), mode="area")


@torch.no_grad()
def describe(descriptor, sequences: dict[str, Tensor], batch: int = 1024) -> dict[str, Tensor]:
    """Descriptors of whole sequences, in evaluation mode.

    Args:
        descriptor: a network, or a function of (B, 1, 32, 32); then all is done on the CPU.
        batch: patches at a time, which bounds the memory.

    Shape: name -> uint8 (16, N, 1, S, S) to name -> float (16, N, D), on the device of the descriptor
    Raises: ``ValueError`` for sequences of another form or type; a network is left in the mode it was in.
    """
    network = descriptor if isinstance(descriptor, nn.Module) else nn.Identity()
    device, described = device_of(network), {}
    with evaluating(network):
        for name, patches in sequences.items():
            if patches.ndim != 5:
                raise ValueError(f"{name!r} must be patches (16, N, 1, S, S), got {tuple(patches.shape)}")
            flat = patches.flatten(0, 1)
            parts = [descriptor(to_32(some.to(device))).float() for some in flat.split(batch)]
            described[name] = torch.cat(parts).view(*patches.shape[:2], -1)
    return described
