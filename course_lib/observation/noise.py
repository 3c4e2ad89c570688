"""Observation models: what stands between the clean image ``y`` and the recorded ``z``.

Each is a small frozen dataclass, called ``z = noise(y, generator)``. For all of them:

Shape: y (B, C, H, W), float in [0, 1] -> z, same shape, dtype and device; y is left as it was.
Ranges: sigma and z in the unit of the image (25 grey levels are ``25 / 255``). Nothing is clipped: a
    Gaussian z leaves [0, 1], and clipping it would change its mean.
Generator: on the device of y; the same state gives the same noise.
Raises: ``ValueError`` for parameters out of range and for what is not an image in [0, 1]. The models that
    read an intensity (Poisson, PoissonGaussian, SignalDependent) insist on it; the others also take an
    image that is noisy already, so that they can be chained.
Chapter: book/denoising/observation_model.ipynb
"""

from dataclasses import dataclass

import torch
from torch import Generator, Tensor
from torch.nn import functional as F

from .._checks import check_images, check_sigma
from ._ranges import Range, draw, pair


@dataclass(frozen=True)
class Gaussian:
    """Additive white Gaussian noise: ``z = y + sigma n``, ``n ~ N(0, 1)``; zero mean.

    A pair (low, high) lets every image draw its own sigma, uniformly: blind denoising (Zhang, TIP 2017).
    """

    sigma: Range  # in [0, 1]

    def __post_init__(self):
        low, high = pair(self.sigma)
        _require(check_sigma(low) <= check_sigma(high), "sigma must have low <= high", self.sigma)

    def __call__(self, y: Tensor, generator: Generator | None = None) -> Tensor:
        check_images(y, "y")
        if not isinstance(self.sigma, (tuple, list)):
            return y + self.sigma * _randn(y, generator)
        return y + draw(self.sigma, y, generator).to(y.dtype) * _randn(y, generator)


@dataclass(frozen=True)
class Poisson:
    """Photon noise: ``z = k / peak``, ``k ~ Poisson(peak y)``; mean ``y``, variance ``y / peak``."""

    peak: float  # photons that a white pixel (1.0) collects on average, > 0: few photons, much noise

    def __post_init__(self):
        _require(0 < self.peak < float("inf"), "peak must be finite and > 0", self.peak)

    def __call__(self, y: Tensor, generator: Generator | None = None) -> Tensor:
        check_images(y, "y", clean=True)
        rate = self.peak * y.clamp(min=0).float()
        if y.device.type == "mps":  # torch.poisson has no MPS kernel: draw on the CPU, seeded by the caller's
            seed = torch.randint(2**31 - 1, (1,), generator=generator, device=y.device).item()
            rate, generator = rate.cpu(), torch.Generator().manual_seed(seed)
        return (torch.poisson(rate, generator) / self.peak).to(y)


@dataclass(frozen=True)
class PoissonGaussian:
    """A camera's sensor: photons, then read-out noise, ``z = k / peak + sigma n``; zero-mean error.

    Its variance is ``y / peak + sigma^2``. Foi et al., TIP 2008, https://doi.org/10.1109/TIP.2008.2001399
    """

    peak: float  # photons of a white pixel, > 0
    sigma: float  # read-out noise, in [0, 1]

    def __post_init__(self):
        Poisson(self.peak), Gaussian(check_sigma(self.sigma))

    def __call__(self, y: Tensor, generator: Generator | None = None) -> Tensor:
        return Poisson(self.peak)(y, generator) + self.sigma * _randn(y, generator)


@dataclass(frozen=True)
class SignalDependent:
    """The Gaussian stand-in for a sensor: ``z = y + sqrt(a y + b) n``; zero mean, variance ``a y + b``.

    Mean and variance are PoissonGaussian's if ``a = 1 / peak`` and ``b = sigma^2`` (Foi et al., TIP 2008).
    """

    a: float  # variance per unit of brightness, in [0, 1]
    b: float  # variance in the dark, in [0, 1]

    def __post_init__(self):
        check_sigma(self.a, "a"), check_sigma(self.b, "b")

    def __call__(self, y: Tensor, generator: Generator | None = None) -> Tensor:
        check_images(y, "y", clean=True)
        return y + (self.a * y.clamp(min=0) + self.b).sqrt() * _randn(y, generator)


@dataclass(frozen=True)
class Correlated:
    """Noise with structure: white noise averaged over a (2r+1) x (2r+1) box, rescaled to std ``sigma``.

    Pixels ``(dx, dy)`` apart correlate by ``(1 - |dx|/k)_+ (1 - |dy|/k)_+``, ``k = 2r + 1``: from k pixels
    on, not at all. Zero mean; the std is sigma at the border too; channels are independent.
    """

    sigma: float  # in [0, 1]
    radius: int  # r >= 0; 0 is white noise

    def __post_init__(self):
        check_sigma(self.sigma)
        _require(isinstance(self.radius, int) and self.radius >= 0, "radius must be an int >= 0", self.radius)

    def __call__(self, y: Tensor, generator: Generator | None = None) -> Tensor:
        check_images(y, "y")
        k = 2 * self.radius + 1
        # r pixels more on every side: border pixels then average as many samples as the others.
        white = _randn(y.new_empty(*y.shape[:2], y.shape[2] + k - 1, y.shape[3] + k - 1), generator)
        return y + self.sigma * k * F.avg_pool2d(white, k, stride=1)  # a mean of k^2 samples has std 1 / k


@dataclass(frozen=True)
class Bernoulli:
    """Lost pixels: ``z = m y``, ``m ~ Bernoulli(p)``, one m for all channels; mean ``p y``, *not* zero-mean.

    Noise2Noise (Lehtinen et al., ICML 2018, https://arxiv.org/abs/1803.04189) calls the probability of a
    *lost* pixel p: its p is our ``1 - p``. As there, what is kept is not rescaled.
    """

    p: float  # probability that a pixel is kept, in [0, 1]

    def __post_init__(self):
        _require(0 <= self.p <= 1, "p must be in [0, 1]", self.p)

    def __call__(self, y: Tensor, generator: Generator | None = None) -> Tensor:
        check_images(y, "y")
        return torch.where(_rand(y[:, :1], generator) < self.p, y, 0)


@dataclass(frozen=True)
class SaltAndPepper:
    """Stuck pixels: 0 or 1, each with probability ``p / 2``; mean ``(1 - p) y + p / 2``, *not* zero-mean."""

    p: float  # probability that a pixel is replaced, in [0, 1]
    per_channel: bool = False  # every channel draws for itself (coloured specks), not the pixel as a whole

    def __post_init__(self):
        _require(0 <= self.p <= 1, "p must be in [0, 1]", self.p)

    def __call__(self, y: Tensor, generator: Generator | None = None) -> Tensor:
        check_images(y, "y")
        u = _rand(y if self.per_channel else y[:, :1], generator)
        return torch.where(u < self.p, (u < self.p / 2).to(y.dtype), y)


@dataclass(frozen=True)
class Cutout:
    """Missing blocks: ``count`` squares of ``size`` x ``size`` pixels set to ``value``; *not* zero-mean.

    Every square lies wholly inside the image; squares are independent and may overlap.
    """

    size: int = 12  # pixels, from 1 to the image's shorter side
    count: int = 3  # squares per image
    value: float = 0.0  # what the camera reports there, in [0, 1]

    def __post_init__(self):
        _require(isinstance(self.size, int) and self.size >= 1, "size must be an int >= 1", self.size)
        _require(isinstance(self.count, int) and self.count >= 0, "count must be an int >= 0", self.count)
        _require(0 <= self.value <= 1, "value must be in [0, 1]", self.value)

    def __call__(self, y: Tensor, generator: Generator | None = None) -> Tensor:
        check_images(y, "y")
        _require(min(y.shape[2:]) >= self.size, f"y must be at least {self.size} x {self.size}", y.shape)

        def covered(length):  # (B, count, length) of bool: the rows, or the columns, of every square
            shape = (len(y), self.count, 1)
            first = torch.randint(length - self.size + 1, shape, generator=generator, device=y.device)
            at = torch.arange(length, device=y.device)
            return (first <= at) & (at < first + self.size)

        squares = covered(y.shape[2])[:, :, :, None] & covered(y.shape[3])[:, :, None, :]
        return torch.where(squares.any(dim=1, keepdim=True), self.value, y)


def _randn(like: Tensor, generator: Generator | None) -> Tensor:
    return torch.randn(like.shape, generator=generator, device=like.device, dtype=like.dtype)


def _rand(like: Tensor, generator: Generator | None) -> Tensor:
    # Always float32: bf16 knows 256 numbers in [0, 1), too coarse to compare with a probability.
    return torch.rand(like.shape, generator=generator, device=like.device, dtype=torch.float32)


def _require(ok: bool, what: str, got: object) -> None:
    if not ok:
        raise ValueError(f"{what}, got {got}")
