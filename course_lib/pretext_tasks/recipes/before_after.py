"""The conveyor: the classifier with and without its shortcuts, and what can be painted with its maps.

Chapter: book/pretext_tasks/before_after.ipynb
"""

from functools import cache, partial

import torch
from torch import Tensor
from torch.nn import functional as F

from ... import reference
from ...features import device_of, evaluating
from ...reference.recipe import Recipe, Scale
from ..before_after import (
    BEFORE_LABEL,
    BeforeAfterClassifier,
    Examples,
    SegmentationNetwork,
    anomalies,
    class_activation_map,
    classifier_batches,
    conveyor,
    empty_stations,
    evidence,
    examples,
    items,
    mask_batches,
    pixel_iou,
    pseudo_masks,
    segmentation_loss,
)

CHAPTER = "pretext_tasks/before_after"
ZHOU = "class activation maps: Zhou et al., CVPR 2016 (arXiv:1512.04150); they have no such data"
SEQUENCES, UNSEEN = 400, 100
# what is done to the pictures, and whether there is a third class
REMEDIES = {
    "raw": ({}, False),
    "cut": ({"cut": True}, False),
    "even": ({"even": True}, False),
    "both": ({"cut": True, "even": True}, False),
    "background": ({"cut": True, "even": True}, True),
}
CLEAN = REMEDIES["both"][0]


@cache
def sequences(which: str):
    """The scenes of a reference run: ``train``, ``test``, or ``exchanged``, the test's with the stations swapped."""
    seed, count = (0, SEQUENCES) if which == "train" else (1, UNSEEN)
    habit = -1.0 if which == "exchanged" else 1.0
    return conveyor(count, torch.Generator().manual_seed(seed), frames=(2, 0, 2), habit=habit)


@cache
def prepared(which: str, cut: bool = False, even: bool = False) -> Examples:
    """Their pictures; the empty stations are known from the training pictures."""
    return examples(sequences(which), empty_stations(sequences("train")), cut=cut, even=even)


def classification_batches(remedy: str, device, scale: Scale):
    """Batches of ``scale.batch`` pictures, prepared as the remedy says."""
    options, background = REMEDIES[remedy]
    return classifier_batches(prepared("train", **options).to(device), scale.batch, background)


def classification_loss(model, batch):
    """Cross entropy of an (images, labels) batch."""
    return F.cross_entropy(model(batch[0]), batch[1])


@torch.no_grad()
def maps(model: BeforeAfterClassifier, images: Tensor) -> Tensor:
    """The maps of "before", (B, h, w), on the CPU."""
    with evaluating(model):
        parts = [model.forward_features(part.to(device_of(model))) for part in images.split(200)]
        return torch.cat([class_activation_map(part, model.head, BEFORE_LABEL).cpu() for part in parts])


@torch.no_grad()
def right(model: BeforeAfterClassifier, given: Examples) -> float:
    """Percent of pictures whose side of the hand is named rightly; an answer of "background" is wrong."""
    with evaluating(model):
        answers = [model(part.to(device_of(model))).argmax(1).cpu() for part in given.images.split(200)]
    return 100 * (torch.cat(answers) == given.labels).float().mean().item()


def evaluate_classifier(remedy: str, model: BeforeAfterClassifier) -> dict[str, float]:
    """Accuracy on unseen sequences, also with exchanged stations, and where the maps of "before" point."""
    options, _ = REMEDIES[remedy]
    given = prepared("test", **options)
    before = given.labels == BEFORE_LABEL
    truth, found = anomalies(given.kinds[before]), given.foreground[before]
    drawn = maps(model, given.images[before])
    strong = evidence(drawn, truth.shape[-2:])
    total = strong.sum().item() or 1.0
    return {
        "accuracy (%)": right(model, given),
        "accuracy, stations exchanged (%)": right(model, prepared("exchanged", **options)),
        "map on anomalies (%)": 100 * (strong * truth).sum().item() / total,
        "map on the background (%)": 100 * (strong * ~items(given.kinds[before])).sum().item() / total,
        "IoU of the map": pixel_iou(strong > 0.3, truth),
        "IoU of the pseudo-masks": pixel_iou(pseudo_masks(drawn, found), truth),
    }


def segmentation_batches(exact: bool, device, scale: Scale):
    """Batches of pictures with masks: the annotation, or what the stored classifier's maps make of the training set."""
    given = prepared("train", **CLEAN)
    if exact:
        masks = anomalies(given.kinds)
    else:
        masks = pseudo_masks(maps(reference.load("before-after-both"), given.images), given.foreground)
        masks = masks & (given.labels == BEFORE_LABEL)[:, None, None]
    return mask_batches(given.to(device), masks.to(device), scale.batch)


def mask_loss(model, batch):
    """The segmentation loss of an (images, masks) batch."""
    return segmentation_loss(model(batch[0]), batch[1])


@torch.no_grad()
def evaluate_segmentation(model: SegmentationNetwork) -> dict[str, float]:
    """Pixel IoU on unseen sequences, with the stations as in training and exchanged, and what is found of each kind."""
    metrics = {}
    for which, name in (("test", "IoU"), ("exchanged", "IoU, stations exchanged")):
        given = prepared(which, **CLEAN)
        with evaluating(model):
            parts = [model(part.to(device_of(model))).cpu() > 0 for part in given.images.split(200)]
        found = torch.cat(parts)
        metrics[name] = pixel_iou(found, anomalies(given.kinds))
        if which == "test":
            metrics["false alarms after (% of pictures)"] = (
                100 * found[given.labels != BEFORE_LABEL].flatten(1).any(1).float().mean().item()
            )
            for kind, word in ((2, "stones"), (3, "twigs"), (4, "leaves"), (5, "broken biscuits")):
                metrics[f"pixels of {word} found (%)"] = 100 * found[given.kinds == kind].float().mean().item()
    return metrics


def _classifier(remedy: str, title: str) -> Recipe:
    return Recipe(
        title=title,
        chapter=CHAPTER,
        build=partial(BeforeAfterClassifier, 3 if REMEDIES[remedy][1] else 2),
        batches=partial(classification_batches, remedy),
        loss=classification_loss,
        evaluate=partial(evaluate_classifier, remedy),
        scales={"gpu": Scale(steps=2_000, batch=128, lr=4e-3), "cpu": Scale(steps=200, batch=64, lr=4e-3)},
        source=ZHOU,
        data=f"procedural conveyor: {SEQUENCES} sequences to train on, {UNSEEN} unseen ones to test",
    )


def _segmentation(title: str, exact: bool) -> Recipe:
    return Recipe(
        title=title,
        chapter=CHAPTER,
        build=SegmentationNetwork,
        batches=partial(segmentation_batches, exact),
        loss=mask_loss,
        evaluate=evaluate_segmentation,
        scales={"gpu": Scale(steps=2_000, batch=64, lr=1e-2), "cpu": Scale(steps=160, batch=32, lr=1e-2)},
        source=ZHOU,
        data=f"procedural conveyor: {SEQUENCES} sequences to train on, {UNSEEN} unseen ones to test",
    )


RECIPES = {
    "before-after-raw": _classifier("raw", "before or after, photographs as they are"),
    "before-after-cut": _classifier("cut", "before or after, background cut out"),
    "before-after-even": _classifier("even", "before or after, light evened out"),
    "before-after-both": _classifier("both", "before or after, background cut out and light evened out"),
    "before-after-background": _classifier("background", "before or after, the same and a class for the background"),
    "before-after-segmentation": _segmentation("segmentation learned from maps", exact=False),
    "before-after-exact": _segmentation("segmentation learned from annotation", exact=True),
}
