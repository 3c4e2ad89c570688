"""DnCNN at three known noise levels, and blind. Chapter: book/denoising/dncnn.ipynb"""

from functools import partial

from ... import data, training
from ...observation import Gaussian
from ...reference.recipe import Recipe, Scale
from ..dncnn import DnCNN, residual_loss
from ..evaluation import evaluate

ZHANG = "Zhang et al., IEEE TIP 2017 (doi:10.1109/TIP.2017.2662206), as rerun by its authors"
PAPER = {  # mean PSNR in dB: test set -> sigma -> known level, blind
    "BSD68": {15: (31.73, 31.61), 25: (29.23, 29.16), 50: (26.23, 26.23)},
    "Set12": {15: (32.86, None), 25: (30.44, None), 50: (27.18, None)},
}


def noisy_patches(device, scale: Scale, observe: Gaussian):
    """``generator -> (z, y)``: augmented BSD400 patches and what the camera would record of them."""
    patches = data.Patches(data.bsd400(), size=scale.patch, batch=scale.batch, device=device)

    def batch(generator):
        y = patches(generator)
        return observe(y, generator), y

    return batch


def denoising_loss(model, batch):
    """`residual_loss` of a (z, y) batch."""
    z, y = batch
    return residual_loss(model(z), y)


def psnr_on_test_sets(model, sigmas: tuple[int, ...]) -> dict[str, float]:
    """Mean PSNR on BSD68 and Set12 at each noise level (grey levels of 255)."""
    return {
        _metric(name, sigma): evaluate(model, images, Gaussian(sigma / 255)).mean().item()
        for name, images in (("BSD68", data.bsd68()), ("Set12", data.set12()))
        for sigma in sigmas
    }


def _metric(test_set: str, sigma: int) -> str:
    return f"{test_set} PSNR, sigma {sigma} (dB)"


def _recipe(sigma: int | tuple[int, int], depth: int, sigmas: tuple[int, ...], cpu: Scale, urgency: int = 0) -> Recipe:
    blind = isinstance(sigma, tuple)
    low_high = tuple(s / 255 for s in sigma) if blind else sigma / 255
    published = {
        _metric(test_set, s): values[s][blind]
        for test_set, values in PAPER.items()
        for s in sigmas
        if values[s][blind] is not None
    }
    return Recipe(
        title=f"DnCNN-{depth}, " + (f"blind, sigma {sigma[0]} to {sigma[1]}" if blind else f"sigma {sigma}"),
        chapter="denoising/dncnn",
        build=partial(DnCNN, depth=depth),
        batches=partial(noisy_patches, observe=Gaussian(low_high)),
        loss=denoising_loss,
        evaluate=partial(psnr_on_test_sets, sigmas=sigmas),
        scales={"gpu": Scale(steps=30_000, batch=128, patch=50, lr=5e-3), "cpu": cpu},
        paper=published,
        source=ZHANG,
        fit={"optimizer": training.Muon},
        data="trained on BSD400 (180x180), tested on BSD68 and Set12; noise not clipped",
        urgency=urgency,
    )


# Two cores have no time to learn every noise level from nothing: a neighbouring level is a good place to start.
SMALL = partial(Scale, batch=8, patch=40)
NEIGHBOUR = partial(SMALL, lr=3e-3, start="dncnn-s25")
RECIPES = {
    "dncnn-s15": _recipe(15, depth=17, sigmas=(15,), cpu=NEIGHBOUR(steps=3_000), urgency=80),
    "dncnn-s25": _recipe(25, depth=17, sigmas=(25,), cpu=SMALL(steps=8_400, lr=6e-3, restart_at=6_000), urgency=100),
    "dncnn-s50": _recipe(50, depth=17, sigmas=(50,), cpu=NEIGHBOUR(steps=3_000), urgency=90),
    "dncnn-blind": _recipe((0, 55), depth=20, sigmas=(15, 25, 50), cpu=SMALL(steps=4_000, lr=6e-3)),
}
