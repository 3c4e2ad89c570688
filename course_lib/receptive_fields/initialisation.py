"""Weights that are small at the centre of the kernel and large outside, so that a network looks further from the start.

Luo et al., "Understanding the Effective Receptive Field in Deep Convolutional Neural Networks", NeurIPS 2016,
https://arxiv.org/abs/1701.04128
Chapter: book/receptive_fields/effective_receptive_field.ipynb
"""

import torch
from torch import nn


@torch.no_grad()
def outside_large_(model: nn.Module, outside: float = 4.0) -> nn.Module:
    """``w[i, j] <- w[i, j] m[i, j]``, with ``m`` small at the centre and ``outside`` times as large at the border.

    ``m`` grows linearly with the distance from the centre (the larger of rows and columns) and is scaled to a mean
    square of 1, so that a random kernel keeps the variance that its initialisation gave it. 1 x 1 kernels stay as
    they are.

    Args:
        model: any network; its `nn.Conv2d` layers are changed in place.
        outside: weight at the kernel's border over that at its centre; 1 changes nothing, below 1 turns it round.

    Returns: the model. Raises: ``ValueError`` unless ``outside > 0``.
    """
    if not outside > 0:
        raise ValueError(f"outside must be above 0, got {outside}")
    for layer in model.modules():
        if isinstance(layer, nn.Conv2d) and max(layer.kernel_size) > 1:
            layer.weight.mul_(_profile(layer.kernel_size, outside).to(layer.weight))
    return model


def _profile(size: tuple[int, int], outside: float) -> torch.Tensor:
    """The factors of one kernel, with a mean square of 1."""
    rows, columns = ((torch.arange(n) - (n - 1) / 2).abs() / max((n - 1) / 2, 1) for n in size)
    profile = 1 + (outside - 1) * torch.maximum(rows[:, None], columns)
    return profile / profile.square().mean().sqrt()
