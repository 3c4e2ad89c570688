"""Effective receptive fields against depth, before and after training, and with another initialisation.

Chapter: book/receptive_fields/effective_receptive_field.ipynb
"""

import statistics
from functools import partial

import torch
from torch.nn import functional as F

from ... import data, session, training
from ...features import device_of
from ...metrics import accuracy
from ...reference.recipe import Measurement, Recipe, Scale
from ..chains import KINDS, chain, growth_exponent
from ..classifier import ResidualClassifier, SmallClassifier
from ..effective import EffectiveReceptiveField, effective_receptive_field
from ..initialisation import outside_large_

CHAPTER = "receptive_fields/effective_receptive_field"
LUO = "Luo et al., NeurIPS 2016 (arXiv:1701.04128): theory for chains; they show their own networks as pictures"
DEPTHS = (5, 10, 20, 40)
THEORY = {"growth": 0.5, "share": -0.5}


def radii_of_chains(initialisations: int = 20) -> dict[str, float]:
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


def cifar_batches(device, scale: Scale):
    """Batches of CIFAR-10."""
    return data.cifar10_batches(device, scale.batch)


def classification_loss(model, batch):
    """Cross entropy of an (images, labels) batch."""
    x, labels = batch
    return F.cross_entropy(model(x), labels)


def view_of_classifier(model, size: int = 64, images: int = 64) -> EffectiveReceptiveField:
    """The effective field of the middle pixel of the last volume, on enlarged test images.

    They are enlarged to ``size`` so that the border cuts nothing off; the network is convolutional and does not mind.
    """
    x = data.cifar10(train=False)[0][:images].float() / 255
    x = F.interpolate(x, size=(size, size), mode="bilinear").to(device_of(model))
    return effective_receptive_field(model, x, forward=lambda m, x: m.forward_features(x))


def before_and_after(model, build=SmallClassifier, size: int = 64, count: int = 64, seed: int = 0) -> dict[str, float]:
    """The trained network against the same network with the first weights that ``seed`` gives.

    By the second moment, which rules out nothing far away, and by the paper's size, which counts what is near the peak.
    """
    session.seed_everything(seed)
    untrained = build().to(device_of(model))
    images, labels = data.cifar10(train=False)
    metrics = {"CIFAR-10 accuracy (%)": accuracy(model, images[:2_000], labels[:2_000])}
    for when, network in (("before", untrained), ("after", model)):
        view = view_of_classifier(network, size, count)
        metrics[f"radius {when} training (pixels)"] = view.radius
        metrics[f"side {when} training (pixels)"] = view.side
    return metrics


def speed_of_training(seeds: int = 5, steps: int = 100, batch: int = 64) -> dict[str, float]:
    """Loss after a short training with the usual initialisation and with the outside-large one, seed by seed."""
    device = session.pick_device()
    batches = data.cifar10_batches(device, batch)
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


def _training(name: str, title: str, build, cpu: Scale, keep_weights: bool = True, **view) -> dict[str, Recipe]:
    """``name``, ``name-2``, ``name-3``: the same training with three seeds."""
    return {
        f"{name}-{seed + 1}" if seed else name: Recipe(
            title=title + f" (seed {seed})" * bool(seed),
            chapter=CHAPTER,
            build=build,
            batches=cifar_batches,
            loss=classification_loss,
            evaluate=partial(before_and_after, build=build, seed=seed, **view),
            scales={"gpu": Scale(steps=8_000, batch=256, lr=5e-3), "cpu": cpu},
            headline="radius after training (pixels)",
            source=LUO,
            data=lambda: f"{data.cifar10_source()}, 50,000 images to train on, accuracy on 2,000 test images",
            seed=seed,
            keep_weights=keep_weights and not seed,
        )
        for seed in range(3)
    }


RECIPES = {
    "erf-depth": Measurement(
        title="effective fields of chains, 20 initialisations",
        chapter=CHAPTER,
        measure=radii_of_chains,
        paper={f"{kind}: exponent of the {what}": a for kind in KINDS for what, a in THEORY.items()},
        source=LUO,
        data="networks as they are initialised, looked at by their gradients",
    ),
    **_training(
        "erf-training", "view of a small CIFAR-10 classifier", SmallClassifier, Scale(steps=8_000, batch=64, lr=5e-3)
    ),
    **_training(
        "erf-training-residual",
        "view of 17 residual blocks without strides",
        ResidualClassifier,
        Scale(steps=3_000, batch=32, lr=5e-3),
        keep_weights=False,
        size=96,
        count=16,
    ),
    "erf-initialisation": Measurement(
        title="outside-large initialisation, 5 seeds",
        chapter=CHAPTER,
        measure=speed_of_training,
        headline="outside-large: radius before training (pixels)",
        source=LUO,
        data=lambda: f"{data.cifar10_source()}, each network trained for 100 steps of 64 images",
    ),
}
