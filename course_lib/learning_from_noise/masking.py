"""Hide a few pixels, and ask for them: the maskers of Noise2Void, a whole batch at once.

A masker is called ``hidden, mask = masker(z, generator)``. In every cell of a grid one pixel is chosen at random
(stratified sampling: spread over the picture, none beside the same other twice), and is replaced in ``hidden``;
``mask`` says where. All channels of a pixel are hidden together, since their noise may have something in common.

Shape: z (B, C, H, W), in [0, 1] plus noise -> (B, C, H, W) and (B, 1, H, W) of bool, on the device of z
Raises: ``ValueError`` for what is no batch of images, and for options out of range.

Krull et al., "Noise2Void: Learning Denoising from Single Noisy Images", CVPR 2019, https://arxiv.org/abs/1811.10980
Chapter: book/learning_from_noise/noise2void.ipynb
"""

from dataclasses import dataclass

import torch
from torch import Generator, Tensor

from .._checks import check_images, check_same_shape


@dataclass(frozen=True)
class Masker:
    """What the maskers have in common: which pixels are hidden, and who else is in their neighbourhood.

    Attributes:
        cell: side of the cells in pixels, at least 1: of every ``cell^2`` pixels one is hidden.
        radius: of the neighbourhood, at least 1: ``2 radius + 1`` pixels a side, without the pixel itself and without
            what lies outside of the picture.
    """

    cell: int = 8
    radius: int = 5

    def __post_init__(self):
        if self.cell < 1 or self.radius < 1:
            raise ValueError(f"cell and radius must be at least 1, got {self.cell} and {self.radius}")

    def __call__(self, z: Tensor, generator: Generator | None = None) -> tuple[Tensor, Tensor]:
        check_images(z, "z")
        if min(z.shape[-2:]) < 2:
            raise ValueError(f"z must be at least 2 x 2, or a pixel has no neighbours, got {tuple(z.shape)}")
        rows, columns = positions(z, self.cell, generator)
        at = (rows * z.shape[3] + columns)[:, None]  # (B, 1, P)
        values = self.values(z, rows, columns, generator).to(z.dtype)
        flat = z.flatten(2)
        hidden = flat.scatter(2, at.expand(-1, z.shape[1], -1), values)
        mask = torch.zeros_like(flat[:, :1], dtype=torch.bool).scatter(2, at, True)
        return hidden.view_as(z), mask.view_as(z[:, :1])

    def values(self, z: Tensor, rows: Tensor, columns: Tensor, generator: Generator | None) -> Tensor:
        """What stands in ``hidden`` at these P pixels: (B, C, P)."""
        raise NotImplementedError


class RandomNeighbour(Masker):
    """``hidden_p = z_q``, q uniform among the neighbours of p: looks like the picture, says nothing of p's noise.

    Exactly uniform, at the border too: the neighbours inside of the picture are numbered, and a number is drawn.
    """

    def values(self, z, rows, columns, generator):
        top, left, height, width = self._window(z, rows, columns)
        draw = torch.rand(rows.shape, generator=generator, device=z.device, dtype=torch.float32)
        number = torch.minimum((draw * (height * width - 1)).long(), height * width - 2)
        row, column = nth_neighbour(number, rows - top, columns - left, width)
        at = (top + row) * z.shape[3] + left + column
        return z.flatten(2).gather(2, at[:, None].expand(-1, z.shape[1], -1))

    def _window(self, z: Tensor, rows: Tensor, columns: Tensor) -> list[Tensor]:
        """Top, left, height and width of the neighbourhoods inside of the picture."""
        top, left = (rows - self.radius).clamp(min=0), (columns - self.radius).clamp(min=0)
        bottom = (rows + self.radius).clamp(max=z.shape[2] - 1)
        right = (columns + self.radius).clamp(max=z.shape[3] - 1)
        return [top, left, bottom - top + 1, right - left + 1]


class LocalMean(Masker):
    """``hidden_p = mean z_q`` over the neighbours q of p."""

    def values(self, z, rows, columns, generator):
        neighbours, inside = self._neighbours(z, rows, columns)
        return (neighbours * inside).sum(-1) / inside.sum(-1)

    def _neighbours(self, z: Tensor, rows: Tensor, columns: Tensor) -> tuple[Tensor, Tensor]:
        """All neighbours (B, C, P, K), and which of them lie inside of the picture (B, 1, P, K)."""
        steps = torch.arange(-self.radius, self.radius + 1, device=z.device)
        dy, dx = (shift.flatten() for shift in torch.meshgrid(steps, steps, indexing="ij"))
        middle = len(dy) // 2
        dy, dx = (torch.cat([shift[:middle], shift[middle + 1 :]]) for shift in (dy, dx))
        y, x = rows[..., None] + dy, columns[..., None] + dx
        inside = (y >= 0) & (y < z.shape[2]) & (x >= 0) & (x < z.shape[3])
        at = (y.clamp(0, z.shape[2] - 1) * z.shape[3] + x.clamp(0, z.shape[3] - 1)).flatten(1)
        found = z.flatten(2).gather(2, at[:, None].expand(-1, z.shape[1], -1))
        return found.view(*z.shape[:2], *inside.shape[1:]), inside[:, None]


class LocalMedian(LocalMean):
    """``hidden_p = median z_q`` over the neighbours q of p; of an even number the mean of the middle two."""

    def values(self, z, rows, columns, generator):
        neighbours, inside = self._neighbours(z, rows, columns)
        ordered = torch.where(inside, neighbours, torch.inf).sort(-1).values
        count = inside.sum(-1, keepdim=True).expand(-1, z.shape[1], -1, -1)
        return (ordered.gather(-1, (count - 1) // 2) + ordered.gather(-1, count // 2))[..., 0] / 2


class RandomValue(Masker):
    """``hidden_p ~ U[0, 1]``: any grey, whatever the picture looks like there. It has no neighbourhood."""

    def values(self, z, rows, columns, generator):
        return torch.rand(*z.shape[:2], rows.shape[1], generator=generator, device=z.device, dtype=torch.float32)


def nth_neighbour(number: Tensor, row: Tensor, column: Tensor, width: Tensor | int) -> tuple[Tensor, Tensor]:
    """Row and column of a pixel of a window, counted row by row from 0 and without the one at (row, column).

    Shape: whole numbers of one shape -> two of it. Ranges: ``number`` from 0 to the window's pixels minus 2.

    >>> nth_neighbour(torch.tensor([3, 4]), torch.tensor(1), torch.tensor(1), 3)  # 4 would be the middle itself
    (tensor([1, 1]), tensor([0, 2]))
    """
    number = number + (number >= row * width + column)
    return number // width, number % width


def positions(z: Tensor, cell: int, generator: Generator | None = None) -> tuple[Tensor, Tensor]:
    """One pixel in every cell of a grid, uniform in its cell; cells at the right and lower border may be smaller.

    Shape: (B, C, H, W) -> rows and columns, each (B, P), P = ceil(H / cell) ceil(W / cell), int64
    """
    found = []
    height, width = z.shape[-2:]
    shape = (len(z), -(-height // cell), -(-width // cell))
    for length, axis in ((height, 1), (width, 2)):
        first = torch.arange(0, length, cell, device=z.device)
        room = (length - first).clamp(max=cell)
        draw = torch.rand(shape, generator=generator, device=z.device, dtype=torch.float32)
        view = [1, 1, 1]
        view[axis] = -1
        first, room = first.view(view), room.view(view)
        found.append((first + torch.minimum((draw * room).long(), room - 1)).flatten(1))
    return found[0], found[1]


def masked_loss(y_hat: Tensor, z: Tensor, mask: Tensor) -> Tensor:
    """``mean (y_hat_p - z_p)^2`` over the hidden pixels p: the target is the noisy pixel itself, which was not shown.

    Shape: two (B, C, H, W) and the mask (B, 1, H, W) -> scalar, float32
    Raises: ``ValueError`` if the shapes differ.
    """
    check_same_shape(y_hat, z, "y_hat and z")
    check_same_shape(mask, z[:, :1], "mask and z[:, :1]")
    error = (y_hat.float() - z.float()).square() * mask
    return error.sum() / (mask.sum() * z.shape[1])
