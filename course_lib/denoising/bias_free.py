"""Bias-free networks: no additive constant anywhere, so that a brighter noise is just a brighter noise.

Mohan, Kadkhodaie, Simoncelli, Fernandez-Granda, "Robust and Interpretable Blind Image Denoising via Bias-Free
Convolutional Neural Networks", ICLR 2020, https://arxiv.org/abs/1906.05478
Chapter: book/denoising/noise_levels.ipynb
"""

import torch
from torch import Tensor, nn

from .dncnn import DnCNN


class BiasFreeBatchNorm2d(nn.Module):
    """Batch norm without its two additive constants: ``x gamma / sqrt(var + eps)``.

    The variance is taken around the mean as usual, but the mean is not subtracted and nothing is added.

    Shape: (B, channels, H, W) -> the same
    """

    def __init__(self, channels: int, momentum: float = 0.1, eps: float = 1e-5):
        super().__init__()
        self.momentum, self.eps = momentum, eps
        self.weight = nn.Parameter(torch.ones(channels))
        self.register_buffer("running_var", torch.ones(channels))

    def forward(self, x: Tensor) -> Tensor:
        var = self.running_var
        if self.training:
            var = x.float().var(dim=(0, 2, 3), unbiased=False)
            self.running_var.lerp_(var.detach(), self.momentum)
        scale = self.weight / (var + self.eps).sqrt()
        return x * scale.view(1, -1, 1, 1).to(x.dtype)


class BiasFreeDnCNN(DnCNN):
    """A `DnCNN` without additive constants, hence ``f(a z) = a f(z)`` for every ``a >= 0`` in evaluation mode.

    Convolutions and ReLU then act as a linear map ``A_z`` that depends on the image only through which units are on:
    ``f(z) = A_z z``. Each row of it is a filter that the network made for one pixel.

    Args:
        depth: number of convolutions; the paper has 20.
        width: filters per layer; the paper has 64.
        channels: 1 for grey images, 3 for colour.

    Shape:
        z: (B, channels, H, W), float in [0, 1] plus noise -> (B, channels, H, W)

    Raises:
        ValueError: as `DnCNN`.
    """

    def __init__(self, depth: int = 20, width: int = 64, channels: int = 1):
        super().__init__(depth, width, channels)
        remove_biases(self)


def remove_biases(model: nn.Module) -> nn.Module:
    """Take every additive constant out of ``model``, in place: biases of convolutions, means and shifts of batch norms.

    Raises ``ValueError`` for layers whose constants it does not know how to remove.
    """
    for parent in list(model.modules()):
        for name, layer in list(parent.named_children()):
            if isinstance(layer, nn.BatchNorm2d):
                setattr(parent, name, BiasFreeBatchNorm2d(layer.num_features))
            elif isinstance(layer, (nn.Conv2d, nn.ConvTranspose2d)):
                layer.bias = None
            elif getattr(layer, "bias", None) is not None:
                raise ValueError(f"cannot take the additive constant out of {type(layer).__name__}")
    return model
