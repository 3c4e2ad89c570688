"""Denoising without clean targets: what can be learned from noise alone.

Chapters: book/learning_from_noise/
"""

from .ap_bsn import APBSN, ap_bsn_loss, refine
from .blind_spot import DilatedNetwork
from .correlation import noise_correlation
from .downsampling import downsample, upsample
from .half_planes import HalfPlaneNetwork
from .losses import Annealed, known_pixels_loss, l0_loss, l1_loss, l2_loss
from .masking import LocalMean, LocalMedian, RandomNeighbour, RandomValue, masked_loss, nth_neighbour, positions
from .neighbor2neighbor import neighbor2neighbor_loss, neighbour_choice, subsample
from .one_image import TinyDenoiser, denoise_one, diagonal_pair, zero_shot_loss
from .pairs import NoisyPatches, record_once, two_recordings
from .posterior import (
    GaussianLevel,
    PoissonLevel,
    WithPosterior,
    blind_spot_loss,
    negative_log_likelihood,
    posterior_mean,
)
from .unet import UNet

__all__ = [
    "APBSN",
    "Annealed",
    "DilatedNetwork",
    "GaussianLevel",
    "HalfPlaneNetwork",
    "LocalMean",
    "LocalMedian",
    "NoisyPatches",
    "PoissonLevel",
    "RandomNeighbour",
    "RandomValue",
    "TinyDenoiser",
    "UNet",
    "WithPosterior",
    "ap_bsn_loss",
    "blind_spot_loss",
    "denoise_one",
    "diagonal_pair",
    "downsample",
    "known_pixels_loss",
    "l0_loss",
    "l1_loss",
    "l2_loss",
    "masked_loss",
    "negative_log_likelihood",
    "neighbor2neighbor_loss",
    "neighbour_choice",
    "noise_correlation",
    "nth_neighbour",
    "positions",
    "posterior_mean",
    "record_once",
    "refine",
    "subsample",
    "two_recordings",
    "upsample",
    "zero_shot_loss",
]
