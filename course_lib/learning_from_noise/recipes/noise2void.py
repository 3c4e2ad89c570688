"""Noise2Void: four maskers, the noise where it wins, and fluorescence.

Chapter: book/learning_from_noise/noise2void.ipynb
"""

from collections.abc import Callable
from functools import partial

import torch

from ... import data, session, training
from ...denoising.evaluation import denoise
from ...metrics import psnr, ssim
from ...observation import Gaussian, Poisson, SaltAndPepper
from ...reference.recipe import Measurement, Recipe, Scale
from ...reference.seeds import over_seeds
from ..masking import LocalMean, LocalMedian, RandomNeighbour, RandomValue, masked_loss
from ..neighbor2neighbor import neighbor2neighbor_loss
from ..pairs import NoisyPatches, record_once
from ..unet import UNet
from .common import bm3d_at_its_best, exam, middle, on, score, trained

CHAPTER = "learning_from_noise/noise2void"
KRULL = "Krull et al., CVPR 2019 (arXiv:1811.10980)"
SIGMA = Gaussian(25 / 255)
PATCH, BATCH, CELL = 64, 8, 4
MASKERS = {
    "random neighbour": RandomNeighbour(CELL),
    "local mean": LocalMean(CELL, radius=2),
    "local median": LocalMedian(CELL, radius=2),
    "random value": RandomValue(CELL),
}
SHORT = {"cpu": 1_200, "gpu": 20_000}


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


def psnr_on_bsd68(model) -> dict[str, float]:
    """Mean PSNR on BSD68, sigma 25; the network is shown all pixels, as in the paper."""
    return {"BSD68 PSNR, sigma 25 (dB)": score(model, exam(), SIGMA)}


def short_scale() -> Scale:
    """The budget of the comparisons."""
    return Scale(steps=SHORT[on()], batch=BATCH, lr=5e-3, patch=PATCH)


def compare_maskers() -> dict[str, float]:
    """Four maskers and Neighbor2Neighbor: the same recordings, network, steps and test pictures, two seeds."""
    scale, device = short_scale(), session.pick_device()
    draw, pictures = recorded(SIGMA, scale, device), exam(every=4)

    def once(seed: int) -> dict[str, float]:
        scores = {}
        for name, masker in MASKERS.items():
            model = trained(noise2void_loss, hidden_pixels(draw, masker), scale.steps, seed)
            scores[f"{name}: PSNR (dB)"] = score(model, pictures, SIGMA)
        return scores

    return over_seeds(once, seeds=(0, 1))


def neighbour_loss(model, batch):
    """`neighbor2neighbor_loss` of a batch of one recording each; which pixels are neighbours is drawn anew."""
    (z,) = batch
    return neighbor2neighbor_loss(model, z)


def neighbours() -> dict[str, float]:
    """Neighbor2Neighbor at the budget of `compare_maskers`, two seeds."""
    scale = short_scale()
    draw, pictures = recorded(SIGMA, scale, session.pick_device()), exam(every=4)

    def once(seed: int) -> dict[str, float]:
        return {"PSNR (dB)": score(trained(neighbour_loss, draw, scale.steps, seed), pictures, SIGMA)}

    return over_seeds(once, seeds=(0, 1))


def against_bm3d(noise: str, observe: Callable, error: Callable) -> dict[str, float]:
    """Noise2Void and BM3D on 12 middles of BSD68; BM3D is told the level that scores best on each picture."""
    scale = short_scale()
    draw, pictures = recorded(observe, scale, session.pick_device()), exam(every=6, side=192)
    model = trained(error, hidden_pixels(draw, MASKERS["random neighbour"]), scale.steps, seed=0)
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
        best = bm3d_at_its_best(inner[0], inner[2])[0]
        for group in ("all", scene.partition("_")[0]):
            metrics.setdefault(f"{group}, middle, BM3D at its best: PSNR", []).append(best)
    return {f"{name} (dB)" if "PSNR" in name else name: sum(found) / len(found) for name, found in metrics.items()}


def _against_bm3d(noise: str, observe: Callable, error: Callable = noise2void_loss) -> Measurement:
    return Measurement(
        title=f"Noise2Void against BM3D, {noise}",
        chapter=CHAPTER,
        measure=partial(against_bm3d, noise, observe, error),
        headline="Noise2Void: PSNR (dB)",
        source=KRULL,
        data="trained on one recording of each picture of BSD400, tested on 12 squares of 192x192 of BSD68",
    )


RECIPES = {
    "noise2void": Recipe(
        title="Noise2Void, random neighbour, sigma 25",
        chapter=CHAPTER,
        build=UNet,
        batches=partial(batches, masker=MASKERS["random neighbour"]),
        loss=noise2void_loss,
        evaluate=psnr_on_bsd68,
        scales={
            "gpu": Scale(steps=60_000, batch=64, patch=64, lr=2e-3, model={"depth": 3}),
            "cpu": Scale(steps=9_000, batch=BATCH, patch=PATCH, lr=5e-3, model={"depth": 3, "width": 24}),
        },
        paper={"BSD68 PSNR, sigma 25 (dB)": 27.71},
        source=KRULL,
        fit={"optimizer": training.Muon},
        data="trained on one noisy recording of each picture of BSD400, tested on BSD68; noise not clipped",
        urgency=65,
    ),
    "noise2void-maskers": Measurement(
        title="four maskers, short training, 2 seeds",
        chapter=CHAPTER,
        measure=compare_maskers,
        headline="random neighbour: PSNR (dB)",
        source=KRULL,
        data="trained on one recording of each picture of BSD400, tested on every fourth of BSD68, sigma 25",
    ),
    "neighbor2neighbor": Measurement(
        title="Neighbor2Neighbor, short training, 2 seeds",
        chapter=CHAPTER,
        measure=neighbours,
        source="Huang et al., CVPR 2021 (arXiv:2101.02824)",
        data="trained on one recording of each picture of BSD400, tested on every fourth of BSD68, sigma 25",
    ),
    "noise2void-gaussian": _against_bm3d("Gaussian, sigma 25", SIGMA),
    "noise2void-poisson": _against_bm3d("Poisson, 10 photons", Poisson(10)),
    "noise2void-stuck": _against_bm3d("a fifth of the pixels stuck", SaltAndPepper(0.2), masked_l1),
    "noise2void-fluorescence": Recipe(
        title="Noise2Void, fluorescence",
        chapter=CHAPTER,
        build=UNet,
        batches=fluorescent_batches,
        loss=noise2void_loss,
        evaluate=on_fluorescence,
        scales={
            "gpu": Scale(steps=20_000, batch=64, patch=64, lr=2e-3, model={"depth": 3}),
            "cpu": Scale(steps=3_000, batch=BATCH, patch=PATCH, lr=5e-3, model={"depth": 3, "width": 24}),
        },
        headline="all, Noise2Void: PSNR (dB)",
        source=KRULL + "; pictures: Zhang et al., CVPR 2019 (arXiv:1812.10366)",
        fit={"optimizer": training.Muon},
        data="trained on the 47 noisy shots of 12 scenes of FMD, tested on the first of each against the mean of 50",
        urgency=55,
    ),
}
