"""A descriptor whose depth can be chosen: the residual networks of 9 n + 2 layers.

He, Zhang, Ren, Sun, "Identity Mappings in Deep Residual Networks", ECCV 2016, https://arxiv.org/abs/1603.05027
Chapter: book/projects/noisy_patches.ipynb
"""

from torch import Tensor, nn
from torch.nn import functional as F

from ...metric_learning.patches.descriptors import standardised


class Bottleneck(nn.Module):
    """``x + f(x)``, f: batch norm and ReLU before each of three convolutions, 1 x 1, 3 x 3, 1 x 1."""

    def __init__(self, before: int, inside: int, after: int, stride: int = 1):
        super().__init__()
        self.change = nn.Sequential(
            nn.BatchNorm2d(before), nn.ReLU(), nn.Conv2d(before, inside, 1, stride, bias=False),
            nn.BatchNorm2d(inside), nn.ReLU(), nn.Conv2d(inside, inside, 3, padding=1, bias=False),
            nn.BatchNorm2d(inside), nn.ReLU(), nn.Conv2d(inside, after, 1, bias=False),
        )  # fmt: skip
        same = before == after and stride == 1
        self.around = nn.Identity() if same else nn.Conv2d(before, after, 1, stride)

    def forward(self, x: Tensor) -> Tensor:
        return self.around(x) + self.change(x)


class DeepDescriptor(nn.Module):
    """``e = g(x) / |g(x)|`` with ``depth = 9 n + 2`` layers: a convolution, three stages of n bottlenecks, a dense one.

    Args:
        depth: 20, 29, 38, ... (11 is the smallest). width: filters of the first layer; the paper's are 16.

    Shape: x (B, 1, 32, 32), float in [0, 1] -> (B, 128), unit length
    Raises: ``ValueError`` for another depth, and as `L2Net`.
    """

    def __init__(self, depth: int = 20, width: int = 16):
        super().__init__()
        if depth < 11 or depth % 9 != 2:
            raise ValueError(f"depth must be 9 n + 2, such as 20, 29 or 38, got {depth}")
        layers: list[nn.Module] = [nn.Conv2d(1, width, 3, padding=1)]
        before = width
        for inside, after, stride in ((width, 4 * width, 1), (4 * width, 8 * width, 2), (8 * width, 16 * width, 2)):
            for block in range((depth - 2) // 9):
                layers.append(Bottleneck(before, inside, after, 1 if block else stride))
                before = after
        layers += [nn.BatchNorm2d(before), nn.ReLU(), nn.AvgPool2d(8), nn.Flatten(), nn.Linear(before, 128)]
        self.body = nn.Sequential(*layers)

    def forward(self, x: Tensor) -> Tensor:
        return F.normalize(self.body(standardised(x)).float(), dim=1)
