"""Colourization as a regression and as a choice, and with a grey that gives the colours away.

Chapter: book/pretext_tasks/colourization.ipynb
"""

from collections.abc import Callable
from functools import cache, partial

import torch
from torch import Tensor
from torch.nn import functional as F

from ... import data, session, training
from ...observation.camera import bayer
from ...reference.recipe import Measurement, Recipe, Scale
from ...reference.seeds import over_seeds
from ..backbone import NIN
from ..colourization import (
    Colourizer,
    annealed_mean,
    classification_loss,
    colour_counts,
    colour_task,
    rebalance,
    soft_encode,
)
from ..trials import named_blocks, probe_blocks

CHAPTER = "pretext_tasks/colourization"
ZHANG = "Zhang et al., ECCV 2016 (arXiv:1603.08511)"
LABELS = 1_500
# side of the pictures, and how much is trained
SIZES = {"cpu": 32, "cuda": 64}
SHORT = {"cpu": {"width": 32, "steps": 200, "batch": 64}, "cuda": {"width": 192, "steps": 10_000, "batch": 128}}


@cache
def pictures(size: int) -> data.TinyImagenet:
    """The data scaled down to ``size``, read once for several runs."""
    return data.tiny_imagenet().resized(size)


def plain_grey(rgb: Tensor) -> Tensor:
    """Lightness, L / 100: what the network should see. (B, 3, H, W) -> (B, 1, H, W)"""
    return colour_task(rgb)[0]


def raw_grey(rgb: Tensor) -> Tensor:
    """The raw picture of a sensor with Bayer's mosaic, taken for grey: its checkerboard holds the colours."""
    return (rgb * bayer(rgb)).sum(1, keepdim=True)


class ColourBatches:
    """``batches(generator) -> (grey (B, 1, H, W), ab (B, 2, H / 4, W / 4))``, pictures mirrored at random."""

    def __init__(self, images: Tensor, batch: int, device, grey: Callable[[Tensor], Tensor] = plain_grey):
        self.images, self.batch, self.grey = images.to(device), batch, grey

    def __call__(self, generator: torch.Generator) -> tuple[Tensor, Tensor]:
        draw, device = {"generator": generator, "device": generator.device}, self.images.device
        rgb = self.images[torch.randint(len(self.images), (self.batch,), **draw).to(device)].float() / 255
        flip = torch.rand(self.batch, 1, 1, 1, **draw).to(device) < 0.5
        rgb = torch.where(flip, rgb.flip(-1), rgb)
        return self.grey(rgb), colour_task(rgb)[1]


def regression_loss(model, batch) -> Tensor:
    """Mean squared error of (a, b) / 100."""
    grey, ab = batch
    return F.mse_loss(model(grey), ab / 100)


@cache
def colour_weights(size: int, device: torch.device) -> Tensor:
    """Weights of the bins for the training pictures: rare colours count more. Moved once, not in every step."""
    with torch.autocast("cpu", enabled=False):  # the loss asks for them, in the middle of a step
        return rebalance(colour_counts(colour_task(pictures(size).train[0][:3_000].float() / 255)[1])).to(device)


def balanced_loss(model, batch) -> Tensor:
    """The classification loss with rebalanced colours."""
    grey, ab = batch
    return classification_loss(model(grey), ab, colour_weights(grey.shape[-1], ab.device))


@torch.no_grad()
def colour_scores(model: Colourizer, images: Tensor, grey: Callable[[Tensor], Tensor] = plain_grey) -> dict[str, float]:
    """How far off the colours are and how lively, in units of Lab: the mean of all guesses, and the annealed mean.

    Args:
        images: uint8 (N, 3, H, W). grey: what the network sees of them.
    """
    guesses, true = [], []
    device = next(model.parameters()).device
    model.eval()
    for some in images.split(100):
        rgb = some.to(device).float() / 255
        guesses.append(model(grey(rgb)))
        true.append(colour_task(rgb)[1])
    guess, ab = torch.cat(guesses), torch.cat(true)

    def error(x: Tensor) -> float:
        return (x - ab).square().sum(1).mean().sqrt().item()

    def chroma(x: Tensor) -> float:
        return x.norm(dim=1).mean().item()

    scores = {"chroma of the pictures": chroma(ab), "error of grey": error(torch.zeros_like(ab))}
    if model.outputs == 2:
        return scores | {"error": error(100 * guess), "chroma": chroma(100 * guess)}
    nearest = soft_encode(ab, neighbours=1)[0][:, 0]
    mean, annealed = annealed_mean(guess, 1.0), annealed_mean(guess)
    return scores | {
        "error": error(mean),
        "chroma": chroma(mean),
        "error, annealed": error(annealed),
        "chroma, annealed": chroma(annealed),
        "right bin (%)": 100 * (guess.argmax(1) == nearest).float().mean().item(),
    }


def build(outputs: int, width: int = 192) -> Colourizer:
    """A colourizer on the backbone of this part."""
    return Colourizer(NIN(3, width, channels=1), outputs)


def measure(outputs: int, loss, grey: Callable[[Tensor], Tensor] = plain_grey) -> dict[str, float]:
    """Three seeds of a short training: colours, and probes on grey pictures, which are what downstream tasks have."""
    device = session.pick_device()
    scale, size = (table["cpu" if device.type == "cpu" else "cuda"] for table in (SHORT, SIZES))
    pics = pictures(size)
    train, val = ((plain_grey(x.float() / 255), y) for x, y in (pics.train, pics.val))

    def once(seed: int) -> dict[str, float]:
        session.seed_everything(seed)
        model = build(outputs, scale["width"]).to(device)
        metrics = {}
        if loss:
            batches = ColourBatches(pics.train[0], scale["batch"], device, grey)
            training.fit(
                model, loss, batches, steps=scale["steps"], lr=0.02, seed=seed, optimizer=training.Muon, progress=False
            )
            metrics = colour_scores(model, pics.val[0], grey)
        return metrics | named_blocks(probe_blocks(model.trunk, train, val, labels=LABELS))

    return over_seeds(once)


def source_of_data() -> str:
    """What the runs of this chapter were measured on."""
    size = SIZES["cpu"]
    return f"{data.tiny_imagenet_source()}, scaled to {size}x{size} on a CPU; probes on {LABELS:,} labels"


def _training(title: str, outputs: int, loss) -> Recipe:
    def side(width: int) -> int:  # the small network gets small pictures, wherever it runs
        return SIZES["cpu" if width == SHORT["cpu"]["width"] else "cuda"]

    def batches(device, scale: Scale):
        return ColourBatches(pictures(side(scale.model.get("width", 192))).train[0], scale.batch, device)

    def evaluate(model) -> dict[str, float]:
        return colour_scores(model, pictures(side(model.trunk.widths[-1])).val[0])

    return Recipe(
        title=title,
        chapter=CHAPTER,
        build=partial(build, outputs),
        batches=batches,
        loss=loss,
        evaluate=evaluate,
        scales={
            "gpu": Scale(steps=20_000, batch=128, lr=0.02),
            "cpu": Scale(steps=1_000, batch=64, lr=0.02, model={"width": 32}),
        },
        source=ZHANG,
        data=source_of_data,
        fit={"optimizer": training.Muon},
    )


def _short(title: str, outputs: int, loss, grey=plain_grey) -> Measurement:
    return Measurement(
        title=f"{title}, short training, 3 seeds",
        chapter=CHAPTER,
        measure=partial(measure, outputs, loss, grey),
        source=ZHANG,
        data=source_of_data,
    )


BINS = 261
RECIPES = {
    "colourization": _training("colourization, classification", BINS, balanced_loss),
    "colourization-regression": _training("colourization, regression", 2, regression_loss),
    "colourization-untrained": _short("grey pictures: untrained backbone", 2, None),
    "colourization-seeds": _short("colourization, classification", BINS, balanced_loss),
    "colourization-regression-seeds": _short("colourization, regression", 2, regression_loss),
    "colourization-leak": _short("colourization of a sensor's raw picture", BINS, balanced_loss, raw_grey),
}
