"""Noise2Void: four maskers, the noise where it wins, and fluorescence.

Chapter: book/learning_from_noise/noise2void.ipynb
"""

from collections.abc import Callable
from functools import partial

from ... import session, training
from ...denoising import DnCNN
from ...observation import Poisson, SaltAndPepper
from ...reference.recipe import Measurement, Recipe, Scale
from ...reference.seeds import over_seeds
from ..neighbor2neighbor import neighbor2neighbor_loss
from ..unet import UNet
from .common import exam, score, trained
from .rivals import (
    BATCH,
    MASKERS,
    PATCH,
    RATE,
    SIGMA,
    against_bm3d,
    batches,
    fluorescent_batches,
    hidden_pixels,
    masked_l1,
    noise2void_loss,
    on_fluorescence,
    recorded,
    short_scale,
)

CHAPTER = "learning_from_noise/noise2void"
KRULL = "Krull et al., CVPR 2019 (arXiv:1811.10980)"


def psnr_on_bsd68(model) -> dict[str, float]:
    """Mean PSNR on BSD68, sigma 25; the network is shown all pixels, as in the paper."""
    return {"BSD68 PSNR, sigma 25 (dB)": score(model, exam(), SIGMA)}


def compare_maskers() -> dict[str, float]:
    """Four maskers and Neighbor2Neighbor: the same recordings, network, steps and test pictures, two seeds."""
    scale, device = short_scale(), session.pick_device()
    draw, pictures = recorded(SIGMA, scale, device), exam(every=4)

    def once(seed: int) -> dict[str, float]:
        scores = {}
        for name, masker in MASKERS.items():
            model = trained(noise2void_loss, hidden_pixels(draw, masker), scale.steps, seed, RATE)
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
        return {"PSNR (dB)": score(trained(neighbour_loss, draw, scale.steps, seed, RATE), pictures, SIGMA)}

    return over_seeds(once, seeds=(0, 1))


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
            "cpu": Scale(steps=8_000, batch=BATCH, patch=PATCH, lr=RATE, model={"depth": 3, "width": 24}),
        },
        paper={"BSD68 PSNR, sigma 25 (dB)": 27.71},
        source=KRULL,
        fit={"optimizer": training.Muon},
        data="trained on one noisy recording of each picture of BSD400, tested on BSD68; noise not clipped",
        urgency=65,
    ),
    "noise2void-dncnn": Recipe(
        title="Noise2Void, a small DnCNN, sigma 25",
        chapter=CHAPTER,
        build=DnCNN,
        batches=partial(batches, masker=MASKERS["random neighbour"]),
        loss=noise2void_loss,
        evaluate=psnr_on_bsd68,
        scales={
            "gpu": Scale(steps=20_000, batch=64, patch=64, lr=RATE, model={"depth": 12}),
            "cpu": Scale(steps=4_000, batch=BATCH, patch=PATCH, lr=RATE, model={"depth": 8, "width": 32}),
        },
        source=KRULL + "; network: Zhang et al., TIP 2017",
        fit={"optimizer": training.Muon},
        data="trained on one noisy recording of each picture of BSD400, tested on BSD68; noise not clipped",
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
            "cpu": Scale(steps=2_500, batch=BATCH, patch=PATCH, lr=RATE, model={"depth": 3, "width": 24}),
        },
        headline="all, Noise2Void: PSNR (dB)",
        source=KRULL + "; pictures: Zhang et al., CVPR 2019 (arXiv:1812.10366)",
        fit={"optimizer": training.Muon},
        data="trained on the 47 noisy shots of 12 scenes of FMD, tested on the first of each against the mean of 50",
        urgency=55,
    ),
}
