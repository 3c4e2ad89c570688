"""Embeddings as a map: near means alike. Chapter: book/metric_learning/identification.ipynb"""

import torch
from torch import Tensor

from .._checks import check_embeddings


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
    positions = positions.detach().cpu().float()
    if not positions.isfinite().all():
        raise ValueError("positions contain NaN or infinite values")
    low, high = positions.amin(0), positions.amax(0)
    place = (positions - low) / (high - low).clamp(min=1e-12)
    steps = (torch.linspace(0, 1, count, dtype=torch.float32) for count in (rows, columns))
    cells = torch.cartesian_prod(*steps).flip(1)
    cost = torch.cdist(cells, place).square()
    chosen = torch.from_numpy(linear_sum_assignment(cost.numpy())[1])
    tiles = images.cpu()[chosen].view(rows, columns, channels, height, width)
    return tiles.permute(2, 0, 3, 1, 4).reshape(channels, rows * height, columns * width)


def tsne(embedding: Tensor, seed: int = 0) -> Tensor:
    """Two numbers for each embedding such that neighbours stay neighbours; distances between far groups mean nothing.

    By scikit-learn, started from the principal components. Shape: (N, D) -> (N, 2), N at least 4 and D at least 2
    Raises: ``ValueError`` for fewer, NaN or infinite values, and for a collapsed embedding, whose points are all one.
    van der Maaten and Hinton, JMLR 2008, https://www.jmlr.org/papers/v9/vandermaaten08a.html
    """
    from sklearn.manifold import TSNE

    check_embeddings(embedding)
    if len(embedding) < 4 or embedding.shape[1] < 2:
        raise ValueError(f"embedding must be (N, D), N at least 4 and D at least 2, got {tuple(embedding.shape)}")
    perplexity = min(30, (len(embedding) - 1) / 3)
    points = embedding.detach().cpu().to(torch.promote_types(embedding.dtype, torch.float32))  # numpy has no bfloat16
    if not points.isfinite().all():
        raise ValueError("embedding contains NaN or infinite values")
    spread = (points.double() - points[0].double()).abs().max().item()
    if not spread:
        raise ValueError("embedding must hold different points, got one point for all rows: has it collapsed?")
    if not 1e-6 < spread < 1e6:  # squares would leave the range of float32; the map does not depend on the scale
        points = ((points.double() - points[0].double()) / spread).float()
    method = TSNE(init="pca", perplexity=perplexity, random_state=seed, max_iter=500)
    return torch.from_numpy(method.fit_transform(points.numpy()))
