"""DnCNN: predict the noise, subtract it.

Zhang et al., "Beyond a Gaussian Denoiser: Residual Learning of Deep CNN for Image Denoising",
IEEE TIP 2017, https://doi.org/10.1109/TIP.2017.2662206
Chapter: book/denoising/dncnn.ipynb
"""

from torch import Tensor, nn

from .._checks import check_images, check_same_shape


class DnCNN(nn.Module):
    """Residual denoiser: ``y_hat = z - f(z)``.

    A stack of ``depth`` 3x3 convolutions; all but the first and the last are followed by batch norm. Zero
    padding keeps the size, so any image goes through, and an output pixel sees ``2 * depth + 1`` pixels a side.

    Args:
        depth: number of convolutions; 17 for a known noise level, 20 for blind denoising.
        width: filters per layer.
        channels: 1 for grey images, 3 for colour.

    Shape:
        z: (B, channels, H, W), float in [0, 1] plus noise -> (B, channels, H, W)

    Raises:
        ValueError: on ``depth < 2``, a wrong rank, dtype or channel count, NaN, or grey levels of 255.

    Example:
        >>> import torch
        >>> DnCNN(depth=3, width=8)(torch.zeros(1, 1, 5, 7)).shape
        torch.Size([1, 1, 5, 7])
    """

    def __init__(self, depth: int = 17, width: int = 64, channels: int = 1):
        super().__init__()
        if depth < 2:
            raise ValueError(f"depth must be at least 2 (the first and the last layer), got {depth}")
        self.channels = channels
        self.first = nn.Sequential(nn.Conv2d(channels, width, 3, padding=1), nn.ReLU(inplace=True))
        self.middle = nn.Sequential(*(conv_bn_relu(width) for _ in range(depth - 2)))
        self.last = nn.Conv2d(width, channels, 3, padding=1)
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Kaiming's normal init; the last layer starts at zero, so that training starts from ``y_hat = z``."""
        for layer in self.modules():
            if isinstance(layer, nn.Conv2d):
                nn.init.kaiming_normal_(layer.weight, nonlinearity="relu")
                if layer.bias is not None:
                    nn.init.zeros_(layer.bias)
        nn.init.zeros_(self.last.weight)

    def forward_features(self, z: Tensor) -> list[Tensor]:
        """The output of every layer but the last, each (B, width, H, W)."""
        check_images(z, "z", channels=self.channels)
        features = [self.first(z)]
        for block in self.middle:
            features.append(block(features[-1]))
        return features

    def noise(self, z: Tensor) -> Tensor:
        """The estimated noise ``f(z)``, shape of ``z``."""
        check_images(z, "z", channels=self.channels)
        return self.last(self.middle(self.first(z)))

    def forward(self, z: Tensor) -> Tensor:
        return z - self.noise(z)


def conv_bn_relu(width: int) -> nn.Sequential:
    """3x3 convolution, batch norm, ReLU; no bias, since the batch norm that follows has one."""
    conv = nn.Conv2d(width, width, 3, padding=1, bias=False)
    return nn.Sequential(conv, nn.BatchNorm2d(width), nn.ReLU(inplace=True))


def residual_loss(y_hat: Tensor, y: Tensor) -> Tensor:
    """``1 / (2N) sum_i ||f(z_i) - (z_i - y_i)||_F^2``, the paper's loss over a batch of N images.

    With ``y_hat = z - f(z)`` the difference in the norm is ``y - y_hat``: what sets residual learning apart
    is the network, which outputs the noise, not the loss.

    Shape: two (B, C, H, W) -> scalar.
    Raises: ``ValueError`` if the shapes differ.
    """
    check_same_shape(y_hat, y, "y_hat and y")
    return (y_hat.float() - y).square().sum() / (2 * len(y))


def count_parameters(model: nn.Module) -> int:
    """Number of trainable parameters.

    >>> count_parameters(DnCNN(depth=17))
    556097
    """
    return sum(p.numel() for p in model.parameters() if p.requires_grad)
