"""Stored reference runs side by side, over their seeds.

Chapter: book/pretext_tasks/scoreboard.ipynb
"""

import torch
from torch import Tensor

from .. import reference
from ..reference.seeds import Spread


def spread_of(name: str, metric: str) -> Spread:
    """``metric`` of ``name`` and of those of ``name-2``, ``name-3``, ... that have been run.

    Raises: ``KeyError`` for an unknown run or metric, ``FileNotFoundError`` where not even the first has been run.
    """
    values = [reference.result(name)["metrics"][metric]]
    for seed in range(2, 10):
        if was_run(f"{name}-{seed}"):
            values.append(reference.result(f"{name}-{seed}")["metrics"][metric])
    return Spread(tuple(values))


def was_run(name: str) -> bool:
    """Whether there is a stored result of that name."""
    return (reference.RESULTS / f"{name}.json").exists()


def rank_correlation(a: Tensor, b: Tensor) -> Tensor:
    """Spearman's: the correlation of the ranks of two lists of scores without ties, 1 for the same order.

    Shape: (N,), (N,) -> scalar in [-1, 1]
    Raises: ``ValueError`` for other shapes, or fewer than two scores.
    """
    if a.ndim != 1 or a.shape != b.shape or len(a) < 2:
        raise ValueError(f"a and b must be (N,) with N at least 2, got {tuple(a.shape)} and {tuple(b.shape)}")
    return torch.corrcoef(torch.stack([x.argsort().argsort().float() for x in (a, b)]))[0, 1]
