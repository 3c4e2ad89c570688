"""Blind spots by architecture: networks whose output at a pixel cannot depend on that pixel.

Here what they have in common, and the one that masks a centre and then dilates; `half_planes` has the other.

Wu, Liu, Cao, Ren, Zuo, "Unpaired Learning of Deep Image Denoising", ECCV 2020, https://arxiv.org/abs/2008.13711
Chapter: book/learning_from_noise/blind_spot_networks.ipynb
"""

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from .._checks import check_images


class BlindSpotNetwork(nn.Module):
    """What both architectures share: features that are blind, then a mean and a variance for every pixel.

    ``p(z_i | all pixels but i) = N(mean_i, variance_i)``. The variance is that of the *noisy* pixel: what the
    surroundings leave open about the clean one, and its noise on top. `posterior` takes the two apart.

    Shape: z (B, channels, H, W), in [0, 1] plus noise, any size -> the mean, the same shape.
    Raises: ``ValueError`` for what is no image batch or has another number of channels.
    """

    def __init__(self, channels: int, features: int):
        super().__init__()
        self.channels = channels
        self.head = nn.Sequential(
            nn.Conv2d(features, features // 2, 1), nn.LeakyReLU(0.1), nn.Conv2d(features // 2, 2 * channels, 1)
        )

    def features(self, z: Tensor) -> Tensor:
        """(B, C, H, W) -> (B, F, H, W)."""
        raise NotImplementedError

    def prior(self, z: Tensor) -> tuple[Tensor, Tensor]:
        """Mean and variance of every noisy pixel given all others, each of the shape of ``z``, in float32 at least."""
        check_images(z, "z", channels=self.channels)
        out = self.head(self.features(z))
        out = out.float() if out.dtype in (torch.float16, torch.bfloat16) else out
        mean, log_variance = out.chunk(2, dim=1)
        return mean, (log_variance - 4).exp()  # training begins at a standard deviation of e^-2, 35 grey levels

    def forward(self, z: Tensor) -> Tensor:
        return self.prior(z)[0]


class CentreMaskedConv2d(nn.Conv2d):
    """A convolution without the middle of its kernel.

    Args:
        inputs, outputs: channels. kernel: side of the kernel, odd.

    Shape: (B, inputs, H, W) -> (B, outputs, H, W); beyond the border there are zeros.
    Raises: ``ValueError`` for an even kernel.
    """

    def __init__(self, inputs: int, outputs: int, kernel: int):
        if kernel % 2 == 0:
            raise ValueError(f"kernel must be odd, so that it has a centre, got {kernel}")
        super().__init__(inputs, outputs, kernel, padding=kernel // 2)
        mask = torch.ones(1, 1, kernel, kernel)
        mask[..., kernel // 2, kernel // 2] = 0
        self.register_buffer("mask", mask, persistent=False)

    def forward(self, x: Tensor) -> Tensor:
        return self._conv_forward(x, self.weight * self.mask, self.bias)


class DilatedNetwork(BlindSpotNetwork):
    """Look around the pixel once, then take steps too long to come back to it.

    A branch with step s begins with a kernel of 2s - 1 pixels a side without its centre; all that follows is dilated
    by s. From p, dilated kernels lead to ``p + s k``, and the first kernel from there to ``p + s k + o`` with o smaller
    than s in both directions. That is p only for ``o = 0``, which is masked, *whatever the depth*. For the same
    reason no other pixel of p's own lattice ``p + s Z^2`` is seen: a quarter is lost to a step of 2, a ninth to a step
    of 3. So there are two branches.

    Args:
        channels: 1 for grey pictures, 3 for colour.
        width: filters; the paper's 128 (a branch).
        blocks: dilated convolutions in each branch; the paper's 9.
        steps: the step of each branch.
        blind: False gives the first kernels their centres back: the twin that is trained with clean targets.

    Shape, errors: as `BlindSpotNetwork`. Raises also ``ValueError`` for a step below 2, whose kernel would be empty.

    Example:
        >>> DilatedNetwork(width=4, blocks=2)(torch.zeros(1, 1, 5, 7)).shape
        torch.Size([1, 1, 5, 7])
    """

    def __init__(
        self,
        channels: int = 1,
        width: int = 128,
        blocks: int = 9,
        steps: tuple[int, ...] = (2, 3),
        blind: bool = True,
    ):
        if min(steps) < 2:
            raise ValueError(f"steps must be at least 2, got {steps}")
        super().__init__(channels, width)
        self.branches = nn.ModuleList(_branch(channels, width, blocks, step, blind) for step in steps)
        self.merge = nn.Conv2d(len(steps) * width, width, 1)
        initialise(self)

    def features(self, z: Tensor) -> Tensor:
        return leaky(self.merge(torch.cat([branch(z) for branch in self.branches], dim=1)))


class _DilatedBlock(nn.Module):
    """``x + W relu(K x)``: K a 3 x 3 convolution dilated by the branch's step, W 1 x 1."""

    def __init__(self, width: int, step: int):
        super().__init__()
        self.dilated = nn.Conv2d(width, width, 3, padding=step, dilation=step)
        self.mix = nn.Conv2d(width, width, 1)

    def forward(self, x: Tensor) -> Tensor:
        return x + self.mix(leaky(self.dilated(x)))


def _branch(channels: int, width: int, blocks: int, step: int, blind: bool) -> nn.Sequential:
    kernel = 2 * step - 1
    first = (
        CentreMaskedConv2d(channels, width, kernel)
        if blind
        else nn.Conv2d(channels, width, kernel, padding=kernel // 2)
    )
    return nn.Sequential(first, nn.LeakyReLU(0.1), *(_DilatedBlock(width, step) for _ in range(blocks)))


def leaky(x: Tensor) -> Tensor:
    """ReLU with a slope of 0.1 below zero."""
    return F.leaky_relu(x, 0.1)


def initialise(network: nn.Module) -> None:
    """Kaiming's normal init; what ends a block or the network begins small, so that depth costs nothing at first."""
    for module in network.modules():
        if isinstance(module, nn.Conv2d):
            nn.init.kaiming_normal_(module.weight, 0.1, nonlinearity="leaky_relu")
            nn.init.zeros_(module.bias)
        if isinstance(module, _DilatedBlock):
            nn.init.zeros_(module.mix.weight)
    nn.init.zeros_(network.head[-1].weight)
    nn.init.constant_(network.head[-1].bias[: network.channels], 0.5)
