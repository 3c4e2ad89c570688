"""Gradual denoising: every layer says what it would subtract; and networks that know what they are looking at.

Remez, Litany, Giryes, Bronstein, "Class-Aware Fully Convolutional Gaussian and Poisson Denoising",
IEEE TIP 2018, https://doi.org/10.1109/TIP.2018.2859044
Chapter: book/denoising/gradual_denoising.ipynb
"""

import torch
from torch import Tensor, nn

from .._checks import check_classes, check_images


class GradualDenoiser(nn.Module):
    """``y_hat = z + sum_k e_k``: layer k passes features on and adds a noise estimate ``e_k`` of its own.

    Of the ``width`` channels that a layer makes, ``channels`` are its estimate; the rest, after a ReLU, is what the
    next layer works on. All layers therefore speak the language of pixels: every partial sum is an image to look at.

    Args:
        depth: number of 3 x 3 convolutions, the paper's 20.
        width: channels per layer, estimate included, the paper's 64.
        channels: 1 for grey images, 3 for colour.

    Shape:
        z: (B, channels, H, W), float in [0, 1] plus noise, any size -> (B, channels, H, W)

    Raises:
        ValueError: on ``depth < 2``, ``width <= channels``, what is no image batch, a wrong channel count.

    Example:
        >>> len(GradualDenoiser(depth=4, width=8).steps(torch.rand(1, 1, 5, 7)))
        4
    """

    def __init__(self, depth: int = 20, width: int = 64, channels: int = 1):
        super().__init__()
        if depth < 2:
            raise ValueError(f"depth must be at least 2, got {depth}")
        if width <= channels:
            raise ValueError(f"width must be larger than channels ({channels}), got {width}")
        self.channels = channels
        widths = [channels] + [width - channels] * (depth - 1)
        self.layers = nn.ModuleList(nn.Conv2d(w, width, 3, padding=1) for w in widths[:-1])
        self.layers.append(nn.Conv2d(widths[-1], channels, 3, padding=1))
        for layer in self.layers:
            nn.init.kaiming_normal_(layer.weight, nonlinearity="relu")
            nn.init.zeros_(layer.bias)
            nn.init.zeros_(layer.weight[:channels])  # no estimate yet: training starts from y_hat = z

    def estimates(self, z: Tensor) -> list[Tensor]:
        """What each layer would add to the image, ``depth`` tensors of the shape of ``z``."""
        check_images(z, "z", channels=self.channels)
        features, estimates = z, []
        for layer in self.layers:
            estimate, features = layer(features).tensor_split([self.channels], dim=1)
            estimates.append(estimate)
            features = features.relu()
        return estimates

    def steps(self, z: Tensor) -> list[Tensor]:
        """The image after each layer: ``z + e_1``, ``z + e_1 + e_2``, ...; the last one is the output."""
        return list((z + torch.stack(self.estimates(z)).cumsum(dim=0)).unbind())

    def forward(self, z: Tensor) -> Tensor:
        return z + sum(self.estimates(z))


class ClassRouter(nn.Module):
    """A small classifier of noisy images: which of the networks should see this one?

    Shape: z (B, channels, H, W), H and W at least 8 -> logits (B, classes)
    """

    def __init__(self, classes: int, width: int = 32, channels: int = 3):
        super().__init__()
        layers, before = [], channels
        for after in (width, 2 * width, 2 * width):
            layers += [nn.Conv2d(before, after, 3, padding=1), nn.BatchNorm2d(after), nn.ReLU(), nn.MaxPool2d(2)]
            before = after
        self.body = nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(before, classes))

    def forward(self, z: Tensor) -> Tensor:
        return self.body(z)


class ClassAwareDenoiser(nn.Module):
    """One `GradualDenoiser` a class and a `ClassRouter` that chooses: ``y_hat = f_c(z)``, ``c = argmax router(z)``.

    Args:
        classes: how many.
        depth: layers of each denoiser.
        width: filters of each layer.
        channels: 1 for grey images, 3 for colour.

    Shape:
        z: (B, channels, H, W), float in [0, 1] plus noise -> (B, channels, H, W)
        label: (B,) integers, to choose by hand instead of by the router

    Raises:
        ValueError: on what is no image batch, or labels of another number or of no class.
    """

    def __init__(self, classes: int, depth: int = 20, width: int = 64, channels: int = 3):
        super().__init__()
        self.router = ClassRouter(classes, channels=channels)
        self.experts = nn.ModuleList(GradualDenoiser(depth, width, channels) for _ in range(classes))
        self.channels = channels

    def forward(self, z: Tensor, label: Tensor | None = None) -> Tensor:
        check_images(z, "z", channels=self.channels)
        label = self.router(z).argmax(dim=1) if label is None else label
        if label.shape != (len(z),):
            raise ValueError(f"label must have one number for each image, ({len(z)},), got {tuple(label.shape)}")
        check_classes(label, len(self.experts), "label")
        y_hat = torch.empty_like(z)
        for c in label.unique().tolist():
            chosen = label == c
            y_hat[chosen] = self.experts[c](z[chosen]).to(y_hat.dtype)
        return y_hat
