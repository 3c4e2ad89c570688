"""How good are features that nobody asked for? Freeze the network, and see what a simple reader makes of them.

The same protocol for every task of this part: each block's maps are averaged to the *same number* of features (a finer
grid flatters untrained networks, whose features are little more than the picture, sampled), a linear classifier is
*solved* rather than trained for some epochs, and its penalty is chosen on labels that it has not seen.

Chapter: book/pretext_tasks/why_self_supervision.ipynb
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ..features import device_of, evaluating

PENALTIES = (1e-5, 1e-4, 1e-3, 1e-2, 1e-1, 1.0)


@torch.no_grad()
def block_features(model: nn.Module, images: Tensor, features: int | None = None, batch: int = 500) -> list[Tensor]:
    """What every block says about every picture: its maps, averaged over as many cells as give ``features`` numbers.

    A block with half the channels is averaged over twice the cells, so that no block wins by saying more.

    Args:
        model: with ``forward_features`` and ``widths``; it is put into evaluation mode for the moment.
        images: uint8, or float in [0, 1], (N, C, H, W); on any device.
        features: numbers per picture and block, a multiple of each width; by default the width of the widest block,
            which is global average pooling there.
        batch: pictures at a time, which bounds the memory.

    Shape: (N, C, H, W) -> one (N, features) float32 for each block, on the device of the model
    Raises: ``ValueError`` if ``features`` is no multiple of a block's channels.
    """
    features = features or max(model.widths)
    if any(features % width for width in model.widths):
        raise ValueError(f"features must be a multiple of each block's channels {model.widths}, got {features}")
    grids = [_grid(features // width) for width in model.widths]
    parts = []
    with evaluating(model):
        for some in images.split(batch):
            x = some.to(device_of(model))
            x = (x.float() / 255 if x.dtype == torch.uint8 else x).contiguous(memory_format=torch.channels_last)
            maps = model.forward_features(x)
            parts.append([F.adaptive_avg_pool2d(m, g).flatten(1).float() for m, g in zip(maps, grids, strict=True)])
    return [torch.cat(block) for block in zip(*parts, strict=True)]


@dataclass
class LinearProbe:
    """``argmax_c (W (f - mean) / std + b)_c``: one dense layer on standardised features.

    Attributes:
        weight: (classes, D).
        bias: (classes,).
        mean: of each feature over the training set, (D,).
        std: likewise; 1 where a feature is constant.
        penalty: the one that was chosen.
        held_out: percent of the held-out labels that it named rightly; NaN if there was nothing to choose. Compare
            blocks by it, and the test set stays a test.
    """

    weight: Tensor
    bias: Tensor
    mean: Tensor
    std: Tensor
    penalty: float
    held_out: float = math.nan

    def __call__(self, features: Tensor) -> Tensor:
        """Logits, (N, D) -> (N, classes)."""
        return F.linear((features - self.mean) / self.std, self.weight, self.bias)


def linear_probe(
    features: Tensor, labels: Tensor, penalties: Sequence[float] = PENALTIES, validation: float = 0.2, seed: int = 0
) -> LinearProbe:
    """Logistic regression, solved, with the penalty that names most of a held-out part of the *training* set rightly.

    Args:
        features: (N, D). labels: (N,), int64 from 0.
        penalties: those to try; with a single one nothing is held out.
        validation: share of the training set that chooses; afterwards all of it is used.
        seed: of the split.

    Raises: ``ValueError`` for other shapes, or fewer than two samples.
    """
    _check(features, labels)
    mean, std = features.mean(0), features.std(0)
    std = torch.where(std > 1e-6 * (mean.abs() + 1), std, torch.ones_like(std))
    x, classes = (features - mean) / std, int(labels.max()) + 1
    penalty, score = penalties[0], math.nan
    if len(penalties) > 1:
        order = torch.randperm(len(x), generator=torch.Generator().manual_seed(seed)).to(x.device)
        held_out = max(1, round(validation * len(x)))
        held, kept = order[:held_out], order[held_out:]
        scores, start = [], None
        for penalty in sorted(penalties, reverse=True):  # from stiff to free: each solution starts the next
            start = logistic_regression(x[kept], labels[kept], penalty, classes, start)
            scores.append((accuracy(F.linear(x[held], *start), labels[held]), penalty))
        score, penalty = max(scores)  # of equals the stiffer
    weight, bias = logistic_regression(x, labels, penalty, classes)
    return LinearProbe(weight, bias, mean, std, penalty, score)


def logistic_loss(weight: Tensor, bias: Tensor, x: Tensor, labels: Tensor, penalty: float) -> Tensor:
    """``mean CE(W x + b, label) + penalty / 2 |W|^2``: what a linear probe minimises.

    Shape: weight (classes, D), bias (classes,), x (N, D), labels (N,) -> scalar
    """
    return F.cross_entropy(F.linear(x, weight, bias), labels) + penalty / 2 * weight.square().sum()


def logistic_regression(
    x: Tensor, labels: Tensor, penalty: float, classes: int, start: tuple[Tensor, Tensor] | None = None
) -> tuple[Tensor, Tensor]:
    """The minimum of `logistic_loss`, by L-BFGS.

    The problem is convex: there is one answer, and no learning rate or number of epochs to argue about. The ``C`` of
    scikit-learn is ``1 / (penalty N)``.

    Args:
        start: weight and bias to begin with, for a neighbouring penalty's solution.

    Shape: x (N, D), labels (N,) -> weight (classes, D), bias (classes,)
    """
    weight, bias = start or (x.new_zeros(classes, x.shape[1]), x.new_zeros(classes))
    weight, bias = (p.clone().requires_grad_() for p in (weight, bias))
    solver = torch.optim.LBFGS(
        [weight, bias], max_iter=500, tolerance_grad=1e-6, tolerance_change=1e-9, history_size=20,
        line_search_fn="strong_wolfe",
    )  # fmt: skip

    def objective() -> Tensor:
        solver.zero_grad()
        loss = logistic_loss(weight, bias, x, labels, penalty)
        loss.backward()
        return loss

    with torch.enable_grad():
        solver.step(objective)
    return weight.detach(), bias.detach()


@torch.no_grad()
def knn(features: Tensor, labels: Tensor, queries: Tensor, k: int = 20, temperature: float = 0.07) -> Tensor:
    """Class scores ``sum_j exp(cos(q, f_j) / temperature) [label_j = c]`` over the ``k`` nearest: nothing is trained.

    Shape: features (N, D), labels (N,), queries (M, D) -> (M, classes)
    Raises: ``ValueError`` if there are fewer than ``k`` features.

    Wu et al., CVPR 2018, arXiv:1805.01978
    """
    _check(features, labels)
    if not 1 <= k <= len(features):
        raise ValueError(f"k must be between 1 and the {len(features)} features there are, got {k}")
    centre = features.mean(0)  # after a ReLU all numbers are positive, and all angles small
    known = F.normalize(features - centre, dim=1)
    votes = F.one_hot(labels).to(features.dtype)
    scores = []
    for some in F.normalize(queries - centre, dim=1).split(1000):
        similarity, nearest = (some @ known.T).topk(k, dim=1)
        scores.append(torch.einsum("mk,mkc->mc", ((similarity - 1) / temperature).exp(), votes[nearest]))
    return torch.cat(scores)


def accuracy(logits: Tensor, labels: Tensor) -> float:
    """Percent of the rows whose largest entry is the label's."""
    return 100 * (logits.argmax(1) == labels).float().mean().item()


def _grid(cells: int) -> tuple[int, int]:
    """Rows and columns of ``cells``, as square as they can be."""
    rows = max(r for r in range(1, int(cells**0.5) + 1) if cells % r == 0)
    return rows, cells // rows


def _check(features: Tensor, labels: Tensor) -> None:
    if features.ndim != 2 or labels.shape != features.shape[:1] or len(labels) < 2:
        raise ValueError(
            "features must be (N, D) and labels (N,) with N at least 2, "
            f"got {tuple(features.shape)} and {tuple(labels.shape)}"
        )
