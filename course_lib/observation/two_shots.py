"""What two noisy shots of a scene tell about the noise.

Chapter: book/denoising/observation_model.ipynb
"""

import torch
from torch import Tensor
from torch.nn import functional as F

from .._checks import check_images, check_same_shape


def noise_variance(z1: Tensor, z2: Tensor) -> Tensor:
    """``(z1 - z2)^2 / 2``: its mean is the variance of the noise, whatever the scene.

    The scene cancels and the variances of the two independent errors add, hence the half.

    Shape: two (B, C, H, W) -> the same. Raises: ``ValueError`` if the shapes differ.
    """
    check_images(z1, "z1")
    check_same_shape(z1, z2, "z1 and z2")
    return (z1 - z2).square() / 2


def noise_curve(z1: Tensor, z2: Tensor, bins: int = 20, least: int = 1000) -> tuple[Tensor, Tensor, Tensor]:
    """Variance of the noise against brightness, which is a straight line for a sensor: ``y / peak + sigma^2``.

    The brightness is the mean of both shots over 5 x 5 pixels. A pixel's own mean would not do: a pixel is among the
    brightest partly because its noise was positive, and the curve came out too flat.

    Args:
        bins: classes of brightness in [0, 1]. least: classes with fewer pixels are left out.

    Shape: two (B, C, H, W), at least 5 x 5 -> mean brightness, variance, number of pixels, each (classes,)
    """
    variance = noise_variance(z1, z2)[..., 2:-2, 2:-2].flatten()
    brightness = F.avg_pool2d((z1 + z2) / 2, 5, stride=1).flatten()
    where = (brightness.clamp(0, 0.999) * bins).long()
    count = torch.bincount(where, minlength=bins)
    level, mean = (torch.bincount(where, weights=x, minlength=bins) / count for x in (brightness, variance))
    kept = count >= least
    return level[kept], mean[kept], count[kept]
