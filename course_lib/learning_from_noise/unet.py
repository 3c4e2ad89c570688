"""The U-Net of Noise2Noise: down by pooling, up by repeating pixels, and at every scale what was seen on the way down.

Lehtinen et al., "Noise2Noise: Learning Image Restoration without Clean Data", ICML 2018,
https://arxiv.org/abs/1803.04189
Chapter: book/learning_from_noise/noise2noise.ipynb
"""

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from .._checks import check_images


class UNet(nn.Module):
    """``y_hat = last(up_1(... up_d(down_d(... down_1(z)))))``, each ``up_k`` beside what entered ``down_k``.

    ``down_1`` has two 3x3 convolutions, the others one, each with a ReLU, and ends with a 2x2 max-pooling; one more
    convolution lies at the bottom. ``up_k`` repeats every pixel four times (nearest neighbour), appends what entered
    ``down_k`` (for the last one the picture itself) and has two convolutions. There is no batch norm: a statistic over
    the batch would mix the noise of pictures.

    A side that is no multiple of ``2^depth`` is halved upwards, and the surplus row or column is cut off on the way up,
    so any size goes through.

    Args:
        depth: number of poolings; an output pixel sees some ``2^(depth + 3)`` pixels a side. The paper's is 5.
        width: filters on the way down (48), twice as many on the way up; 4/3 and 2/3 as many before the output.
        channels: 1 for grey images, 3 for colour.

    Shape:
        z: (B, channels, H, W), float in [0, 1] plus noise -> the same shape

    Raises:
        ValueError: ``depth < 1`` or ``width < 3``, a wrong rank, dtype or channel count, NaN, or grey levels of 255.

    Example:
        >>> UNet(depth=2, width=8)(torch.zeros(1, 1, 5, 7)).shape
        torch.Size([1, 1, 5, 7])
    """

    def __init__(self, depth: int = 5, width: int = 48, channels: int = 1):
        super().__init__()
        if depth < 1 or width < 3:
            raise ValueError(f"depth must be at least 1 and width at least 3, got {depth} and {width}")
        self.channels = channels
        wide, narrow = 4 * width // 3, 2 * width // 3
        self.down = nn.ModuleList([convolutions(channels, width, width)])
        self.down.extend(convolutions(width, width) for _ in range(depth - 1))
        self.bottom = convolutions(width, width)
        self.up = nn.ModuleList()
        below = width
        for _ in range(depth - 1):
            self.up.append(convolutions(below + width, 2 * width, 2 * width))
            below = 2 * width
        self.up.append(convolutions(below + channels, wide, narrow))
        self.last = nn.Conv2d(narrow, channels, 3, padding=1)
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """He's normal init, as in the paper; the biases are zero."""
        for layer in self.modules():
            if isinstance(layer, nn.Conv2d):
                nn.init.kaiming_normal_(layer.weight, nonlinearity="linear" if layer is self.last else "relu")
                nn.init.zeros_(layer.bias)

    def forward_features(self, z: Tensor) -> list[Tensor]:
        """The output of every scale, first downwards, then upwards; the last one has 2/3 ``width`` channels."""
        check_images(z, "z", channels=self.channels)
        features, entered = [], []
        x = z
        for block in self.down:
            entered.append(x)
            x = F.max_pool2d(block(x), 2, ceil_mode=True)
            features.append(x)
        x = self.bottom(x)
        features.append(x)
        for block, beside in zip(self.up, reversed(entered), strict=True):
            x = F.interpolate(x, scale_factor=2)[:, :, : beside.shape[2], : beside.shape[3]]
            x = block(torch.cat([x, beside], 1))
            features.append(x)
        return features

    def forward(self, z: Tensor) -> Tensor:
        return self.last(self.forward_features(z)[-1])


def convolutions(*channels: int) -> nn.Sequential:
    """3x3 convolutions from ``channels[0]`` to the last, each with a bias and a ReLU."""
    layers = []
    for before, after in zip(channels[:-1], channels[1:], strict=True):
        layers += [nn.Conv2d(before, after, 3, padding=1), nn.ReLU(inplace=True)]
    return nn.Sequential(*layers)
