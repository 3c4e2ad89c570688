"""Light where there is none: specks whose mean, median and mode are three different numbers.

Chapter: book/learning_from_noise/noise2noise.ipynb
"""

import math
from dataclasses import dataclass

import torch
from torch import Generator, Tensor

from .._checks import check_images


@dataclass(frozen=True)
class Specks:
    """Cosmic rays, hot pixels, glitter: ``z = y + b e``, ``b ~ Bernoulli(p)``, ``e ~ Exp(scale)``; *not* zero-mean.

    Most of the time a pixel is right; else it is too bright, rarely much too bright. So a pixel's average, its middle
    value and its most frequent one differ: `mean`, `median`, `mode`. All channels of a pixel get the same.

    Shape: y (B, C, H, W), in [0, 1] -> z, same shape, dtype and device; not clipped.
    Raises: ``ValueError`` for parameters out of range, and for what is not an image in [0, 1].
    """

    p: float = 0.7  # probability of a speck, in [0, 1)
    scale: float = 0.3  # its mean brightness, in (0, 1]

    def __post_init__(self):
        if not (0 <= self.p < 1 and 0 < self.scale <= 1):
            raise ValueError(f"p must be in [0, 1) and scale in (0, 1], got {self.p} and {self.scale}")

    def __call__(self, y: Tensor, generator: Generator | None = None) -> Tensor:
        check_images(y, "y")
        # one draw decides both: below 1 - p nothing, beyond it the exponential's quantile of what remains
        u = torch.rand(y[:, :1].shape, generator=generator, device=y.device, dtype=torch.float32)
        rest = ((1 - u) / self.p).clamp(min=2**-24) if self.p else torch.ones_like(u)
        return y + (-self.scale * rest.log()).clamp(min=0).to(y.dtype)

    @property
    def mean(self) -> float:
        """``p scale``: what is added on average."""
        return self.p * self.scale

    @property
    def median(self) -> float:
        """``scale log(2 p)``, or 0 where fewer than half of the pixels have a speck."""
        return self.scale * math.log(2 * self.p) if self.p > 0.5 else 0.0

    @property
    def mode(self) -> float:
        """0: no other value occurs twice."""
        return 0.0
