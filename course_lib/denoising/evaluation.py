"""Denoise whole images and measure it by the convention that reproduces the published numbers.

The noise is added in float, neither clipped nor rounded; the estimate is clamped to [0, 1]; the result is the
mean over images of each image's PSNR, with no border cropped.
"""

import copy
from collections.abc import Callable, Iterable

import torch
from torch import Tensor, nn
from torch.nn.utils.fusion import fuse_conv_bn_eval

from .._checks import check_images
from ..metrics import psnr


@torch.no_grad()
def denoise(model: nn.Module, z: Tensor, precision: str = "no") -> Tensor:
    """``y_hat = model(z)`` in evaluation mode and without gradients, in float32 unless ``precision`` is ``bf16``.

    Where the device computes bfloat16 natively it is several times faster and costs about 0.01 dB.

    Shape: (B, C, H, W) or one image (C, H, W), in [0, 1] plus noise -> the same.
    Raises: ``ValueError`` on a wrong rank or dtype, NaN, or grey levels of 255.
    """
    batch = z[None] if z.ndim == 3 else z
    check_images(batch, "z")
    weight = next(model.parameters(), batch)
    frozen = _fold_batch_norm(copy.deepcopy(model).eval())
    # channels_last is the layout in which convolutions are fast on every backend
    batch = batch.to(weight.device, weight.dtype, memory_format=torch.channels_last)
    with torch.autocast(weight.device.type, torch.bfloat16, enabled=precision == "bf16"):
        y_hat = frozen.to(memory_format=torch.channels_last)(batch)
    return (y_hat[0] if z.ndim == 3 else y_hat).to(z.device, z.dtype)


def _fold_batch_norm(model: nn.Module) -> nn.Module:
    """In evaluation a batch norm is a scale and a shift: let the convolution before it do both, in place."""
    for sequence in [m for m in model.modules() if isinstance(m, nn.Sequential)]:
        for i, (layer, following) in enumerate(zip(sequence, sequence[1:], strict=False)):
            if type(layer) is nn.Conv2d and type(following) is nn.BatchNorm2d:
                sequence[i], sequence[i + 1] = fuse_conv_bn_eval(layer, following), nn.Identity()
    return model


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
