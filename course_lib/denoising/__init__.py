"""Denoising with clean targets. Chapters: book/denoising/"""

from .dncnn import DnCNN, residual_loss
from .evaluation import denoise, evaluate

__all__ = ["DnCNN", "denoise", "evaluate", "residual_loss"]
