"""Blind spots by architecture, with and without the pixel itself.

Chapter: book/learning_from_noise/blind_spot_networks.ipynb
"""

from collections.abc import Callable, Sequence
from functools import partial

import torch
from torch import Tensor

from ... import data, training
from ...denoising import denoise, evaluate
from ...denoising.recipes.dncnn import denoising_loss, noisy_patches
from ...features import device_of
from ...metrics import psnr, ssim
from ...observation import Gaussian, Poisson
from ...reference.recipe import Recipe, Scale
from ..blind_spot import BlindSpotNetwork, DilatedNetwork
from ..half_planes import HalfPlaneNetwork
from ..pairs import NoisyPatches, record_once
from ..posterior import GaussianLevel, PoissonLevel, WithPosterior, blind_spot_loss, posterior_mean

CHAPTER = "learning_from_noise/blind_spot_networks"
LAINE = "Laine et al., NeurIPS 2019 (arXiv:1901.10277)"
WU = "Wu et al., ECCV 2020 (arXiv:2008.13711)"
SIGMA, PHOTONS = Gaussian(25 / 255), Poisson(30)
# For two cores: half of the paper's filters and two thirds of its depth.
DILATED = {"width": 64, "blocks": 6}


def recorded_patches(device, scale: Scale, observe: Callable):
    """``generator -> z``: patches of BSD400, of which there is one noisy recording each and nothing clean."""
    return first_shot(NoisyPatches(record_once(data.bsd400(), observe, seed=0), scale.patch, scale.batch, device))


def fluorescence(device, scale: Scale):
    """``generator -> z``: patches of single noisy shots of FMD, all shots of all scenes."""
    shots = [shot[None] for scene in data.fluorescence().values() for shot in scene.z]
    return first_shot(NoisyPatches(shots, scale.patch, scale.batch, device))


def first_shot(patches: NoisyPatches):
    """``generator -> z``, where there is one recording of every scene."""
    return lambda generator: patches(generator)[0]


@torch.no_grad()
def scores(network: BlindSpotNetwork, pictures: Sequence[Tensor], observe: Callable, known, unknown) -> dict:
    """Mean PSNR of the mean alone, and with the pixel for a known and an estimated noise; one pass for all three."""
    found: dict[str, list[float]] = {}
    levels = []
    for i, y in enumerate(pictures):
        z = observe(y[None], torch.Generator().manual_seed(i)).to(device_of(network))
        mean, total = network.prior(z)
        estimates = {"the neighbours alone": mean}
        for name, noise in (("with the pixel", known), ("with the pixel, level estimated", unknown)):
            n = noise(mean, total)
            estimates[name] = posterior_mean(z, mean, (total - n).clamp(min=0), n)
        levels.append((unknown(mean, total) / known(mean, total)).mean().sqrt().item())
        for name, y_hat in estimates.items():
            found.setdefault(name, []).append(psnr(y_hat.cpu(), y[None]).item())
    metrics = {f"BSD68, {name}: PSNR (dB)": sum(values) / len(values) for name, values in found.items()}
    return metrics | {"estimated by true noise level": sum(levels) / len(levels)}


def on_gaussian(network) -> dict[str, float]:
    """`scores` on BSD68, sigma 25."""
    return scores(network, data.bsd68(), SIGMA, GaussianLevel(25 / 255), GaussianLevel())


def on_poisson(network) -> dict[str, float]:
    """`scores` on every fourth picture of BSD68, 30 photons."""
    return scores(network, data.bsd68()[::4], PHOTONS, PoissonLevel(30), PoissonLevel())


def of_twin(network) -> dict[str, float]:
    """Mean PSNR on BSD68, sigma 25, of the network that saw clean targets."""
    return {"BSD68, with the pixel: PSNR (dB)": evaluate(network, data.bsd68(), SIGMA).mean().item()}


def on_fluorescence(network) -> dict[str, float]:
    """PSNR and SSIM on the first shot of each scene of FMD: the neighbours alone, and with the pixel.

    The noise is taken for Poisson's, its level estimated from each shot.
    """
    found: dict[str, list[float]] = {}
    for scene in data.fluorescence().values():
        z, y = scene.z[:1], scene.y[None]
        denoisers = {"the neighbours alone": network, "with the pixel": WithPosterior(network, PoissonLevel())}
        estimates = {"input": z} | {name: denoise(denoiser, z) for name, denoiser in denoisers.items()}
        for name, y_hat in estimates.items():
            found.setdefault(f"{name}: PSNR (dB)", []).append(psnr(y_hat, y).item())
            found.setdefault(f"{name}: SSIM", []).append(ssim(y_hat, y).item())
    return {name: sum(values) / len(values) for name, values in found.items()}


def _blind(title: str, build: Callable, observe: Callable, evaluate: Callable, cpu: Scale, source: str, **more):
    return Recipe(
        title=title,
        chapter=CHAPTER,
        build=build,
        batches=partial(recorded_patches, observe=observe),
        loss=blind_spot_loss,
        evaluate=evaluate,
        scales={"gpu": Scale(steps=40_000, batch=32, patch=64, lr=3e-3), "cpu": cpu},
        source=source,
        fit={"optimizer": training.Muon},
        **more,
    )


BUDGET = partial(Scale, batch=4, patch=64, lr=5e-3)
FIRST = "trained on one noisy recording of each picture of BSD400, tested on BSD68; noise not clipped"
RECIPES = {
    "blind-dilated": _blind(
        "blind spot by a masked centre and dilation, sigma 25",
        DilatedNetwork,
        SIGMA,
        on_gaussian,
        BUDGET(steps=2_600, model=DILATED),
        WU,
        headline="BSD68, the neighbours alone: PSNR (dB)",
        data=FIRST,
        urgency=64,
    ),
    "blind-half-plane": _blind(
        "blind spot by four half planes, sigma 25",
        HalfPlaneNetwork,
        SIGMA,
        on_gaussian,
        BUDGET(steps=1_300, model={"width": 48, "levels": 3}),
        LAINE,
        headline="BSD68, the neighbours alone: PSNR (dB)",
        data=FIRST,
        keep_weights=False,
        urgency=63,
    ),
    "blind-twin": Recipe(
        title="the dilated network with its centre, clean targets, sigma 25",
        chapter=CHAPTER,
        build=partial(DilatedNetwork, blind=False),
        batches=partial(noisy_patches, observe=SIGMA),
        loss=denoising_loss,
        evaluate=of_twin,
        scales={
            "gpu": Scale(steps=40_000, batch=32, patch=64, lr=3e-3),
            "cpu": BUDGET(steps=2_600, model=DILATED),
        },
        source=WU,
        fit={"optimizer": training.Muon},
        data="trained on BSD400 with clean targets, tested on BSD68; noise not clipped",
        keep_weights=False,  # the chapters show numbers alone
        urgency=62,
    ),
    "blind-poisson": _blind(
        "blind spot by a masked centre and dilation, 30 photons",
        DilatedNetwork,
        PHOTONS,
        on_poisson,
        BUDGET(steps=800, model=DILATED),
        LAINE,
        headline="BSD68, with the pixel: PSNR (dB)",
        data="trained on one recording of each picture of BSD400, tested on every fourth picture of BSD68",
        keep_weights=False,
    ),
    "blind-fluorescence": Recipe(
        title="blind spot by a masked centre and dilation, fluorescence",
        chapter=CHAPTER,
        build=DilatedNetwork,
        batches=fluorescence,
        loss=blind_spot_loss,
        evaluate=on_fluorescence,
        scales={
            "gpu": Scale(steps=20_000, batch=32, patch=64, lr=3e-3),
            "cpu": BUDGET(steps=800, model={"width": 48, "blocks": 6}),
        },
        headline="with the pixel: PSNR (dB)",
        source=f"{LAINE}; pictures: Zhang et al., CVPR 2019 (arXiv:1812.10366)",
        fit={"optimizer": training.Muon},
        data="trained on the noisy shots of 12 scenes of FMD, tested on the first of each against the mean of 50",
        keep_weights=False,
    ),
}
