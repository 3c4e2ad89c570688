"""Deep Dream: change a picture so that a layer gets more of what it sees in it.

Mordvintsev, Olah, Tyka, "Inceptionism", 2015, https://research.google/blog/inceptionism-going-deeper-into-neural-networks/
Chapter: book/projects/deep_dream.ipynb
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional as F

from .._checks import check_images

SMALLEST = 17  # pixels; below that the deep layers of most networks have nothing left to look at


def energy(features: Tensor) -> Tensor:
    """``mean f^2``: what a layer says is made louder, and most what it says loudest. Shape: (B, C, H, W) -> scalar"""
    return features.square().mean()


def ascent(
    objective: Callable[[Tensor], Tensor], picture: Tensor, shift: tuple[int, int] = (0, 0)
) -> tuple[Tensor, Tensor]:
    """The direction in which the objective grows, seen at a shift, and the objective.

    The picture is rolled, the gradient is rolled back. A network with strides prefers some pixels to others; if it
    looks at another shift in every step, no pixel stays preferred. Divided by its mean absolute value, a gradient is of
    the same size for every layer, and a step is in grey levels.

    Shape: picture (B, C, H, W) -> direction of that shape, mean absolute value 1; scalar without gradient
    """
    x = picture.detach().roll(shift, (2, 3)).requires_grad_()
    value = objective(x)
    (gradient,) = torch.autograd.grad(value, x)
    gradient = gradient.roll((-shift[0], -shift[1]), (2, 3))
    return gradient / (gradient.abs().mean() + 1e-12), value.detach()


def colour_covariance(pictures: Iterable[Tensor]) -> Tensor:
    """How red, green and blue vary together over the pixels of some pictures, scaled to a largest eigenvalue of 1.

    A direction that is multiplied by it moves along the colours that occur: light and dark first, blue and orange some,
    green and magenta hardly.

    Shape: pictures (B, 3, H, W) each -> (3, 3)
    Raises: ``ValueError`` for what is no picture in colour, none at all, or pixels that are all the same.
    """
    pixels = []
    for picture in pictures:
        check_images(picture, "picture", channels=3, clean=True)
        pixels.append(picture.transpose(0, 1).flatten(1))
    covariance = torch.cat(pixels, 1).double().cov() if pixels else torch.zeros(3, 3)
    largest = torch.linalg.matrix_norm(covariance, 2)
    if not largest > 1e-12:
        raise ValueError(f"pictures must have at least two different pixels, got {len(pixels)} of one colour")
    return (covariance / largest).float()


@dataclass
class Dream:
    """A picture on its way.

    Attributes:
        picture: (B, C, h, w) in [0, 1], of the octave's size.
        octave: counts down; 0 is the full size.
        objective: before this step.
    """

    picture: Tensor
    octave: int
    objective: float


def octave_sizes(height: int, width: int, octaves: int = 4, scale: float = 1.4) -> list[tuple[int, int]]:
    """Sizes from the smallest octave to the full one: ``side / scale^k``, rounded, k from ``octaves - 1`` to 0.

    Octaves with a side below 17 pixels are left out. Raises: ``ValueError`` for a smaller picture, no octave, or a
    scale of at most 1.
    """
    if octaves < 1 or scale <= 1:
        raise ValueError(f"octaves must be at least 1 and scale larger than 1, got {octaves} and {scale}")
    if min(height, width) < SMALLEST:
        raise ValueError(f"picture must have sides of at least {SMALLEST} pixels, got {height} x {width}")
    sizes = [(round(height / scale**k), round(width / scale**k)) for k in reversed(range(octaves))]
    return [size for size in sizes if min(size) >= SMALLEST]


def dream(
    objective: Callable[[Tensor], Tensor],
    picture: Tensor,
    *,
    octaves: int = 4,
    scale: float = 1.4,
    steps: int = 20,
    rate: float = 0.01,
    shift: int = 32,
    colours: Tensor | None = None,
    seed: int = 0,
) -> Iterator[Dream]:
    """Climb, from a small version of the picture to its full size; yields after every step.

    What was added at one size, the detail, is enlarged and goes on with the next, so that what grew large in the small
    picture gets eyes of its own in the large one. ``*_, last = dream(...)`` is the end of it.

    Args:
        objective: picture -> scalar that should grow, such as ``lambda x: energy(network(x, "fire5")[0])``.
        octaves, scale: as in `octave_sizes`. steps: in each of them.
        rate: mean change of a pixel in a step.
        shift: each step sees the picture rolled by up to so many pixels, at random.
        colours: (3, 3), as by `colour_covariance`, that every direction is multiplied by.

    Shape: picture (B, C, H, W), float in [0, 1] -> `Dream`
    Raises: ``ValueError`` for what is no picture, or is too small.
    """
    check_images(picture, "picture", clean=True)
    sizes = octave_sizes(*picture.shape[2:], octaves, scale)
    return _steps(objective, picture, sizes, steps, rate, shift, colours, seed)


def _steps(objective, picture, sizes, steps, rate, shift, colours, seed) -> Iterator[Dream]:
    draw = torch.Generator().manual_seed(seed)
    detail = torch.zeros_like(picture)
    for octave, size in zip(reversed(range(len(sizes))), sizes, strict=True):
        base, detail = resize(picture, size), resize(detail, size)
        for _ in range(steps):
            at = torch.randint(-shift, shift + 1, (2,), generator=draw).tolist()
            direction, value = ascent(objective, base + detail, tuple(at))
            if colours is not None:
                direction = torch.einsum("ij,bjhw->bihw", colours.to(direction), direction)
                direction = direction / (direction.abs().mean() + 1e-12)
            detail = (base + detail + rate * direction).clamp(0, 1) - base
            yield Dream((base + detail).detach(), octave, value.item())


def resize(x: Tensor, size: tuple[int, int]) -> Tensor:
    """Bilinear, without aliasing where it gets smaller. Shape: (B, C, H, W) -> (B, C, *size)"""
    return F.interpolate(x, size=size, mode="bilinear", align_corners=False, antialias=True)
