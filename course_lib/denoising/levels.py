"""How a network is told the noise level, whatever it calls it: one number, one for each image, or a map.

Chapter: book/denoising/noise_levels.ipynb
"""

import inspect
from collections.abc import Callable

from torch import Tensor, nn

LEVELS = ("sigma", "level", "noise_level", "noise_map")


def level_name(model: nn.Module | Callable, sigma) -> str | None:
    """What the model calls the level that it is told; None if it gets none.

    Raises: ``ValueError`` for a sigma that it does not take, or none where it must have one.
    """
    try:
        parameters = inspect.signature(model.forward if isinstance(model, nn.Module) else model).parameters
    except (TypeError, ValueError):  # a function of C
        parameters = {}
    name = next((name for name in LEVELS if name in parameters), None)
    if sigma is None:
        if name is not None and parameters[name].default is inspect.Parameter.empty:
            raise ValueError(f"{type(model).__name__} must be told the noise level: denoise(model, z, sigma=...)")
        return None
    if name is None and any(p.kind is inspect.Parameter.VAR_KEYWORD for p in parameters.values()):
        return "sigma"
    if name is None:
        raise ValueError(f"{type(model).__name__} takes no noise level (nothing called {', '.join(LEVELS)}), got sigma")
    return name


def on_batch(sigma, z: Tensor, weight: Tensor):
    """A tensor of levels where the network is, with the axis of the batch."""
    if not isinstance(sigma, Tensor):
        return sigma
    sigma = sigma[None] if z.ndim == 3 and sigma.ndim == 3 else sigma
    return sigma.to(weight.device, weight.dtype)


def for_channels(levels, batch: int, channels: int):
    """One for every channel of every image; a map of all channels is dealt out."""
    if not isinstance(levels, Tensor) or levels.ndim == 0:
        return levels
    if levels.ndim == 4 and levels.shape[:2] == (batch, channels):
        return levels.flatten(0, 1)[:, None]
    return levels.repeat_interleave(channels, 0) if len(levels) == batch else levels


def of_picture(levels, picture: Tensor):
    """The same kind of levels for one other picture, to try a network on."""
    if not isinstance(levels, Tensor) or levels.ndim == 0:
        return levels
    return picture.new_full((1, levels.shape[1], *picture.shape[2:]), 0.1) if is_map(levels) else levels[:1]


def is_map(levels) -> bool:
    """Whether there is a level for every pixel, as (B, 1, H, W), which is not 1 x 1."""
    return isinstance(levels, Tensor) and levels.ndim == 4 and levels.shape[-2:].numel() > 1
