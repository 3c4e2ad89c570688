"""The noisy pixel comes back: what its surroundings say and what it says itself, weighed by their variances.

A blind-spot network knows everything but the pixel. Its mean and variance are a prior belief about the pixel, the
recording is a measurement of it, and Bayes' rule combines the two. In Laine's paper the network is told the noise when
it is trained; here it learns the variance of the *noisy* pixel, which needs no noise model, and the noise is subtracted
afterwards. So one network serves every noise level that it saw, and an unknown level can be read off its own output.

Laine, Karras, Lehtinen, Aila, "High-Quality Self-Supervised Deep Image Denoising", NeurIPS 2019,
https://arxiv.org/abs/1901.10277
Chapter: book/learning_from_noise/blind_spot_networks.ipynb
"""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from .._checks import check_same_shape, check_sigma, extremes
from .blind_spot import BlindSpotNetwork


def negative_log_likelihood(z: Tensor, mean: Tensor, variance: Tensor) -> Tensor:
    """``mean 1/2 [(z - m)^2 / v + log v]``: what the noisy pixel costs a network that announced N(m, v) for it.

    The only target is the noisy picture. Constant terms are left out.

    Shape: three (B, C, H, W) -> scalar. The variance is that of z, > 0.
    Raises: ``ValueError`` if the shapes differ.
    """
    check_same_shape(z, mean, "z and mean")
    check_same_shape(z, variance, "z and variance")
    return 0.5 * ((z - mean).square() / variance + variance.log()).mean()


def blind_spot_loss(model: BlindSpotNetwork, z: Tensor) -> Tensor:
    """`negative_log_likelihood` of noisy pictures (B, C, H, W), their own and only targets -> scalar."""
    return negative_log_likelihood(z, *model.prior(z))


def posterior_mean(z: Tensor, mean: Tensor, variance: Tensor, noise: Tensor | float) -> Tensor:
    """``(n m + v z) / (n + v)``: the prior N(m, v) of the clean pixel and its recording ``z ~ N(y, n)``, combined.

    Where the surroundings leave nothing open (v = 0) it is their mean, where there is no noise it is the recording.
    Exact for Gaussian noise, and for Poisson noise as far as photons are many.

    Args:
        variance: of the *clean* pixel given the others, >= 0. noise: variance of the noise, >= 0, a number or a map.

    Shape: three (B, C, H, W) -> the same.
    Raises: ``ValueError`` if the shapes differ, or for a negative variance, where looking is free.
    """
    check_same_shape(z, mean, "z and mean")
    check_same_shape(z, variance, "z and variance")
    noise = torch.as_tensor(noise, dtype=z.dtype, device=z.device)
    for name, value in (("variance", variance), ("noise", noise)):
        if (known := extremes(value)) and not known[0] >= 0:
            raise ValueError(f"{name} must not be negative, got {known[0]:g}")
    total = noise + variance
    return torch.where(total > 0, mean + variance / total.clamp(min=1e-12) * (z - mean), z)


# Low, because some of a picture is smooth and there the noise is all that is left open; not the minimum, which is the
# network's own error.
SMOOTH = 0.05


@dataclass(frozen=True)
class GaussianLevel:
    """Variance ``sigma^2`` everywhere. Without a sigma it is estimated from what the network says.

    In the smooth parts of a picture the surroundings tell the clean pixel, and the noisy one varies by its noise alone:
    ``sigma^2`` is the least total variance, or rather its lowest twentieth.
    """

    sigma: float | None = None  # in [0, 1]

    def __post_init__(self):
        if self.sigma is not None:
            check_sigma(self.sigma)

    def __call__(self, mean: Tensor, total: Tensor) -> Tensor:
        """Mean and total variance (B, C, H, W) -> the noise's variance, to be broadcast."""
        if self.sigma is not None:
            return total.new_tensor(self.sigma**2)
        return _lowest(total)


@dataclass(frozen=True)
class PoissonLevel:
    """Variance ``y / peak``, with the network's mean for y (at least a thousandth). Without a peak it is estimated.

    The least ``total / mean`` is that of the smooth parts, ``1 / peak``.
    """

    peak: float | None = None  # photons of a white pixel, > 0

    def __post_init__(self):
        if self.peak is not None and not self.peak > 0:
            raise ValueError(f"peak must be > 0, got {self.peak:g}")

    def __call__(self, mean: Tensor, total: Tensor) -> Tensor:
        """Mean and total variance (B, C, H, W) -> the noise's variance, of the same shape."""
        mean = mean.clamp(min=1e-3)
        return mean * (_lowest(total / mean) if self.peak is None else 1 / self.peak)


def _lowest(x: Tensor) -> Tensor:
    """The lowest twentieth's upper end, for each picture: (B, C, H, W) -> (B, 1, 1, 1)."""
    flat = x.flatten(1)
    count = max(1, round(SMOOTH * flat.shape[1]))
    return flat.kthvalue(count, dim=1).values.view(-1, 1, 1, 1)


class WithPosterior(nn.Module):
    """The denoiser ``z -> posterior mean``: a blind-spot network, and the pixel that it did not look at.

    Args:
        network: trained with `blind_spot_loss`.
        noise: `GaussianLevel` or `PoissonLevel`, or any function of mean and total variance.

    Shape: z (B, C, H, W), in [0, 1] plus noise -> the same. Raises: what the network raises.
    """

    def __init__(self, network: BlindSpotNetwork, noise: Callable[[Tensor, Tensor], Tensor]):
        super().__init__()
        self.network, self.noise, self.channels = network, noise, network.channels

    def forward(self, z: Tensor) -> Tensor:
        mean, total = self.network.prior(z)
        noise = self.noise(mean, total)
        return posterior_mean(z, mean, (total - noise).clamp(min=0), noise)
