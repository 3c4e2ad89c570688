"""The marks at both ends of the scale: no training, the oldest task of all, and all labels, or a few.

Chapter: book/pretext_tasks/why_self_supervision.ipynb
"""

import statistics
from functools import partial

import torch

from ... import data, session
from ...metrics import accuracy, psnr
from ...reference.recipe import Measurement, Recipe, Scale
from ..autoencoder import Autoencoder, reconstruction_loss
from ..backbone import NIN
from ..heads import classification_loss
from ..label_fractions import few_labels
from .common import SHORT, classifier, photographs, pretext, probe_report

CHAPTER = "pretext_tasks/why_self_supervision"
GIDARIS = "Gidaris et al., ICLR 2018 (arXiv:1803.07728), tables 2 and 4: NIN on CIFAR-10"
# labels a class -> error of a supervised NIN in the paper's figure 4
FEW = {20: 66.34, 100: 52.74, 400: 25.81, 1000: 16.53}


def autoencoder(blocks: int = 4, width: int = 192) -> Autoencoder:
    """The backbone between a picture and its copy."""
    return Autoencoder(NIN(blocks, width))


def image_batches(device, scale: Scale):
    """Batches of ``scale.batch`` pictures."""
    return photographs(device, scale.batch)


@torch.no_grad()
def evaluate_autoencoder(model) -> dict[str, float]:
    """How well it copies, and what its features are worth."""
    x = data.cifar10(train=False)[0][:1_000].float() / 255
    return {"copy (dB)": psnr(model(x.to(next(model.parameters()).device)).cpu(), x).mean().item()} | probe_report(
        model.backbone
    )


def labelled_batches(labels_a_class: int | None, device, scale: Scale):
    """Batches of CIFAR-10 with labels, of all its images or of a few of each class."""
    among = None if labels_a_class is None else few_labels(data.cifar10(train=True)[1], labels_a_class)
    return data.cifar10_batches(device, scale.batch, among)


def evaluate_supervised(model) -> dict[str, float]:
    """The network's own accuracy, and what its features are worth to a probe."""
    return {"supervised (%)": accuracy(model, *data.cifar10(train=False))} | probe_report(model.backbone)


def evaluate_few(model) -> dict[str, float]:
    """The network's own accuracy."""
    return {"supervised (%)": accuracy(model, *data.cifar10(train=False))}


def untrained(seeds: int = 3) -> dict[str, float]:
    """Probes of networks with their first weights: the mean over seeds, and the spread of the main one."""
    width = SHORT["gpu" if session.pick_device().type == "cuda" else "cpu"].model.get("width", 192)
    reports = []
    for seed in range(seeds):
        session.seed_everything(seed)
        reports.append(probe_report(classifier(10, width=width).to(session.pick_device()).eval().backbone))
    metrics = {key: statistics.mean(report[key] for report in reports) for key in reports[0]}
    return metrics | {"linear probe, standard deviation": statistics.stdev(r["linear probe (%)"] for r in reports)}


RECIPES = {
    "pretext-random": Measurement(
        title="no training at all, three seeds",
        chapter=CHAPTER,
        measure=untrained,
        source=GIDARIS,
        data=lambda: f"{data.cifar10_source()}; probes: 10,000 images on a CPU",
    ),
    **pretext(
        "pretext-autoencoder",
        title="autoencoder",
        chapter=CHAPTER,
        build=autoencoder,
        batches=image_batches,
        loss=reconstruction_loss,
        evaluate=evaluate_autoencoder,
        source="Hinton and Salakhutdinov, Science 2006, https://doi.org/10.1126/science.1127647",
    ),
    **pretext(
        "pretext-supervised",
        title="supervised, all labels",
        chapter=CHAPTER,
        build=partial(classifier, 10),
        batches=partial(labelled_batches, None),
        loss=classification_loss,
        evaluate=evaluate_supervised,
        paper={"supervised (%)": 92.80},
        source=GIDARIS,
        data=lambda: f"{data.cifar10_source()}, 50,000 images with labels; probes: 10,000 on a CPU",
    ),
    **{
        f"supervised-{few}": Recipe(
            title=f"supervised, {few:,} labels a class",
            chapter=CHAPTER,
            build=partial(classifier, 10),
            batches=partial(labelled_batches, few),
            loss=classification_loss,
            evaluate=evaluate_few,
            scales=SHORT,
            paper={"supervised (%)": 100 - error},
            source=GIDARIS,
            data=lambda: f"{data.cifar10_source()}, a few labelled images of each class; 10,000 to test",
            keep_weights=False,
        )
        for few, error in FEW.items()
    },
}
