"""How good is a distance? Rates of right and wrong decisions over all thresholds, and the order of a retrieval.

Distances: the smaller, the more alike. ``same`` are those of pairs that belong together (genuine), ``different`` those
of pairs that do not (impostors). Chapter: book/metric_learning/siamese_networks.ipynb
"""

from dataclasses import dataclass

import torch
from torch import Tensor

from .._checks import check_same_device


@dataclass(frozen=True)
class ROC:
    """Accepting all distances up to ``thresholds[k]``, which share of pairs is accepted; from none to all. By `roc`.

    Attributes:
        thresholds: rising, the first -inf.
        false_accepts: share of the different pairs, from 0 to 1.
        true_accepts: of
            the same. (K + 1,) each, on the CPU.
    """

    thresholds: Tensor
    false_accepts: Tensor
    true_accepts: Tensor

    @property
    def area(self) -> float:
        """The area under the curve: the chance that a same pair is nearer than a different one, ties counted half."""
        return torch.trapezoid(self.true_accepts, self.false_accepts).item()

    @property
    def equal_error(self) -> tuple[float, float]:
        """(rate, threshold) at which as many same pairs are refused as different ones are accepted.

        Between two thresholds the curve is taken as straight; the threshold is the larger of the two.
        """
        gap = (self.true_accepts + self.false_accepts - 1).double()  # from -1 to 1, never falling
        k = int((gap >= 0).nonzero()[0])
        share = (-gap[k - 1] / (gap[k] - gap[k - 1])).item()
        low, high = self.false_accepts[k - 1].item(), self.false_accepts[k].item()
        return low + share * (high - low), self.thresholds[k].item()

    def at_false_accepts(self, rate: float) -> tuple[float, float]:
        """(threshold, true accepts) of the most generous threshold with at most ``rate`` false accepts.

        Raises: ``ValueError`` for a rate outside [0, 1].
        """
        if not 0 <= rate <= 1:
            raise ValueError(f"rate must be a share in [0, 1], got {rate}")
        k = int((self.false_accepts <= rate).nonzero()[-1])
        return self.thresholds[k].item(), self.true_accepts[k].item()


def roc(same: Tensor, different: Tensor) -> ROC:
    """The receiver operating characteristic of two sets of distances; equal distances are accepted together.

    Shape: (P,), (N,) on any device -> K + 1 points for K different distances, on the CPU, where they are drawn
    Raises: ``ValueError`` for an empty set, another rank, integers, NaN.
    """
    for name, values in (("same", same), ("different", different)):
        if values.ndim != 1 or not len(values) or not values.is_floating_point() or values.isnan().any():
            got = f"shape {tuple(values.shape)}, {values.dtype}, {int(values.isnan().sum())} NaN"
            raise ValueError(f"{name} must be a vector of floating-point distances without NaN, got {got}")
    distances, order = torch.cat([same, different]).detach().cpu().double().sort()
    is_same = order < len(same)
    # equal distances are one threshold: the last of each group counts
    last = torch.cat([distances[1:] != distances[:-1], torch.ones(1, dtype=torch.bool)])
    false, true = (which.cumsum(0)[last].double() / which.sum() for which in (~is_same, is_same))
    zero = true.new_zeros(1)
    return ROC(torch.cat([zero - torch.inf, distances[last]]), torch.cat([zero, false]), torch.cat([zero, true]))


def split_pairs(distances: Tensor, rows: Tensor, columns: Tensor | None = None) -> tuple[Tensor, Tensor]:
    """A matrix of distances and who its rows and columns are -> (distances of same, of different pairs).

    Without ``columns`` the matrix compares a set with itself, and each pair is taken once.

    Shape: (R, C), (R,), (C,) -> two vectors, together R C long; or (R, R), (R,) -> together R (R - 1) / 2
    Raises: ``ValueError`` for other shapes, labels on another device.
    """
    shape = (len(rows), len(rows if columns is None else columns))
    if tuple(distances.shape) != shape:
        raise ValueError(f"distances must be {shape}, as the labels are many, got {tuple(distances.shape)}")
    check_same_device(rows, distances, "rows", "distances")
    equal = rows[:, None] == (rows if columns is None else columns)
    if columns is None:
        upper = torch.ones_like(equal).triu(1)
        return distances[equal & upper], distances[~equal & upper]
    return distances[equal], distances[~equal]


@dataclass(frozen=True)
class OpenSetCurve:
    """For rising thresholds: who is let in. By `open_set_curve`; all (K,), on the CPU, the shares from 0 to 1.

    Attributes:
        thresholds: every distance that occurs; up to and including it, queries are let in.
        false_alarms: share of the strangers that are taken for somebody.
        identified: share of the enrolled that are recognised as themselves.
        mistaken: taken for somebody else.
    """

    thresholds: Tensor
    false_alarms: Tensor
    identified: Tensor
    mistaken: Tensor


def open_set_curve(known: Tensor, right: Tensor, strangers: Tensor) -> OpenSetCurve:
    """Identification with the option to say "nobody", over all thresholds.

    Args:
        known: distance of each query of an enrolled person to the nearest person in the gallery, (P,).
        right: whether that person is the right one, (P,) bool.
        strangers: the same distance for queries of people who are not enrolled, (N,).

    Shape: (P,), (P,), (N,) on any device -> K points for K different distances, on the CPU
    Raises: ``ValueError`` for an empty set, other shapes, NaN.
    """
    if known.shape != right.shape or known.ndim != 1 or strangers.ndim != 1 or not len(known) or not len(strangers):
        got = ", ".join(str(tuple(x.shape)) for x in (known, right, strangers))
        raise ValueError(f"known and right must be (P,), strangers (N,), and none empty, got {got}")
    known, right, strangers = (known.detach().cpu().double(), right.cpu().bool(), strangers.detach().cpu().double())
    thresholds = torch.cat([known, strangers]).unique()
    if thresholds.isnan().any():
        raise ValueError("known and strangers must be distances without NaN, got some")

    def share(values: Tensor, of: int) -> Tensor:
        return torch.searchsorted(values.sort().values, thresholds, right=True).double() / of

    return OpenSetCurve(
        thresholds, share(strangers, len(strangers)), share(known[right], len(known)), share(known[~right], len(known))
    )


def retrieval_map(distances: Tensor, rows: Tensor, columns: Tensor) -> float:
    """Mean average precision of retrieval: rank all columns for each row, average the precision at every hit.

    ``AP = sum_k (R_k - R_{k-1}) P_k``, scikit-learn's definition: equal distances form one step, so that the order in
    which a sort leaves them changes nothing.

    Shape: (Q, N), (Q,), (N,) or one list of columns a query (Q, N) -> number in [0, 1].
    Raises: ``ValueError`` if a row has nothing to be found, on other shapes, NaN, labels on another device.
    """
    if not len(rows) or distances.shape != (len(rows), columns.shape[-1]) or distances.isnan().any():
        got = f"{tuple(distances.shape)}, {len(rows)} rows and {columns.shape[-1]} columns"
        raise ValueError(f"distances must be (rows, columns), at least one row, without NaN, got {got}")
    for labels, name in ((rows, "rows"), (columns, "columns")):
        check_same_device(labels, distances, name, "distances")
    ordered, order = distances.sort(1)
    hits = columns.expand_as(distances).gather(1, order) == rows[:, None]
    if not hits.any(1).all():
        raise ValueError("every query needs at least one match in the gallery")
    found = hits.cumsum(1)
    last = torch.searchsorted(ordered, ordered, right=True) - 1  # the end of each run of equal distances
    found, hits, last = found.cpu(), hits.cpu(), last.cpu()  # float64, which not every accelerator has
    precision = found.gather(1, last).double() / (last + 1)
    return ((precision * hits).sum(1) / found[:, -1]).mean().item()
