"""Denoising with clean targets. Chapters: book/denoising/"""

from .autoencoders import ConvAutoencoder, FullyConvolutionalAutoencoder
from .bias_free import BiasFreeBatchNorm2d, BiasFreeDnCNN, remove_biases
from .cbdnet import CBDNet, asymmetric_loss, cbdnet_loss, total_variation
from .dncnn import DnCNN, residual_loss
from .evaluation import denoise, evaluate, with_sigma
from .ffdnet import FFDNet, level_map
from .gated import GatedConvDeconv
from .gradual_denoising import ClassAwareDenoiser, ClassRouter, GradualDenoiser
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
    "asymmetric_loss",
    "cbdnet_loss",
    "denoise",
    "evaluate",
    "level_map",
    "remove_biases",
    "residual_loss",
    "with_sigma",
    "total_variation",
]
