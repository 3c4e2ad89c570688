"""Exemplar classes and SimCLR on CIFAR-10, and what SimCLR owes to its views and its temperature.

Chapter: book/pretext_tasks/exemplars_and_contrast.ipynb
"""

from dataclasses import replace
from functools import partial

import torch

from ... import data, session, training
from ...features import device_of, evaluating
from ...reference.recipe import Measurement, Scale
from ...reference.seeds import over_seeds
from ..augmentations import Views
from ..backbone import NIN
from ..contrastive import Projected, both_views, nt_xent, twins_found
from ..exemplars import draw_exemplars
from ..heads import classification_loss
from ..probing import accuracy, block_features, linear_probe
from .common import SHORT, classifier, pretext, probe_report

CHAPTER = "pretext_tasks/exemplars_and_contrast"
WINDOW = 24
TEMPERATURES = (0.05, 0.2, 0.5, 2.0)
# what the two views of a picture may differ in
DIFFERENCES = {
    "mirror": Views(area=(1, 1), ratio=(1, 1), jittered=0, grey=0),
    "mirror, crop": Views(jittered=0, grey=0),
    "mirror, colour": Views(area=(1, 1), ratio=(1, 1)),
    "mirror, crop, colour": Views(),
}


def projected(blocks: int = 4, width: int = 192) -> Projected:
    """The backbone of the part with a projection head."""
    return Projected(NIN(blocks, width))


def view_batches(views: Views, device, scale: Scale):
    """Two views of each of ``scale.batch / 2`` pictures."""
    images = data.cifar10(train=True)[0].to(device)

    def batch(generator: torch.Generator) -> tuple[torch.Tensor, torch.Tensor]:
        index = torch.randint(len(images), (scale.batch // 2,), generator=generator, device=generator.device)
        x = images[index.to(device)].float() / 255
        return views(x, generator), views(x, generator)

    return batch


def contrast(model, views, temperature: float = 0.5):
    """NT-Xent of two batches of views."""
    return nt_xent(*both_views(model, views), temperature)


def exemplar_batches(device, scale: Scale):
    """Distorted copies of as many seeds as the network has classes."""
    seeds = torch.Generator().manual_seed(0)
    chosen = draw_exemplars(data.cifar10(train=True)[0], scale.model["classes"], WINDOW, seeds).to(device)
    return lambda generator: chosen.batch(scale.batch, 32, generator)


def evaluate(model) -> dict[str, float]:
    """What the features are worth."""
    return probe_report(model.backbone)


def quick_probe(backbone, count: int = 5_000, test: int = 2_000, block: int = 1) -> float:
    """Percent that a linear probe on one block names rightly, from ``count`` labelled images: for comparisons."""
    (images, labels), (queries, truth) = data.cifar10(train=True), data.cifar10(train=False)
    known, asked = (block_features(backbone, x)[block] for x in (images[:count], queries[:test]))
    probe = linear_probe(known, labels[:count].to(known.device), penalties=(1e-2,))
    return accuracy(probe(asked), truth[:test].to(asked.device))


@torch.no_grad()
def pretext_accuracy(model: Projected, views: Views, count: int = 500) -> float:
    """Percent of the twins found among two views of each of ``count`` test images."""
    device, generator = device_of(model), torch.Generator().manual_seed(0)
    x = data.cifar10(train=False)[0][:count].float() / 255
    with evaluating(model):
        return twins_found(*(model(views(x, generator).to(device)) for _ in range(2)))


def ablation(seed: int, steps: int = 150, batch: int = 128, width: int = 48) -> dict[str, float]:
    """Short trainings that differ in one thing: in what the views differ in, or in the temperature."""
    device, metrics = session.pick_device(), {}
    scale = Scale(steps=steps, batch=batch, lr=SHORT["cpu"].lr)
    runs = {f"views: {name}": (views, 0.5) for name, views in DIFFERENCES.items()}
    runs |= {f"temperature {t:g}": (Views(), t) for t in TEMPERATURES if t != 0.5}
    for name, (views, temperature) in runs.items():
        session.seed_everything(seed)
        model = projected(width=width).to(device)
        training.fit(
            model,
            partial(contrast, temperature=temperature),
            view_batches(views, device, scale),
            steps=steps,
            lr=scale.lr,
            optimizer=training.Muon,
            seed=seed,
            progress=False,
        )
        metrics[f"{name}: twins found (%)"] = pretext_accuracy(model, views)
        metrics[f"{name}: linear probe (%)"] = quick_probe(model.backbone)
    return metrics


RECIPES = {
    **pretext(
        "simclr",
        title="SimCLR",
        chapter=CHAPTER,
        build=projected,
        batches=partial(view_batches, Views()),
        loss=contrast,
        evaluate=evaluate,
        source="Chen et al., ICML 2020 (arXiv:2002.05709): ResNet-50, 1,000 epochs, 94.0 % on CIFAR-10",
    ),
    **pretext(
        "exemplars",
        title="exemplar classes",
        chapter=CHAPTER,
        build=classifier,
        batches=exemplar_batches,
        loss=classification_loss,
        evaluate=evaluate,
        scales={
            "gpu": replace(SHORT["gpu"], model={"classes": 8_000}),
            "cpu": replace(SHORT["cpu"], model=SHORT["cpu"].model | {"classes": 1_000}),
        },
        source="Dosovitskiy et al., NeurIPS 2014 (arXiv:1406.6909): 8,000 classes of patches from STL-10",
    ),
    "simclr-ablation": Measurement(
        title="SimCLR, one thing left out at a time, 3 seeds",
        chapter=CHAPTER,
        measure=partial(over_seeds, ablation),
        source="Chen et al., ICML 2020 (arXiv:2002.05709), figure 5 and table 5",
        data=lambda: (
            f"{data.cifar10_source()}, 150 steps of 64 pairs each; linear probe on block 2 with 5,000 labels, "
            "2,000 images to test"
        ),
    ),
}
