"""The effective receptive field: how much each input pixel really matters to an output pixel.

Luo et al., "Understanding the Effective Receptive Field in Deep Convolutional Neural Networks", NeurIPS 2016,
https://arxiv.org/abs/1701.04128
Chapter: book/receptive_fields/effective_receptive_field.ipynb
"""

import math
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from .._checks import check_images
from ..features import evaluating
from ..wiring import geometry

TWO_SIGMA = 1 - 0.9545  # what a Gaussian has fallen to at the edge of the area that the paper counts


@dataclass(frozen=True)
class EffectiveReceptiveField:
    """Mean absolute gradient of one output pixel with respect to every input pixel, and what can be read off it.

    Attributes:
        map: (H, W), non-negative, with a sum of 1.
        at: row and column of the output pixel in the input's coordinates: the middle of its theoretical field, averaged
            over a period of the network and as if no border cut it off. For a network without one (global pooling,
            dense layers), the middle of an equal share of the image.
    """

    map: Tensor
    at: tuple[float, float]

    @property
    def radius(self) -> float:
        """Standard deviation along an axis, in pixels: ``sqrt(sum p (di^2 + dj^2) / 2)``; that of a Gaussian's fit."""
        rows = torch.arange(self.map.shape[0]) - self.at[0]
        columns = torch.arange(self.map.shape[1]) - self.at[1]
        variance = (self.map * (rows[:, None].square() + columns.square()) / 2).sum()
        return variance.sqrt().item()

    @property
    def area(self) -> int:
        """Number of pixels that matter more than 4.55 % of what the strongest does (two sigma, the paper's count)."""
        return int((self.map > TWO_SIGMA * self.map.max()).sum())

    @property
    def side(self) -> float:
        """``sqrt(area)``, the size of the paper's figures: comparable with the side of the theoretical field."""
        return math.sqrt(self.area)

    @property
    def gaussian(self) -> Tensor:
        """The isotropic Gaussian of the same centre and radius, with a sum of 1: (H, W)."""
        rows = torch.arange(self.map.shape[0]) - self.at[0]
        columns = torch.arange(self.map.shape[1]) - self.at[1]
        density = torch.exp(-(rows[:, None].square() + columns.square()) / (2 * max(self.radius, 1e-6) ** 2))
        return density / density.sum()


@torch.inference_mode(False)  # gradients are needed, also in a cell that switched them off
def effective_receptive_field(
    model: nn.Module | Callable[[int], nn.Module],
    inputs: Tensor,
    *,
    forward: Callable[[nn.Module, Tensor], Tensor] | None = None,
    at: tuple[int, int] | None = None,
    initialisations: int = 1,
) -> EffectiveReceptiveField:
    """``mean |d y[at] / d x[i, j]|`` over channels, inputs and initialisations, in evaluation mode.

    A gradient of 1 is put on the output pixel ``at`` (all its channels) of every image of the batch and sent back
    once: one backward pass for the whole batch.

    Args:
        model: a network; or a function of a seed that builds one, to average over ``initialisations``.
        inputs: what the network looks at; a network without activations does not care.
        forward: ``(model, inputs) -> volume`` to look at, if it is not ``model(inputs)``.
        at: row and column in the output; its centre by default.

    Shape: inputs (B, C, H, W) -> a map (H, W)
    Raises: ``ValueError`` if ``inputs`` is no image batch, ``at`` lies outside of the output, the gradient is zero
        everywhere, ``initialisations < 1``, or several are asked of a network that has only one.
    """
    check_images(inputs, "inputs")
    if initialisations < 1:
        raise ValueError(f"initialisations must be at least 1, got {initialisations}")
    if initialisations > 1 and isinstance(model, nn.Module):
        raise ValueError("to average over initialisations, model must be a function that builds one from a seed")
    total = torch.zeros(inputs.shape[-2:], dtype=torch.float64)
    for seed in range(initialisations):
        network = (model if isinstance(model, nn.Module) else model(seed)).to(inputs.device)
        with evaluating(network):
            x = inputs.detach().clone().requires_grad_()
            y = network(x) if forward is None else forward(network, x)
            row, column = at or (y.shape[-2] // 2, y.shape[-1] // 2)
            if not (0 <= row < y.shape[-2] and 0 <= column < y.shape[-1]):
                raise ValueError(f"at must lie in the output of {tuple(y.shape[-2:])} pixels, got {(row, column)}")
            (gradient,) = torch.autograd.grad(y[..., row, column].sum(), x)
        weight = gradient.abs().mean(dim=(0, 1)).cpu().double()  # in this order: Apple's GPUs have no double
        if not 0 < (strength := weight.sum().item()) < math.inf:
            raise ValueError(f"the gradient at {(row, column)} is {strength}: nothing to look at")
        total += weight / strength  # a network with large gradients counts no more than another
    return EffectiveReceptiveField((total / initialisations).float(), _centre(network, x, y, forward, (row, column)))


def _centre(network, x: Tensor, y: Tensor, forward, at: tuple[int, int]) -> tuple[float, float]:
    """The middle of the theoretical field, as if no border cut it off."""
    try:
        return geometry(network, x[:1].detach(), forward).centre(at)
    except (ValueError, RuntimeError):
        # No wires lead through it. The middle of output pixel i is that of an equal share of the image.
        stride = [n / m for n, m in zip(x.shape[-2:], y.shape[-2:], strict=True)]
        return tuple((i + 0.5) * s - 0.5 for i, s in zip(at, stride, strict=True))
