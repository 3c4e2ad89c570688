"""The autoencoder table: perturbations, bottlenecks on grain, and networks without a dense layer.

The runs of one length see the same pictures for the same number of steps, so they compare with each other; the longer
ones, on grain, compare with the straight line of as many numbers; the gated network and the U-Net get fewer steps. On a
CPU the dense networks have half the feature maps: what they lack there is steps, and a step costs half.
Chapter: book/denoising/autoencoders.ipynb
"""

from collections.abc import Callable
from functools import cache, partial

import torch
from torch import Tensor, nn

from ... import data, training
from ...metrics import mse
from ...observation import perturbations
from ...reference.recipe import Measurement, Recipe, Scale
from ..autoencoders import ConvAutoencoder, FullyConvolutionalAutoencoder, freeze_dense_norms
from ..evaluation import denoise
from ..gated import GatedConvDeconv
from ..linear import project_on
from ..unet import ShallowUNet

REPORT = "a student report of the lecture (unpublished); 0.0067 is the best of its dense autoencoders"
MAO = "Mao et al., NeurIPS 2016 (arXiv:1603.09056), with gates after Zhao, 2016"
COURSEWORK = "the baseline denoiser of the N-HPatches coursework (unpublished)"
UNITS = 64  # of the runs that differ in something else
NARROW = {"widths": (16, 32, 64)}
CHAPTER = "denoising/autoencoders"
SIZE = 64


@cache
def _pets() -> data.CatsAndDogs:
    return data.cats_and_dogs()


def crops(batch: int, device="cpu") -> data.Patches:
    """``generator -> y``: crops of the training pictures, half of them mirrored, none upside down."""
    images = _pets().train[0]
    return data.Patches(torch.cat([images, images.flip(3)]), size=SIZE, batch=batch, augment=False, device=device)


def damaged_images(device, scale: Scale, damage: Callable[..., Tensor]):
    """``generator -> (z, y)``: crops of training pictures, damaged anew every time they are drawn."""
    images = crops(scale.batch, device)

    def batch(generator):
        y = images(generator)
        return damage(y, generator), y

    return batch


def squared_error(model: nn.Module, batch: tuple[Tensor, Tensor]) -> Tensor:
    """Mean squared error over a (z, y) batch."""
    z, y = batch
    return (model(z).float() - y).square().mean()


def mean_mse(model: Callable[[Tensor], Tensor], images: Tensor, damage: Callable[..., Tensor]) -> float:
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
    """Mean squared error under each of the named perturbations: on 1,000 test images, and on training images.

    The second tells a network that has learnt too little from one that has learnt its pictures by heart.
    """
    known, pets = perturbations(), _pets()
    first = pets.train[0][:1000]
    start = (first.shape[-1] - SIZE) // 2
    sets = {"": pets.test[0][:1000], ", training pictures": first[..., start : start + SIZE, start : start + SIZE]}
    return {f"MSE, {name}{of}": mean_mse(model, y, known[name]) for of, y in sets.items() for name in damages}


def straight_line(
    count: int = 16_000, sizes: tuple[int, ...] = (16, 32, 64, 128, 256, 512, 724, 1024)
) -> dict[str, float]:
    """Mean squared error on the test images of a linear bottleneck: for each perturbation that of the best size.

    On grain, that of every size too. The directions are those of ``count`` crops of the training pictures, without
    noise: so many that more of them hardly help, and too many for an exact decomposition, which would cost hours.
    """
    x = crops(count)(torch.Generator().manual_seed(0)).flatten(1)
    mean = x.mean(0)
    _, _, directions = torch.svd_lowrank(x.sub_(mean), q=min(count, max(sizes) + 50), niter=2)
    line = partial(project_on, mean=mean, directions=directions)
    images, errors = _pets().test[0][:1000], {}
    for name, damage in perturbations().items():
        by_size = {k: mean_mse(partial(line, k=k), images, damage) for k in sizes}
        errors[f"MSE, {name}"] = min(by_size.values())
        if name == "gaussian":
            errors |= {f"MSE, {name}, {k} numbers": error for k, error in by_size.items()}
    return errors


def _recipe(
    title: str,
    build: Callable[..., nn.Module],
    damage: str = "all three",
    paper: float | None = None,
    source: str = REPORT,
    optimizer: Callable[..., torch.optim.Optimizer] = training.Muon,
    lr: float = 6e-3,
    steps: int = 300,
    cpu_model: dict | None = None,
    **options,
) -> Recipe:
    model = perturbations()[damage]
    watched = partial(validation, damage=model)
    return Recipe(
        title=title,
        chapter=CHAPTER,
        build=build,
        batches=partial(damaged_images, damage=model),
        loss=squared_error,
        evaluate=partial(test_error, damages=(damage,)),
        scales={
            "gpu": Scale(steps=20_000, batch=64, lr=lr),
            "cpu": Scale(steps=steps, batch=32, lr=lr, model=cpu_model or {}),
        },
        paper={} if paper is None else {f"MSE, {damage}": paper},
        source=source,
        data=data.cats_and_dogs_source,
        # patience 3 as in the report; a short run ends before it can matter. 600 MB of Adam: saved at the end only
        fit={"optimizer": optimizer, "validate": watched, "every": 500, "patience": 3, "save_seconds": 3600},
        **options,
    )


def dense_autoencoder(latent: int, **options) -> nn.Module:
    """`ConvAutoencoder` without batch statistics in its dense layers."""
    return freeze_dense_norms(ConvAutoencoder(latent, "upsampled", **options))


def _dense(latent: int, note: str = "", seed: int = 0, **options) -> Recipe:
    # Adam learns the directions in which pictures vary little far more slowly than the others; turned updates do not
    settings = {"optimizer": partial(training.Muon, dense=True), "lr": 1e-2}
    return _recipe(
        f"dense autoencoder, {latent} units, upsampled decoder{note}" + f" (seed {seed})" * bool(seed),
        partial(dense_autoencoder, latent=latent),
        cpu_model=NARROW,
        keep_weights=False,
        seed=seed,
        **settings | options,
    )


LONGER = {"damage": "gaussian", "steps": 1_500, "note": ", longer"}

RECIPES = {
    "autoencoder-upsampled": _dense(UNITS, paper=0.0067),
    # the rival of the fully convolutional one, of as long a code: Muon would be too slow on its dense layers
    "autoencoder-1024": _recipe(
        "dense autoencoder, 1024 units, with batch statistics and Adam",
        partial(ConvAutoencoder, latent=1024, decoder="upsampled"),
        optimizer=training.adam, lr=3e-3, cpu_model=NARROW, keep_weights=False,
    ),
    **{
        "autoencoder-" + damage.replace(" and pepper", "").replace(" + ", "-"): _dense(UNITS, damage=damage)
        for damage in perturbations()
        if damage != "all three"
    },
    "autoencoder-gaussian-16": _dense(16, damage="gaussian"),
    "autoencoder-gaussian-256": _dense(256, damage="gaussian"),
    "autoencoder-gaussian-adam": _dense(UNITS, ", with Adam", damage="gaussian", optimizer=training.adam, lr=2e-3),
    **{"autoencoder-grain-64" + f"-{k + 1}" * bool(k): _dense(UNITS, seed=k, **LONGER) for k in range(3)},
    "straight-line": Measurement(
        title="linear bottlenecks (principal components of 16,000 crops)",
        chapter=CHAPTER,
        measure=straight_line,
        source="no paper: the rival of the dense autoencoders",
        data=data.cats_and_dogs_source,
    ),
    "autoencoder-convolutional": _recipe(
        "fully convolutional autoencoder, 8x8x16 numbers", partial(FullyConvolutionalAutoencoder, (32, 48, 16)),
        paper=0.0037,
    ),
    # a step of these two costs five of the others, which get more of them
    "gated-conv-deconv": _recipe(
        "gated conv-deconv network, 10 layers", GatedConvDeconv, cpu_model={"width": 32}, steps=150, source=MAO
    ),
    "shallow-unet": _recipe(
        "shallow U-Net in colour", partial(ShallowUNet, channels=3), steps=150, source=COURSEWORK
    ),
}  # fmt: skip
