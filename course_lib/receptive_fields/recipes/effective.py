"""Effective receptive fields against depth, before and after training, and with another initialisation.

Chapter: book/receptive_fields/effective_receptive_field.ipynb
"""

import statistics
from functools import partial

import torch
from torch.nn import functional as F

from ... import data, session, training
from ...reference.recipe import Recipe
from ..chains import KINDS, chain, growth_exponent
from ..classifier import ResidualClassifier, SmallClassifier
from ..effective import EffectiveReceptiveField, effective_receptive_field
from ..initialisation import outside_large_

CHAPTER = "receptive_fields/effective_receptive_field"
LUO = (
    "Luo et al., NeurIPS 2016 (arXiv:1701.04128): theory for chains; they show their own networks as pictures"
)
DEPTHS = (5, 10, 20, 40)


def radii_of_chains(model, initialisations: int = 20) -> dict[str, float]:
    """Radius of the effective field of chains of each kind and depth, and how fast it and its share grow."""
    metrics = {}
    for kind in KINDS:
        depths, radii = [], []
        for depth in DEPTHS:
            x = torch.randn(1, 1, 2 * depth + 21, 2 * depth + 21, generator=torch.Generator().manual_seed(0))
            each = []
            for seed in range(1 if kind == "uniform" else initialisations):
                torch.manual_seed(seed)
                each.append(effective_receptive_field(chain(depth, kind), x).radius)
            depths += [depth] * len(each)
            radii += each
            metrics[f"{kind}, {depth} layers: radius (pixels)"] = statistics.mean(each)
        metrics[f"{kind}: exponent of the growth"], error = growth_exponent(depths, radii)
        metrics[f"{kind}: its standard error"] = error
        # the radius as a part of the theoretical side
        share = [r / (2 * d + 1) for d, r in zip(depths, radii, strict=True)]
        metrics[f"{kind}: exponent of the share"], error = growth_exponent(depths, share)
        metrics[f"{kind}: standard error of that"] = error
    return metrics


def cifar_batches(device, scale: dict):
    """``generator -> (images, labels)`` of CIFAR-10's training set, shifted and mirrored at random."""
    images, labels = data.cifar10(train=True)
    images, labels = images.to(device), labels.to(device)

    def batch(generator):
        draw = {"generator": generator, "device": generator.device}
        index = torch.randint(len(images), (scale["batch"],), **draw).to(device)
        x = images[index].float() / 255
        down, right = torch.randint(-2, 3, (2,), **draw).tolist()
        x = x.roll((down, right), dims=(2, 3))
        flip = torch.rand(len(x), 1, 1, 1, **draw).to(device) < 0.5
        return torch.where(flip, x.flip(-1), x), labels[index]

    return batch


def classification_loss(model, batch):
    """Cross entropy of an (images, labels) batch."""
    x, labels = batch
    return F.cross_entropy(model(x), labels)


@torch.no_grad()
def accuracy(model, count: int = 2_000) -> float:
    """Percent of the first ``count`` test images of CIFAR-10 that are named rightly."""
    images, labels = data.cifar10(train=False)
    device = next(model.parameters()).device
    model.eval()
    right = [
        (model((x.float() / 255).to(device)).argmax(1).cpu() == y).float()
        for x, y in zip(images[:count].split(500), labels[:count].split(500), strict=True)
    ]
    return 100 * torch.cat(right).mean().item()


def view_of_classifier(model, size: int = 64, images: int = 64) -> EffectiveReceptiveField:
    """The effective field of the middle pixel of the last volume, on enlarged test images.

    They are enlarged to ``size`` so that the border cuts nothing off; the network is convolutional and does not mind.
    """
    x = data.cifar10(train=False)[0][:images].float() / 255
    x = F.interpolate(x, size=(size, size), mode="bilinear").to(next(model.parameters()).device)
    return effective_receptive_field(model, x, forward=lambda m, x: m.forward_features(x))


def before_and_after(model, build=SmallClassifier, size: int = 64, images: int = 64) -> dict[str, float]:
    """The trained network against the same network with its first weights (seed 0).

    By the second moment, which rules out nothing far away, and by the paper's size, which counts what is near the peak.
    """
    session.seed_everything(0)
    untrained = build().to(next(model.parameters()).device)
    metrics = {"CIFAR-10 accuracy (%)": accuracy(model)}
    for when, network in (("before", untrained), ("after", model)):
        view = view_of_classifier(network, size, images)
        metrics[f"radius {when} training (pixels)"] = view.radius
        metrics[f"side {when} training (pixels)"] = view.side
    return metrics


def speed_of_training(model, seeds: int = 5, steps: int = 100, batch: int = 64) -> dict[str, float]:
    """Loss after a short training with the usual initialisation and with the outside-large one, seed by seed."""
    device = next(model.parameters()).device
    batches = cifar_batches(device, {"batch": batch})
    losses = {"usual": [], "outside-large": []}
    views = {"usual": [], "outside-large": []}
    for seed in range(seeds):
        for name, change in (("usual", lambda m: m), ("outside-large", outside_large_)):
            session.seed_everything(seed)  # the same weights up to the factor, the same batches
            network = change(SmallClassifier()).to(device)
            views[name].append(view_of_classifier(network, images=8).radius)
            history = training.fit(
                network, classification_loss, batches, steps=steps, lr=3e-3, seed=seed, progress=False
            )
            losses[name].append(statistics.mean(history.loss[-20:]))
    gain = [a - b for a, b in zip(losses["usual"], losses["outside-large"], strict=True)]
    metrics = {}
    for name in losses:
        metrics[f"{name}: radius before training (pixels)"] = statistics.mean(views[name])
        metrics[f"{name}: loss after {steps} steps, mean"] = statistics.mean(losses[name])
        metrics[f"{name}: its standard deviation over {seeds} seeds"] = statistics.stdev(losses[name])
    metrics["advantage of outside-large in loss, mean"] = statistics.mean(gain)
    metrics["its standard error"] = statistics.stdev(gain) / seeds**0.5
    return metrics


def _measurement(title: str, build, evaluate, paper: dict, about) -> Recipe:
    """A run that measures: there is nothing to train beforehand."""
    nothing = {"steps": 0, "batch": 0}
    return Recipe(
        title=title,
        chapter=CHAPTER,
        build=build,
        batches=lambda device, scale: None,
        loss=lambda model, batch: None,
        evaluate=evaluate,
        scales={"gpu": nothing, "cpu": nothing},
        paper=paper,
        source=LUO,
        data=about,
        keep_weights=False,
    )


def _training(title: str, build, evaluate, batch: int, keep_weights: bool = True) -> Recipe:
    return Recipe(
        title=title,
        chapter=CHAPTER,
        build=build,
        batches=cifar_batches,
        loss=classification_loss,
        evaluate=evaluate,
        scales={
            "gpu": {"steps": 8_000, "batch": 256, "patch": 32, "lr": 5e-3},
            "cpu": {"steps": 600, "batch": batch, "patch": 32, "lr": 5e-3},
        },
        paper={},
        source=LUO,
        data=lambda: f"{data.cifar10_source()}, 50,000 images to train on, accuracy on 2,000 test images",
        keep_weights=keep_weights,
    )


RECIPES = {
    "erf-depth": _measurement(
        "effective fields of chains, 20 initialisations",
        partial(chain, 2),
        radii_of_chains,
        {
            f"{kind}: exponent of the {what}": a
            for kind in KINDS
            for what, a in (("growth", 0.5), ("share", -0.5))
        },
        "networks as they are initialised, looked at by their gradients",
    ),
    "erf-training": _training("view of a small CIFAR-10 classifier", SmallClassifier, before_and_after, 64),
    "erf-training-residual": _training(
        "view of 17 residual blocks without strides",
        ResidualClassifier,
        partial(before_and_after, build=ResidualClassifier, size=96, images=16),
        32,
        keep_weights=False,
    ),
    "erf-initialisation": _measurement(
        "outside-large initialisation, 5 seeds",
        SmallClassifier,
        speed_of_training,
        {},
        lambda: f"{data.cifar10_source()}, each network trained for 100 steps of 64 images",
    ),
}
