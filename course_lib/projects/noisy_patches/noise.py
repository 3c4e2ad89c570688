"""Noisy patches: what the coursework's files hold, made from any sequence, and batches of them to train on.

Chapter: book/projects/noisy_patches.ipynb
"""

import os
from pathlib import Path

import torch
from torch import Tensor

from ... import data
from ...metric_learning.patches import PatchPairs, to_32

# how strong the noise is: the harder the patch, the more of it; the reference has that of easy ones
SIGMA = {"r": 15 / 255, "e": 15 / 255, "h": 30 / 255, "t": 50 / 255}


def add_noise(patches: Tensor, sigma: Tensor | float, generator: torch.Generator) -> Tensor:
    """``round(clip(y + sigma n))``: noise as a file of 8 bits can hold it.

    Shape: uint8 (..., S, S), sigma a number or of a shape that broadcasts -> uint8, same shape
    Raises: ``ValueError`` for patches that are not uint8.
    """
    if patches.dtype != torch.uint8:
        raise ValueError(f"patches must be uint8, got {patches.dtype}")
    n = torch.randn(patches.shape, generator=generator, device=generator.device, dtype=torch.float32)
    return (patches.float() / 255 + sigma * n.to(patches.device)).clamp(0, 1).mul(255).round().byte()


def noisy_sequences(sequences: dict[str, Tensor], seed: int = 0) -> dict[str, Tensor]:
    """Every patch at 32 x 32 with the noise of its level, `SIGMA`.

    Shape: name -> uint8 (16, N, 1, S, S) to name -> uint8 (16, N, 1, 32, 32)
    """
    generator = torch.Generator().manual_seed(seed)
    sigma = torch.tensor([SIGMA[kind[0]] for kind in data.PATCH_TYPES]).view(-1, 1, 1, 1, 1)
    return {name: add_noise(small(patches), sigma, generator) for name, patches in sequences.items()}


def small(patches: Tensor) -> Tensor:
    """A sequence at 32 x 32 pixels. Shape: uint8 (16, N, 1, S, S) -> uint8 (16, N, 1, 32, 32)"""
    return to_32(patches.flatten(0, 1)).mul(255).round().byte().view(*patches.shape[:3], 32, 32)


def write_noisy_sequences(folder: str | os.PathLike, sequences: dict[str, Tensor], seed: int = 0) -> Path:
    """Write sequences as the coursework's files: ``ref.png`` and beside it ``ref_noise.png``, and so on.

    `data.patch_sequences(folder)` reads the clean strips and with ``noisy=True`` the others, of a real set as well.
    Returns ``folder``. Errors as `data.write_strips`.
    """
    folder = Path(folder).expanduser()
    for name, noisy in noisy_sequences(sequences, seed).items():
        data.write_strips(folder / name, sequences[name])
        data.write_strips(folder / name, noisy, noisy=True)
    return folder


class NoisyPatches:
    """``batches(generator) -> (z, y)``: patches with noise of a random level, and without.

    Args:
        views: uint8 (N, 16, 1, 32, 32), as by `metric_learning.patches.patch_views`.

    Shape: generator -> two (batch, 1, 32, 32), float in [0, 1]
    """

    def __init__(self, views: Tensor, batch: int, device: torch.device | str = "cpu"):
        self.patches, self.batch = views.flatten(0, 1).to(device), batch

    def __call__(self, generator: torch.Generator) -> tuple[Tensor, Tensor]:
        draw = {"generator": generator, "device": generator.device}
        y = self.patches[torch.randint(len(self.patches), (self.batch,), **draw).to(self.patches.device)]
        return add_noise(y, _levels(self.batch, generator), generator).float() / 255, y.float() / 255


class NoisyPairs:
    """``pairs(generator) -> (anchor, positive)``, as `PatchPairs`, and every patch with noise of a random level."""

    def __init__(self, views: Tensor, batch: int, device: torch.device | str = "cpu"):
        self.pairs = PatchPairs(views, batch, device)

    def __call__(self, generator: torch.Generator) -> tuple[Tensor, Tensor]:
        clean = ((255 * x).round().byte() for x in self.pairs(generator))
        a, p = (add_noise(x, _levels(len(x), generator), generator).float() / 255 for x in clean)
        return a, p


def _levels(count: int, generator: torch.Generator) -> Tensor:
    """One of the three levels for each of ``count`` patches: (count, 1, 1, 1)."""
    sigma = torch.tensor([SIGMA[level] for level in "eht"])
    return sigma[torch.randint(3, (count,), generator=generator, device=generator.device).cpu()].view(-1, 1, 1, 1)
