"""Damage that is not noise: JPEG blocks and lost resolution, as batched operators ``z = A(y)``.

Like the models of `course_lib.observation.noise`, each is a small frozen dataclass called ``z = damage(y, generator)``,
and a pair (low, high) lets every image draw its own strength. There is no chance in the damage itself: take the picture
a hundred times and the error is the same, so that it cannot be averaged out.

Chapters: book/denoising/observation_model.ipynb, book/denoising/dncnn.ipynb
"""

import math
from dataclasses import dataclass

import torch
from torch import Generator, Tensor
from torch.nn import functional as F

from .._checks import check_images
from ._ranges import Range, draw, pair

# How coarsely each of the 8 x 8 frequencies is rounded at quality 50 (the standard's tables, annex K.1 and K.2, for
# brightness and for colour): the eye forgives more at high frequencies, to the right and below, and more in colour.
_BRIGHTNESS = """
16 11 10 16  24  40  51  61
12 12 14 19  26  58  60  55
14 13 16 24  40  57  69  56
14 17 22 29  51  87  80  62
18 22 37 56  68 109 103  77
24 35 55 64  81 104 113  92
49 64 78 87 103 121 120 101
72 92 95 98 112 100 103  99"""
_COLOUR = (
    """
17 18 24 47 99 99 99 99
18 21 26 66 99 99 99 99
24 26 56 99 99 99 99 99
47 66 99 99 99 99 99 99
"""
    + "99 " * 32
)
_TO_YCBCR = ((0.299, 0.587, 0.114), (-0.168736, -0.331264, 0.5), (0.5, -0.418688, -0.081312))


@dataclass(frozen=True)
class Jpeg:
    """JPEG compression: ``z = D^T round(D b D^T / q) q D`` in each 8 x 8 block ``b``.

    ``D`` is the discrete cosine transform, ``q`` the table of step sizes, which grows as ``quality`` falls. All that
    JPEG loses it loses in this rounding; the packing of the integers into a file is lossless and left out. Sides that
    are no multiple of 8 are extended by their last row or column, as encoders do. A colour image is compressed as
    brightness and two colour differences (YCbCr) at full resolution, the differences with a coarser table.

    Shape: y (B, 1, H, W) or (B, 3, H, W) in [0, 1] -> z, same shape, in [0, 1]
    Raises: ``ValueError`` for a quality outside [1, 100] and for what is not a grey or colour image in [0, 1].
    Wallace, "The JPEG still picture compression standard", CACM 1991, https://doi.org/10.1145/103085.103089
    """

    quality: Range  # whole numbers, 1 (ruin) to 100; from a pair every image draws its own, uniformly

    def __post_init__(self):
        low, high = pair(self.quality)
        if not 1 <= low <= high <= 100:
            raise ValueError(f"quality must be in [1, 100], low <= high, got {self.quality}")

    def __call__(self, y: Tensor, generator: Generator | None = None) -> Tensor:
        check_images(y, "y", clean=True)
        if y.shape[1] not in {1, 3}:
            raise ValueError(f"y must have 1 or 3 channels, got {y.shape[1]} (shape {tuple(y.shape)})")
        height, width = y.shape[-2:]
        levels = (255 * y.float()).round()  # the encoder sees whole grey levels, centred
        mix = levels.new_tensor(_TO_YCBCR)
        # colour differences are centred already
        centre = 128 * mix.new_tensor([1, 0, 0][: y.shape[1]]).view(-1, 1, 1)
        levels = (levels if y.shape[1] == 1 else _mix(levels, mix).round()) - centre
        levels = F.pad(levels, (0, -width % 8, 0, -height % 8), mode="replicate")
        blocks = levels.unfold(2, 8, 8).unfold(3, 8, 8)  # (B, C, H/8, W/8, 8, 8)
        quality = draw(self.quality, y, generator).round()[..., None, None]  # (B, 1, 1, 1, 1, 1)
        scale = torch.where(quality < 50, 5000 / quality, 200 - 2 * quality)
        steps = ((_tables(y.shape[1], y.device) * scale + 50) / 100).floor().clamp(1, 255)
        dct = _dct(y.device)
        share = dct @ blocks @ dct.T / steps
        kept = share.sign() * (share.abs() + 0.5).floor() * steps  # halves away from zero, as encoders round
        z = (dct.T @ kept @ dct).permute(0, 1, 2, 4, 3, 5).reshape(levels.shape)  # (B, C, H/8, 8, W/8, 8)
        z = (z + centre).round()
        z = z if y.shape[1] == 1 else _mix(z, mix.inverse()).round()
        return (z.clamp(0, 255) / 255)[..., :height, :width].to(y.dtype)


@dataclass(frozen=True)
class LowResolution:
    """Shrink by ``factor`` with a bicubic filter and enlarge to the old size; the task is super-resolution.

    Shape: y (B, C, H, W) in [0, 1] -> z, same shape; cubic interpolation may overshoot [0, 1] slightly.
    Raises: ``ValueError`` for a factor that is no integer >= 2 and for what is not an image in [0, 1].
    """

    factor: int

    def __post_init__(self):
        if self.factor != int(self.factor) or self.factor < 2:
            raise ValueError(f"factor must be an integer of at least 2, got {self.factor}")

    def __call__(self, y: Tensor, generator: Generator | None = None) -> Tensor:
        check_images(y, "y", clean=True)
        size = [math.ceil(side / self.factor) for side in y.shape[-2:]]
        # the filter is not made for half precision
        precise = y.to(torch.promote_types(y.dtype, torch.float32))
        small = F.interpolate(precise, size=size, mode="bicubic", antialias=True)
        return F.interpolate(small, size=y.shape[-2:], mode="bicubic").to(y.dtype)


def _mix(x: Tensor, matrix: Tensor) -> Tensor:
    """A 3 x 3 matrix applied to the colours of every pixel."""
    return torch.einsum("ij,bjhw->bihw", matrix, x)


def _tables(channels: int, device: torch.device) -> Tensor:
    """Step sizes at quality 50: (channels, 1, 1, 8, 8)."""
    tables = [_BRIGHTNESS, _COLOUR, _COLOUR][:channels]
    steps = [[float(q) for q in table.split()] for table in tables]
    return torch.tensor(steps, device=device, dtype=torch.float32).view(channels, 1, 1, 8, 8)


def _dct(device: torch.device) -> Tensor:
    """The orthonormal 8-point DCT-II as a matrix: row k is a cosine of k half-waves."""
    n = torch.arange(8, device=device, dtype=torch.float32)
    k = n[:, None]
    matrix = 0.5 * torch.cos(math.pi * (n + 0.5) * k / 8)
    matrix[0] /= math.sqrt(2)
    return matrix
