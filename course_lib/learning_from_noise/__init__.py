"""Denoising without clean targets: what can be learned from noise alone.

Chapters: book/learning_from_noise/
"""

from .correlation import noise_correlation
from .losses import Annealed, known_pixels_loss, l0_loss, l1_loss, l2_loss
from .masking import LocalMean, LocalMedian, RandomNeighbour, RandomValue, masked_loss, positions
from .neighbor2neighbor import neighbor2neighbor_loss, neighbour_choice, subsample
from .pairs import NoisyPatches, record_once, two_recordings
from .unet import UNet

__all__ = [
    "Annealed",
    "known_pixels_loss",
    "l0_loss",
    "l1_loss",
    "l2_loss",
    "LocalMean",
    "LocalMedian",
    "RandomNeighbour",
    "RandomValue",
    "masked_loss",
    "positions",
    "neighbor2neighbor_loss",
    "neighbour_choice",
    "subsample",
    "NoisyPatches",
    "record_once",
    "two_recordings",
    "UNet",
    "noise_correlation",
]
