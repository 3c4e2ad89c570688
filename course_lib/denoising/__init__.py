"""Denoising with clean targets. Chapters: book/denoising/"""

from .autoencoders import ConvAutoencoder, FullyConvolutionalAutoencoder
from .bias_free import BiasFreeBatchNorm2d, BiasFreeDnCNN, remove_biases
from .cbdnet import CBDNet, asymmetric_loss, cbdnet_loss, total_variation
from .damage import Chain, perturbations
from .dncnn import DnCNN, residual_loss
from .evaluation import denoise, evaluate
from .ffdnet import FFDNet, level_map, told
from .gated import GatedConvDeconv
from .gradual import ClassAwareDenoiser, ClassRouter, GradualDenoiser
from .multi_branch import MultiBranchDnCNN
from .unet import ShallowUNet

__all__ = [
    "BiasFreeBatchNorm2d",
    "BiasFreeDnCNN",
    "CBDNet",
    "Chain",
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
    "perturbations",
    "remove_biases",
    "residual_loss",
    "told",
    "total_variation",
]
