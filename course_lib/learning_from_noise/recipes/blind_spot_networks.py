"""Blind spots by architecture with and without the pixel itself, and noise that neighbours share.

Chapter: book/learning_from_noise/blind_spot_networks.ipynb
"""

from collections.abc import Callable, Sequence

import torch
from torch import Tensor

from ... import data
from ...denoising import denoise, evaluate
from ...features import device_of
from ...metrics import psnr, ssim
from ...observation import Correlated, Gaussian, Poisson
from ...reference.recipe import Scale
from ..ap_bsn import APBSN
from ..blind_spot import BlindSpotNetwork
from ..pairs import NoisyPatches, record_once
from ..posterior import GaussianLevel, PoissonLevel, posterior_mean

CHAPTER = "learning_from_noise/blind_spot_networks"
LAINE = "Laine et al., NeurIPS 2019 (arXiv:1901.10277)"
WU = "Wu et al., ECCV 2020 (arXiv:2008.13711)"
LEE = "Lee et al., CVPR 2022 (arXiv:2203.11799)"
SIGMA, PHOTONS, SHARED = Gaussian(25 / 255), Poisson(30), Correlated(25 / 255, radius=1)
# For two cores: a quarter of the paper's filters and two thirds of its depth.
DILATED, SMALLER = {"width": 64, "blocks": 6}, {"width": 48, "blocks": 4}
STRIDES = (1, 2, 3, 4, 5, 6)


def recorded_patches(device, scale: Scale, observe: Callable):
    """``generator -> z``: patches of BSD400, of which there is one noisy recording each and nothing clean."""
    return first_shot(NoisyPatches(record_once(data.bsd400(), observe, seed=0), scale.patch, scale.batch, device))


def photographs(device, scale: Scale):
    """``generator -> z``: patches of the 15 noisy photographs of CC."""
    shots = [scene.z for scene in data.cc15().values()]
    return first_shot(NoisyPatches(shots, scale.patch, scale.batch, device))


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


def on_shared_noise(model: APBSN) -> dict[str, float]:
    """Mean PSNR on 12 squares of BSD68 with noise that neighbours share: for every stride, and refined."""
    pictures = [y[:, 80:240, 80:240] for y in data.bsd68()[::6]]
    metrics = {"input: PSNR (dB)": evaluate(lambda z: z, pictures, SHARED).mean().item()}
    for stride in STRIDES:
        for rounds, name in ((0, ""), (8, ", refined")):
            denoiser = APBSN(model.network, stride=stride, refinements=rounds)
            metrics[f"stride {stride}{name}: PSNR (dB)"] = evaluate(denoiser, pictures, SHARED).mean().item()
    return metrics


def on_photographs(model: APBSN) -> dict[str, float]:
    """PSNR and SSIM on CC, the mean of 15: the input, small strides without refinement, and stride 2 with it."""
    found: dict[str, list[float]] = {}
    for scene in data.cc15().values():
        z, y = scene.z, scene.y[None]
        estimates = {"input": z}
        for stride in STRIDES[:5]:
            plain = APBSN(model.network, stride=stride, refinements=0)
            estimates[f"stride {stride}"] = denoise(plain, z, "bf16")
        estimates["stride 2, refined"] = denoise(Refined(model.network), (z, estimates["stride 2"]))
        for name, y_hat in estimates.items():
            found.setdefault(f"{name}: PSNR (dB)", []).append(psnr(y_hat, y).item())
            found.setdefault(f"{name}: SSIM", []).append(ssim(y_hat, y).item())
    return {name: sum(values) / len(values) for name, values in found.items()}
