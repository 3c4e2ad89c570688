"""Batches of patch pairs: two views of the same point, many points at a time.

Chapter: book/metric_learning/patch_descriptors.ipynb
"""

from collections.abc import Iterable

import torch
from torch import Tensor

from ... import data
from .descriptors import to_32


def patch_views(photographs: Iterable[Tensor], points: int = 60, seed: int = 0) -> Tensor:
    """The sixteen views of every point of two sequences a photograph: one from elsewhere, one in another light.

    Args:
        photographs: grey, float (1, H, W) in [0, 1]; those without corners (a sky) are passed over.

    Shape: -> uint8 (N, 16, 1, 32, 32), N up to 2 ``points`` a photograph
    Raises: ``ValueError`` if no photograph has corners.
    """
    made = []
    for k, photograph in enumerate(photographs):
        for viewpoint in (True, False):
            try:
                sequence = data.patch_sequence(photograph, points, viewpoint, seed=1_000_000 + 2 * k + seed + viewpoint)
            except ValueError:
                continue
            small = to_32(sequence.flatten(0, 1)).mul(255).round().byte()
            made.append(small.view(*sequence.shape[:2], 1, 32, 32).transpose(0, 1))
    if not made:
        raise ValueError("photographs must include at least one of 96 x 96 or more with corners, got none")
    return torch.cat(made)


class PatchPairs:
    """``pairs(generator) -> (anchor, positive)``: two of the sixteen views of each of ``batch`` different points.

    Args:
        views: as `patch_views` makes them; they live on ``device``, where batches are made.

    Shape: generator -> two (batch, 1, 32, 32), float in [0, 1]
    Raises: ``ValueError`` for another form, or fewer points than ``batch``.
    """

    def __init__(self, views: Tensor, batch: int, device: torch.device | str = "cpu"):
        if views.ndim != 5 or views.dtype != torch.uint8 or views.shape[1] < 2 or not 2 <= batch <= len(views):
            got = f"{tuple(views.shape)} {views.dtype} and batch={batch}"
            raise ValueError(f"views must be uint8 (N, V, 1, H, W) with V at least 2 and N at least batch, got {got}")
        self.views, self.batch, self.device = views.to(device), batch, torch.device(device)

    def __call__(self, generator: torch.Generator) -> tuple[Tensor, Tensor]:
        draw = {"generator": generator, "device": generator.device}
        count, views = self.views.shape[:2]
        point = torch.randperm(count, **draw)[: self.batch].to(self.device)
        view = torch.rand(self.batch, views, dtype=torch.float32, **draw).argsort(1)[:, :2].to(self.device)
        return self.views[point, view[:, 0]].float() / 255, self.views[point, view[:, 1]].float() / 255
