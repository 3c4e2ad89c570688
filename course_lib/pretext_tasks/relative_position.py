"""Relative position: two patches of one picture; where does the second one lie, seen from the first?

Doersch, Gupta, Efros, "Unsupervised Visual Representation Learning by Context Prediction", ICCV 2015,
https://arxiv.org/abs/1505.05192
Chapter: book/pretext_tasks/patch_puzzles.ipynb
"""

from collections.abc import Callable

import torch
from torch import Tensor

from .cutting import cut

# row and column of the neighbour, the answers 0 to 7: row by row around the first patch
NEIGHBOURS = ((-1, -1), (-1, 0), (-1, 1), (0, -1), (0, 1), (1, -1), (1, 0), (1, 1))
# what remains of a colour without its share of green against magenta, (-1, 2, -1)
AXIS = torch.tensor([-1.0, 2.0, -1.0])
PROJECTION = torch.eye(3) - torch.outer(AXIS, AXIS) / AXIS.square().sum()


class RelativePosition:
    """Labels for nothing: ``batches(generator) -> (pairs, answers)``, pairs of patches and which neighbour is second.

    The first patch lies anywhere; the second one ``size + gap`` pixels further in one of eight directions, all equally
    likely; then both are moved by up to ``jitter`` pixels, each on its own. Without gap and jitter a line that runs
    from one patch into the other gives the answer away.

    Args:
        images: uint8 (N, 3, H, W), or float in [0, 1]. H and W at least ``2 * size + gap + 2 * jitter``.
        size: side of a patch in pixels.
        gap: pixels between the two; the paper leaves half a patch.
        jitter: how far each is moved at most, up or down and left or right.
        batch: pairs a call.
        colours: (patches (N, 3, h, w), generator) -> patches; such as `drop_colours` and `project_colours`.
        device: where the pictures live and the pairs are made.

    Shape: generator -> (batch, 2, 3, size, size), float32; answers (batch,), int64, indices of ``NEIGHBOURS``
    Raises: ``ValueError`` for pictures too small, or negative distances.
    """

    def __init__(
        self,
        images: Tensor,
        size: int = 16,
        gap: int = 8,
        jitter: int = 2,
        batch: int = 64,
        colours: Callable[[Tensor, torch.Generator], Tensor] | None = None,
        device: torch.device | str = "cpu",
    ):
        if size < 1 or batch < 1 or gap < 0 or jitter < 0:
            raise ValueError(f"size, batch >= 1 and gap, jitter >= 0 are needed, got {(size, batch, gap, jitter)}")
        needed = 2 * size + gap + 2 * jitter
        if images.ndim != 4 or min(images.shape[-2:]) < needed:
            raise ValueError(f"images must be (N, 3, H, W) of at least {needed} pixels, got {tuple(images.shape)}")
        self.images, self.size, self.gap, self.jitter, self.batch = images.to(device), size, gap, jitter, batch
        self.colours = colours
        self.directions = torch.tensor(NEIGHBOURS, device=device)

    def places(self, generator: torch.Generator) -> tuple[Tensor, Tensor]:
        """Top left corners of both patches and the answers: (batch, 2, 2), the last axis down and right; (batch,)."""
        draw, device = {"generator": generator, "device": generator.device}, self.images.device
        answers = torch.randint(8, (self.batch,), **draw).to(device)
        step = self.directions[answers] * (self.size + self.gap)
        # the first patch may lie wherever it, its neighbour and both jitters stay inside
        lowest = (-step).clamp(min=0) + self.jitter
        room = torch.tensor(self.images.shape[-2:], device=device) - self.size - self.jitter
        highest = room - step.clamp(min=0)
        share = torch.rand(self.batch, 2, **draw).to(device)
        # rounding may carry the share up to 1, hence the minimum
        first = torch.minimum(lowest + (share * (highest - lowest + 1)).long(), highest)
        moved = torch.randint(-self.jitter, self.jitter + 1, (self.batch, 2, 2), **draw).to(device)
        return torch.stack([first, first + step], dim=1) + moved, answers

    def __call__(self, generator: torch.Generator) -> tuple[Tensor, Tensor]:
        draw = {"generator": generator, "device": generator.device}
        which = torch.randint(len(self.images), (self.batch,), **draw).to(self.images.device)
        places, answers = self.places(generator)
        pairs = cut(self.images, which, places[..., 0], places[..., 1], self.size)
        if self.colours:
            pairs = self.colours(pairs.flatten(0, 1), generator).view_as(pairs)
        return pairs, answers


def drop_colours(patches: Tensor, generator: torch.Generator) -> Tensor:
    """Keep one colour channel of each patch, drawn at random; the other two become faint noise around its mean.

    The noise has a hundredth of the deviation of what is kept, as in the paper. Shape: (N, 3, h, w) -> (N, 3, h, w).
    """
    draw = {"generator": generator, "device": generator.device}
    kept = torch.randint(3, (len(patches), 1, 1, 1), **draw).to(patches.device)
    noise = torch.randn(patches.shape, **draw).to(patches.device)
    channel = patches.gather(1, kept.expand(-1, -1, *patches.shape[2:]))
    deviation, mean = torch.std_mean(channel, dim=(2, 3), keepdim=True)
    mask = torch.arange(3, device=patches.device).view(1, 3, 1, 1) == kept
    return torch.where(mask, patches, mean + 0.01 * deviation * noise)


def project_colours(patches: Tensor, generator: torch.Generator | None = None) -> Tensor:
    """``(I - a a^T / |a|^2) c`` for every pixel's colour c, a = (-1, 2, -1): green against magenta is taken out.

    It keeps the other two directions of colour; the fringes of a lens that bends green otherwise than red and blue are
    in the direction that goes. ``generator`` is not needed. Shape: (N, 3, h, w) -> (N, 3, h, w).
    """
    return torch.einsum("dc,nchw->ndhw", PROJECTION.to(patches), patches)
