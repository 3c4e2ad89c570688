"""The multi-branch DnCNN of the patch coursework, and a rival for a small one. Chapter: book/denoising/dncnn.ipynb"""

from functools import partial

from ... import data, session, training
from ...observation import Gaussian
from ...reference.recipe import Measurement, Recipe, Scale
from ..dncnn import DnCNN
from ..evaluation import evaluate
from ..multi_branch import MultiBranchDnCNN
from .dncnn import denoising_loss, noisy_patches


def psnr_on_set12(model) -> dict[str, float]:
    """Mean PSNR on Set12 at sigma 25."""
    return {"Set12 PSNR, sigma 25 (dB)": evaluate(model, data.set12(), Gaussian(25 / 255)).mean().item()}


def narrow_and_deep(seeds: tuple[int, ...] = (0, 1, 2)) -> dict[str, float]:
    """One subtraction with the view and the arithmetic of the chapter's small relay, trained as the chapter does it.

    25 layers of 3 x 3 see 51 pixels; with 13 maps that is 35 thousand multiplications a pixel.
    """
    images, observe, device = data.bsd400(), Gaussian(25 / 255), session.pick_device()
    crops = [image[:, :120, :120].float() / 255 for image in images[:9]]
    patches = data.Patches(images[9:], size=40, batch=8, device=device)

    def batch(generator):
        y = patches(generator)
        return observe(y, generator), y

    found = {}
    for seed in seeds:
        session.seed_everything(seed)
        model = DnCNN(depth=25, width=13).to(device)
        training.fit(model, denoising_loss, batch, steps=300, lr=2e-3, seed=seed, progress=False)
        found[f"validation PSNR, seed {seed} (dB)"] = evaluate(model, crops, observe).mean().item()
    return found


RECIPES = {
    "narrow-and-deep": Measurement(
        title="DnCNN-25 with 13 maps, sigma 25, 300 steps",
        chapter="denoising/dncnn",
        measure=narrow_and_deep,
        source="a control for the student report on the N-HPatches coursework",
        data="391 images of BSD400, validated on nine others; noise not clipped",
    ),
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
    ),
}
