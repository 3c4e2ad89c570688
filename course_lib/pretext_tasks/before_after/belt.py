"""A conveyor belt with biscuits, a few things that do not belong there, and the hand that takes them away.

Nobody publishes pictures from a factory with exact masks, so these are drawn. One *sequence* is one scene: biscuits and
one to three anomalies pass a camera (*before*), a hand reaches in, and what is left passes another camera (*after*).
The two cameras hang at two stations, each with its own lamp and its own rails, and that is the trap: whoever is asked
"before or after?" can look at the rails and need not look for anomalies.

Chapter: book/pretext_tasks/before_after.ipynb
"""

from dataclasses import dataclass

import torch
from torch import Tensor

from .kinds import AFTER
from .paint import paint
from .scene import draw_scene


@dataclass(frozen=True)
class Sequences:
    """Scenes, filmed before, during and after the operator's hand.

    Attributes:
        images: uint8 (N, T, 3, S, S).
        kinds: uint8 (N, T, S, S), what each pixel shows, as a place in `KINDS`: the exact annotation.
        states: (T,) `BEFORE`, `REACHING` or `AFTER`.
        stations: (N, T), 0 or 1, whose camera took the picture.
    """

    images: Tensor
    kinds: Tensor
    states: Tensor
    stations: Tensor

    def shots(self, state: int) -> tuple[Tensor, Tensor]:
        """All pictures in one state: float (M, 3, S, S) in [0, 1], and their ``kinds`` (M, S, S)."""
        chosen = self.states == state
        return self.images[:, chosen].flatten(0, 1).float() / 255, self.kinds[:, chosen].flatten(0, 1)


def conveyor(
    sequences: int,
    generator: torch.Generator,
    *,
    size: int = 64,
    frames: tuple[int, int, int] = (2, 1, 2),
    habit: float = 1.0,
) -> Sequences:
    """Film ``sequences`` scenes, on the device of ``generator``, which holds all the randomness.

    Args:
        sequences: how many scenes.
        generator: the same state films the same scenes.
        size: pixels a side; everything scales with it.
        frames: how many pictures before, during and after.
        habit: how closely station and class go together. A picture *before* is taken at station 0 with probability
            (1 + habit) / 2, one *after* at station 1 with the same: 1 is the factory as it is, 0 has no shortcut, and
            in -1 the stations are exchanged.

    Raises:
        ValueError: no sequence, ``size`` below 32, no picture before or none after, ``habit`` outside [-1, 1].
    """
    if sequences < 1 or size < 32:
        raise ValueError(f"sequences must be at least 1 and size at least 32, got {sequences} and {size}")
    if len(frames) != 3 or min(frames) < 0 or not frames[0] or not frames[2]:
        raise ValueError(f"frames must be three counts, at least one before and one after, got {frames}")
    if not -1 <= habit <= 1:
        raise ValueError(f"habit must lie in [-1, 1], got {habit}")
    device = generator.device
    states = torch.arange(3, device=device).repeat_interleave(torch.tensor(frames, device=device))
    images, kinds, stations = [], [], []
    # Twenty scenes at a time: a distance is held for every item and every pixel.
    for start in range(0, sequences, 20):
        count = min(20, sequences - start)
        usual = torch.rand(count, len(states), generator=generator, device=device) < (1 + habit) / 2
        station = torch.where(usual, states == AFTER, states != AFTER).long()
        picture, kind = paint(draw_scene(count, size, generator), states, station, generator)
        images.append((picture * 255).round().byte())
        kinds.append(kind)
        stations.append(station)
    return Sequences(torch.cat(images), torch.cat(kinds), states, torch.cat(stations))
