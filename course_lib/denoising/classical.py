"""Denoisers from before learning, each with one knob, and a fair way to turn it.

All take noisy images and the knob: (B, 1, H, W) on any device -> the same. The work is done on the CPU, by scikit-image
and SciPy. Chapter: book/denoising/observation_model.ipynb
"""

from collections.abc import Callable

import torch
from torch import Tensor

from .._checks import check_images
from ..metrics import psnr

SHIFTS = ((0, 0), (1, 2), (2, 1), (3, 3))


def gaussian_filter(z: Tensor, width: float) -> Tensor:
    """A weighted mean of the neighbours; ``width`` is the standard deviation of the weights in pixels."""
    from scipy import ndimage

    return _each(z, lambda image: ndimage.gaussian_filter(image, width))


def median_filter(z: Tensor, size: int) -> Tensor:
    """The middle one of the ``size`` x ``size`` values around every pixel."""
    from scipy import ndimage

    return _each(z, lambda image: ndimage.median_filter(image, size=size))


def total_variation_filter(z: Tensor, weight: float) -> Tensor:
    """The image near ``z`` whose brightness goes up and down least: ``min |u - z|^2 / (2 weight) + sum |grad u|``.

    Rudin, Osher, Fatemi, Physica D 1992, https://doi.org/10.1016/0167-2789(92)90242-F; solved as in Chambolle, 2004.
    """
    from skimage.restoration import denoise_tv_chambolle

    return _each(z, lambda image: denoise_tv_chambolle(image, weight))


def wavelet_shrinkage(z: Tensor, sigma: float) -> Tensor:
    """BayesShrink: every wavelet coefficient is moved towards 0 by ``sigma^2 / s``.

    ``s`` is the standard deviation that the clean coefficients of the same band seem to have, so that bands full of
    edges are shrunk little. The mean over four shifts of the image hides the grid of the transform.

    Chang, Yu, Vetterli, IEEE TIP 2000, https://doi.org/10.1109/83.862633; shrinkage: Donoho, Johnstone, Biometrika 1994
    """
    from skimage.restoration import denoise_wavelet

    shrunk = 0
    for shift in SHIFTS:
        moved = torch.roll(z, shift, (-2, -1))
        moved = _each(moved, lambda image: denoise_wavelet(image, sigma=sigma, wavelet="db2", rescale_sigma=False))
        shrunk = shrunk + torch.roll(moved, (-shift[0], -shift[1]), (-2, -1)) / len(SHIFTS)
    return shrunk


def non_local_means(z: Tensor, h: float) -> Tensor:
    """A mean of the pixels within 6 whose 5 x 5 patches look alike; ``h`` says how unlike they may be.

    Two patches of the same scene differ by their noise, so twice the variance of sigma 25 is taken off their distance.

    Buades, Coll, Morel, CVPR 2005, https://doi.org/10.1109/CVPR.2005.38
    """
    from skimage.restoration import denoise_nl_means

    options = dict(patch_size=5, patch_distance=6, sigma=25 / 255, fast_mode=True)
    return _each(z, lambda image: denoise_nl_means(image, h=h, **options))


def tune(denoiser: Callable[[Tensor, float], Tensor], knobs: list[float], z: Tensor, y: Tensor) -> list[float]:
    """Mean PSNR in dB at each position of the knob: the best one is chosen here, and on no test image.

    Shape: recorded z and clean y, (B, 1, H, W) -> as many numbers as ``knobs``
    """
    return [psnr(denoiser(z, knob), y).mean().item() for knob in knobs]


def _each(z: Tensor, function: Callable) -> Tensor:
    check_images(z, "z", channels=1)
    images = [torch.as_tensor(function(image.numpy())) for image in z.detach().cpu().float()[:, 0]]
    return torch.stack(images)[:, None].to(z)
