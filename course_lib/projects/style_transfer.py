"""Neural style transfer: what is in one picture, painted like another.

Gatys, Ecker, Bethge, "Image Style Transfer Using Convolutional Neural Networks", CVPR 2016,
https://doi.org/10.1109/CVPR.2016.265
Chapter: book/projects/style_transfer.ipynb
"""

from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import Tensor

from .._checks import check_images, check_same_shape
from .named_layers import NamedLayers

TINY = 1e-12  # a layer that says nothing at all of a picture


def gram(features: Tensor) -> Tensor:
    """``G[i, j] = mean over all positions of f_i f_j``: which channels fire together, and no longer where.

    Shape: (B, C, H, W) -> (B, C, C)
    """
    f = features.flatten(2)
    return f @ f.transpose(1, 2) / f.shape[2]


def relative_error(x: Tensor, target: Tensor) -> Tensor:
    """``|x - target|^2 / |target|^2``: 0 if they are equal, 1 if x is zero, whatever the unit of a layer.

    Shape: two tensors of one shape -> scalar
    Raises: ``ValueError`` for two different shapes.
    """
    check_same_shape(x, target, "x and target")
    return (x - target).square().sum() / target.square().sum().clamp(min=TINY)


def total_variation(x: Tensor) -> Tensor:
    """The mean squared step from a pixel to the one below, plus that to the one on its right.

    Shape: (B, C, H, W), sides of at least 2 -> scalar
    """
    return x.diff(dim=2).square().mean() + x.diff(dim=3).square().mean()


@dataclass
class Painting:
    """A picture on its way.

    Attributes:
        picture: (1, 3, H, W) in [0, 1].
        content: relative error of its content layer.
        style: mean relative error of its style layers' Gram matrices.
        tried: (content, style) of every evaluation so far, also of those that a line search tried and left.
    """

    picture: Tensor
    content: float
    style: float
    tried: list[tuple[float, float]]


def paint(
    network: NamedLayers,
    content: Tensor,
    style: Tensor,
    ratio: tuple[float, float] = (1, 100),
    *,
    evaluations: int = 200,
    noise: bool = False,
    optimizer: str = "lbfgs",
    rate: float = 0.02,
    smoothness: float = 0.02,
    seed: int = 0,
) -> Iterator[Painting]:
    """Change the pixels until the loss is small; yields after every few evaluations, so that one can watch and stop.

    The loss is ``a content + b style + smoothness total_variation``, where a : b is ``ratio`` and a + b = 1. Both
    errors are relative, so that a ratio means the same for every network. ``*_, last = paint(...)`` is the end of it.

    Args:
        content: what should be in the picture. style: how it should be painted; may have another size.
        evaluations: of the loss and its gradient, at least; L-BFGS ends at the first line search after them.
        noise: start from noise; by default from ``content``.
        optimizer: ``lbfgs``, which searches along each direction for how far to go, or ``adam``. rate: Adam's.
        smoothness: weight of the total variation.

    Shape: content (1, 3, H, W), style (1, 3, h, w), in [0, 1] -> `Painting` of content's size
    Raises: ``ValueError`` for what is no single picture in colour, weights that are negative or both 0, another
        optimizer.
    """
    for name, picture in (("content", content), ("style", style)):
        check_images(picture, name, channels=3, clean=True)
        if len(picture) != 1:
            raise ValueError(f"{name} must be a single picture (1, 3, H, W), got {len(picture)}")
    if min(ratio) < 0 or not sum(ratio) > 0:
        raise ValueError(f"ratio must be two weights of at least 0 and not both 0, got {ratio}")
    if optimizer not in ("lbfgs", "adam"):
        raise ValueError(f"optimizer must be lbfgs or adam, got {optimizer!r}")
    return _steps(network, content, style, ratio, evaluations, noise, optimizer, rate, smoothness, seed)


def _steps(network, content, style, ratio, evaluations, noise, optimizer, rate, smoothness, seed) -> Iterator[Painting]:
    with torch.no_grad():
        (target,) = network(content, network.content)
        grams = [gram(f) for f in network(style, *network.style)]
    a, b = (weight / sum(ratio) for weight in ratio)
    x = content.clone()
    if noise:  # grey, and never near the ends of the range
        draw = torch.Generator().manual_seed(seed)
        x = 0.4 + 0.2 * torch.rand(content.shape, generator=draw, dtype=torch.float32).to(content)
    x = x.contiguous().requires_grad_()  # L-BFGS takes a view
    tried: list[tuple[float, float]] = []

    def errors() -> tuple[Tensor, Tensor]:
        f, *styles = network(x, network.content, *network.style)
        each = [relative_error(gram(s), g) for s, g in zip(styles, grams, strict=True)]
        return relative_error(f, target), sum(each) / len(each)

    def loss() -> Tensor:
        x.grad = None
        content_error, style_error = errors()
        value = a * content_error + b * style_error + smoothness * total_variation(x)
        value.backward()
        tried.append((content_error.item(), style_error.item()))
        return value

    steps = _optimizer(optimizer, x, rate)
    while len(tried) < evaluations:
        before = x.detach().clone()
        steps.step(loss)
        with torch.no_grad():
            if not x.isfinite().all():
                # the memory of L-BFGS does not know of the clamping and may send it to infinity: go back, forget it
                x.copy_(before)
                steps = _optimizer(optimizer, x, rate)
            # only between two calls: inside of one, the line search must see the function that it descends
            x.clamp_(0, 1)
            now = [error.item() for error in errors()]
        yield Painting(x.detach().clone(), *now, tried)


def _optimizer(name: str, x: Tensor, rate: float) -> torch.optim.Optimizer:
    if name == "adam":
        return torch.optim.Adam([x], lr=rate)
    # tolerances of 0: it is stopped by the number of evaluations alone
    return torch.optim.LBFGS(
        [x], max_iter=10, history_size=20, tolerance_grad=0, tolerance_change=0, line_search_fn="strong_wolfe"
    )
