"""A network for a moment in evaluation mode, and where it lives.

Chapter: book/metric_learning/siamese_networks.ipynb
"""

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import nn


@contextmanager
def evaluating(network: nn.Module) -> Iterator[None]:
    """``with evaluating(network):`` evaluation mode; afterwards, also after an error, every layer's mode as it was."""
    modes = [(layer, layer.training) for layer in network.modules()]
    network.eval()
    try:
        yield
    finally:
        for layer, training in modes:
            layer.training = training


def device_of(network: nn.Module) -> torch.device:
    """Where the first parameter lives; the CPU for a network without any."""
    return next((p.device for p in network.parameters()), torch.device("cpu"))
