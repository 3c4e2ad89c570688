"""Two small networks for CIFAR-10 whose view is measured before and after training.

Chapter: book/receptive_fields/effective_receptive_field.ipynb
"""

from torch import Tensor, nn

from .._checks import check_images


class SmallClassifier(nn.Module):
    """Ten 3 x 3 convolutions, two of them with stride 2, the mean over the last volume, and one dense layer.

    Args:
        width: filters of the first stage; the second has twice as many, the third three times.
        classes: how many.

    Shape: (B, 3, H, W), float in [0, 1] -> (B, classes); ``forward_features``: (B, 3 width, H / 4, W / 4)
    Raises: ``ValueError`` for what is no batch of colour images.
    """

    def __init__(self, width: int = 16, classes: int = 10):
        super().__init__()
        plan = [(width, 1)] * 2 + [(2 * width, 2)] + [(2 * width, 1)] * 3 + [(3 * width, 2)] + [(3 * width, 1)] * 3
        layers, channels = [], 3
        for filters, stride in plan:
            conv = nn.Conv2d(channels, filters, 3, stride, padding=1, bias=False)
            nn.init.kaiming_normal_(conv.weight, nonlinearity="relu")
            layers += [conv, nn.BatchNorm2d(filters), nn.ReLU()]
            channels = filters
        self.body = nn.Sequential(*layers)
        self.head = nn.Linear(channels, classes)

    def forward_features(self, x: Tensor) -> Tensor:
        """The last volume: each of its pixels has a receptive field."""
        check_images(x, "x", channels=3)
        return self.body((x - 0.45) / 0.25)

    def forward(self, x: Tensor) -> Tensor:
        return self.head(self.forward_features(x).mean(dim=(2, 3)))


class ResidualClassifier(nn.Module):
    """One convolution, residual blocks ``x <- relu(x + f(x))`` of two each, all at full size; the mean, a dense layer.

    At first, most of the gradient takes the skips: it can see ``4 blocks + 3`` pixels, and looks at few of them.

    Args:
        blocks: how many; the 17 of Luo et al. (NeurIPS 2016).
        width: filters.
        classes: how many.

    Shape: (B, 3, H, W), float in [0, 1] -> (B, classes); ``forward_features``: (B, width, H, W)
    Raises: ``ValueError`` for what is no batch of colour images.
    """

    def __init__(self, blocks: int = 17, width: int = 16, classes: int = 10):
        super().__init__()
        self.first = nn.Conv2d(3, width, 3, padding=1)
        self.blocks = nn.ModuleList(_block(width) for _ in range(blocks))
        self.head = nn.Linear(width, classes)

    def forward_features(self, x: Tensor) -> Tensor:
        """The last volume: each of its pixels has a receptive field."""
        check_images(x, "x", channels=3)
        x = self.first((x - 0.45) / 0.25)
        for block in self.blocks:
            x = (x + block(x)).relu()
        return x

    def forward(self, x: Tensor) -> Tensor:
        return self.head(self.forward_features(x).mean(dim=(2, 3)))


def _block(width: int) -> nn.Sequential:
    layers = []
    for _ in range(2):
        conv = nn.Conv2d(width, width, 3, padding=1, bias=False)
        nn.init.kaiming_normal_(conv.weight, nonlinearity="relu")
        layers += [conv, nn.BatchNorm2d(width), nn.ReLU()]
    return nn.Sequential(*layers[:-1])  # the sum comes before the second ReLU
