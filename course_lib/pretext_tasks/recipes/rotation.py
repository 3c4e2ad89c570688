"""RotNet on CIFAR-10: a long run, and how many orientations there should be.

Chapter: book/pretext_tasks/rotation.ipynb
"""

from collections.abc import Sequence
from dataclasses import replace
from functools import partial

import torch
from torch import nn

from ... import data, reference, session, training
from ...features import device_of, embed
from ...metrics import accuracy
from ...reference.recipe import Measurement, Scale
from ..heads import Probe, classification_loss, conv_head, nonlinear_head
from ..label_fractions import few_labels
from ..rotation import EIGHTHS, QUARTERS, rotation_loss, rotations
from .common import SHORT, classifier, photographs, pretext, probe_report

CHAPTER = "pretext_tasks/rotation"
GIDARIS = "Gidaris et al., ICLR 2018 (arXiv:1803.07728), tables 1 and 2: NIN on CIFAR-10"
SETS = {"4": QUARTERS, "8": EIGHTHS, "0-180": (0, 180), "90-270": (90, 270)}


def rotation_batches(degrees: Sequence[float], device, scale: Scale):
    """Batches of ``scale.batch`` turned pictures: all orientations of each of ``scale.batch / len(degrees)``."""
    draw = photographs(device, scale.batch // len(degrees))
    return lambda generator: rotations(draw(generator), degrees)


@torch.no_grad()
def rotation_accuracy(model: nn.Module, degrees: Sequence[float] = QUARTERS, count: int = 1_000) -> float:
    """Percent of the orientations of the first ``count`` test images that are named rightly."""
    x, labels = rotations(data.cifar10(train=False)[0][:count].float() / 255, degrees)
    return 100 * (embed(model, x).argmax(1).cpu() == labels).float().mean().item()


def evaluate(degrees: Sequence[float], model: nn.Module) -> dict[str, float]:
    """Accuracy on the orientations, and what the features are worth."""
    return {"orientation (%)": rotation_accuracy(model, degrees)} | probe_report(model.backbone)


def trained_probe(backbone: nn.Module, kind: str, frozen: bool, labels_a_class: int | None = None) -> float:
    """Test accuracy of a head of ``kind`` (``conv`` or ``dense``) on block 2, trained on CIFAR-10's labels.

    On a CPU for 600 steps, on a GPU for 20,000.
    """
    device, width = session.pick_device(), backbone.widths[1]
    session.seed_everything(0)
    head = conv_head(width, 10, width) if kind == "conv" else nonlinear_head(width * 64, 10)
    probe = Probe(backbone, head, frozen=frozen).to(device)
    among = None if labels_a_class is None else few_labels(data.cifar10(train=True)[1], labels_a_class)
    training.fit(
        probe,
        classification_loss,
        data.cifar10_batches(device, 128, among),
        steps=20_000 if device.type == "cuda" else 600,
        lr=3e-3,
        progress=False,
    )
    return accuracy(probe, *data.cifar10(train=False))


def probes_of_rotnet() -> dict[str, float]:
    """The paper's four readers of the second block of `rotnet`, and the conv probe of a network with random weights."""
    trained = reference.load("rotnet", session.pick_device())
    session.seed_everything(0)
    untrained = classifier(4, width=trained.backbone.widths[-1]).to(device_of(trained)).eval()
    return {
        "random + conv (%)": trained_probe(untrained.backbone, "conv", frozen=True),
        "RotNet + non-linear (%)": trained_probe(trained.backbone, "dense", frozen=True),
        "RotNet + conv (%)": trained_probe(trained.backbone, "conv", frozen=True),
        "RotNet + non-linear, fine-tuned (%)": trained_probe(trained.backbone, "dense", frozen=False),
        "RotNet + conv, fine-tuned (%)": trained_probe(trained.backbone, "conv", frozen=False),
    }


def _run(name: str, scales=SHORT, seeds: int = 3, keep_weights: bool = False, title: str | None = None):
    degrees = SETS[name]
    return dict(
        seeds=seeds,
        keep_weights=keep_weights,
        title=title or f"rotations, {name.replace('-', ' and ')}",
        chapter=CHAPTER,
        build=partial(classifier, len(degrees)),
        batches=partial(rotation_batches, degrees),
        loss=rotation_loss,
        evaluate=partial(evaluate, degrees),
        scales=scales,
        source=GIDARIS,
    )


LONG = {
    "gpu": replace(SHORT["gpu"], steps=78_000),  # the paper's 200 epochs of 128 images in four orientations
    "cpu": replace(SHORT["cpu"], steps=8_000),
}
WIDE = {"gpu": SHORT["gpu"], "cpu": replace(SHORT["cpu"], model={})}

RECIPES = {
    **pretext("rotnet", **_run("4", LONG, seeds=1, keep_weights=True, title="RotNet, the long run")),
    **pretext("rotnet-wide", **_run("4", WIDE, seeds=1, title="RotNet, the paper's width")),
    **pretext("rotations-4", **_run("4", keep_weights=True)),
    **pretext("rotations-8", **_run("8")),
    **pretext("rotations-0-180", **_run("0-180")),
    **pretext("rotations-90-270", **_run("90-270")),
    "rotnet-probes": Measurement(
        title="readers of RotNet's second block",
        chapter=CHAPTER,
        measure=probes_of_rotnet,
        paper={
            "random + conv (%)": 72.50,
            "RotNet + non-linear (%)": 89.06,
            "RotNet + conv (%)": 91.16,
            "RotNet + non-linear, fine-tuned (%)": 91.73,
            "RotNet + conv, fine-tuned (%)": 92.17,
        },
        source=GIDARIS,
        data=lambda: f"{data.cifar10_source()}, all labels; each reader trained for 200 steps of 128 images on a CPU",
    ),
}
