"""Colourization: guess the colour of a grey picture, as one number, or as a choice among the colours there are.

Zhang, Isola, Efros, "Colorful Image Colorization", ECCV 2016, https://arxiv.org/abs/1603.08511
Chapter: book/pretext_tasks/colourization.ipynb
"""

from functools import cache

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from .lab import rgb_to_lab

STEP = 10  # side of a bin in the plane of a and b
SHARPEST = 0.38  # the paper's temperature


@cache
def colour_bins() -> Tensor:
    """Middles of the bins of the ab plane that a screen can show: (261, 2), multiples of 10, sorted.

    The paper has 313, published as a list. These are computed: every (a, b) on the faces of the sRGB cube, at all 256
    levels, is rounded to the grid, and what occurs stays. (The colours of one (a, b) form a line through the cube,
    which enters and leaves by a face.) No picture's colour is in another bin.
    """
    level = torch.linspace(0, 1, 256)
    face = torch.cartesian_prod(level, level)
    end = torch.tensor([0.0, 1.0]).repeat_interleave(len(face))[:, None]
    cube = torch.cat([torch.cat([face.repeat(2, 1), end], 1).roll(k, 1) for k in range(3)])
    ab = rgb_to_lab(cube.T.reshape(1, 3, -1, 1))[0, 1:, :, 0].T
    return (ab / STEP).round().unique(dim=0) * STEP


def soft_encode(ab: Tensor, neighbours: int = 5, sigma: float = 5.0) -> tuple[Tensor, Tensor]:
    """Each colour as shares of its nearest bins, ``w_k ~ exp(-|ab - bin_k|^2 / 2 sigma^2)``, with a sum of 1.

    Sparse: indices and shares of ``neighbours`` bins, since all others are 0.

    Shape: ab (B, 2, H, W) -> indices (B, neighbours, H, W), int64, and shares, float
    """
    bins = colour_bins().to(ab)
    flat = ab.permute(0, 2, 3, 1).reshape(-1, 2)
    squared, index = torch.cdist(flat, bins).square().topk(neighbours, dim=1, largest=False)
    share = (-squared / (2 * sigma**2)).softmax(1)
    batch, _, height, width = ab.shape
    return tuple(x.view(batch, height, width, neighbours).permute(0, 3, 1, 2) for x in (index, share))


def colour_counts(ab: Tensor) -> Tensor:
    """How often each bin occurs, by `soft_encode`, as shares with a sum of 1: (B, 2, H, W) -> (bins,)."""
    index, share = soft_encode(ab)
    counts = torch.zeros(len(colour_bins()), device=ab.device, dtype=ab.dtype)
    return counts.index_add(0, index.flatten(), share.flatten()) / share.sum()


def rebalance(frequency: Tensor, uniform: float = 0.5) -> Tensor:
    """Weights ``w ~ ((1 - u) p + u / Q)^-1`` with ``sum p w = 1``: rare colours count more, but not without bound.

    Args:
        frequency: share p of each of the Q bins; it has a sum of 1.
        uniform: u in [0, 1]: 0 makes all colours equally important, 1 leaves them as they are. The paper takes 0.5.

    Shape: (Q,) -> (Q,). Raises: ``ValueError`` for another ``uniform``, or 0 with a bin that never occurs.
    """
    if not 0 <= uniform <= 1 or (uniform == 0 and not frequency.all()):
        raise ValueError(f"uniform must be in [0, 1], above 0 if a colour never occurs, got {uniform}")
    weight = 1 / ((1 - uniform) * frequency + uniform / len(frequency))
    return weight / (frequency * weight).sum()


def classification_loss(logits: Tensor, ab: Tensor, weight: Tensor | None = None) -> Tensor:
    """``mean_hw w(nearest bin) * -sum_k share_k log p_k``: cross entropy with the soft targets, rare colours weighted.

    Shape: logits (B, Q, H, W), ab (B, 2, H, W), weight (Q,) -> scalar
    """
    index, share = soft_encode(ab)
    loss = -(share * logits.log_softmax(1).gather(1, index)).sum(1)
    # of the sorted neighbours the first is the nearest
    return loss.mean() if weight is None else (weight[index[:, 0]] * loss).mean()


def annealed_mean(logits: Tensor, temperature: float = SHARPEST) -> Tensor:
    """``sum_k softmax(logits / T)_k bin_k``: at T = 1 the mean of all guesses, towards T = 0 the likeliest alone.

    Shape: (B, Q, H, W) -> ab (B, 2, H, W). Raises: ``ValueError`` unless ``temperature > 0``.
    """
    if not temperature > 0:
        raise ValueError(f"temperature must be above 0, got {temperature}")
    return torch.einsum("bqhw,qc->bchw", (logits / temperature).softmax(1), colour_bins().to(logits))


class Colourizer(nn.Module):
    """``head(trunk(L))``: for every fourth pixel what colour is there, at a quarter of the side.

    Args:
        trunk: one channel in; `NIN` with ``channels=1``, or anything with ``widths`` and a volume as output.
        outputs: 2 to regress (a, b) / 100; the number of `colour_bins` to choose.

    Shape: grey (B, 1, H, W) in [0, 1] -> (B, outputs, H / 4, W / 4)
    """

    def __init__(self, trunk: nn.Module, outputs: int):
        super().__init__()
        self.trunk, self.outputs = trunk, outputs
        self.head = nn.Conv2d(trunk.widths[-1], outputs, 1)

    def forward(self, grey: Tensor) -> Tensor:
        return self.head(self.trunk(grey))

    @torch.no_grad()
    def colours(self, grey: Tensor, temperature: float = SHARPEST) -> Tensor:
        """(a, b) for every pixel, smoothly enlarged: (B, 1, H, W) -> (B, 2, H, W). A regression has no temperature."""
        guess = self(grey)
        ab = 100 * guess if self.outputs == 2 else annealed_mean(guess, temperature)
        return F.interpolate(ab, size=grey.shape[-2:], mode="bilinear", align_corners=False)


def colour_task(rgb: Tensor, side: int = 4) -> tuple[Tensor, Tensor]:
    """Labels for nothing: what the network sees, L / 100, and what it should say, (a, b) of every ``side`` x ``side``.

    Shape: (B, 3, H, W) in [0, 1] -> grey (B, 1, H, W) in [0, 1], ab (B, 2, H / side, W / side)
    """
    lab = rgb_to_lab(rgb)
    return lab[:, :1] / 100, F.avg_pool2d(lab[:, 1:], side)
