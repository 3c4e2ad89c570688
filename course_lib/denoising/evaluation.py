"""Denoise whole images and measure it by the convention that reproduces the published numbers.

The noise is added in float, neither clipped nor rounded; the estimate is clamped to [0, 1]; the result is the
mean over images of each image's PSNR, with no border cropped.
"""

from collections.abc import Callable, Iterable
from itertools import chain

import torch
from torch import Tensor, nn

from .._checks import check_images
from ..features import evaluating
from ..metrics import psnr
from .folding import folded_batch_norms
from .levels import for_channels, level_name, of_picture, on_batch
from .tiles import in_tiles, tile_plan

PRECISIONS = {"no": None, "bf16": torch.bfloat16, "fp16": torch.float16}


@torch.no_grad()
def denoise(
    model: nn.Module | Callable[..., Tensor],
    z: Tensor,
    precision: str = "no",
    *,
    sigma: float | Tensor | None = None,
    tile: int | None = None,
    context: int | None = None,
    per_channel: bool | None = None,
) -> Tensor:
    """``y_hat = model(z)``, or ``model(z, sigma)``, in evaluation mode and without gradients.

    A colour picture goes through a network for grey images channel by channel, each as a grey image of its own; a
    network for colour, which sees what the channels have in common, does better. A picture that does not fit into
    memory goes through in tiles. Each is computed with as much around it as the network sees, so that they fit together
    without a seam, exactly as the whole picture (up to rounding).

    Args:
        model: a network, or a function ``z -> y_hat``. It is left as it was.
        precision: ``no``: that of the network's weights. ``bf16``, ``fp16``: mixed. Where the device computes bfloat16
            natively it is several times faster and costs about 0.01 dB.
        sigma: noise level in [0, 1], for a network whose ``forward`` takes one (called sigma, level, noise_level or
            noise_map): a number, one for each image (B,), or a map (B, 1, H, W).
        tile: side of a tile in pixels; None for the whole picture at once.
        context: pixels that a tile is given around it; by default what the network sees, which is measured once. For a
            network that sees everything (global pooling, attention) no context is exact: choose one, with ``tile`` and
            ``context`` multiples of the network's strides.
        per_channel: treat every channel as a grey image; by default where ``model.channels`` is 1 and that of z is not.

    Shape: (B, C, H, W) or one image (C, H, W), in [0, 1] plus noise -> the same.
    Raises:
        ValueError: on a wrong rank or dtype, NaN, grey levels of 255; a sigma for a network that takes none, or none
            for one that needs it; an unknown precision, or a mixed one for weights that are not float32;
            ``tile < 1``, or tiles for a network whose field is not known or larger than 768 pixels.
    """
    if isinstance(model, WithSigma):
        model, sigma = model.model, model.sigma if sigma is None else sigma
    batch = z[None] if isinstance(z, Tensor) and z.ndim == 3 else z
    check_images(batch, "z")
    network = getattr(model, "__self__", model)
    network = network if isinstance(network, nn.Module) else nn.Identity()
    weight = next((x for x in chain(network.parameters(), network.buffers()) if x.is_floating_point()), batch)
    told = level_name(model, sigma)
    levels = on_batch(sigma, z, weight)
    if precision not in PRECISIONS:
        raise ValueError(f"precision must be one of {', '.join(PRECISIONS)}, got {precision!r}")
    if precision != "no" and weight.dtype != torch.float32:
        raise ValueError(f"precision {precision!r} is for weights in float32, got {weight.dtype}")
    channels = batch.shape[1]
    if per_channel or (per_channel is None and getattr(model, "channels", None) == 1 and channels > 1):
        batch, levels = batch.flatten(0, 1)[:, None], for_channels(levels, len(batch), channels)
    else:
        channels = 1
    # channels_last is the layout in which convolutions are fast on every backend
    batch = batch.to(weight.device, weight.dtype, memory_format=torch.channels_last)

    plan = None if tile is None else _plan(network, model, told, levels, batch, tile, context)

    def once(some: Tensor, level) -> Tensor:
        some = some.contiguous(memory_format=torch.channels_last)
        return model(some) if told is None else model(some, **{told: level})

    mixed = torch.autocast(weight.device.type, PRECISIONS[precision], enabled=precision != "no")
    with evaluating(network), folded_batch_norms(network), mixed:
        y_hat = once(batch, levels) if plan is None else in_tiles(once, batch, levels, *plan)
    if not isinstance(y_hat, Tensor):
        raise ValueError(f"model must return one tensor, the estimate, got {type(y_hat).__name__}")
    if channels > 1:
        y_hat = y_hat.unflatten(0, (len(batch) // channels, channels)).flatten(1, 2)
    return (y_hat[0] if z.ndim == 3 else y_hat).to(z.device, z.dtype)


def _plan(network, model, told: str | None, levels, batch: Tensor, tile: int, context: int | None) -> tuple[int, int]:
    """(tile, context), such that every piece begins at a multiple of the network's period."""
    if tile < 1 or (context is not None and context < 0):
        raise ValueError(f"tile must be at least 1 pixel and context at least 0, got {tile} and {context}")
    if context is not None:
        return tile, context
    if network is not model:
        raise ValueError("tiles of a function need a context: how many pixels around a tile decide about it?")

    # defaults, not a closure: a function that takes nothing along is recognised, and the network measured once
    def forward(network, picture, told=told, levels=levels):
        return network(picture, **{told: of_picture(levels, picture)})

    context, period = tile_plan(network, batch.shape[1], forward if told else None)
    return -(-tile // period) * period, context


class WithSigma(nn.Module):
    """The denoiser ``z -> denoise(model, z, sigma=sigma)``: a network with its knob set. By `with_sigma`."""

    def __init__(self, model: nn.Module, sigma: float | Tensor):
        super().__init__()
        self.model, self.sigma = model, sigma

    def forward(self, z: Tensor) -> Tensor:
        return denoise(self.model, z, sigma=self.sigma)


def with_sigma(model: nn.Module, sigma: float | Tensor) -> WithSigma:
    """The network told a noise level once and for all, as `evaluate` and `denoise` take it.

    Args:
        model: one that takes a level, such as `FFDNet`. sigma: as in `denoise`.
    """
    return WithSigma(model, sigma)


def evaluate(
    denoiser: nn.Module | Callable[[Tensor], Tensor],
    images: Iterable[Tensor],
    noise: Callable[..., Tensor],
    seed: int = 0,
) -> Tensor:
    """PSNR in dB of every image, denoised after ``noise`` was added.

    Args:
        denoiser: a model, or any function (1, C, H, W) -> (1, C, H, W).
        images: clean images (C, H, W) in [0, 1], of any sizes.
        noise: an observation model of `course_lib.observation.noise`.
        seed: image ``i`` gets noise from a CPU generator seeded with ``seed + i``, so that the noisy test set
            is the same on every device and for every denoiser.

    Shape: n images -> (n,), on the CPU
    Raises: ``ValueError`` for images that are not (C, H, W) floats in [0, 1].
    """
    scores = []
    for i, y in enumerate(images):
        y = y.cpu()
        z = noise(y[None], torch.Generator().manual_seed(seed + i))
        y_hat = denoise(denoiser, z) if isinstance(denoiser, nn.Module) else denoiser(z)
        scores.append(psnr(y_hat, y[None]))
    return torch.cat(scores)
