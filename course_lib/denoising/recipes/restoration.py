"""One DnCNN for three kinds of damage (the paper's DnCNN-3). Chapter: book/denoising/dncnn.ipynb"""

from functools import partial

import torch

from ... import data, training
from ...observation import Gaussian, Jpeg, LowResolution
from ...reference.recipe import Recipe, Scale
from ..dncnn import DnCNN
from ..evaluation import evaluate
from .dncnn import ZHANG, denoising_loss

DAMAGE = {
    "noise, sigma 25": Gaussian(25 / 255),
    "JPEG, quality 10": Jpeg(10),
    "JPEG, quality 30": Jpeg(30),
    "2x smaller, enlarged": LowResolution(2),
    "3x smaller, enlarged": LowResolution(3),
}


def damaged_patches(device, scale: Scale):
    """``generator -> (z, y)``: a third of the patches is noisy, a third compressed, a third was made smaller."""
    patches = data.Patches(data.bsd400(), size=scale.patch, batch=scale.batch, device=device)
    noisy, compressed = Gaussian((0, 55 / 255)), Jpeg((5, 99))

    def batch(generator):
        y = patches(generator)
        factor = 2 + torch.randint(3, (), generator=generator, device=device).item()
        damage = (noisy, compressed, LowResolution(factor))
        z = torch.cat([a(part, generator) for a, part in zip(damage, y.chunk(3), strict=True)])
        return z, y

    return batch


def psnr_on_set12(model) -> dict[str, float]:
    """Mean PSNR on Set12 for each damage, and what it gains over the damaged image."""
    metrics = {}
    for name, damage in DAMAGE.items():
        restored = evaluate(model, data.set12(), damage).mean().item()
        untouched = evaluate(lambda z: z, data.set12(), damage).mean().item()
        metrics[f"Set12 PSNR, {name} (dB)"] = restored
        metrics[f"Set12 gain over the input, {name} (dB)"] = restored - untouched
    return metrics


RECIPES = {
    "dncnn-3": Recipe(
        title="DnCNN-20 for noise, JPEG blocks and super-resolution",
        chapter="denoising/dncnn",
        build=partial(DnCNN, depth=20),
        batches=damaged_patches,
        loss=denoising_loss,
        evaluate=psnr_on_set12,
        scales={
            "gpu": Scale(steps=30_000, batch=126, patch=50, lr=5e-3),
            "cpu": Scale(steps=1_500, batch=9, patch=40, lr=3e-3, start="dncnn-blind"),
        },
        paper={},  # the paper tests on sets that this course does not have (Classic5, LIVE1, Set5, Set14)
        source=ZHANG,
        fit={"optimizer": training.Muon},
        data="trained on BSD400 (180x180), sigma 0 to 55, JPEG quality 5 to 99, factors 2 to 4; tested on Set12",
    )
}
