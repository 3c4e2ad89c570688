"""Pixel-shuffle downsampling: deal a picture's pixels out to small pictures in which neighbours were far apart.

Zhou et al., "When AWGN-Based Denoiser Meets Real Noises", AAAI 2020, https://arxiv.org/abs/1904.03485
Chapter: book/learning_from_noise/blind_spot_networks.ipynb
"""

from torch import Tensor
from torch.nn import functional as F

from .._checks import check_images


def downsample(z: Tensor, stride: int) -> Tensor:
    """``d_(a, b)[i, j] = z[s i + a, s j + b]``: s^2 small pictures, each with every s-th pixel.

    Noise that reaches less than s pixels far is white in each of them. Where a side is no multiple of the stride, the
    last row or column is repeated. A copy of a pixel is never dealt to the picture that the pixel itself is in, so that
    blind spots stay blind.

    Shape: (B, C, H, W) -> (B s^2, C, ceil(H / s), ceil(W / s)); those of one picture follow each other.
    Raises: ``ValueError`` for a stride below 1 or what is no image batch.
    """
    check_images(z, "z")
    if stride < 1:
        raise ValueError(f"stride must be at least 1, got {stride}")
    height, width = z.shape[2:]
    z = F.pad(z, (0, -width % stride, 0, -height % stride), mode="replicate")
    batch, channels, rows, columns = len(z), z.shape[1], z.shape[2] // stride, z.shape[3] // stride
    parts = z.reshape(batch, channels, rows, stride, columns, stride).permute(0, 3, 5, 1, 2, 4)
    return parts.reshape(batch * stride**2, channels, rows, columns)


def upsample(small: Tensor, stride: int, size: tuple[int, int]) -> Tensor:
    """Put the pixels back: ``upsample(downsample(z, s), s, z.shape[2:])`` is z, bit by bit.

    Args:
        size: height and width of the picture, since what was repeated is cut off.

    Shape: (B s^2, C, ceil(H / s), ceil(W / s)) -> (B, C, H, W)
    Raises: ``ValueError`` if the number or the size of the small pictures does not fit.
    """
    height, width = size
    rows, columns = -(-height // stride), -(-width // stride)
    if len(small) % stride**2 or small.shape[2:] != (rows, columns):
        raise ValueError(
            f"small must be (B * {stride**2}, C, {rows}, {columns}) for a picture of {height} x {width} and stride "
            f"{stride}, got {tuple(small.shape)}"
        )
    batch, channels = len(small) // stride**2, small.shape[1]
    parts = small.reshape(batch, stride, stride, channels, rows, columns).permute(0, 3, 4, 1, 5, 2)
    return parts.reshape(batch, channels, rows * stride, columns * stride)[..., :height, :width]
