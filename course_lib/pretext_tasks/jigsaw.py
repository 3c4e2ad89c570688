"""Jigsaw puzzles: the pieces of a picture in disorder; which of some known orders is it?

Noroozi and Favaro, "Unsupervised Learning of Visual Representations by Solving Jigsaw Puzzles", ECCV 2016,
https://arxiv.org/abs/1603.09246
Chapter: book/pretext_tasks/patch_puzzles.ipynb
"""

from itertools import permutations as all_orders
from math import factorial

import torch
from torch import Tensor

from .cutting import cut

LARGEST = 9  # pieces whose orders are all looked at: 9! = 362,880
CANDIDATES = 100_000  # orders that are drawn where there are more pieces


def hamming_distances(orders: Tensor, other: Tensor) -> Tensor:
    """``d[i, j] = |{k: orders[i, k] != other[j, k]}|``, places in which two orders differ: (N, P), (M, P) -> (N, M)."""
    return (orders[:, None] != other[None]).sum(-1)


def choose_permutations(count: int, pieces: int = 9, seed: int = 0) -> Tensor:
    """Orders far from each other, one after the other: the next one has the largest distance to the nearest chosen one.

    Of several, the one with the largest mean distance; of those, one drawn at random. The paper looks at the mean only,
    and its orders may include two that differ in two places. The first ``pieces`` orders differ from each other
    everywhere: such a set can always be continued (Hall, 1935). The next one cannot: with more orders than pieces, two
    begin with the same piece.

    Up to 9 pieces all orders are looked at, beyond that 100,000 random ones.

    Args:
        count: how many; at most ``pieces!``, and at most 100,000 beyond 9 pieces.
        pieces: of the puzzle, at least 2.
        seed: of the first order and of the draws.

    Shape: -> (count, pieces), int64; each row holds 0 ... pieces - 1 once.
    Raises: ``ValueError`` for a count that cannot be had.
    """
    most = factorial(pieces) if 2 <= pieces <= LARGEST else CANDIDATES
    if pieces < 2 or not 1 <= count <= most:
        raise ValueError(f"of {pieces} pieces (at least 2) 1 to {most:,} orders can be chosen, got {count}")
    generator = torch.Generator().manual_seed(seed)
    if pieces <= LARGEST:
        orders = torch.tensor(list(all_orders(range(pieces))), dtype=torch.uint8)
    else:
        orders = torch.rand(CANDIDATES, pieces, generator=generator).argsort(1).to(torch.uint8).unique(dim=0)
    # an order drawn beforehand breaks ties
    orders = orders[torch.randperm(len(orders), generator=generator)]
    chosen = [0]
    nearest = torch.full((len(orders),), pieces, dtype=torch.long)
    total = torch.zeros(len(orders), dtype=torch.long)
    for _ in range(count - 1):
        distance = hamming_distances(orders, orders[chosen[-1:]])[:, 0]
        nearest, total = torch.minimum(nearest, distance), total + distance
        # nearest first, then the sum, as the digits of one number; what was chosen has a nearest distance of 0
        chosen.append(int((nearest * (pieces * count + 1) + total * (nearest > 0)).argmax()))
    return orders[chosen].long()


def normalise_patches(patches: Tensor) -> Tensor:
    """``(x - mean) / std`` of each patch on its own, over all its pixels and channels: (..., C, h, w), same shape.

    Neighbours have about the same brightness and contrast; without this, that alone orders them. Flat patches become 0.
    """
    std, mean = torch.std_mean(patches, dim=(-3, -2, -1), keepdim=True)
    return (patches - mean) / std.clamp(min=1e-3)


class Jigsaw:
    """Labels for nothing: ``batches(generator) -> (pieces in disorder, index of the order)``.

    The picture is cut into a grid of cells and from a random place in each cell one piece; piece ``orders[k][p]``
    is handed over as number ``p``.

    Args:
        images: uint8 (N, C, H, W), or float in [0, 1].
        orders: the orders to tell apart, (K, rows * columns), as from `choose_permutations`.
        grid: rows and columns of cells.
        size: side of a piece; what the cell has more is the room that it moves in. A piece as large as its cell leaves
            no gap, and lines that go on from one to the next give the answer away.
        batch: puzzles a call.
        normalise: each piece by its own mean and deviation.
        device: where the pictures live and the puzzles are made.

    Shape: generator -> (batch, rows * columns, C, size, size), float32; answers (batch,), int64, rows of ``orders``
    Raises: ``ValueError`` for pieces larger than a cell, or orders of another number of pieces.
    """

    def __init__(
        self,
        images: Tensor,
        orders: Tensor,
        grid: tuple[int, int] = (3, 3),
        size: int = 16,
        batch: int = 64,
        normalise: bool = True,
        device: torch.device | str = "cpu",
    ):
        rows, columns = grid
        if orders.ndim != 2 or orders.shape[1] != rows * columns:
            raise ValueError(f"orders must be (K, {rows * columns}) for a grid of {grid}, got {tuple(orders.shape)}")
        self.cell = images.shape[-2] // rows, images.shape[-1] // columns
        if not 1 <= size <= min(self.cell):
            raise ValueError(f"size must be between 1 and a cell's {min(self.cell)} pixels, got {size}")
        self.images, self.orders = images.to(device), orders.to(device)
        self.size, self.batch, self.normalise = size, batch, normalise
        place = torch.arange(rows * columns, device=device)
        self.corner = torch.stack([place // columns * self.cell[0], place % columns * self.cell[1]], dim=1)

    def pieces(self, which: Tensor, generator: torch.Generator) -> Tensor:
        """The pieces of the pictures ``which`` in their right order: (B,) -> (B, P, C, size, size)."""
        draw, device = {"generator": generator, "device": generator.device}, self.images.device
        room = torch.tensor(self.cell, device=device) - self.size
        share = torch.rand(len(which), len(self.corner), 2, **draw).to(device)
        # rounding may carry the share up to 1, hence the minimum
        place = self.corner + torch.minimum((share * (room + 1)).long(), room)
        pieces = cut(self.images, which, place[..., 0], place[..., 1], self.size)
        return normalise_patches(pieces) if self.normalise else pieces

    def __call__(self, generator: torch.Generator) -> tuple[Tensor, Tensor]:
        draw, device = {"generator": generator, "device": generator.device}, self.images.device
        which = torch.randint(len(self.images), (self.batch,), **draw).to(device)
        answers = torch.randint(len(self.orders), (self.batch,), **draw).to(device)
        pieces = self.pieces(which, generator)
        rows = torch.arange(self.batch, device=device)[:, None]
        return pieces[rows, self.orders[answers]], answers
