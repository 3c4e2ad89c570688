"""RotNet: turn a picture, and ask the network by how much.

Gidaris et al., "Unsupervised Representation Learning by Predicting Image Rotations", ICLR 2018, arXiv:1803.07728
Chapter: book/pretext_tasks/rotation.ipynb
"""

import math
from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from .._checks import check_images

QUARTERS = (0, 90, 180, 270)
EIGHTHS = tuple(range(0, 360, 45))


def rotations(x: Tensor, degrees: Sequence[float] = QUARTERS, crop: bool = True) -> tuple[Tensor, Tensor]:
    """Every picture in every orientation, and which one it is: the batch and the labels of the pretext task.

    All orientations of a picture are in one batch, so that nothing but the orientation tells the labels apart.
    If an angle is no multiple of 90, all results are cut to the square that no angle leaves (`inner_side`); with
    ``crop=False`` they keep their size and have black corners, whose shape gives the answer away.

    Args:
        x: square pictures.
        degrees: the angles, counter-clockwise; the label is the place in this list.
        crop: cut the corners off.

    Shape: (B, C, S, S), float -> (len(degrees) B, C, S', S'), angle by angle, and labels, int64
    Raises: ``ValueError`` for what is no batch of square pictures, or no angle.
    """
    check_images(x, "x")
    if x.shape[2] != x.shape[3] or not len(degrees):
        raise ValueError(f"x must be square and degrees not empty, got {tuple(x.shape)} and {tuple(degrees)}")
    turned = torch.cat([rotate(x, angle) for angle in degrees])
    if crop and any(angle % 90 for angle in degrees):
        side = inner_side(x.shape[-1])
        start = (x.shape[-1] - side) // 2
        turned = turned[..., start : start + side, start : start + side]
    return turned, torch.arange(len(degrees), device=x.device).repeat_interleave(len(x))


def rotate(x: Tensor, degrees: float) -> Tensor:
    """``x`` turned counter-clockwise about its middle, in its frame, black where there was nothing.

    Multiples of 90 only move pixels: nothing is interpolated, and no blur says that the picture was turned. Other
    angles are a turn of less than 90, interpolated (bilinear), and then a multiple of 90.

    Shape: (B, C, S, S) -> (B, C, S, S)
    """
    quarters, rest = divmod(degrees, 90)
    if rest:
        angle = math.radians(rest)
        cos, sin = math.cos(angle), math.sin(angle)
        # the pixel at p comes from R^-1 p; rows point down, so that a counter-clockwise turn has this sign
        matrix = x.new_tensor([[cos, -sin, 0], [sin, cos, 0]]).expand(len(x), 2, 3)
        x = F.grid_sample(x, F.affine_grid(matrix, list(x.shape), align_corners=False), align_corners=False)
    return torch.rot90(x, int(quarters), dims=(2, 3))


def inner_side(side: int) -> int:
    """The largest square with the parity of ``side`` that lies inside a square turned by any angle: ``side / sqrt 2``.

    One pixel less on each side, where the interpolation would mix in what lies outside.

    >>> inner_side(32)
    20
    """
    inner = math.floor(side / math.sqrt(2)) - 2
    return inner - (side - inner) % 2


def rotation_loss(model: nn.Module, batch: tuple[Tensor, Tensor]) -> Tensor:
    """Cross entropy of the orientation, for a batch of `rotations`."""
    x, labels = batch
    return F.cross_entropy(model(x), labels)
