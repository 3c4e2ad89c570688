"""Bias-free networks: no additive constant anywhere, so that a brighter noise is just a brighter noise.

Mohan, Kadkhodaie, Simoncelli, Fernandez-Granda, "Robust and Interpretable Blind Image Denoising via Bias-Free
Convolutional Neural Networks", ICLR 2020, https://arxiv.org/abs/1906.05478
Chapter: book/denoising/noise_levels.ipynb
"""

import torch
from torch import Tensor, nn

from .dncnn import DnCNN

LINEAR = (nn.Conv1d, nn.Conv2d, nn.Conv3d, nn.ConvTranspose1d, nn.ConvTranspose2d, nn.ConvTranspose3d, nn.Linear)


class BiasFreeBatchNorm2d(nn.Module):
    """Batch norm without its two additive constants: ``x gamma / sqrt(var + eps)``.

    The variance is taken around the mean as usual, but the mean is not subtracted and nothing is added.

    Args:
        channels: C.
        momentum: share of the newest batch in the running variance; None for the mean over all batches.
        eps: what keeps the root from zero.

    Shape: (B, channels, H, W) -> the same
    """

    def __init__(self, channels: int, momentum: float | None = 0.1, eps: float = 1e-5):
        super().__init__()
        self.momentum, self.eps = momentum, eps
        self.weight = nn.Parameter(torch.ones(channels))
        self.register_buffer("running_var", torch.ones(channels))
        self.register_buffer("num_batches_tracked", torch.tensor(0) if momentum is None else None)

    def forward(self, x: Tensor) -> Tensor:
        var = self.running_var
        if self.training or var is None:
            var = x.float().var(dim=(0, 2, 3), unbiased=False)
            if self.running_var is not None:
                self._update(var.detach())
        scale = (var + self.eps).rsqrt() if self.weight is None else self.weight / (var + self.eps).sqrt()
        return x * scale.view(1, -1, 1, 1).to(x.dtype)

    def _update(self, var: Tensor) -> None:
        share = self.momentum
        if share is None:
            self.num_batches_tracked += 1
            share = 1 / self.num_batches_tracked.to(var.dtype)
        self.running_var.lerp_(var.to(self.running_var.dtype), share)


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

    Everything else stays as it was trained: the scale and the variance of a batch norm, its eps and momentum, modes,
    devices, hooks. What is left is the linear part of every layer.

    Raises ``ValueError`` for layers whose constants it does not know how to remove; the model is then unchanged.
    """
    layers = list(model.modules())
    for layer in layers:
        constants = [getattr(layer, name, None) for name in ("bias", "running_mean")]
        known = isinstance(layer, LINEAR) or _is_batch_norm(layer)
        if not known and any(constant is not None for constant in constants):
            raise ValueError(f"cannot take the additive constant out of {type(layer).__name__}")
    for layer in layers:
        if _is_batch_norm(layer):
            # another class for the same object: whoever else holds it, and what hangs on it, notices nothing
            layer.__class__ = BiasFreeBatchNorm2d
            layer.bias = layer.running_mean = None
            if layer.momentum is not None:
                layer.num_batches_tracked = None
        elif isinstance(layer, LINEAR):
            layer.bias = None
    return model


def _is_batch_norm(layer: nn.Module) -> bool:
    """Also a subclass, as long as it computes what its parent does."""
    return isinstance(layer, nn.BatchNorm2d) and type(layer).forward is nn.BatchNorm2d.forward
