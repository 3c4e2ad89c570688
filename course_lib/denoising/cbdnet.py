"""CBDNet: estimate how noisy each pixel is, then denoise.

Guo, Yan, Zhang, Zuo, Zhang, "Toward Convolutional Blind Denoising of Real Photographs", CVPR 2019,
https://arxiv.org/abs/1807.04686
Chapter: book/denoising/real_noise.ipynb
"""

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from .._checks import check_images, check_same_shape
from .ffdnet import level_map


class CBDNet(nn.Module):
    """``y_hat = z + f(z, s)`` with the estimated noise map ``s = e(z)``.

    ``e`` is five 3 x 3 convolutions. ``f`` is a U-Net of 16 convolutions that halves the size twice; its way up adds
    what the way down had. Between the two, a user may turn the map up or down.

    Args:
        width: filters at full size; twice and four times as many below. The paper's 64.
        channels: 3 for colour, 1 for grey.

    Shape:
        z: (B, channels, H, W), float in [0, 1] plus noise, any size -> (B, channels, H, W)

    Raises:
        ValueError: on what is no image batch, grey levels of 255, a wrong channel count.

    Example:
        >>> CBDNet(width=4)(torch.rand(1, 3, 9, 7)).shape
        torch.Size([1, 3, 9, 7])
    """

    def __init__(self, width: int = 64, channels: int = 3):
        super().__init__()
        self.channels = channels
        self.estimator = nn.Sequential(
            *_convs(channels, 32, 4), nn.Conv2d(32, channels, 3, padding=1), nn.ReLU(inplace=True)
        )
        # A constant level to begin with: where noise is weak, a random one is soon 0 everywhere, from where ReLU has no
        # gradient to come back.
        nn.init.zeros_(self.estimator[-2].weight)
        nn.init.constant_(self.estimator[-2].bias, 0.02)
        self.down1 = _convs(2 * channels, width, 2)
        self.down2 = _convs(width, 2 * width, 3)
        self.bottom = _convs(2 * width, 4 * width, 6)
        self.up2 = nn.ConvTranspose2d(4 * width, 2 * width, 2, stride=2)
        self.merge2 = _convs(2 * width, 2 * width, 3)
        self.up1 = nn.ConvTranspose2d(2 * width, width, 2, stride=2)
        self.merge1 = _convs(width, width, 2)
        self.last = nn.Conv2d(width, channels, 1)
        nn.init.zeros_(self.last.weight)  # training starts from y_hat = z
        nn.init.zeros_(self.last.bias)

    def level(self, z: Tensor) -> Tensor:
        """The estimated noise level of every pixel and channel, shape of ``z``, not negative."""
        check_images(z, "z", channels=self.channels)
        return self.estimator(z)

    def forward(self, z: Tensor, level: float | Tensor | None = None) -> Tensor:
        """``level`` replaces the estimate, for instance ``1.3 * model.level(z)``: interactive denoising.

        A number, one for each image, or a map (B, 1, H, W) stands for all channels, as in `FFDNet`.
        """
        if level is None:
            level = self.level(z)
        elif not isinstance(level, Tensor) or level.ndim < 2 or (level.shape[1] == 1 != z.shape[1]):
            level = level_map(level, z).expand_as(z)
        check_same_shape(z, level, "z and level")
        height, width = z.shape[-2:]
        missing = (0, -width % 4, 0, -height % 4)  # to halve twice, both sides must be multiples of 4
        x = F.pad(torch.cat([z, level], dim=1), missing, mode="replicate")
        fine = self.down1(x)
        middle = self.down2(F.avg_pool2d(fine, 2))
        coarse = self.bottom(F.avg_pool2d(middle, 2))
        middle = self.merge2(middle + self.up2(coarse))
        fine = self.merge1(fine + self.up1(middle))
        return z + self.last(fine)[..., :height, :width]


def _convs(channels: int, width: int, count: int) -> nn.Sequential:
    layers = []
    for i in range(count):
        layers += [nn.Conv2d(width if i else channels, width, 3, padding=1), nn.ReLU(inplace=True)]
        nn.init.kaiming_normal_(layers[-2].weight, nonlinearity="relu")
        nn.init.zeros_(layers[-2].bias)
    return nn.Sequential(*layers)


def asymmetric_loss(estimate: Tensor, level: Tensor, alpha: float = 0.3) -> Tensor:
    """``mean |alpha - [e < s]| (e - s)^2``: overlooking noise costs ``1 - alpha``, imagining it ``alpha``.

    Shape: two (B, C, H, W) -> scalar.
    Raises: ``ValueError`` if the shapes differ, or unless ``0 < alpha < 0.5`` (0.5 would be symmetric).
    """
    check_same_shape(estimate, level, "estimate and level")
    if not 0 < alpha < 0.5:
        raise ValueError(f"alpha must be in (0, 0.5), so that under-estimation costs more, got {alpha}")
    difference = estimate.float() - level
    return ((alpha - (difference < 0).float()).abs() * difference.square()).mean()


def total_variation(level: Tensor) -> Tensor:
    """``mean |grad_h s|^2 + mean |grad_v s|^2``: a noise map is smooth.

    Shape: (B, C, H, W) -> scalar.
    """
    rows, columns = level.float().diff(dim=-2), level.float().diff(dim=-1)
    return rows.square().mean() + columns.square().mean()


def cbdnet_loss(
    model: CBDNet, z: Tensor, level: Tensor, y: Tensor, asymmetric: float = 0.5, smooth: float = 0.05
) -> Tensor:
    """``mean (y_hat - y)^2 + 0.5 L_asymmetric + 0.05 L_TV``, the paper's objective.

    Shape: noisy z, true level and clean y, each (B, C, H, W) -> scalar.
    Raises: ``ValueError`` if the shapes differ.
    """
    estimate = model.level(z)
    y_hat = model(z, estimate)
    check_same_shape(y_hat, y, "y_hat and y")
    reconstruction = (y_hat.float() - y).square().mean()
    return reconstruction + asymmetric * asymmetric_loss(estimate, level) + smooth * total_variation(estimate)
