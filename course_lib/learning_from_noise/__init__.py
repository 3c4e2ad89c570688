"""Denoising without clean targets: what can be learned from noise alone.

Chapters: book/learning_from_noise/
"""

from .correlation import noise_correlation

__all__ = [
    "noise_correlation",
]
