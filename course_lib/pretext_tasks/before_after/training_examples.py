"""From sequences to what is trained on: pictures with the answer that costs nothing, with or without their background.

Chapter: book/pretext_tasks/before_after.ipynb
"""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from .background import empty_station, flatten_field, foreground
from .belt import Sequences
from .kinds import AFTER, BEFORE

BEFORE_LABEL, AFTER_LABEL, BACKGROUND_LABEL = range(3)


@dataclass(frozen=True)
class Examples:
    """M pictures, those before the hand first, without those in which the hand is seen.

    Attributes:
        images: float (M, 3, S, S) in [0, 1].
        labels: (M,) `BEFORE_LABEL` or `AFTER_LABEL`.
        backgrounds: float (M, 3, S, S), the same places with the items painted over.
        foreground: bool (M, S, S), what was found to be an item.
        kinds: uint8 (M, S, S), the annotation, to judge by.
    """

    images: Tensor
    labels: Tensor
    backgrounds: Tensor
    foreground: Tensor
    kinds: Tensor

    def to(self, device: torch.device | str) -> "Examples":
        """The same on another device."""
        return Examples(**{name: tensor.to(device) for name, tensor in vars(self).items()})


def empty_stations(sequences: Sequences) -> Tensor:
    """Both cameras' empty belts, (2, 3, S, S), from all pictures that each has taken."""
    images, stations = sequences.images.flatten(0, 1), sequences.stations.flatten()
    return torch.stack([empty_station(images[stations == k].float() / 255) for k in range(2)])


def examples(sequences: Sequences, empty: Tensor, *, cut: bool = False, even: bool = False) -> Examples:
    """The pictures before and after.

    Args:
        sequences: of the conveyor.
        empty: (2, 3, S, S), both `empty_stations`.
        cut: whether everything but the foreground is painted over in one grey.
        even: whether the light is evened out by `flatten_field`, with an empty belt at 0.25.
    """
    parts = []
    for state, label in ((BEFORE, BEFORE_LABEL), (AFTER, AFTER_LABEL)):
        images, kinds = sequences.shots(state)
        behind = empty[sequences.stations[:, sequences.states == state].flatten()]
        found = foreground(images, behind)
        if even:
            images, behind = flatten_field(images, behind) / 4, torch.full_like(images, 0.25)
        if cut:
            behind = torch.full_like(images, 0.25)
            images = torch.where(found[:, None], images, behind)
        background = torch.where(found[:, None], behind, images)
        labels = torch.full((len(images),), label, device=images.device)
        parts.append((images.clamp(max=1), labels, background.clamp(max=1), found, kinds))
    return Examples(*(torch.cat(part) for part in zip(*parts, strict=True)))


def classifier_batches(
    given: Examples, count: int, background_class: bool = False
) -> Callable[[torch.Generator], tuple[Tensor, Tensor]]:
    """``generator -> (images, labels)``: ``count`` pictures, mirrored at random.

    With ``background_class`` a quarter as many pictures more, of the background alone, are a third class.
    """

    def batch(generator: torch.Generator) -> tuple[Tensor, Tensor]:
        index = _draw(given, count, generator)
        images, labels = given.images[index], given.labels[index]
        if background_class:
            some = _draw(given, count // 4, generator)
            images = torch.cat([images, given.backgrounds[some]])
            labels = torch.cat([labels, torch.full_like(some, BACKGROUND_LABEL)])
        return mirrored(images, generator), labels

    return batch


def mask_batches(given: Examples, masks: Tensor, count: int) -> Callable[[torch.Generator], tuple[Tensor, Tensor]]:
    """``generator -> (images, masks)``, mirrored together. Shape: masks bool (M, S, S)."""

    def batch(generator: torch.Generator) -> tuple[Tensor, Tensor]:
        index = _draw(given, count, generator)
        both = torch.cat([given.images[index], masks[index, None].to(given.images.dtype)], 1)
        both = mirrored(both, generator)
        return both[:, :3], both[:, 3]

    return batch


def mirrored(images: Tensor, generator: torch.Generator) -> Tensor:
    """Each picture left to right in half of the cases, and upside down in half of them."""
    for dim in (-1, -2):
        turned = torch.rand(len(images), 1, 1, 1, generator=generator, device=generator.device) < 0.5
        images = torch.where(turned.to(images.device), images.flip(dim), images)
    return images


def _draw(given: Examples, count: int, generator: torch.Generator) -> Tensor:
    draw = torch.randint(len(given.images), (count,), generator=generator, device=generator.device)
    return draw.to(given.images.device)
