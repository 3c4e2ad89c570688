"""Noisy patch -> denoiser -> descriptor -> three numbers.

Chapter: book/projects/noisy_patches.ipynb
"""

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from ...features import device_of, evaluating
from ...metric_learning.patches import (
    Pairs,
    Retrieval,
    describe,
    draw_pairs,
    draw_retrieval,
    matching,
    retrieval,
    verification,
)

TASKS = ("retrieval", "verification", "matching")


class Pipeline(nn.Module):
    """``e = descriptor(denoiser(z))``: two networks in a row, through which a gradient can go.

    Shape: z (B, 1, 32, 32), float in [0, 1] -> what the descriptor returns
    """

    def __init__(self, denoiser: nn.Module, descriptor: nn.Module):
        super().__init__()
        self.denoiser, self.descriptor = denoiser, descriptor

    def forward(self, z: Tensor) -> Tensor:
        return self.descriptor(self.denoiser(z))


@torch.no_grad()
def denoise_sequences(denoiser: nn.Module, noisy: dict[str, Tensor], batch: int = 512) -> dict[str, Tensor]:
    """All patches of noisy sequences through the denoiser, as files would hold them.

    Shape: name -> uint8 (16, N, 1, 32, 32) to the same, on the CPU
    """
    device, clean = device_of(denoiser), {}
    with evaluating(denoiser):
        for name, patches in noisy.items():
            parts = [
                denoiser(some.to(device).float() / 255).float().cpu() for some in patches.flatten(0, 1).split(batch)
            ]
            clean[name] = torch.cat(parts).clamp(0, 1).mul(255).round().byte().view(patches.shape)
    return clean


@dataclass(frozen=True)
class Exam:
    """What is asked: the same pairs and queries of every contestant.

    Attributes:
        pairs, queries: as `draw_pairs` and `draw_retrieval` draw them.
        pool: how many patches a query is looked for in.
    """

    pairs: dict[str, Pairs]
    queries: Retrieval
    pool: int

    @classmethod
    def draw(cls, sequences: dict[str, Tensor], pairs: int = 5_000, queries: int = 100, pool: int = 150) -> "Exam":
        """From clean sequences, at least two, with their names. Raises: ``ValueError`` as `draw_retrieval`."""
        lengths = {name: patches.shape[1] for name, patches in sequences.items()}
        return cls(draw_pairs(lengths, pairs), draw_retrieval(sequences, queries, pool), pool)

    def mark(self, descriptor, sequences: dict[str, Tensor]) -> dict[str, float]:
        """Mean AP of `TASKS` in percent, each a mean over easy, hard and tough.

        Verification is the mean of negatives from the same and from another sequence, five to a positive.

        Args:
            descriptor: network or function, as for `describe`; sequences: uint8 (16, N, 1, S, S) by name.
        """
        described = {name: e.cpu() for name, e in describe(descriptor, sequences).items()}
        found = retrieval(described, self.queries, pools=(self.pool,))
        verified = verification(described, self.pairs)
        by_level = {
            "retrieval": [found[level][self.pool] for level in found],
            "verification": [(v["intra imbalanced"] + v["inter imbalanced"]) / 2 for v in verified.values()],
            "matching": list(matching(described).values()),
        }
        return {task: 100 * sum(by_level[task]) / len(by_level[task]) for task in TASKS}
