"""What the runs of this part have in common: one backbone, one budget, one way to look at what was learned.

The budget counts pictures that go through the network: a step is ``Scale.batch`` of them, whatever the task makes of
them (32 photographs in four orientations, or 128 photographs once).

Chapter: book/pretext_tasks/scoreboard.ipynb
"""

import statistics
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import torch
from torch import nn

from ... import data, session
from ...reference.recipe import Recipe, Scale
from ...training.optimizers import Muon
from ..backbone import NIN, Classifier
from ..label_fractions import label_curve
from ..probing import accuracy, block_features, knn, linear_probe

# The paper's network and epochs on a GPU; on a CPU a network with 7 % of its work, and a minute and a half of one core
# that computes in bfloat16.
SHORT = {
    "gpu": Scale(steps=20_000, batch=512, lr=0.02),
    "cpu": Scale(steps=1_000, batch=128, lr=0.02, model={"width": 48}),
}
SEEDS = 3
FEW = (20, 100, 400)


def classifier(classes: int, blocks: int = 4, width: int = 192, channels: int = 3) -> Classifier:
    """The backbone of the part with a head for ``classes`` answers."""
    return Classifier(NIN(blocks, width, channels), classes)


def photographs(device: torch.device, count: int) -> Callable[[torch.Generator], torch.Tensor]:
    """``generator -> (count, 3, 32, 32)`` of CIFAR-10, shifted and mirrored at random, without their labels."""
    draw = data.cifar10_batches(device, count)
    return lambda generator: draw(generator)[0]


def probe_report(backbone: nn.Module, prepare: Callable = lambda images: images) -> dict[str, float]:
    """What the frozen features are worth on CIFAR-10: linear probes block by block, k-NN and few labels on the best.

    The best block is the one whose probe names most *held-out training* images rightly. All 50,000 training images on
    a GPU, the first 10,000 on a CPU; all test images.

    Args:
        prepare: from uint8 pictures to what the backbone takes, for one that sees grey or single patches.
    """
    session.seed_everything(0)
    count = 50_000 if session.pick_device().type == "cuda" else 10_000
    (images, labels), (test, truth) = data.cifar10(train=True), data.cifar10(train=False)
    images, labels = images[:count], labels[:count]
    blocks, seen = block_features(backbone, prepare(images)), block_features(backbone, prepare(test))
    labels, truth = labels.to(blocks[0].device), truth.to(blocks[0].device)
    metrics, held_out = {}, []
    for k, (features, queries) in enumerate(zip(blocks, seen, strict=True), 1):
        probe = linear_probe(features, labels, penalties=(1e-4, 1e-2))
        held_out.append(probe.held_out)
        metrics[f"linear probe on block {k} (%)"] = accuracy(probe(queries), truth)
    best = max(range(len(blocks)), key=held_out.__getitem__)
    features, queries = blocks[best], seen[best]
    metrics["best block"] = best + 1
    metrics["linear probe (%)"] = metrics[f"linear probe on block {best + 1} (%)"]
    metrics["k-NN (%)"] = accuracy(knn(features, labels, queries), truth)

    def score(index: torch.Tensor) -> float:
        probe = linear_probe(features[index], labels[index], penalties=(1e-3, 1e-2, 1e-1))
        return accuracy(probe(queries), truth)

    for few, scores in label_curve(score, labels, FEW, seeds=range(3)).items():
        metrics[f"linear probe, {few:,} labels a class (%)"] = statistics.mean(scores)
    return metrics


def pretext(name: str, seeds: int = SEEDS, keep_weights: bool = True, **recipe: Any) -> dict[str, Recipe]:
    """The same run with each of ``seeds`` seeds: ``name``, ``name-2``, ``name-3``.

    Args:
        keep_weights: of the first; the others are there for the spread.
        recipe: everything else that a `Recipe` takes; by default the common budget and optimiser.
    """
    defaults = {
        "scales": SHORT,
        "fit": {"optimizer": Muon},
        "headline": "linear probe (%)",
        "data": lambda: f"{data.cifar10_source()}, 50,000 images without labels; probes: 10,000 on a CPU",
    }
    first = Recipe(**defaults | recipe, keep_weights=keep_weights)
    others = {
        f"{name}-{seed + 1}": replace(first, seed=seed, title=f"{first.title} (seed {seed})", keep_weights=False)
        for seed in range(1, seeds)
    }
    return {name: first} | others
