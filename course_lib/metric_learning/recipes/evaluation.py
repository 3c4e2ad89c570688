"""The exams of the reference runs: people and characters that nothing was trained on, in numbers.

Chapter: book/metric_learning/siamese_networks.ipynb
"""

import torch

from ... import data
from ...features import embed
from ..identification import identify_unseen
from ..siamese_networks import Classifier, CosineClassifier

PEOPLE, SHOTS, UNSEEN = 600, 8, 100  # procedural faces: to train on, and their pictures each; to test on
ATT_TRAIN = 20  # the other twenty people are for testing
WAYS = 20  # Omniglot: choose among so many characters of one alphabet


def code(model):
    """What a trained model offers as an embedding: its output, or what a classifier has before its last layer."""
    return model.embed if isinstance(model, Classifier | CosineClassifier) else model


def scores(what: str, result) -> dict[str, float]:
    """The three numbers of an exam, in percent, under readable names."""
    return {
        f"{what}: rank-1 (%)": 100 * result.rank1,
        f"{what}: equal error rate (%)": 100 * result.eer,
        f"{what}: retrieval mAP (%)": 100 * result.retrieval,
    }


def face_scores(model) -> dict[str, float]:
    """A hundred unseen procedural people, one template each."""
    people = data.faces(UNSEEN, SHOTS, first=PEOPLE)
    return scores("unseen people", identify_unseen(embed(code(model), people.images), people.labels))


def att_scores(model) -> dict[str, float]:
    """The other twenty people, with each of the ten pictures as the one template in turn: twenty are few."""
    people = data.att_faces()
    some = people.labels >= ATT_TRAIN
    e, labels = embed(code(model), people.images[some]).view(20, 10, -1), people.labels[some]
    turns = [scores("unseen people", identify_unseen(e.roll(k, 1).flatten(0, 1), labels)) for k in range(10)]
    return {name: sum(turn[name] for turn in turns) / len(turns) for name in turns[0]}


@torch.no_grad()
def omniglot_scores(model, rounds: int = 400) -> dict[str, float]:
    """20-way one-shot classification within each unseen alphabet: one example of each of 20 characters, one query."""
    draw, metrics, total = torch.Generator().manual_seed(0), {}, 0.0
    for name in data.UNSEEN:
        characters = data.omniglot(alphabets=(name,))
        e = embed(code(model), characters.images).cpu().view(-1, 20, 1, 64).squeeze(2)  # character, drawer
        hits = 0
        for _ in range(rounds):
            chosen = torch.randperm(len(e), generator=draw)[:WAYS]
            example, query = torch.randperm(20, generator=draw)[:2].tolist()
            hits += torch.cdist(e[chosen[:1], query], e[chosen, example]).argmin().item() == 0
        metrics[f"{name}: {WAYS}-way one-shot accuracy (%)"] = 100 * hits / rounds
        total += hits
    return metrics | {f"{WAYS}-way one-shot accuracy (%)": 100 * total / (rounds * len(data.UNSEEN))}
