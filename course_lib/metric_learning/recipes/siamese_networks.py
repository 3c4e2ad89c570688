"""Distances learned in several ways on three sets. Chapter: book/metric_learning/siamese_networks.ipynb

Always: nobody who is trained on is tested on. Latent codes of a classifier take the same exam as learned distances.
"""

from functools import partial

import torch
from torch.nn import functional as F

from ... import data
from ...reference.recipe import Recipe
from ..batches import PeopleBatches
from ..losses import contrastive_loss, hadsell_loss
from ..mining import mined_triplet_loss, random_triplets
from ..networks import Classifier, EmbeddingNet
from .exams import ATT_TRAIN, PEOPLE, SHOTS, UNSEEN, att_scores, face_scores, omniglot_scores


def face_batches(device, scale: dict):
    """Batches of procedural people 0 to 599."""
    people = data.faces(PEOPLE, SHOTS, device=device)
    return PeopleBatches(people.images, people.labels, scale["batch"] // 4, device=device)


def att_batches(device, scale: dict):
    """Batches of the first twenty people of the AT&T faces, jittered."""
    people = data.att_faces()
    some = people.labels < ATT_TRAIN
    images, labels = people.images[some], people.labels[some]
    return PeopleBatches(images, labels, min(ATT_TRAIN, scale["batch"] // 4), jitter=True, device=device)


def omniglot_batches(device, scale: dict):
    """Batches of the characters of six alphabets."""
    seen = tuple(name for name in data.ALPHABETS if name not in data.UNSEEN)
    characters = data.omniglot(alphabets=seen)
    return PeopleBatches(characters.images, characters.labels, scale["batch"] // 4, device=device)


def pair_loss(loss, model, batch):
    """A contrastive loss on as many same as different pairs, drawn at random from the batch."""
    z, labels = batch
    e = model(z)
    a, p, n = random_triplets(labels)
    y = torch.cat([torch.zeros_like(a), torch.ones_like(a)])
    return loss(e[torch.cat([a, a])], e[torch.cat([p, n])], y)


def mined_loss(mining, model, batch, margin=0.4):
    """`mined_triplet_loss` of a batch."""
    z, labels = batch
    return mined_triplet_loss(model(z), labels, mining, margin)


def classifier_loss(model, batch):
    """Cross-entropy: which of the known people is it?"""
    z, labels = batch
    return F.cross_entropy(model(z), labels)


HADSELL = "Hadsell et al., CVPR 2006 (doi:10.1109/CVPR.2006.100)"
FACENET = "Schroff et al., CVPR 2015 (doi:10.1109/CVPR.2015.7298682)"
HERMANS = "Hermans et al., 2017 (arXiv:1703.07737)"
TAIGMAN = "Taigman et al., DeepFace, CVPR 2014 (doi:10.1109/CVPR.2014.220)"
KOCH = "Koch et al., ICML workshop 2015, whose network and split are others"
FACES = (
    f"{PEOPLE} procedural people to train on, {UNSEEN} others to test on, {SHOTS} pictures each, one template"
)
LOSSES = {
    "contrastive": ("contrastive loss, the lecture's form", partial(pair_loss, contrastive_loss), HADSELL),
    "hadsell": ("contrastive loss, squared form", partial(pair_loss, hadsell_loss), HADSELL),
    "all": ("triplet loss, all triplets", partial(mined_loss, "all"), FACENET),
    "random": ("triplet loss, random triplets", partial(mined_loss, "random"), FACENET),
    "batch-hard": ("triplet loss, batch-hard", partial(mined_loss, "batch-hard"), HERMANS),
    "semi-hard": ("triplet loss, semi-hard", partial(mined_loss, "semi-hard"), FACENET),
}


STEPS, SHORT = {"gpu": 10_000, "cpu": 800}, {"gpu": 3_000, "cpu": 240}
ON_FACES = (face_batches, face_scores, FACES)
ON_ATT = (
    att_batches,
    att_scores,
    lambda: f"{data.att_source()}: {ATT_TRAIN} people to train on, the other 20 to test on",
)
ON_OMNIGLOT = (
    omniglot_batches,
    omniglot_scores,
    "Omniglot (small sets): six alphabets to train on, " + " and ".join(data.UNSEEN),
)


def _recipe(
    title: str, build, loss, where: tuple, source: str, steps: dict, lr: float = 3e-3, keep=False
) -> Recipe:
    batches, evaluate, about = where
    return Recipe(
        title=title,
        chapter="metric_learning/siamese_networks",
        build=build,
        batches=batches,
        loss=loss,
        evaluate=evaluate,
        scales={
            "gpu": {"steps": steps["gpu"], "batch": 128, "lr": lr},
            "cpu": {"steps": steps["cpu"], "batch": 64, "lr": lr},
        },
        paper={},  # the papers' sets are others
        source=source,
        data=about,
        keep_weights=keep,
    )


RECIPES = {
    f"faces-{name}": _recipe(
        f"faces, {title}",
        EmbeddingNet,
        loss,
        ON_FACES,
        source,
        STEPS,
        1e-3 if name == "batch-hard" else 3e-3,  # at large rates it collapses, as the chapter shows
        keep=name == "semi-hard",
    )
    for name, (title, loss, source) in LOSSES.items()
} | {
    "faces-classifier": _recipe(
        "faces, a classifier's latent code",
        partial(Classifier, PEOPLE),
        classifier_loss,
        ON_FACES,
        TAIGMAN,
        STEPS,
        2e-3,
        keep=True,
    ),
    "att-classifier": _recipe(
        "AT&T, a classifier's latent code",
        partial(Classifier, ATT_TRAIN),
        classifier_loss,
        ON_ATT,
        TAIGMAN,
        SHORT,
        2e-3,
    ),
}
for name, (title, loss, source) in LOSSES.items():
    gentle = name == "batch-hard"
    RECIPES[f"omniglot-{name}"] = _recipe(
        f"Omniglot, {title}", EmbeddingNet, loss, ON_OMNIGLOT, KOCH, STEPS, 1e-3 if gentle else 3e-3
    )
    if name not in {"contrastive", "hadsell"}:  # few people, so the triplets have to be hard: a larger margin
        loss = partial(loss, margin=0.8)
    RECIPES[f"att-{name}"] = _recipe(
        f"AT&T, {title}", EmbeddingNet, loss, ON_ATT, source, SHORT, 1e-3 if gentle else 2e-3
    )
