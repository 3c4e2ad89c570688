"""The one network of this part: every pretext task trains it, every probe looks into it, so that results compare.

Gidaris et al., "Unsupervised Representation Learning by Predicting Image Rotations", ICLR 2018, arXiv:1803.07728
Chapter: book/pretext_tasks/rotation.ipynb
"""

from torch import Tensor, nn
from torch.nn import functional as F

from .._checks import check_images


class NIN(nn.Module):
    """Network in network: each block looks around once (5 x 5 or 3 x 3) and thinks twice (1 x 1, 1 x 1).

    Every convolution is followed by batch norm and ReLU. Blocks 1 and 2 end by halving the side, so that a 32 x 32
    picture is 16 x 16 after the first block and 8 x 8 from the second on.

    Args:
        blocks: 3, 4 or 5 in the paper; at least 1.
        width: filters of a convolution; the paper's 192. The first block narrows from ``width`` to half of it
            (192, 160, 96).
        channels: of the picture; 3 for colour.

    Attributes:
        widths: channels of each block's output.

    Shape:
        x: (B, channels, H, W), float in [0, 1] -> (B, width, H / 4, W / 4), rounded up;
        ``forward_features``: the list of all blocks' outputs.

    Raises:
        ValueError: what is no image batch, a wrong channel count, no block.

    Example:
        >>> import torch
        >>> [tuple(f.shape) for f in NIN(blocks=3, width=12).forward_features(torch.rand(2, 3, 32, 32))]
        [(2, 6, 16, 16), (2, 12, 8, 8), (2, 12, 8, 8)]
    """

    def __init__(self, blocks: int = 4, width: int = 192, channels: int = 3):
        super().__init__()
        if blocks < 1 or width < 2:
            raise ValueError(f"NIN needs at least 1 block and 2 filters, got {blocks} and {width}")
        self.channels = channels
        self.widths = [width // 2] + [width] * (blocks - 1)
        narrowing = (width, 5 * width // 6, width // 2)
        first = nn.Sequential(*conv_bn_relu(channels, 5, narrowing), nn.MaxPool2d(3, 2, padding=1))
        self.blocks = nn.ModuleList([first])
        for k, before in enumerate(self.widths[:-1]):
            layers = conv_bn_relu(before, 3 if k else 5, (width,) * 3)
            self.blocks.append(nn.Sequential(*layers) if k else nn.Sequential(*layers, nn.AvgPool2d(3, 2, padding=1)))

    def forward_features(self, x: Tensor) -> list[Tensor]:
        """The output of every block, first to last."""
        check_images(x, "x", channels=self.channels)
        outputs = [self.blocks[0]((x - 0.45) / 0.25)]
        for block in self.blocks[1:]:
            outputs.append(block(outputs[-1]))
        return outputs

    def forward(self, x: Tensor) -> Tensor:
        return self.forward_features(x)[-1]


class ResNet18(nn.Module):
    """Four stages of two residual blocks, 64 to 512 channels, with a 3 x 3 start for small pictures.

    ImageNet's version begins with a 7 x 7 convolution of stride 2 and a max-pooling, which would leave 8 x 8 cells of
    a CIFAR-10 picture before the first block. A backbone for a GPU: 40 times the work of `NIN` with 48 filters.

    Args:
        width: channels of the first stage; each later one has twice as many.
        channels: of the picture.

    Attributes:
        widths: channels of each stage's output.

    Shape: as `NIN`, four outputs: (B, width, H, W) to (B, 8 width, H / 8, W / 8)

    He et al., CVPR 2016, arXiv:1512.03385
    """

    def __init__(self, width: int = 64, channels: int = 3):
        super().__init__()
        self.channels = channels
        self.widths = [width * 2**k for k in range(4)]
        self.first = nn.Sequential(*_conv_bn(channels, width, 3), nn.ReLU(inplace=True))
        self.stages = nn.ModuleList()
        before = width
        for k, after in enumerate(self.widths):
            self.stages.append(nn.Sequential(_Residual(before, after, stride=2 if k else 1), _Residual(after, after)))
            before = after

    def forward_features(self, x: Tensor) -> list[Tensor]:
        """The output of every stage, first to last."""
        check_images(x, "x", channels=self.channels)
        outputs = [self.first((x - 0.45) / 0.25)]
        for stage in self.stages:
            outputs.append(stage(outputs[-1]))
        return outputs[1:]

    def forward(self, x: Tensor) -> Tensor:
        return self.forward_features(x)[-1]


class Classifier(nn.Module):
    """A backbone, the mean of every map of its last block, and one dense layer: for pretext answers or for classes.

    Args:
        backbone: `NIN`, `ResNet18`, or anything with ``widths`` and a volume as output.
        classes: how many answers there are.

    Shape: (B, channels, H, W) -> logits (B, classes)
    """

    def __init__(self, backbone: nn.Module, classes: int):
        super().__init__()
        self.backbone = backbone
        self.head = nn.Linear(backbone.widths[-1], classes)

    def forward(self, x: Tensor) -> Tensor:
        return self.head(self.backbone(x).mean(dim=(2, 3)))


def conv_bn_relu(before: int, size: int, filters: tuple[int, ...]) -> list[nn.Module]:
    """One convolution of ``size``, then 1 x 1 ones, each with batch norm and ReLU."""
    layers = []
    for k, after in enumerate(filters):
        layers += [*_conv_bn(before, after, 1 if k else size), nn.ReLU(inplace=True)]
        before = after
    return layers


class _Residual(nn.Module):
    """``relu(f(x) + x)`` with two convolutions; a 1 x 1 convolution takes the place of the skip where sizes differ."""

    def __init__(self, before: int, after: int, stride: int = 1):
        super().__init__()
        self.body = nn.Sequential(
            *_conv_bn(before, after, 3, stride), nn.ReLU(inplace=True), *_conv_bn(after, after, 3)
        )
        self.skip = (
            nn.Identity() if stride == 1 and before == after else nn.Sequential(*_conv_bn(before, after, 1, stride))
        )

    def forward(self, x: Tensor) -> Tensor:
        return F.relu(self.body(x) + self.skip(x))


def _conv_bn(before: int, after: int, size: int, stride: int = 1) -> list[nn.Module]:
    conv = nn.Conv2d(before, after, size, stride, padding=size // 2, bias=False)
    nn.init.kaiming_normal_(conv.weight, mode="fan_out", nonlinearity="relu")
    return [conv, nn.BatchNorm2d(after)]
