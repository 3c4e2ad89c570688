"""A picture in tiles: each is denoised with as much around it as the network sees, and cut out.

Chapter: book/denoising/dncnn.ipynb
"""

import math
from collections.abc import Callable

import torch
from torch import Tensor, nn

from ..wiring import geometry
from .levels import is_map

SMALL = 96  # side of the picture in which a network is measured first: a multiple of the usual strides


def tile_plan(network: nn.Module, channels: int, forward: Callable[..., Tensor] | None = None) -> tuple[int, int]:
    """(context, period): how many pixels around a tile decide about it, and of what tiles must be multiples.

    Args:
        channels: of the pictures.
        forward: ``(network, picture) -> output``, if it is not ``network(picture)``.

    Raises: ``ValueError`` for a network that no wires lead through, with the name of its layer, or whose output is not
        as large as its input.
    """
    try:
        measured = geometry(network, torch.zeros(1, channels, SMALL, SMALL), forward)
    except RuntimeError as error:
        raise ValueError(f"what the network sees cannot be measured ({error}); tiles then need a context") from error
    if set(measured.stride) != {1.0}:
        raise ValueError(
            f"tiles need an output of the picture's size, but the network has a stride of {measured.stride}"
        )
    period = math.lcm(*measured.period)
    reach = max(
        side + shift
        for first, before, after in zip(measured.first, measured.before, measured.after, strict=True)
        for side, shift in ((before, -first), (after, first))
    )
    return math.ceil(reach / period) * period, period


def in_tiles(denoiser: Callable[..., Tensor], z: Tensor, levels, tile: int, context: int) -> Tensor:
    """``denoiser(z, levels)``, tile by tile.

    Args:
        denoiser: ``(z, levels) -> y_hat`` of the same height and width.
        levels: a noise level, one for each image, a map (B, 1, H, W) that is cut as the picture is, or None.
        tile: side of what is kept of each piece, a multiple of the network's period. context: as `tile_plan` says.

    Shape: (B, C, H, W) -> the same
    """
    height, width = z.shape[-2:]
    y_hat = None
    for top in range(0, height, tile):
        for left in range(0, width, tile):
            rows, columns = _around(top, tile, context, height), _around(left, tile, context, width)
            piece = denoiser(z[..., rows, columns], levels[..., rows, columns] if is_map(levels) else levels)
            if piece.shape[-2:] != z[..., rows, columns].shape[-2:]:
                raise ValueError(f"tiles need an output of the picture's size, got {tuple(piece.shape[-2:])}")
            if y_hat is None:
                y_hat = piece.new_empty(*piece.shape[:2], height, width)
            inner = piece[..., top - rows.start :, left - columns.start :][..., :tile, :tile]
            y_hat[..., top : top + tile, left : left + tile] = inner
    return y_hat


def _around(begin: int, tile: int, context: int, size: int) -> slice:
    return slice(max(0, begin - context), min(size, begin + tile + context))
