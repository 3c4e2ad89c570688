"""A lens that bends green light less than red and blue: lateral chromatic aberration.

Chapter: book/pretext_tasks/patch_puzzles.ipynb
"""

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional as F

from .._checks import check_images


@dataclass(frozen=True)
class LateralAberration:
    """``z_green(r) = y_green(r / (1 - shrink))``: the green picture is smaller than the red and the blue one.

    ``r`` is the way from the middle of the picture. Nothing moves there; at the border of a picture of H rows green
    lies ``shrink * H / 2`` pixels further in, and edges get a green and a magenta fringe that point at the middle. A
    real lens does that by about 0.1 %, a pixel at the border of two thousand; small pictures need more for that pixel.

    Args:
        shrink: share of its size that the green picture loses, in [0, 0.5).

    Shape: (B, 3, H, W) in [0, 1] -> (B, 3, H, W) in [0, 1]; what would lie outside repeats the border.
    Raises: ``ValueError`` for another ``shrink`` or other images.

    Example:
        >>> y = torch.rand(2, 3, 9, 9)
        >>> z = LateralAberration(0.1)(y)
        >>> torch.equal(z[:, [0, 2]], y[:, [0, 2]]), torch.allclose(z[:, 1, 4, 4], y[:, 1, 4, 4])
        (True, True)
    """

    shrink: float = 0.06

    def __post_init__(self):
        if not 0 <= self.shrink < 0.5:
            raise ValueError(f"shrink must be in [0, 0.5), a share of the size, got {self.shrink}")

    def __call__(self, y: Tensor, generator: torch.Generator | None = None) -> Tensor:
        check_images(y, "y", channels=3, clean=True)
        scale = 1 / (1 - self.shrink)
        matrix = torch.tensor([[scale, 0.0, 0.0], [0.0, scale, 0.0]], device=y.device, dtype=y.dtype)
        grid = F.affine_grid(matrix.expand(len(y), 2, 3), [len(y), 1, *y.shape[-2:]], align_corners=False)
        green = F.grid_sample(y[:, 1:2], grid, padding_mode="border", align_corners=False)
        return torch.cat([y[:, :1], green, y[:, 2:]], dim=1)
