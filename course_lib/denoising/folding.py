"""In evaluation a batch norm is a scale and a shift: let the convolution before it do both.

Chapter: book/denoising/dncnn.ipynb
"""

from collections.abc import Iterator
from contextlib import contextmanager
from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn.modules import module as torch_module
from torch.nn.utils.fusion import fuse_conv_bn_eval

HOOKS = ("_forward_hooks", "_forward_pre_hooks", "_backward_hooks", "_backward_pre_hooks")


@contextmanager
def folded_batch_norms(network: nn.Module) -> Iterator[None]:
    """While active, a plain `nn.Sequential` runs a convolution and the batch norm behind it as one convolution.

    The layers themselves stay as they are, so that whoever calls one of them, or a part of the list, gets its own
    output. Folded is only what is provably the same: see `_foldable`.
    """
    folded = [
        layer
        for layer in network.modules()
        if type(layer) is nn.Sequential and "forward" not in vars(layer) and any(_pairs(layer))
    ]
    # a compiled network would have to be compiled again, and a global hook wants to see every layer
    if hasattr(network, "_orig_mod") or any(getattr(torch_module, f"_global{kind}") for kind in HOOKS):
        folded = []
    try:
        for sequence in folded:
            sequence.forward = _runner(sequence)
        yield
    finally:
        for sequence in folded:
            vars(sequence).pop("forward", None)


def _runner(sequence: nn.Sequential):
    layers, pairs = list(sequence), _pairs(sequence)
    steps = []
    for i, layer in enumerate(layers):
        if i < len(pairs) and pairs[i]:
            steps.append(fuse_conv_bn_eval(layer, layers[i + 1]))
        elif i == 0 or not pairs[i - 1]:
            steps.append(layer)

    def forward(input: Tensor) -> Tensor:
        for step in steps:
            input = step(input)
        return input

    return forward


def _pairs(sequence: nn.Sequential) -> list[bool]:
    return [_foldable(*pair) for pair in pairwise(sequence)]


def _foldable(conv: nn.Module, norm: nn.Module) -> bool:
    """Exactly these two classes, nothing of a user's on them, stored statistics, and enough digits."""
    return (
        type(conv) is nn.Conv2d
        and type(norm) is nn.BatchNorm2d
        and _plain(conv)
        and _plain(norm)
        and not (conv.training or norm.training)
        and norm.running_var is not None
        and conv.weight.dtype == norm.running_var.dtype
        and conv.weight.dtype in (torch.float32, torch.float64)
    )


def _plain(layer: nn.Module) -> bool:
    return "forward" not in vars(layer) and not any(getattr(layer, hooks) for hooks in HOOKS)
