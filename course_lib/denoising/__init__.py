"""Denoising with clean targets. Chapters: book/denoising/"""

from .autoencoders import ConvAutoencoder, FullyConvolutionalAutoencoder
from .bias_free import BiasFreeBatchNorm2d, BiasFreeDnCNN, remove_biases
from .cbdnet import CBDNet, asymmetric_loss, cbdnet_loss, total_variation
from .classical import (
    gaussian_filter,
    median_filter,
    non_local_means,
    total_variation_filter,
    tune,
    wavelet_shrinkage,
)
from .dncnn import DnCNN, residual_loss
from .evaluation import denoise, evaluate, with_sigma
from .ffdnet import FFDNet, level_map
from .gated import GatedConvDeconv
from .gradual_denoising import ClassAwareDenoiser, ClassRouter, GradualDenoiser
from .linear import apply_filter, fit_filter, principal_components, project_on
from .multi_branch import MultiBranchDnCNN
from .unet import ShallowUNet

__all__ = [
    "BiasFreeBatchNorm2d",
    "BiasFreeDnCNN",
    "CBDNet",
    "ClassAwareDenoiser",
    "ClassRouter",
    "ConvAutoencoder",
    "DnCNN",
    "FFDNet",
    "FullyConvolutionalAutoencoder",
    "GatedConvDeconv",
    "GradualDenoiser",
    "MultiBranchDnCNN",
    "ShallowUNet",
    "apply_filter",
    "asymmetric_loss",
    "cbdnet_loss",
    "denoise",
    "evaluate",
    "fit_filter",
    "gaussian_filter",
    "level_map",
    "median_filter",
    "non_local_means",
    "principal_components",
    "project_on",
    "remove_biases",
    "residual_loss",
    "total_variation",
    "total_variation_filter",
    "tune",
    "wavelet_shrinkage",
    "with_sigma",
]
