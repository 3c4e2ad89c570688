"""The exam that every distance of the part takes: people it was never trained on, a few templates each.

Chapter: book/metric_learning/identification.ipynb
"""

from dataclasses import dataclass

import torch
from torch import Tensor

from .._checks import check_embeddings, check_same_device
from .gallery import TemplateGallery
from .rates import ROC, retrieval_map, roc, split_pairs


@dataclass(frozen=True)
class Identified:
    """The result of `identify_unseen`; all shares are from 0 to 1.

    Attributes:
        rank1: share of queries whose nearest person is the right one.
        curve: ROC of the distances from the queries to the people.
        retrieval: mean average precision of ranking all other pictures by distance to each query.
    """

    rank1: float
    curve: ROC
    retrieval: float

    @property
    def eer(self) -> float:
        """The equal error rate of ``curve``, from 0 to 1."""
        return self.curve.equal_error[0]


def identify_unseen(embedding: Tensor, labels: Tensor, templates: int = 1, rule: str = "mean") -> Identified:
    """Enrol the first ``templates`` pictures of everybody, and identify all the others.

    Args:
        templates: pictures of each person in the gallery, at least 1.
        rule: as `TemplateGallery`.

    Shape: embedding (N, D), labels (N,) on any device; flattened pictures are embeddings too
    Raises: ``ValueError`` for people with too few pictures, one person alone, other shapes, NaN.
    """
    check_embeddings(embedding)
    labels = labels.to(embedding.device)
    gallery, enrolled = enrol_first(embedding, labels, templates, rule)
    queries, who = embedding[~enrolled], labels[~enrolled]
    people = torch.tensor([int(name) for name in gallery.names], device=labels.device)
    if len(people) < 2:
        raise ValueError("identification needs at least two people, got one")
    distances = gallery.distances(queries)
    rank1 = (people[distances.argmin(1)] == who).float().mean().item()
    own = (~enrolled).nonzero()
    rest = torch.arange(len(labels) - 1, device=labels.device).expand(len(queries), -1)
    rest = rest + (rest >= own)  # all pictures but the query itself
    # in float64, where there is one: distances from products lose digits far from the origin
    precise = torch.float32 if embedding.device.type == "mps" else torch.float64
    centred = embedding.to(precise) - embedding.to(precise).mean(0)
    apart = torch.cdist(centred[~enrolled], centred).gather(1, rest)
    return Identified(rank1, roc(*split_pairs(distances, who, people)), retrieval_map(apart, who, labels[rest]))


def enrol_first(
    embedding: Tensor, labels: Tensor, templates: int, rule: str = "mean", threshold: float | None = None
) -> tuple[TemplateGallery, Tensor]:
    """A gallery with everybody's first ``templates`` embeddings, and which rows those are.

    People are called by their label. Args: rule, threshold: as `TemplateGallery`.

    Shape: embedding (N, D), labels (N,) -> a gallery, and (N,) bool
    Raises: ``ValueError`` unless everybody has more than ``templates`` pictures, or for other shapes, labels on another
        device, NaN.
    """
    check_embeddings(embedding)
    if labels.shape != embedding.shape[:1] or labels.is_floating_point() or not len(labels):
        got = f"{tuple(labels.shape)} {labels.dtype}"
        raise ValueError(f"labels must be ({len(embedding)},) integers, at least one, got {got}")
    check_same_device(labels, embedding, "labels", "embedding")
    people, place, counts = labels.unique(return_inverse=True, return_counts=True)
    if templates < 1 or counts.min() <= templates:
        raise ValueError(
            f"everybody needs more than {templates} pictures (and at least 1 template), got {counts.min()}"
        )
    order = labels.argsort(stable=True)
    rank = torch.arange(len(labels), device=labels.device) - (counts.cumsum(0) - counts).repeat_interleave(counts)
    enrolled = torch.zeros(len(labels), dtype=torch.bool, device=labels.device)
    enrolled[order] = rank < templates
    gallery = TemplateGallery(rule, threshold, embedding.device)
    gallery.enrol_all([str(p) for p in people.tolist()], embedding[enrolled], place[enrolled])
    return gallery, enrolled
