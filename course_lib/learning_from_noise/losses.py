"""What a network learns from noisy targets: the mean, the median or the mode, by the exponent of the loss.

Lehtinen et al., "Noise2Noise", ICML 2018, https://arxiv.org/abs/1803.04189
Chapter: book/learning_from_noise/noise2noise.ipynb
"""

import torch
from torch import Tensor, nn

from .._checks import check_same_shape

EPSILON = 1e-8  # the paper's: keeps the power's gradient finite where estimate and target agree


def l2_loss(y_hat: Tensor, y: Tensor) -> Tensor:
    """``mean (y_hat - y)^2``: smallest at the mean of the targets.

    Shape: two tensors of one shape -> scalar, float32. Raises: ``ValueError`` if the shapes differ.
    """
    check_same_shape(y_hat, y, "y_hat and y")
    return (y_hat.float() - y.float()).square().mean()


def l1_loss(y_hat: Tensor, y: Tensor) -> Tensor:
    """``mean |y_hat - y|``: smallest at the median of the targets.

    Shape: two tensors of one shape -> scalar, float32. Raises: ``ValueError`` if the shapes differ.
    """
    check_same_shape(y_hat, y, "y_hat and y")
    return (y_hat.float() - y.float()).abs().mean()


def known_pixels_loss(y_hat: Tensor, y: Tensor) -> Tensor:
    """``sum m (y_hat - y)^2 / sum m``, ``m = (y != 0)``: L2 over the pixels that the target has not lost.

    For `observation.Bernoulli`, whose lost pixels are exactly 0: their mean is not the picture's, so they do not count.

    Shape: two tensors of one shape -> scalar, float32. Raises: ``ValueError`` if the shapes differ.
    """
    check_same_shape(y_hat, y, "y_hat and y")
    known = y != 0
    return ((y_hat.float() - y.float()).square() * known).sum() / known.sum().clamp(min=1)


def l0_loss(y_hat: Tensor, y: Tensor, gamma: float | Tensor) -> Tensor:
    """``mean (|y_hat - y| + 1e-8)^gamma``: smallest at the mode of the targets as ``gamma`` goes to 0.

    At 0 it counts the pixels that are not hit and has no gradient, so training begins at 2, the L2 loss, and lowers
    gamma step by step (`Annealed`).

    Args:
        gamma: from 2 to 0; a tensor stays on its device.

    Shape: two tensors of one shape -> scalar, float32. Raises: ``ValueError`` if the shapes differ.
    """
    check_same_shape(y_hat, y, "y_hat and y")
    return ((y_hat.float() - y.float()).abs() + EPSILON).pow(gamma).mean()


class Annealed(nn.Module):
    """A network that counts its training steps: ``gamma = 2 (1 - step / steps)``, from 2 down to 0.

    The count is a part of the network's state, so training that was interrupted goes on with the right gamma. In
    evaluation it is the network, and nothing is counted.

    Args:
        network: any.
        steps: updates until gamma is 0.

    Shape: as the network.
    Raises: ``ValueError`` for ``steps < 1``.

    Example:
        >>> model = Annealed(nn.Identity(), steps=4)
        >>> for _ in range(3):
        ...     _ = model(torch.zeros(1))
        >>> model.gamma.item()
        1.0
    """

    def __init__(self, network: nn.Module, steps: int):
        super().__init__()
        if steps < 1:
            raise ValueError(f"steps must be at least 1, got {steps}")
        self.network, self.steps = network, steps
        self.register_buffer("forwards", torch.zeros((), dtype=torch.int64))

    @property
    def gamma(self) -> Tensor:
        """The exponent of the step whose forward pass came last: a scalar on the network's device."""
        return 2 * (1 - (self.forwards - 1).clamp(min=0) / self.steps)

    def forward(self, z: Tensor) -> Tensor:
        if self.training:
            self.forwards += 1
        return self.network(z)
