"""The smallest learners: one linear filter, fitted by least squares, and a linear bottleneck.

Chapters: book/denoising/observation_model.ipynb, book/denoising/autoencoders.ipynb
"""

import torch
from torch import Tensor
from torch.nn import functional as F

from .._checks import check_images, check_same_shape


def fit_filter(z: Tensor, target: Tensor, size: int = 7, blind: bool = False) -> Tensor:
    """The filter ``k`` of least ``|k * z - target|^2``, over all pixels whose neighbourhood lies in the image.

    Args:
        z: images to be filtered. target: what should come out.
        size: side of the filter in pixels, odd.
        blind: the filter must not look at the pixel that it predicts: its middle is 0.

    Shape: two (B, 1, H, W), at least size x size -> (1, 1, size, size), float32
    Raises: ``ValueError`` for other shapes, or an even size.
    """
    check_images(z, "z", channels=1)
    check_same_shape(z, target, "z and target")
    if size < 1 or size % 2 == 0 or size > min(z.shape[-2:]):
        raise ValueError(f"size must be odd and at most the side of the images, got {size} for {tuple(z.shape)}")
    r = size // 2
    x = F.unfold(z.double(), size).transpose(0, 1).flatten(1)  # (size^2, pixels): each pixel's neighbourhood
    if blind:
        x[len(x) // 2] = 0
    inner = target.double()[..., r : target.shape[-2] - r, r : target.shape[-1] - r].flatten()
    # the normal equations; a blind filter's are singular, and lstsq gives its middle the smallest weight, 0
    weights = torch.linalg.lstsq((x @ x.T).cpu(), (x @ inner)[:, None].cpu()).solution
    return weights.float().view(1, 1, size, size).to(z.device)


def apply_filter(kernel: Tensor, z: Tensor) -> Tensor:
    """``k * z``, with a reflected border: (1, 1, size, size), (B, 1, H, W) -> (B, 1, H, W)."""
    check_images(z, "z", channels=1)
    return F.conv2d(F.pad(z, [kernel.shape[-1] // 2] * 4, mode="reflect"), kernel.to(z))


def principal_components(images: Tensor) -> tuple[Tensor, Tensor]:
    """The mean image, and the directions in which the images differ, the most important first.

    Eigenvectors of ``X^T X``, X the centred images in rows. There are fewer images than pixels, so those of
    the small ``X X^T`` are found and turned into them. There are N - 1 at most.

    Shape: (N, C, H, W) in [0, 1] -> (C H W,), (C H W, K), orthonormal columns
    """
    check_images(images, "images")
    x = images.flatten(1)
    mean = x.mean(0)
    x = x - mean
    strength, vectors = torch.linalg.eigh(x.double() @ x.double().T)  # ascending
    kept = strength > 1e-8 * strength.max()
    return mean, x.T @ (vectors[:, kept] / strength[kept].sqrt()).flip(1).float()


def project_on(z: Tensor, mean: Tensor, directions: Tensor, k: int) -> Tensor:
    """``mu + U_k U_k^T (z - mu)``: through a linear bottleneck of k numbers and back.

    Shape: (B, C, H, W), (C H W,), (C H W, K) -> (B, C, H, W). Raises: ``ValueError`` unless ``1 <= k <= K``.
    """
    check_images(z, "z")
    if not 1 <= k <= directions.shape[1]:
        raise ValueError(f"k must be between 1 and {directions.shape[1]}, the number of directions, got {k}")
    code = (z.flatten(1) - mean) @ directions[:, :k]
    return (mean + code @ directions[:, :k].T).view_as(z)
