"""Noise2Void in the light of others: BM3D at its best, on synthetic noise and on fluorescence.

Chapter: book/learning_from_noise/noise2void.ipynb
"""

from collections.abc import Callable

import torch

from ... import data, session
from ...denoising.evaluation import denoise
from ...metrics import psnr, ssim
from ...observation import Gaussian
from ...reference.recipe import Scale
from ..masking import LocalMean, LocalMedian, RandomNeighbour, RandomValue, masked_loss
from ..pairs import NoisyPatches, record_once
from .common import WIDE, bm3d_at_its_best, exam, middle, on, score, trained

SIGMA = Gaussian(25 / 255)
PATCH, BATCH, CELL = 64, 8, 3
RATE = 2e-3  # few pixels, and noisy ones, decide a step: a rate that suits clean targets is too large
MASKERS = {
    "random neighbour": RandomNeighbour(CELL),
    "local mean": LocalMean(CELL, radius=2),
    "local median": LocalMedian(CELL, radius=2),
    "random value": RandomValue(CELL),
}
SHORT = {"cpu": 800, "gpu": 20_000}


def recorded(observe: Callable, scale: Scale, device) -> NoisyPatches:
    """Patches of BSD400, of which there is one recording each and no clean picture."""
    return NoisyPatches(record_once(data.bsd400(), observe, seed=0), scale.patch, scale.batch, device)


def hidden_pixels(draw: Callable, masker: Callable):
    """``generator -> (hidden, mask, z)``."""

    def batch(generator):
        (z,) = draw(generator)
        return *masker(z, generator), z

    return batch


def noise2void_loss(model, batch):
    """`masked_loss` of a (hidden, mask, z) batch."""
    hidden, mask, z = batch
    return masked_loss(model(hidden), z, mask)


def batches(device, scale: Scale, masker: Callable, observe: Callable = SIGMA):
    """What Noise2Void trains on."""
    return hidden_pixels(recorded(observe, scale, device), masker)


def short_scale() -> Scale:
    """The budget of the comparisons."""
    return Scale(steps=SHORT[on()], batch=BATCH, lr=RATE, patch=PATCH)


def against_bm3d(noise: str, observe: Callable, error: Callable) -> dict[str, float]:
    """Noise2Void and BM3D on 12 middles of BSD68; BM3D is told the level that scores best on each picture."""
    scale = short_scale()
    draw, pictures = recorded(observe, scale, session.pick_device()), exam(every=6, side=192)
    model = trained(error, hidden_pixels(draw, MASKERS["random neighbour"]), scale.steps, seed=0, lr=RATE)
    seen = [observe(y[None], torch.Generator().manual_seed(i)) for i, y in enumerate(pictures)]
    theirs = [bm3d_at_its_best(z, y[None])[0] for z, y in zip(seen, pictures, strict=True)]
    return {
        "input: PSNR (dB)": score(lambda z: z, pictures, observe),
        "Noise2Void: PSNR (dB)": score(model, pictures, observe),
        "BM3D at its best: PSNR (dB)": sum(theirs) / len(theirs),
    }


def masked_l1(model, batch):
    """The mean absolute error of the hidden pixels: finds the median, which few stuck pixels do not move."""
    hidden, mask, z = batch
    error = (model(hidden).float() - z).abs() * mask
    return error.sum() / mask.sum()


def fluorescent_batches(device, scale: Scale):
    """The noisy shots of the 12 scenes, each for itself; the means of 50 are not looked at."""
    shots = [shot[None] for scene in data.fluorescence().values() for shot in scene.z]
    return hidden_pixels(NoisyPatches(shots, scale.patch, scale.batch, device), RandomNeighbour(CELL))


def on_fluorescence(model) -> dict[str, float]:
    """PSNR and SSIM of the first shot of each scene, and of BM3D at its best on the middle of it, by microscope."""
    metrics: dict[str, list[float]] = {}
    for scene, shots in data.fluorescence().items():
        z, y = shots.z[:1], shots.y[None]
        y_hat = denoise(model, z)
        inner = [middle(x, 256) for x in (z, y_hat, y)]
        for group in ("all", scene.partition("_")[0]):
            for name, value in {
                "input: PSNR": psnr(z, y),
                "Noise2Void: PSNR": psnr(y_hat, y),
                "input: SSIM": ssim(z, y),
                "Noise2Void: SSIM": ssim(y_hat, y),
                "middle, Noise2Void: PSNR": psnr(inner[1], inner[2]),
            }.items():
                metrics.setdefault(f"{group}, {name}", []).append(value.item())
        best = bm3d_at_its_best(inner[0], inner[2], WIDE[:-1])[0]
        for group in ("all", scene.partition("_")[0]):
            metrics.setdefault(f"{group}, middle, BM3D at its best: PSNR", []).append(best)
    return {f"{name} (dB)" if "PSNR" in name else name: sum(found) / len(found) for name, found in metrics.items()}
