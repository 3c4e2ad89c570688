"""Block matching: where else in the image does it look like here?

Dabov et al., "Image Denoising by Sparse 3-D Transform-Domain Collaborative Filtering" (BM3D), IEEE TIP 2007,
https://doi.org/10.1109/TIP.2007.901238
Chapter: book/receptive_fields/nonlocality.ipynb
"""

import torch
from torch import Tensor
from torch.nn import functional as F

from .._checks import check_images

TILE = 6  # so many references a side share one search: fewer products than each on its own, and larger ones


def block_matching(guide: Tensor, block: int = 10, count: int = 32, stride: int = 5, window: int = 39) -> Tensor:
    """For every reference block the ``count`` blocks that look most like it: ``argmin_q |guide_p - guide_q|^2``.

    Blocks are numbered in reading order, ``top * (W - block + 1) + left``. The distance is taken from one matrix
    product, ``|p - q|^2 = |p|^2 - 2 p q + |q|^2``. Neighbouring references share a search window, so that the
    window of each is at least the one asked for, and at the image's border it moves inwards.

    Args:
        guide: the images to compare blocks in: the noisy ones, better smoothed, best an estimate of the clean ones.
        block: side of a block.
        count: blocks in a group, the reference among them (16 or 32 are usual).
        stride: references are at most so many pixels apart, spread evenly from border to border.
        window: side of the square of block positions that is searched, in pixels.

    Shape: (B, C, H, W) -> (B, references, count), int64, the best match first (the reference, or its equal)
    Raises: ``ValueError`` for what is no image batch, a block larger than the image, a number below 1, or a window
        that holds fewer than ``count`` blocks.
    """
    check_images(guide, "guide")
    height, width = (n - block + 1 for n in guide.shape[-2:])
    if min(block, count, stride, window) < 1:
        raise ValueError(f"block, count, stride and window must be at least 1, got {(block, count, stride, window)}")
    if min(height, width) < 1:
        raise ValueError(f"an image of {tuple(guide.shape[-2:])} pixels has no block of {block} x {block}")
    rows, row_windows = _tiles(height, stride, window, guide.device)
    columns, column_windows = _tiles(width, stride, window, guide.device)
    if (found := row_windows.shape[1] * column_windows.shape[1]) < count:
        raise ValueError(f"count must be at most {found}, the blocks in a window of this image, got {count}")

    blocks = to_blocks(guide, block)
    energy = blocks.square().sum(-1)
    # (tiles, references of a tile) and (tiles, candidates of a tile), per row of tiles
    matches = []
    for r, r_window in zip(rows, row_windows, strict=True):
        reference = (r[:, None] * width + columns[:, None, :]).flatten(1)
        candidate = (r_window[:, None] * width + column_windows[:, None, :]).flatten(1)
        product = blocks[:, reference] @ blocks[:, candidate].transpose(-1, -2)
        distance = energy[:, None, candidate].transpose(1, 2) - 2 * product  # + |p|^2, the same for all
        best = distance.topk(count, largest=False).indices
        matches.append(candidate.expand(len(guide), -1, -1).gather(2, best.flatten(2)).view(best.shape))
    return torch.cat([m.flatten(1, 2) for m in matches], dim=1)


def to_blocks(images: Tensor, block: int) -> Tensor:
    """Every ``block`` x ``block`` square as one row of numbers: (B, C, H, W) -> (B, positions, C * block^2)."""
    return F.unfold(images, block).transpose(1, 2).contiguous()


def _tiles(positions: int, stride: int, window: int, device) -> tuple[Tensor, Tensor]:
    """Along one axis: reference positions (tiles, references), and the positions each tile searches."""
    references = -(-(positions - 1) // stride) + 1
    tiles = -(-references // TILE)
    reference = torch.linspace(0, positions - 1, tiles * TILE, device=device).round().long().view(tiles, TILE)
    side = min(positions, window + (TILE - 1) * stride)
    start = (reference.float().mean(1).round().long() - side // 2).clamp(0, positions - side)
    return reference, start[:, None] + torch.arange(side, device=device)
