"""A linear probe in every block: what reference runs and chapters share.

Chapter: book/pretext_tasks/patch_puzzles.ipynb
"""

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from .probing import accuracy, block_features, linear_probe

PENALTIES = (1e-3, 1e-2, 1e-1)


def probe_blocks(
    trunk: nn.Module, train: tuple[Tensor, Tensor], test: tuple[Tensor, Tensor], labels: int = 2_500
) -> list[float]:
    """Percent of the test images that a linear probe names rightly, one number for each block of the frozen trunk.

    Args:
        trunk: with ``forward_features`` and ``widths``.
        train: (images, labels) to solve the probe on.
        test: (images, labels) to measure it on.
        labels: how many of the training images, always the same random ones, are used.
    """
    chosen = torch.randperm(len(train[1]), generator=torch.Generator().manual_seed(0))[:labels]
    known = block_features(trunk, train[0][chosen], batch=100)
    unknown = block_features(trunk, test[0], batch=100)
    scores = []
    for x, y in zip(known, unknown, strict=True):
        probe = linear_probe(x, train[1][chosen].to(x.device), penalties=PENALTIES)
        scores.append(accuracy(probe(y), test[1].to(y.device)))
    return scores


def named_blocks(scores: Sequence[float]) -> dict[str, float]:
    """The scores of `probe_blocks` under the names that results have."""
    return {f"probe on block {k} (%)": score for k, score in enumerate(scores, 1)}
