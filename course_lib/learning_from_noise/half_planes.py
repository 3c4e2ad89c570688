"""A blind spot of four half planes: above, left, below and right of the pixel, and never the pixel.

Laine, Karras, Lehtinen, Aila, "High-Quality Self-Supervised Deep Image Denoising", NeurIPS 2019,
https://arxiv.org/abs/1901.10277
Chapter: book/learning_from_noise/blind_spot_networks.ipynb
"""

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from .blind_spot import BlindSpotNetwork, initialise, leaky


class HalfPlaneConv2d(nn.Conv2d):
    """A convolution that sees its own row and the rows above: an ordinary one, moved up by half its kernel.

    ``y[i, j] = b + sum_{0 <= u < k, |v| <= k // 2} w[u, v] x[i - u, j + v]``

    Args:
        inputs, outputs: channels. kernel: side of the kernel, odd.

    Shape: (B, inputs, H, W) -> (B, outputs, H, W); beyond the border there are zeros.
    Raises: ``ValueError`` for an even kernel.
    """

    def __init__(self, inputs: int, outputs: int, kernel: int = 3):
        if kernel % 2 == 0:
            raise ValueError(f"kernel must be odd, so that it has a middle column, got {kernel}")
        super().__init__(inputs, outputs, kernel)

    def forward(self, x: Tensor) -> Tensor:
        k = self.kernel_size[0]
        return super().forward(F.pad(x, (k // 2, k // 2, k - 1, 0)))


class HalfPlaneUNet(nn.Module):
    """A U-Net of which every output sees its own row and those above, never one below.

    Halving the size would look down: a pixel of 2 x 2 would be handed back to its own upper row. So the picture goes
    down by one row before each pooling.

    Args:
        channels: of the picture. width: filters of every layer. levels: how often the size is halved.

    Shape: (B, channels, H, W), sides multiples of ``2 ** levels`` -> (B, width, H, W)
    """

    def __init__(self, channels: int, width: int, levels: int):
        super().__init__()
        self.first = HalfPlaneConv2d(channels, width)
        self.down = nn.ModuleList(HalfPlaneConv2d(width, width) for _ in range(levels + 1))
        self.up = nn.ModuleList(
            nn.ModuleList([HalfPlaneConv2d(2 * width, width), HalfPlaneConv2d(width, width)]) for _ in range(levels)
        )

    def forward(self, x: Tensor) -> Tensor:
        x = leaky(self.down[0](leaky(self.first(x))))
        skips = []
        for conv in self.down[1:]:
            skips.append(x)
            x = leaky(conv(F.max_pool2d(F.pad(x, (0, 0, 1, -1)), 2)))
        for merge, conv in self.up:
            x = torch.cat([F.interpolate(x, scale_factor=2.0), skips.pop()], dim=1)
            x = leaky(conv(leaky(merge(x))))
        return x


class HalfPlaneNetwork(BlindSpotNetwork):
    """Four half planes: what lies above, left, below and right of a pixel, and never the pixel.

    One `HalfPlaneUNet` looks at the picture in four orientations. Each result is moved down by one more row, so that it
    sees the rows *above*; turned back, the four see everything but the pixel together, and 1 x 1 convolutions, which
    mix no pixels, merge them.

    Args:
        channels: 1 for grey pictures, 3 for colour.
        width: filters; the paper's 48 (twice as many on its way up).
        levels: how often the size is halved; the paper's 5.
        blind: False leaves out the last move, so that the pixel is seen: the twin that is trained with clean targets.

    Shape, errors: as `BlindSpotNetwork`. Raises also ``ValueError`` for ``levels < 0``.

    Example:
        >>> HalfPlaneNetwork(width=4, levels=1)(torch.zeros(1, 1, 5, 7)).shape
        torch.Size([1, 1, 5, 7])
    """

    def __init__(self, channels: int = 1, width: int = 48, levels: int = 5, blind: bool = True):
        if levels < 0:
            raise ValueError(f"levels must be at least 0, got {levels}")
        super().__init__(channels, 2 * width)
        self.levels, self.blind = levels, blind
        self.unet = HalfPlaneUNet(channels, width, levels)
        self.merge = nn.Conv2d(4 * width, 2 * width, 1)
        initialise(self)

    def features(self, z: Tensor) -> Tensor:
        directions = []
        for axis in (0, 1):  # upright and upside down, then the two on their sides: a batch for each shape
            both = torch.cat([z.rot90(turns, (2, 3)) for turns in (axis, axis + 2)])
            seen = self._above(both).chunk(2)
            directions += [x.rot90(-turns, (2, 3)) for x, turns in zip(seen, (axis, axis + 2), strict=True)]
        return leaky(self.merge(torch.cat(directions, dim=1)))

    def _above(self, x: Tensor) -> Tensor:
        height, width = x.shape[2:]
        unit = 2**self.levels
        # Zeros, below and on the right *after* the turn. A border that repeats the picture would hand the last row to
        # the orientation for which it is the row above.
        x = self.unet(F.pad(x, (0, -width % unit, 0, -height % unit)))[..., :height, :width]
        return F.pad(x, (0, 0, 1, -1)) if self.blind else x
