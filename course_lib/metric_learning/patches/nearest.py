"""Exact comparisons of distances at the price of float32: products find the candidates, float64 decides among them.

``|a - b|^2 = |a|^2 + s``, ``s = |b|^2 - 2 a . b``. In float32 one matrix product gives all ``s``, each of which is off
by no more than a slack that is known (Cauchy and Schwarz). Whatever that leaves open is computed again, from the
difference of the two descriptors in float64.

Chapter: book/metric_learning/patch_descriptors.ipynb
"""

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import Tensor
from torch.nn import functional as F

ROUNDING = 2.0**-24  # of float32
BLOCK = 32


def nearest(a: Tensor, b: Tensor) -> tuple[Tensor, Tensor]:
    """For every row of ``a`` the distance to its nearest row of ``b``, and which it is: of equals, the first.

    Shape: (N, D), (M, D) -> (N,) float64, (N,) int64
    """
    scores, slack, *_ = _scores(a, b, BLOCK)
    # a row has hardly ever more than one candidate: the least of each block says where to look at all
    blocks = scores.unflatten(1, (-1, BLOCK))
    lowest = blocks.amin(2)
    limit = (lowest.amin(1).double() + 2.5 * slack).float()[:, None]
    rows, block = (lowest <= limit).nonzero().T
    which, place = (blocks[rows, block] <= limit[rows]).nonzero().T
    rows, columns = rows[which], block[which] * BLOCK + place
    exact = squared_distances(a[rows], b[columns])
    least = exact.new_full((len(a),), torch.inf).scatter_reduce_(0, rows, exact, "amin")
    columns = torch.where(exact == least[rows], columns, len(b))
    first = columns.new_full((len(a),), len(b)).scatter_reduce_(0, rows, columns, "amin")
    return least.sqrt(), first


def count_nearer(q: Tensor, marks: Tensor, b: Tensor, ends: list[int], equal: bool) -> Tensor:
    """How many of the first ``ends[k]`` rows of ``b`` are nearer to a query than each of its marks.

    Args:
        q: queries. marks: squared distances of each query, by `squared_distances`.
        ends: rising, each at most M. equal: count what is just as near as well.

    Shape: (Q, D), (Q, P), (M, D) -> (Q, P, len(ends)), int64
    """
    if not ends[-1]:
        return torch.zeros(*marks.shape, len(ends), dtype=torch.long, device=q.device)
    b = b[: ends[-1]]
    scores, slack, lengths, unit = _scores(q, b)
    marks_there = marks / unit**2 - lengths[:, None]
    # what float64 has lost in that difference, and what float32 loses of it
    slack = (slack + 1e-12 * (lengths + marks.amax(1) / unit**2) + 4 * ROUNDING * marks_there.abs().amax(1))[:, None]
    low, high = (marks_there - slack).float(), (marks_there + slack).float()
    bounds = torch.cat([low, high], 1).sort(1).values
    # bin i holds what lies above bounds[i - 1], up to bounds[i]; open are those between the two bounds of a mark
    bins = torch.searchsorted(bounds, scores, out_int32=True)
    begin, end = bounds[:, :-1, None], bounds[:, 1:, None]
    between = ((low[:, None] <= begin) & (high[:, None] >= end)).any(2)
    closed = F.pad(~between, (1, 1), value=True)
    below = (bounds[:, None] <= low[..., None]).long()  # of each mark, the bins that lie below it
    below = F.pad(below, (0, 1)) * closed[:, None]

    counts, begin = [], 0
    offsets = torch.arange(len(q), device=q.device, dtype=torch.int32)[:, None] * closed.shape[1]
    for end in ends:
        inside = (bins[:, begin:end] + offsets).flatten()
        histogram = torch.bincount(inside, minlength=closed.numel()).view(len(q), 1, -1)
        counts.append((histogram * below).sum(2))
        begin = end
    counts = torch.stack(counts, 2)

    rows, columns = (~closed.gather(1, bins.long())).nonzero().T
    exact = squared_distances(q[rows], b[columns])[:, None]
    nearer = (exact <= marks[rows] if equal else exact < marks[rows]).long()
    segment = torch.bucketize(columns, torch.tensor(ends, device=q.device), right=True)
    by_segment = counts.transpose(1, 2).contiguous().flatten(0, 1).index_add_(0, rows * len(ends) + segment, nearer)
    return by_segment.view(len(q), len(ends), -1).cumsum(1).transpose(1, 2)


def squared_distances(a: Tensor, b: Tensor, chunk: int = 1 << 14) -> Tensor:
    """``|a_i - b_i|^2`` in float64, from the differences: (N, D), (N, D) -> (N,)."""
    parts = [(x.double() - y.double()).square().sum(1) for x, y in zip(a.split(chunk), b.split(chunk), strict=True)]
    return torch.cat(parts)


def _scores(a: Tensor, b: Tensor, multiple: int = 1) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """``s``, how far its rows may be off, ``|a|^2``, and the unit of length in which all of them are.

    As many columns as a multiple of ``multiple``: those beyond the last row of b are infinite.
    """
    a, b = a.double(), b.double()
    middle = b.mean(0)
    a, b = a - middle, b - middle
    a_lengths, b_lengths = a.square().sum(1), b.square().sum(1)
    unit = torch.maximum(a_lengths.amax(), b_lengths.amax()).sqrt().clamp(min=1e-150)
    a_lengths, b_lengths = a_lengths / unit**2, b_lengths / unit**2
    longest, missing = b_lengths.amax().sqrt(), -len(b) % multiple
    a, b = (a / unit).float(), F.pad((b / unit).float(), (0, 0, 0, missing))
    with _full_float32(), torch.autocast(a.device.type, enabled=False):
        scores = torch.addmm(F.pad(b_lengths, (0, missing), value=torch.inf).float(), a, b.T, alpha=-2)
    terms = a.shape[1] + 8
    slack = 2 * ROUNDING * longest * (terms * a_lengths.sqrt() + 4 * longest) + 1e-30
    return scores, slack, a_lengths, unit


@contextmanager
def _full_float32() -> Iterator[None]:
    """Products of float32 with all its digits, whatever faster ones the user allows elsewhere."""
    before = torch.get_float32_matmul_precision()
    torch.set_float32_matmul_precision("highest")
    try:
        yield
    finally:
        torch.set_float32_matmul_precision(before)
