"""One network for every noise level, and networks that have seen only little noise.

Chapter: book/denoising/noise_levels.ipynb
"""

from functools import partial

import torch

from ... import data, training
from ...observation import Gaussian
from ...reference.recipe import Recipe, Scale
from ..bias_free import BiasFreeDnCNN
from ..dncnn import DnCNN, residual_loss
from ..evaluation import evaluate, with_sigma
from ..ffdnet import FFDNet
from .dncnn import denoising_loss, noisy_patches

FFDNET_PAPER = {
    "BSD68": {15: 31.63, 25: 29.19, 35: 27.73, 50: 26.29, 75: 24.79},
    "Set12": {15: 32.75, 25: 30.43, 50: 27.32},
}


def patches_with_levels(device, scale: Scale):
    """``generator -> (z, sigma, y)``: every patch has a noise level of its own, up to 75 grey levels."""
    patches = data.Patches(data.bsd400(), size=scale.patch, batch=scale.batch, device=device)

    def batch(generator):
        y = patches(generator)
        sigma = 75 / 255 * torch.rand(len(y), generator=generator, device=y.device)
        z = y + sigma.view(-1, 1, 1, 1) * torch.randn(y.shape, generator=generator, device=y.device)
        return z, sigma, y

    return batch


def informed_loss(model, batch):
    """`residual_loss` of a (z, sigma, y) batch: the network is told the level of each patch."""
    z, sigma, y = batch
    return residual_loss(model(z, sigma), y)


def psnr_when_told(model, levels: dict[str, tuple[int, ...]]) -> dict[str, float]:
    """Mean PSNR of a network that is told the true noise level, on each test set at each level."""
    sets = {"BSD68": data.bsd68, "Set12": data.set12}
    return {
        _metric(name, sigma): evaluate(with_sigma(model, sigma / 255), sets[name](), Gaussian(sigma / 255))
        .mean()
        .item()
        for name, sigmas in levels.items()
        for sigma in sigmas
    }


def psnr_at(model, sigmas: tuple[int, ...]) -> dict[str, float]:
    """Mean PSNR on BSD68 of a network that is told nothing."""
    return {_metric("BSD68", s): evaluate(model, data.bsd68(), Gaussian(s / 255)).mean().item() for s in sigmas}


def _metric(test_set: str, sigma: int) -> str:
    return f"{test_set} PSNR, sigma {sigma} (dB)"


def _little_noise(title: str, build, paper: tuple[float, ...]) -> Recipe:
    sigmas = (10, 30, 50, 100)
    return Recipe(
        title=title,
        chapter="denoising/noise_levels",
        build=partial(build, depth=8),
        batches=partial(noisy_patches, observe=Gaussian((0, 10 / 255))),
        loss=denoising_loss,
        evaluate=partial(psnr_at, sigmas=sigmas),
        scales={
            "gpu": Scale(steps=20_000, batch=128, patch=50, lr=5e-3),
            "cpu": Scale(steps=3_000, batch=8, patch=40, lr=6e-3),
        },
        paper={_metric("BSD68", s): value for s, value in zip(sigmas, paper, strict=True)},
        source="Mohan et al., ICLR 2020 (arXiv:1906.05478), with 20 layers",
        fit={"optimizer": training.Muon},
        data="trained on BSD400 (180x180) with sigma 0 to 10 only, tested on BSD68; noise not clipped",
    )


RECIPES = {
    "ffdnet-grey": Recipe(
        title="FFDNet, grey, told the level",
        chapter="denoising/noise_levels",
        build=FFDNet,
        batches=patches_with_levels,
        loss=informed_loss,
        evaluate=partial(psnr_when_told, levels={name: tuple(v) for name, v in FFDNET_PAPER.items()}),
        scales={
            "gpu": Scale(steps=40_000, batch=128, patch=70, lr=2e-3),
            "cpu": Scale(steps=7_000, batch=16, patch=64, lr=2e-3),
        },
        paper={_metric(name, s): value for name, levels in FFDNET_PAPER.items() for s, value in levels.items()},
        source="Zhang et al., IEEE TIP 2018 (doi:10.1109/TIP.2018.2839891)",
        fit={"optimizer": training.Muon},
        data="one network for sigma 0 to 75, trained on BSD400 (180x180); noise not clipped",
        urgency=70,
    ),
    "bf-cnn-10": _little_noise("bias-free DnCNN-8, sigma 0 to 10", BiasFreeDnCNN, (33.84, 28.15, 25.80, 22.83)),
    "dncnn-10": _little_noise("DnCNN-8, sigma 0 to 10", DnCNN, (33.69, 19.80, 15.29, 10.45)),
}
