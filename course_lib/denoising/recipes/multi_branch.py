"""The multi-branch DnCNN of the patch coursework. Chapter: book/denoising/dncnn.ipynb"""

from functools import partial

from ... import data, training
from ...observation import Gaussian
from ...reference.recipe import Recipe, Scale
from ..evaluation import evaluate
from ..multi_branch import MultiBranchDnCNN
from .dncnn import denoising_loss, noisy_patches


def psnr_on_set12(model) -> dict[str, float]:
    """Mean PSNR on Set12 at sigma 25."""
    return {"Set12 PSNR, sigma 25 (dB)": evaluate(model, data.set12(), Gaussian(25 / 255)).mean().item()}


RECIPES = {
    "multi-branch": Recipe(
        title="multi-branch DnCNN, sigma 25",
        chapter="denoising/dncnn",
        build=MultiBranchDnCNN,
        batches=partial(noisy_patches, observe=Gaussian(25 / 255)),
        loss=denoising_loss,
        evaluate=psnr_on_set12,
        scales={
            "gpu": Scale(steps=20_000, batch=64, patch=40, lr=5e-3),
            "cpu": Scale(steps=2_500, batch=8, patch=40, lr=6e-3, model={"width": 32}),
        },
        paper={},  # the report measures on its own noisy patches
        source="student report on the N-HPatches coursework",
        fit={"optimizer": training.Muon},
        data="trained on BSD400 (180x180), tested on Set12; noise not clipped",
        keep_weights=False,
    )
}
