"""Patches that see each other late: one trunk looks at each patch alone, a head compares what it found.

With two patches and eight answers it is the network of Doersch et al., ICCV 2015, https://arxiv.org/abs/1505.05192;
with the pieces of a puzzle the context-free network of Noroozi and Favaro, ECCV 2016, https://arxiv.org/abs/1603.09246.
Chapter: book/pretext_tasks/patch_puzzles.ipynb
"""

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ..features import device_of, evaluating


class LateFusion(nn.Module):
    """``logits = head(concat_p project(trunk(patch_p)))``, the same trunk and projection for every patch.

    If the patches met early, the network could compare pixels along their borders. So it cannot: it has to say what
    is on a patch before it learns what is on the others.

    Args:
        trunk: `NIN`, or anything with ``widths`` and a volume as output.
        pieces: patches an example.
        classes: answers to choose from.
        hidden: numbers that are kept of each patch.

    Shape: (B, pieces, C, h, w), float -> logits (B, classes)
    Raises: ``ValueError`` for another number of pieces.
    """

    def __init__(self, trunk: nn.Module, pieces: int, classes: int, hidden: int = 64):
        super().__init__()
        self.trunk, self.pieces = trunk, pieces
        # 3 x 3 cells of each patch: where something lies on the patch says where the patch lies
        self.project = nn.Sequential(nn.Linear(9 * trunk.widths[-1], hidden), nn.ReLU())
        self.head = nn.Sequential(nn.Linear(pieces * hidden, 2 * hidden), nn.ReLU(), nn.Linear(2 * hidden, classes))

    def describe(self, patches: Tensor) -> Tensor:
        """What is kept of single patches: (N, C, h, w) -> (N, hidden)."""
        return self.project(F.adaptive_avg_pool2d(self.trunk(patches), 3).flatten(1))

    def forward(self, patches: Tensor) -> Tensor:
        if patches.ndim != 5 or patches.shape[1] != self.pieces:
            raise ValueError(f"patches must have shape (B, {self.pieces}, C, h, w), got {tuple(patches.shape)}")
        described = self.describe(patches.flatten(0, 1))
        return self.head(described.view(len(patches), -1))


def puzzle_loss(model: nn.Module, batch: tuple[Tensor, Tensor]) -> Tensor:
    """Cross entropy of the right answer: batch = (patches (B, P, C, h, w), answers (B,))."""
    patches, answers = batch
    return F.cross_entropy(model(patches), answers)


@torch.no_grad()
def puzzle_accuracy(model: nn.Module, batches, count: int, seed: int = 0) -> float:
    """Percent of ``count`` or a few more fresh examples that are answered rightly, in evaluation mode.

    Args:
        batches: ``generator -> (patches, answers)``, of pictures that the model was not trained on.
    """
    generator = torch.Generator(device_of(model)).manual_seed(seed)
    right = []
    with evaluating(model):
        while sum(map(len, right)) < count:
            patches, answers = batches(generator)
            right.append(model(patches).argmax(1) == answers)
    return 100 * torch.cat(right).float().mean().item()
