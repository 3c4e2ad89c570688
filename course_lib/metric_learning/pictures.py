"""Pictures of distances: what lies at equal distance, and a map on which near means alike.

Chapter: book/metric_learning/identification.ipynb
"""

import torch
from torch import Tensor

from .._checks import check_images, check_same_shape
from .losses import check_embeddings


def at_distance(reference: Tensor, other: Tensor, distance: float) -> Tensor:
    """The picture on the straight way from ``reference`` to ``other`` that is ``distance`` away from ``reference``.

    ``x = r + distance / |o - r| (o - r)`` with ``|x| = sqrt(mean x^2)``, the root mean square over the pixels; as a
    point between two pictures it is a picture too, in [0, 1].

    Shape: two (B, C, H, W) in [0, 1] -> the same, float64
    Raises: ``ValueError`` where ``other`` is not that far away.
    """
    check_images(reference, "reference", clean=True)
    check_images(other, "other", clean=True)
    check_same_shape(reference, other, "reference and other")
    r, o = reference.double(), other.double()
    whole = pixel_distance(r, o).view(-1, 1, 1, 1)
    if distance < 0 or (whole < distance * (1 - 1e-6)).any():  # float32 rounds the caller's distance
        raise ValueError(
            f"distance must be in [0, {whole.min().item():.4g}], how far other is, got {distance:.4g}"
        )
    return r + distance / whole.clamp(min=1e-12) * (o - r)


def pixel_distance(a: Tensor, b: Tensor) -> Tensor:
    """``sqrt(mean (a - b)^2)`` over the pixels: the Euclidean distance, divided by the root of their number.

    Shape: (B, C, H, W), (B or 1, C, H, W), float -> (B,)
    Raises: ``ValueError`` for integers, which wrap around, and for other shapes.
    """
    if not (a.is_floating_point() and b.is_floating_point()):
        raise ValueError(f"pictures must be floating point in [0, 1], got {a.dtype} and {b.dtype}")
    if a.ndim != 4 or a.shape[1:] != b.shape[1:] or len(b) not in (1, len(a)):
        raise ValueError(
            f"pictures must be (B, C, H, W) and (B or 1, C, H, W), got {tuple(a.shape)}, {tuple(b.shape)}"
        )
    return (a - b).square().flatten(1).mean(1).sqrt()


def mosaic(positions: Tensor, images: Tensor, columns: int) -> Tensor:
    """A grid of pictures in which neighbours are neighbours in ``positions``: every picture in its own cell.

    The cells are dealt out so that the sum of squared distances between where a picture belongs and where it goes is
    as small as possible (an assignment problem, solved by scipy).

    Shape: positions (N, 2), images (N, C, H, W) -> (C, rows * H, columns * W), with N = rows * columns
    Raises: ``ValueError`` if the pictures do not fill the grid, for other shapes.
    """
    from scipy.optimize import linear_sum_assignment

    check_embeddings(positions, "positions", 2)
    if images.ndim != 4:
        raise ValueError(f"images must be (N, C, H, W), got {tuple(images.shape)}")
    count, channels, height, width = images.shape
    if columns < 1 or count % columns or len(positions) != count:
        got = f"{count} pictures, {len(positions)} positions, {columns} columns"
        raise ValueError(f"pictures must fill the rows of the mosaic, one position each, got {got}")
    rows = count // columns
    low, high = positions.amin(0), positions.amax(0)
    place = (positions - low) / (high - low).clamp(min=1e-12)
    cells = torch.cartesian_prod(torch.linspace(0, 1, rows), torch.linspace(0, 1, columns)).flip(1)
    cost = torch.cdist(cells, place.float().cpu()).square()
    chosen = torch.from_numpy(linear_sum_assignment(cost.numpy())[1])
    tiles = images.cpu()[chosen].view(rows, columns, channels, height, width)
    return tiles.permute(2, 0, 3, 1, 4).reshape(channels, rows * height, columns * width)


def tsne(embedding: Tensor, seed: int = 0) -> Tensor:
    """Two numbers for each embedding such that neighbours stay neighbours; distances between far groups mean nothing.

    By scikit-learn, started from the principal components. Shape: (N, D) -> (N, 2), N at least 4 and D at least 2
    Raises: ``ValueError`` for fewer.
    van der Maaten and Hinton, JMLR 2008, https://www.jmlr.org/papers/v9/vandermaaten08a.html
    """
    from sklearn.manifold import TSNE

    check_embeddings(embedding)
    if len(embedding) < 4 or embedding.shape[1] < 2:
        raise ValueError(
            f"embedding must be (N, D), N at least 4 and D at least 2, got {tuple(embedding.shape)}"
        )
    perplexity = min(30, (len(embedding) - 1) / 3)
    points = embedding.detach().to(
        torch.promote_types(embedding.dtype, torch.float32)
    )  # numpy has no bfloat16
    method = TSNE(init="pca", perplexity=perplexity, random_state=seed, max_iter=500)
    return torch.from_numpy(method.fit_transform(points.cpu().numpy()))
