"""Denoising without clean targets: what can be learned from noise alone.

Chapters: book/learning_from_noise/
"""

from .ap_bsn import APBSN, ap_bsn_loss, refine
from .blind_spot import DilatedNetwork, HalfPlaneNetwork
from .correlation import noise_correlation
from .downsampling import downsample, upsample
from .one_image import TinyDenoiser, denoise_one, diagonal_pair, zero_shot_loss
from .posterior import (
    GaussianLevel,
    PoissonLevel,
    WithPosterior,
    blind_spot_loss,
    negative_log_likelihood,
    posterior_mean,
)

__all__ = [
    "APBSN",
    "DilatedNetwork",
    "GaussianLevel",
    "HalfPlaneNetwork",
    "PoissonLevel",
    "TinyDenoiser",
    "WithPosterior",
    "ap_bsn_loss",
    "blind_spot_loss",
    "denoise_one",
    "diagonal_pair",
    "downsample",
    "negative_log_likelihood",
    "noise_correlation",
    "posterior_mean",
    "refine",
    "upsample",
    "zero_shot_loss",
]
