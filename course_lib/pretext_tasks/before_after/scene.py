"""What lies on the belt, as numbers: places, turns, sizes, kinds and colours of every item of every scene.

Chapter: book/pretext_tasks/before_after.ipynb
"""

from dataclasses import dataclass

import torch
from torch import Tensor

from .kinds import BISCUIT, BROKEN, LEAF, STONE, TWIG

BISCUITS, ANOMALIES, SIDES = 6, 3, 7
COLUMNS, ROWS = 4, 3

# long and short half axis in 64ths of the picture, red, green and blue; each is drawn between the two
RANGES = {
    BISCUIT: ((4.6, 6.2), (4.2, 5.4), (0.76, 0.92), (0.50, 0.63), (0.24, 0.36)),
    STONE: ((3.2, 4.6), (3.2, 4.6), (0.50, 0.66), (0.48, 0.62), (0.46, 0.60)),
    TWIG: ((5.0, 7.5), (1.0, 1.5), (0.40, 0.56), (0.27, 0.38), (0.14, 0.22)),
    LEAF: ((4.6, 6.4), (1.9, 2.8), (0.30, 0.50), (0.44, 0.60), (0.16, 0.30)),
    BROKEN: ((4.6, 6.2), (4.2, 5.4), (0.76, 0.92), (0.50, 0.63), (0.24, 0.36)),
}


@dataclass(frozen=True)
class Scene:
    """N scenes of J items each, biscuits first, anomalies last; lengths are in pixels.

    Attributes:
        middle: (N, J, 2) across and down.
        turn: (N, J) radians.
        axes: (N, J, 2) the long and the short half axis.
        sides: (N, J, SIDES) distances of a stone's sides from its middle.
        kind: (N, J) a place in `KINDS`; 0 for an item that is not there.
        colour: (N, J, 3).
        texture: (N, 1, S, S) grain, of variance 1, which travels with the belt.
        start: (N,) pixels that the belt has moved before the first picture.
        speed: (N,) pixels that it moves from one picture to the next.
    """

    middle: Tensor
    turn: Tensor
    axes: Tensor
    sides: Tensor
    kind: Tensor
    colour: Tensor
    texture: Tensor
    start: Tensor
    speed: Tensor


def draw_scene(count: int, size: int, generator: torch.Generator) -> Scene:
    """``count`` random scenes: four to six biscuits and one to three anomalies, each in a cell of a loose grid."""
    device, items, pixel = generator.device, BISCUITS + ANOMALIES, size / 64

    def uniform(*shape: int) -> Tensor:
        return torch.rand(count, *shape, generator=generator, device=device)

    cell = uniform(COLUMNS * ROWS).argsort(1)[:, :items]
    corner = torch.stack([cell % COLUMNS, 0.5 + cell // COLUMNS], -1) * 16 * pixel
    middle = corner + (8 + 4 * (uniform(items, 2) - 0.5)) * pixel
    start = size * uniform()
    middle[..., 0] += start[:, None]

    there = torch.cat([_some(uniform(1), 4, BISCUITS), _some(uniform(1), 1, ANOMALIES)], 1)
    anomaly = STONE + (uniform(ANOMALIES) * (BROKEN - STONE + 1)).long()
    kind = torch.cat([torch.full((count, BISCUITS), BISCUIT, device=device), anomaly], 1)

    ranges = torch.zeros(BROKEN + 1, 5, 2, device=device)
    for k, values in RANGES.items():
        ranges[k] = torch.tensor(values)
    low, high = ranges[kind].unbind(-1)
    drawn = low + (high - low) * uniform(items, 5)
    return Scene(
        middle=middle,
        turn=2 * torch.pi * uniform(items),
        axes=drawn[..., :2] * pixel,
        sides=drawn[..., :1] * pixel * (0.75 + 0.35 * uniform(items, SIDES)),
        kind=kind * there,
        colour=drawn[..., 2:] * (0.8 + 0.2 * uniform(items, 1)),
        texture=torch.randn(count, 1, size, size, generator=generator, device=device),
        start=start,
        speed=(1 + 3 * uniform()) * pixel,
    )


def _some(u: Tensor, least: int, most: int) -> Tensor:
    """u (N, 1) in [0, 1) -> bool (N, most), of which the first ``least`` to ``most`` are true."""
    number = least + (u * (most - least + 1)).long()
    return torch.arange(most, device=u.device) < number
