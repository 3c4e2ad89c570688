"""What if labels were dear? The same question put to any learner, with more and more of them.

Chapter: book/pretext_tasks/rotation.ipynb
"""

from collections.abc import Callable, Sequence

import torch
from torch import Tensor


def few_labels(labels: Tensor, count: int, seed: int = 0) -> Tensor:
    """Indices of ``count`` random samples of each class, for the question: what if labels were dear?

    Raises: ``ValueError`` if a class has fewer.
    """
    order = torch.randperm(len(labels), generator=torch.Generator().manual_seed(seed)).to(labels.device)
    chosen = [order[labels[order] == c][:count] for c in labels.unique()]
    if min(map(len, chosen)) < count:
        raise ValueError(f"each class needs {count} samples, the smallest has {min(map(len, chosen))}")
    return torch.cat(chosen)


def label_curve(
    score: Callable[[Tensor], float], labels: Tensor, counts: Sequence[int], seeds: Sequence[int] = (0,)
) -> dict[int, list[float]]:
    """``score(indices)`` with ``count`` labels a class, for every count: the same samples whatever is scored.

    Args:
        score: trains on the samples of these indices and returns the accuracy on a test set.
        counts: labels a class.
        seeds: one draw of labels each.

    Returns: for each count the scores, one a seed.
    """
    return {count: [score(few_labels(labels, count, seed)) for seed in seeds] for count in counts}
