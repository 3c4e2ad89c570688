"""The autoencoder table: decoders, bottlenecks, perturbations, and networks without a dense layer.

All runs of this file see the same pictures for the same number of steps, so they compare with each other. Chapter:
book/denoising/autoencoders.ipynb
"""

from collections.abc import Callable
from functools import cache, partial

import torch
from torch import Tensor, nn

from ... import data, training
from ...metrics import mse
from ...observation import perturbations
from ...reference.recipe import Recipe, Scale
from ..autoencoders import ConvAutoencoder, FullyConvolutionalAutoencoder
from ..evaluation import denoise
from ..gated import GatedConvDeconv
from ..unet import ShallowUNet

REPORT = "a student report of the lecture (unpublished); 0.0067 is the best of its dense autoencoders"
MAO = "Mao et al., NeurIPS 2016 (arXiv:1603.09056), with gates after Zhao, 2016"
COURSEWORK = "the baseline denoiser of the N-HPatches coursework (unpublished)"
KNEE = 1024  # the bottleneck of the perturbation table: the report's sweep bends near 1000 units


@cache
def _pets() -> data.CatsAndDogs:
    return data.cats_and_dogs()


def damaged_images(device, scale: Scale, damage: Callable[..., Tensor]):
    """``generator -> (z, y)``: whole training images, damaged anew every time they are drawn."""
    images = data.Patches(_pets().train[0], size=64, batch=scale.batch, augment=False, device=device)

    def batch(generator):
        y = images(generator)
        return damage(y, generator), y

    return batch


def squared_error(model: nn.Module, batch: tuple[Tensor, Tensor]) -> Tensor:
    """Mean squared error over a (z, y) batch."""
    z, y = batch
    return (model(z).float() - y).square().mean()


def mean_mse(model: nn.Module, images: Tensor, damage: Callable[..., Tensor]) -> float:
    """Mean squared error on uint8 images; part ``i`` of 100 images is damaged with seed ``i`` on every device."""
    errors = []
    for i, part in enumerate(images.split(100)):
        y = part.float() / 255
        errors.append(mse(denoise(model, damage(y, torch.Generator().manual_seed(i))), y))
    return torch.cat(errors).mean().item()


def validation(model: nn.Module, damage: Callable[..., Tensor]) -> dict[str, float]:
    """The score that early stopping watches: higher is better."""
    return {"-MSE": -mean_mse(model, _pets().val[0][:200], damage)}


def test_error(model: nn.Module, damages: tuple[str, ...]) -> dict[str, float]:
    """Mean squared error on 1,000 test images under each of the named perturbations."""
    known, images = perturbations(), _pets().test[0][:1000]
    return {f"MSE, {name}": mean_mse(model, images, known[name]) for name in damages}


def _recipe(
    title: str,
    build: Callable[[], nn.Module],
    damage: str = "all three",
    paper: float | None = None,
    keep_weights: bool = False,
    cpu_model: dict | None = None,
    source: str = REPORT,
) -> Recipe:
    model = perturbations()[damage]
    return Recipe(
        title=title,
        chapter="denoising/autoencoders",
        build=build,
        batches=partial(damaged_images, damage=model),
        loss=squared_error,
        evaluate=partial(test_error, damages=(damage,)),
        scales={
            "gpu": Scale(steps=20_000, batch=64, lr=6e-3),
            "cpu": Scale(steps=300, batch=32, lr=6e-3, model=cpu_model or {}),
        },
        paper={} if paper is None else {f"MSE, {damage}": paper},
        source=source,
        data=data.cats_and_dogs_source,
        # patience 3 as in the report; a short run ends before it can matter. 600 MB of Adam: saved at the end only
        fit={
            "optimizer": training.Muon,
            "validate": partial(validation, damage=model),
            "every": 500,
            "patience": 3,
            "save_seconds": 3600,
        },
        keep_weights=keep_weights,
    )


def _dense(latent: int, decoder: str = "upsampled", **options) -> Recipe:
    title = f"dense autoencoder, {latent} units, {decoder} decoder"
    return _recipe(title, partial(ConvAutoencoder, latent=latent, decoder=decoder), **options)


RECIPES = {
    "autoencoder-strided": _dense(4096, "strided", paper=0.0067),
    "autoencoder-upsampled": _dense(4096, paper=0.0067),
    "autoencoder-pairs": _dense(4096, "pairs", paper=0.0067),
    "autoencoder-64": _dense(64),
    "autoencoder-256": _dense(256),
    "autoencoder-1024": _dense(KNEE),
    "autoencoder-gaussian": _dense(KNEE, damage="gaussian"),
    "autoencoder-salt": _dense(KNEE, damage="salt and pepper"),
    "autoencoder-cutout": _dense(KNEE, damage="cutout"),
    "autoencoder-gaussian-salt": _dense(KNEE, damage="gaussian + salt and pepper"),
    "autoencoder-gaussian-cutout": _dense(KNEE, damage="gaussian + cutout"),
    "autoencoder-salt-cutout": _dense(KNEE, damage="salt and pepper + cutout"),
    "autoencoder-convolutional": _recipe(
        "fully convolutional autoencoder, 8x8x64 numbers", FullyConvolutionalAutoencoder, paper=0.0037,
        keep_weights=True,
    ),
    "gated-conv-deconv": _recipe(
        "gated conv-deconv network, 10 layers", GatedConvDeconv, keep_weights=True, cpu_model={"width": 32},
        source=MAO,
    ),
    "shallow-unet": _recipe(
        "shallow U-Net in colour", partial(ShallowUNet, channels=3), keep_weights=True, source=COURSEWORK
    ),
}  # fmt: skip
