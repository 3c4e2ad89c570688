"""Observation models one after the other, and the seven combinations that the autoencoders learn to undo.

Chapter: book/denoising/autoencoders.ipynb
"""

from collections.abc import Callable
from dataclasses import dataclass
from itertools import combinations

from torch import Generator, Tensor

from .noise import Cutout, Gaussian, SaltAndPepper


@dataclass(frozen=True)
class Chain:
    """Observation models one after the other: ``z = last(...first(y))``, drawing from one generator.

    Shape: y (B, C, H, W), float in [0, 1] -> z, the same shape. Raises: what its models raise.

    >>> import torch
    >>> Chain(Cutout(size=2, count=1, value=1.0), Cutout(size=4, count=1))(torch.ones(1, 1, 4, 4)).sum().item()
    0.0
    """

    models: tuple[Callable[..., Tensor], ...]

    def __init__(self, *models: Callable[..., Tensor]):
        object.__setattr__(self, "models", models)

    def __call__(self, y: Tensor, generator: Generator | None = None) -> Tensor:
        for model in self.models:
            y = model(y, generator)
        return y


def perturbations(sigma: float = 25 / 255, p: float = 0.1) -> dict[str, Chain]:
    """The seven combinations of Gaussian noise, salt and pepper in each channel, and three black 12x12 squares.

    By name, such as ``"gaussian + cutout"``; the last has all three. Whatever is in a square is gone, so squares
    come last. The report does not state its noise levels: these are ours.

    Args:
        sigma: of the Gaussian noise, in [0, 1].
        p: probability that a value becomes 0 or 1.

    >>> list(perturbations())[3:]
    ['gaussian + salt and pepper', 'gaussian + cutout', 'salt and pepper + cutout', 'all three']
    """
    single = {
        "gaussian": Gaussian(sigma),
        "salt and pepper": SaltAndPepper(p, per_channel=True),
        "cutout": Cutout(size=12, count=3),
    }
    chosen = [names for count in (1, 2, 3) for names in combinations(single, count)]
    return {
        "all three" if len(names) == 3 else " + ".join(names): Chain(*(single[name] for name in names))
        for names in chosen
    }
