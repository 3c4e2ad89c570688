"""Recordings to learn from: two of every picture, from any observation model, or the noisy ones that somebody has.

Lehtinen et al., "Noise2Noise", ICML 2018, https://arxiv.org/abs/1803.04189
Chapter: book/learning_from_noise/noise2noise.ipynb
"""

from collections.abc import Callable, Sequence

import torch
from torch import Generator, Tensor

from ..data.patches import Patches


def two_recordings(y: Tensor, observe: Callable[..., Tensor], generator: Generator | None = None):
    """``z_1, z_2 = observe(y), observe(y)``: the same picture twice, with independent noise.

    Args:
        observe: an observation model, ``observe(y, generator) -> z``, such as those of `course_lib.observation`.

    Shape: (B, C, H, W), in [0, 1] -> two of the same, on the same device. Raises: what ``observe`` raises.
    """
    return observe(y, generator), observe(y, generator)


class NoisyPatches:
    """Random patches of recordings that are there once and for all: ``patches(generator) -> (z_1, ..., z_K)``.

    Of every scene there are K recordings, cut at the same place and turned in the same way. K = 1 is all that
    Noise2Void has, K = 2 a pair for Noise2Noise. Unlike `two_recordings`, no new noise is ever drawn: this is what
    somebody has who owns a camera and no clean pictures.

    Args:
        recordings: (K, C, H, W) for each scene, [0, 1] plus noise; or (N, K, C, H, W).
        size, batch, device: as in `data.Patches`, with its flips and rotations.

    Shape: generator -> K of (batch, C, size, size), float32
    Raises: ``ValueError`` for another rank, different K or C, and what `data.Patches` raises.
    """

    def __init__(self, recordings: Tensor | Sequence[Tensor], size: int, batch: int, device="cpu"):
        scenes = list(recordings)
        kinds = {tuple(scene.shape[:2]) for scene in scenes if scene.ndim == 4}
        if len(kinds) != 1 or any(scene.ndim != 4 for scene in scenes):
            shapes = sorted({tuple(scene.shape) for scene in scenes})
            raise ValueError(f"every scene must be (K, C, H, W) with the same K and C, got {shapes}")
        ((self.count, self.channels),) = kinds
        # patches are cut from [0, 1], which noise leaves
        self.low = min(scene.min().item() for scene in scenes)
        self.range = max(max(scene.max().item() for scene in scenes) - self.low, 1e-6)
        stacked = [((scene.float() - self.low) / self.range).clamp(0, 1).flatten(0, 1) for scene in scenes]
        self.patches = Patches(stacked, size=size, batch=batch, device=device)

    def __call__(self, generator: Generator) -> tuple[Tensor, ...]:
        return tuple((self.low + self.range * self.patches(generator)).split(self.channels, dim=1))


def record_once(pictures: Tensor | Sequence[Tensor], observe: Callable[..., Tensor], seed: int, count: int = 1):
    """``count`` recordings of every clean picture, for `NoisyPatches`; afterwards the clean ones can be forgotten.

    Args:
        pictures: uint8, or float in [0, 1], each (C, H, W).
        observe: an observation model. seed: of the noise.

    Shape: N pictures -> list of N (count, C, H, W), float32, on the CPU
    """
    generator = torch.Generator().manual_seed(seed)
    recordings = []
    for picture in pictures:
        y = picture.cpu().float() / 255 if picture.dtype == torch.uint8 else picture.cpu().float()
        recordings.append(observe(y.expand(count, *y.shape), generator))
    return recordings
