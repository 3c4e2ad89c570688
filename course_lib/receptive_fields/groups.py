"""Filter similar blocks together: a Haar transform along the group, and small differences shrink.

Dabov et al. (BM3D), IEEE TIP 2007, https://doi.org/10.1109/TIP.2007.901238; in the plain form of Cruz et al. (NN3D),
IEEE Signal Processing Letters 2018, https://doi.org/10.1109/LSP.2018.2850222
Chapter: book/receptive_fields/nonlocality.ipynb
"""

from collections.abc import Callable

import torch
from torch import Tensor
from torch.nn import functional as F

from .._checks import check_images, check_sigma
from .matching import block_matching, to_blocks


def haar_matrix(n: int) -> Tensor:
    """The orthonormal Haar transform of ``n`` numbers: first their mean (times ``sqrt(n)``), then their differences.

    Shape: (n, n), float32; rows are the basis.
    Raises: ``ValueError`` unless ``n`` is a power of two.

    Example:
        >>> haar_matrix(2)
        tensor([[ 0.7071,  0.7071],
                [ 0.7071, -0.7071]])
    """
    if n < 1 or n & (n - 1):
        raise ValueError(f"the Haar transform needs a power of two, got {n}")
    matrix = torch.ones(1, 1)
    while len(matrix) < n:
        # twice as long: the old basis stretched, and one difference for each new pair of neighbours
        coarse = torch.kron(matrix, torch.tensor([1.0, 1.0]))
        fine = torch.kron(torch.eye(len(matrix)), torch.tensor([1.0, -1.0]))
        matrix = torch.cat([coarse, fine]) / 2**0.5
    return matrix


def smooth_shrink(coefficients: Tensor, tau: float) -> Tensor:
    """The factor ``q^2 / (q^2 + tau^2)`` of Cruz et al.: small coefficients fade, large ones stay, nothing jumps.

    Shape: any -> the same, in [0, 1]; ``tau`` at least 0, in the unit of the coefficients.
    """
    energy = coefficients.square().clamp(min=1e-20)  # a zero stays a zero, also for tau = 0
    return energy / (energy + tau**2)


def neighbour_shrink(coefficients: Tensor, tau: float) -> Tensor:
    """The factor ``max(0, 1 - tau^2 / m)``, where ``m`` is the mean of ``q^2`` over 3 x 3 neighbouring pixels.

    A difference that fills a whole neighbourhood is no accident: the better rule where there is strong white noise.
    Chen, Bui and Krzyzak, "Image denoising with neighbour dependency and customized wavelet and threshold",
    Pattern Recognition 2005.

    Shape: (..., C, h, w) -> the same, in [0, 1]; ``tau`` at least 0, in the unit of the coefficients.
    """
    energy = coefficients.square().flatten(0, -3)
    mean = F.avg_pool2d(energy, 3, stride=1, padding=1, count_include_pad=False).view_as(coefficients)
    return (1 - tau**2 / mean.clamp(min=1e-20)).clamp(min=0)


def group_filter(
    z: Tensor, matches: Tensor, tau: float, block: int = 10, shrink: Callable[[Tensor, float], Tensor] = smooth_shrink
) -> Tensor:
    """``y = sum_j w_j R_j^T H^T g(H R_j z) / sum_j w_j R_j^T 1``: ``R_j`` takes group j out, ``H`` is Haar's.

    Each group is transformed across its blocks, pixel by pixel; its mean is kept, the differences shrink. Every pixel
    then has one value from each block that covers it, and gets their average, in which groups that were shrunk more
    (and so hold less noise) count more. A pixel that no block covers stays as it is.

    Args:
        z: images.
        matches: from `block_matching` with the same ``block``; ``count`` a power of two.
        tau: what counts as small, in the unit of the image; 0 changes nothing.
        shrink: ``(coefficients (..., block, block), tau)`` -> a factor in [0, 1] for each of them.

    Shape: (B, C, H, W), matches (B, references, count) -> (B, C, H, W)
    Raises: ``ValueError`` for what is no image batch, ``tau < 0``, or matches of another image or block size.
    """
    check_images(z, "z")
    if not tau >= 0:
        raise ValueError(f"tau must be at least 0, in the unit of the image, got {tau}")
    batch, channels, *size = z.shape
    height, width = (n - block + 1 for n in size)
    # looking at values would make an accelerator wait
    highest = matches.max().item() if matches.device.type == "cpu" and matches.numel() else 0
    if min(height, width) < 1 or matches.ndim != 3 or len(matches) != batch or highest >= height * width:
        raise ValueError(
            f"matches must be (B, references, count) numbers of the {height} x {width} blocks of {batch} images, "
            f"got shape {tuple(matches.shape)} with numbers up to {highest}"
        )
    positions, (references, count) = height * width, matches.shape[1:]
    index = (matches + positions * torch.arange(batch, device=z.device).view(-1, 1, 1)).flatten()
    groups = to_blocks(z, block).flatten(0, 1)[index].view(batch * references, count, -1)

    transform = haar_matrix(count).to(z)
    coefficients = transform @ groups
    gain = shrink(coefficients.unflatten(-1, (channels, block, block)), tau).flatten(2)
    gain[:, 0] = 1  # the mean of the group is what we are after
    weight = 1 / gain.square().mean(dim=(1, 2), keepdim=True)
    filtered = weight * (transform.T @ (coefficients * gain))

    total = z.new_zeros(batch * positions, filtered.shape[-1]).index_add_(0, index, filtered.flatten(0, 1))
    total = F.fold(total.view(batch, positions, -1).transpose(1, 2), size, block)
    weights = z.new_zeros(batch * positions).index_add_(0, index, weight.expand(-1, count, -1).flatten())
    weights = F.conv_transpose2d(weights.view(batch, 1, height, width), z.new_ones(1, 1, block, block))
    # where many blocks tie (a flat area), a group need not hold its reference, and pixels stay that nobody covers
    return torch.where(weights > 0, total / weights.clamp(min=1e-20), z)


def nonlocal_filter(z: Tensor, sigma: float, block: int = 10, count: int = 16) -> Tensor:
    """A denoiser without a network: match blocks in the lightly smoothed image, filter the noisy ones in groups.

    Args:
        z: noisy images.
        sigma: their noise level in [0, 1].
        block: as in `block_matching`.
        count: as in `block_matching`.

    Shape: (B, C, H, W) -> (B, C, H, W)
    Raises: ``ValueError`` as `block_matching` and `group_filter`, or for a sigma in grey levels.
    """
    check_images(z, "z")
    check_sigma(sigma)
    tap = torch.tensor([0.11, 0.78, 0.11]).to(z)  # a Gaussian of half a pixel: noise must not choose the matches
    kernel = (tap[:, None] * tap).expand(z.shape[1], 1, 3, 3)
    smooth = F.conv2d(F.pad(z, (1, 1, 1, 1), mode="replicate"), kernel, groups=z.shape[1])
    matches = block_matching(smooth, block, count)
    return group_filter(z, matches, 1.35 * sigma, block, neighbour_shrink)
