"""How far an estimate is from the clean image, one number for each image; and how often a classifier is right.

Shape (of `mse`, `psnr`, `ssim`): y_hat, y (B, C, H, W), float; y in [0, 1] -> (B,), float32, on the device of y.
Raises (the same): ``ValueError`` for another rank or dtype, different shapes, a y outside [0, 1], NaN.
Chapter: book/denoising/observation_model.ipynb
"""

import torch
from torch import Tensor, nn

from ._checks import check_classes, check_images, check_same_shape
from .features import device_of, embed


def mse(y_hat: Tensor, y: Tensor) -> Tensor:
    """Mean squared error of each image, ``mean (y_hat - y)^2`` over its pixels and channels; not clamped."""
    _check(y_hat, y)
    return (y_hat.float() - y.float()).square().flatten(1).mean(1)


def psnr(y_hat: Tensor, y: Tensor) -> Tensor:
    """Peak signal-to-noise ratio in dB, ``-10 log10 mean (clamp(y_hat, 0, 1) - y)^2``: data range 1.

    This is the convention of the published denoising tables: noise is added in float and neither clipped nor
    rounded, the *estimate* is clamped to [0, 1], no border is cropped; then average over images.
    Identical images give ``inf``. For a noisy image the clamp counts too: at sigma = 25 / 255 the unclamped
    value is 20.17 dB on average (``-20 log10 sigma``), this function's is higher.
    """
    _check(y_hat, y)  # before the clamp, which would make grey levels look harmless
    return -10 * mse(y_hat.clamp(0, 1), y).log10()


def ssim(y_hat: Tensor, y: Tensor) -> Tensor:
    """Structural similarity: mean of ``(2 m n + c1)(2 s_mn + c2) / ((m^2 + n^2 + c1)(s_m^2 + s_n^2 + c2))``.

    m, n are local means of the two images, s their local (co)variances, in Wang's setting: 11 x 11 Gaussian
    window (std 1.5), population covariance, c1 = 0.01^2, c2 = 0.03^2, data range 1, the 5-pixel border left
    out, channels averaged; y_hat is clamped to [0, 1] first. 1 means identical.
    Computed by scikit-image on the CPU, image by image: for evaluation, not for training. Images must be at
    least 11 x 11.

    Wang et al., IEEE TIP 2004, https://doi.org/10.1109/TIP.2003.819861
    """
    from skimage.metrics import structural_similarity

    _check(y_hat, y)
    if min(y.shape[-2:]) < 11:
        raise ValueError(f"y must be at least 11 x 11, the window of SSIM, got {tuple(y.shape[-2:])}")
    wang = dict(data_range=1, channel_axis=0, gaussian_weights=True, use_sample_covariance=False)
    a, b = (x.detach().cpu().double().numpy() for x in (y_hat.clamp(0, 1), y))
    values = [structural_similarity(a[i], b[i], **wang) for i in range(len(a))]
    return torch.tensor(values, dtype=torch.float32, device=y.device)


@torch.no_grad()
def accuracy(model: nn.Module, images: Tensor, labels: Tensor, batch: int = 500) -> float:
    """Percent of the images whose largest logit is that of their label, in evaluation mode.

    Shape: uint8 or float in [0, 1] images (N, C, H, W), labels (N,) on any device -> number in [0, 100]
    Raises: ``ValueError`` for no image, or unless there is one label for each, of a class that the model knows.
    """
    if not len(images) or labels.shape != images.shape[:1]:
        got = f"{tuple(images.shape)} and {tuple(labels.shape)}"
        raise ValueError(f"images must be (N, C, H, W), N at least 1, and labels (N,), got {got}")
    logits = embed(model, images, batch)
    check_classes(labels, logits.shape[1])
    hits = logits.argmax(1) == labels.to(device_of(model))
    return 100 * hits.float().mean().item()


def _check(y_hat: Tensor, y: Tensor) -> None:
    check_images(y_hat, "y_hat")
    check_images(y, "y", clean=True)
    check_same_shape(y_hat, y, "y_hat and y")
