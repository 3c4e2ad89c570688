"""One noisy picture and nothing else: Zero-Shot Noise2Noise against BM3D, which is told an estimated level.

Chapter: book/learning_from_noise/one_image.ipynb
"""

import time
from collections.abc import Callable

import torch
from torch import Tensor

from ... import data
from ...metrics import psnr
from ...observation import Correlated, Gaussian, Poisson, SaltAndPepper
from ...reference.recipe import Measurement
from ..one_image import denoise_one
from .common import bm3d

NOISES = {
    "Gaussian, sigma 25": Gaussian(25 / 255),
    "Gaussian, sigma 50": Gaussian(50 / 255),
    "10 photons": Poisson(10),
    "a tenth of the pixels stuck": SaltAndPepper(0.1),
    "shared by neighbours": Correlated(25 / 255, radius=1),
}
CROP = 128


def as_a_user_would(z: Tensor) -> Tensor:
    """BM3D, told the level that scikit-image estimates from the picture: (1, 1, H, W) -> the same."""
    from skimage.restoration import estimate_sigma

    return bm3d(z, max(float(estimate_sigma(z[0, 0].numpy())), 1e-3))


def compare() -> dict[str, float]:
    """Mean PSNR on three pictures of Set12 for each noise; and the seconds that a large colour picture takes."""
    metrics = {}
    for name, observe in NOISES.items():
        found: dict[str, list[float]] = {}
        for i, y in enumerate(data.set12()[:3]):
            z = observe(y[None], torch.Generator().manual_seed(i))
            for method, denoiser in METHODS.items():
                found.setdefault(method, []).append(psnr(denoiser(z), y[None]).item())
        metrics |= {f"{name}, {method}: PSNR (dB)": sum(values) / len(values) for method, values in found.items()}
    large = torch.rand(3, 512, 512, generator=torch.Generator().manual_seed(0))
    began = time.perf_counter()
    denoise_one(large, crop=CROP)
    return metrics | {"a colour picture of 512 x 512 (seconds)": time.perf_counter() - began}


METHODS: dict[str, Callable[[Tensor], Tensor]] = {
    "input": lambda z: z,
    "BM3D, level estimated": as_a_user_would,
    "Zero-Shot Noise2Noise": lambda z: denoise_one(z, crop=CROP),
}
RECIPES = {
    "one-image": Measurement(
        title="Zero-Shot Noise2Noise and BM3D on one picture, five noises",
        chapter="learning_from_noise/one_image",
        measure=compare,
        headline="Gaussian, sigma 25, Zero-Shot Noise2Noise: PSNR (dB)",
        source="Mansour and Heckel, CVPR 2023 (arXiv:2303.11253)",
        data="three pictures of 256x256 of Set12, each for itself; noise not clipped",
    )
}
