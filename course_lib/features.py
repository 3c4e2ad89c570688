"""A network as a feature extractor: for a moment in evaluation mode, where it lives, what it says of many pictures.

Chapter: book/metric_learning/siamese_networks.ipynb
"""

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import Tensor, nn


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


@torch.no_grad()
def embed(model, images: Tensor, batch: int = 256) -> Tensor:
    """Embeddings of many pictures, batch by batch, in evaluation mode, on the device of the model.

    Args:
        model: a network, or the bound method of one (``classifier.embed``).
        images: uint8, or float in [0, 1], (N, C, H, W).
        batch: pictures at a time, which bounds the memory.

    Shape: (N, C, H, W) -> (N, D), float32
    Raises: ``ValueError`` for what is neither; whatever the network raises, which is left in the mode it was in.
    """
    network = getattr(model, "__self__", model)
    if not isinstance(network, nn.Module):
        raise ValueError(f"model must be a network or a method of one, got {type(network).__name__}")
    kind = next((p.dtype for p in network.parameters() if p.is_floating_point()), torch.float32)
    parts = []
    with evaluating(network):
        for some in images.split(batch):
            z = some.to(device_of(network))
            parts.append(model((z.float() / 255 if z.dtype == torch.uint8 else z).to(kind)).float())
    return torch.cat(parts)
