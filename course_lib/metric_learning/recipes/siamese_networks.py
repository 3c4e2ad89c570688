"""Distances learned in several ways on three sets. Chapter: book/metric_learning/siamese_networks.ipynb

Always: nobody who is trained on is tested on. Latent codes of a classifier take the same exam as learned distances.
Each way is trained with three seeds. What was tuned for ArcFace and InfoNCE (learning rate, margin and scale,
temperature) was tuned on painted people 20,000 to 20,099, who are in neither the training nor the exam.
"""

from functools import partial

import torch
from torch.nn import functional as F

from ... import data
from ...reference.recipe import Recipe, Scale
from ..angular import arcface_loss, info_nce
from ..batches import PeopleBatches
from ..losses import contrastive_loss, hadsell_loss
from ..mining import mined_triplet_loss, random_triplets
from ..siamese_networks import Classifier, CosineClassifier, EmbeddingNet
from .evaluation import ATT_TRAIN, PEOPLE, SHOTS, UNSEEN, att_scores, face_scores, omniglot_scores


def face_batches(device, scale: Scale):
    """Batches of procedural people 0 to 599."""
    people = data.faces(PEOPLE, SHOTS, device=device)
    return PeopleBatches(people.images, people.labels, scale.batch // 4, device=device)


def att_batches(device, scale: Scale):
    """Batches of the first twenty people of the AT&T faces, jittered."""
    people = data.att_faces()
    some = people.labels < ATT_TRAIN
    images, labels = people.images[some], people.labels[some]
    return PeopleBatches(images, labels, min(ATT_TRAIN, scale.batch // 4), jitter=True, device=device)


def omniglot_batches(device, scale: Scale):
    """Batches of the characters of six alphabets."""
    seen = tuple(name for name in data.ALPHABETS if name not in data.UNSEEN)
    characters = data.omniglot(alphabets=seen)
    return PeopleBatches(characters.images, characters.labels, scale.batch // 4, device=device)


def pair_loss(loss, model, batch):
    """A contrastive loss on as many same as different pairs, drawn at random from the batch."""
    z, labels = batch
    e = model(z)
    a, p, n = random_triplets(labels)
    y = torch.cat([torch.zeros_like(a), torch.ones_like(a)])
    return loss(e[torch.cat([a, a])], e[torch.cat([p, n])], y)


def mined_loss(mining, model, batch, margin):
    """`mined_triplet_loss` of a batch."""
    z, labels = batch
    return mined_triplet_loss(model(z), labels, mining, margin)


def classifier_loss(model, batch):
    """Cross-entropy: which of the known people is it?"""
    z, labels = batch
    return F.cross_entropy(model(z), labels)


def angular_loss(model, batch, margin=0.5):
    """ArcFace with the paper's margin; its scale of 64 is for 85,000 people, and at a standstill with a few hundred."""
    z, labels = batch
    return arcface_loss(model(z), labels, margin, scale=16)


def nearest_of_all_loss(model, batch):
    """`info_nce` of a batch."""
    z, labels = batch
    return info_nce(model(z), labels, temperature=0.1)


HADSELL = "Hadsell et al., CVPR 2006 (doi:10.1109/CVPR.2006.100)"
FACENET = "Schroff et al., CVPR 2015 (doi:10.1109/CVPR.2015.7298682)"
HERMANS = "Hermans et al., 2017 (arXiv:1703.07737)"
TAIGMAN = "Taigman et al., DeepFace, CVPR 2014 (doi:10.1109/CVPR.2014.220)"
KOCH = "Koch et al., ICML workshop 2015, whose network and split are others"

DENG = "Deng et al., ArcFace, CVPR 2019 (arXiv:1801.07698)"
SOHN = "Sohn, multi-class N-pair loss, NeurIPS 2016"

SETS = {
    "faces": {
        "title": "faces",
        "batches": face_batches,
        "evaluate": face_scores,
        "data": f"{PEOPLE} procedural people to train on, {UNSEEN} others to test on, {SHOTS} pictures each, "
        "one template",
    },
    "att": {
        "title": "AT&T",
        "batches": att_batches,
        "evaluate": att_scores,
        "data": lambda: f"{data.att_source()}: {ATT_TRAIN} people to train on, the other 20 to test on",
    },
    "omniglot": {
        "title": "Omniglot",
        "batches": omniglot_batches,
        "evaluate": omniglot_scores,
        "headline": "20-way one-shot accuracy (%)",
        "data": "Omniglot (small sets): six alphabets to train on, " + " and ".join(data.UNSEEN),
    },
}
STEPS = {"faces": (10_000, 800), "att": (3_000, 600), "omniglot": (10_000, 800)}  # on a GPU, on a CPU
# few people of AT&T, so the triplets have to be hard: a larger margin
MARGIN = {"faces": 0.4, "att": 0.8, "omniglot": 0.4}
CHARACTERS = 160  # of Omniglot's six alphabets
CLASSES = {"faces": PEOPLE, "att": ATT_TRAIN, "omniglot": CHARACTERS}
TRIPLETS = {"all": FACENET, "random": FACENET, "batch-hard": HERMANS, "semi-hard": FACENET}


def _recipe(people: str, title: str, loss, source: str, lr: float | None = None, seed: int = 0, **options) -> Recipe:
    about = dict(SETS[people])
    on_gpu, on_cpu = STEPS[people]
    lr = lr or (2e-3 if people == "att" else 3e-3)
    return Recipe(
        title=f"{about.pop('title')}, {title}" + f" (seed {seed})" * bool(seed),
        chapter="metric_learning/siamese_networks",
        loss=loss,
        scales={"gpu": Scale(steps=on_gpu, batch=128, lr=lr), "cpu": Scale(steps=on_cpu, batch=64, lr=lr)},
        source=KOCH if people == "omniglot" else source,
        seed=seed,
        **{"build": EmbeddingNet, "keep_weights": False} | about | options,
    )


def _classifier(people: str, seed: int = 0) -> Recipe:
    build, keep = partial(Classifier, CLASSES[people]), (people, seed) == ("faces", 0)
    title = "a classifier's latent code"
    return _recipe(people, title, classifier_loss, TAIGMAN, 2e-3, seed, build=build, keep_weights=keep)


def _pairs(people: str, title: str, loss, seed: int = 0) -> Recipe:
    return _recipe(people, title, partial(pair_loss, loss), HADSELL, seed=seed)


def _mined(people: str, mining: str, seed: int = 0) -> Recipe:
    return _recipe(
        people, f"triplet loss, {mining}" + " triplets" * (mining in {"all", "random"}),
        partial(mined_loss, mining, margin=MARGIN[people]), TRIPLETS[mining],
        # at large rates batch-hard collapses, as the chapter shows
        lr=1e-3 if mining == "batch-hard" else None, seed=seed,
        keep_weights=(people, mining, seed) == ("faces", "semi-hard", 0),
    )  # fmt: skip


def _angular(people: str, title: str, margin: float, seed: int = 0) -> Recipe:
    build, loss = partial(CosineClassifier, CLASSES[people]), partial(angular_loss, margin=margin)
    return _recipe(people, title, loss, DENG, 1e-2, seed, build=build)


def _infonce(people: str, seed: int = 0) -> Recipe:
    return _recipe(people, "InfoNCE, all negatives at once", nearest_of_all_loss, SOHN, seed=seed)


WAYS = {
    "classifier": _classifier,
    "cosine": partial(_angular, title="a classifier of angles", margin=0.0),
    "arcface": partial(_angular, title="a classifier of angles with a margin, ArcFace", margin=0.5),
    "contrastive": partial(_pairs, title="contrastive loss, the lecture's form", loss=contrastive_loss),
    "hadsell": partial(_pairs, title="contrastive loss, squared form", loss=hadsell_loss),
    **{mining: partial(_mined, mining=mining) for mining in TRIPLETS},
    "infonce": _infonce,
}

RECIPES = {
    f"{people}-{name}" + f"-{seed + 1}" * bool(seed): make(people, seed=seed)
    for people in SETS
    for name, make in WAYS.items()
    for seed in range(3)
    if (people, name) != ("omniglot", "classifier")
}
