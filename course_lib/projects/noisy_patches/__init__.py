"""The coursework end to end: noisy patches, a denoiser, a descriptor, three tasks, and a search over both networks.

Chapter: book/projects/noisy_patches.ipynb
"""

from .deep_descriptor import DeepDescriptor
from .noise import NoisyPairs, NoisyPatches, add_noise, noisy_sequences, write_noisy_sequences
from .optuna_search import cost_of_best, from_table, search
from .pipeline import Exam, Pipeline, denoise_sequences
from .training import frozen, train_denoiser, train_descriptor

__all__ = [
    "DeepDescriptor",
    "Exam",
    "NoisyPairs",
    "NoisyPatches",
    "Pipeline",
    "add_noise",
    "cost_of_best",
    "denoise_sequences",
    "from_table",
    "frozen",
    "noisy_sequences",
    "search",
    "train_denoiser",
    "train_descriptor",
    "write_noisy_sequences",
]
