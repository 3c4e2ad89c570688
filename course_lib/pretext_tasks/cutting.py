"""Squares cut from pictures on the device: a whole batch in one indexed read.

Chapter: book/pretext_tasks/patch_puzzles.ipynb
"""

import torch
from torch import Tensor


def cut(images: Tensor, which: Tensor, top: Tensor, left: Tensor, size: int) -> Tensor:
    """Several squares of each chosen picture: ``squares[b, p] = images[which[b], :, top[b, p] + i, left[b, p] + j]``.

    Args:
        images: uint8, or float in [0, 1].
        which: the picture of each row.
        top: first row of each square; every square has to lie in its picture.
        left: first column of each square.
        size: side of a square in pixels.

    Shape: images (N, C, H, W); which (B,); top, left (B, P) -> (B, P, C, size, size), float32 in [0, 1]
    Raises: ``ValueError`` where the shapes do not fit; IndexError for a square that leaves the memory of the images.

    Example:
        >>> images = torch.arange(36, dtype=torch.uint8).view(1, 1, 6, 6)
        >>> squares = cut(images, torch.tensor([0]), torch.tensor([[1]]), torch.tensor([[2]]), size=2)
        >>> (255 * squares).int().flatten().tolist()
        [8, 9, 14, 15]
    """
    if images.ndim != 4 or which.ndim != 1 or top.shape != left.shape or top.shape[:1] != which.shape:
        raise ValueError(
            "cut needs images (N, C, H, W), which (B,), top and left (B, P), got shapes "
            f"{tuple(images.shape)}, {tuple(which.shape)}, {tuple(top.shape)}, {tuple(left.shape)}"
        )
    channels, height, width = images.shape[1:]
    step = torch.arange(size, device=images.device)
    square = step.view(-1, 1) * width + step
    planes = torch.arange(channels, device=images.device).view(-1, 1, 1) * (height * width)
    start = which.view(-1, 1) * (channels * height * width) + top * width + left
    index = start[:, :, None, None, None] + planes + square
    squares = images.reshape(-1).index_select(0, index.reshape(-1)).view(index.shape)
    return squares.float().div_(255) if squares.dtype == torch.uint8 else squares
