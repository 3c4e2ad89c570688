"""The three tasks of HPatches: verification, matching, retrieval, as the public benchmark defines them.

Descriptors are ``{sequence: (16, N, D)}``, the sixteen being ``data.PATCH_TYPES``: ``ref``, ``e1`` to ``e5`` (easy),
``h1`` to ``h5`` (hard), ``t1`` to ``t5`` (tough). All distances are Euclidean.

Balntas et al., CVPR 2017, https://arxiv.org/abs/1704.05939
Chapter: book/metric_learning/patch_descriptors.ipynb
"""

import torch
from torch import Tensor

from ..rates import roc
from .average_precision import trapezoidal_ap
from .task_files import Pairs, Retrieval

LEVELS = {"easy": 0, "hard": 5, "tough": 10}  # how far after ref the types of a difficulty begin
POOLS = (100, 500, 1000, 5000, 10_000, 15_000, 20_000)


def verification(descriptors: dict[str, Tensor], pairs: dict[str, Pairs]) -> dict[str, dict[str, float]]:
    """Do two patches show the same point? ``{level: {"intra balanced": ..., "intra imbalanced": ..., ...}}``

    Balanced: the area under the ROC curve of all positives against all negatives. Imbalanced: `trapezoidal_ap` of all
    negatives and the first fifth as many positives. Negatives lie in the same sequence (intra) or in another (inter).

    Args:
        pairs: by the names ``positive``, ``intra``, ``inter``.

    Shape: each value (16, N, D), float: the reference and fifteen targets of one sequence
    Raises: ``ValueError`` for no sequence, another form, NaN, pairs of patches that the descriptors do not hold.
    """
    flat, start = _flatten(descriptors)
    results = {}
    for level, offset in LEVELS.items():
        distance = {kind: _pair_distances(flat, start, some, offset) for kind, some in pairs.items()}
        results[level] = {}
        for kind in ("intra", "inter"):
            positive, negative = distance["positive"], distance[kind]
            fewer = positive[: int(0.2 * len(positive))]
            scores = -torch.cat([negative, fewer])
            right = torch.arange(len(scores), device=scores.device) >= len(negative)
            results[level][f"{kind} balanced"] = roc(positive, negative).area
            results[level][f"{kind} imbalanced"] = trapezoidal_ap(scores, right).item()
    return results


def matching(descriptors: dict[str, Tensor]) -> dict[str, float]:
    """Which patch of the target is this one of the reference? Mean AP by level.

    One-way nearest neighbours from the reference to each of the five targets, scored by minus the distance; right
    where the indices agree; every patch is a positive to be found. Mean over targets, then over sequences.

    Shape: each value (16, N, D), float: the reference and fifteen targets of one sequence
    Raises: ``ValueError`` for no sequence, another form, NaN.
    """
    _check(descriptors)
    results = {level: [] for level in LEVELS}
    for d in descriptors.values():
        truth = torch.arange(d.shape[1], device=d.device)
        for level, offset in LEVELS.items():
            nearest = _apart(d[0], d[1 + offset : 6 + offset]).min(-1)
            ap = trapezoidal_ap(-nearest.values, nearest.indices == truth, positives=d.shape[1])
            results[level].append(ap.mean().item())
    return {level: sum(values) / len(values) for level, values in results.items()}


def retrieval(
    descriptors: dict[str, Tensor], task: Retrieval, pools: tuple[int, ...] = POOLS, chunk: int = 500
) -> dict[str, dict[int, float]]:
    """Find a patch's five siblings in a pool of other patches: mean AP, ``{level: {size of the pool: ...}}``

    The pool of size k is the first k of: the five target patches of that level, then the distractors in their order
    without those of the query's own sequence. Without these a list may be a little shorter than the largest pool (of
    the benchmark's 20,000, some 19,500 remain); then the pool is the whole of it. Sizes that not even all distractors
    would fill are left out.

    Shape: each value (16, N, D), float: the reference and fifteen targets of one sequence
    Raises: ``ValueError`` for no sequence, another form, NaN, a task with patches that the descriptors do not hold, no
        pool that the distractors fill, or a query without any distractor of another sequence.
    """
    flat, start = _flatten(descriptors)
    names = list(descriptors)
    queries, distractors = flat[_rows(start, task.queries)], flat[_rows(start, task.distractors)]
    own = [torch.tensor([names.index(name) for name, _ in rows]) for rows in (task.queries, task.distractors)]
    longest = 5 + len(task.distractors)
    sizes = [k for k in pools if k <= longest]
    if not sizes:
        raise ValueError(
            f"the list of a query has at most {longest} entries, fewer than the smallest pool of {min(pools)}"
        )
    if len(own[1].unique()) == 1 and (own[0] == own[1][0]).any():
        raise ValueError("every query needs distractors of another sequence, got one sequence alone")
    sums = {level: dict.fromkeys(sizes, 0.0) for level in LEVELS}
    for rows in torch.arange(len(queries)).split(chunk):
        q = queries[rows]
        foreign = (own[0][rows, None] != own[1]).to(q.device)
        # distractors of other sequences first, in their order; those of the own one go to the end, infinitely far away:
        # entries behind the last hit change no average precision
        order = (~foreign).to(torch.int8).argsort(dim=1, stable=True)[:, : max(sizes)]
        apart = _apart(q, distractors).masked_fill(~foreign, torch.inf).gather(1, order)
        for level, offset in LEVELS.items():
            targets = [
                [start[name][k + offset] + index for k in range(1, 6)]
                for name, index in (task.queries[i] for i in rows.tolist())
            ]
            at = torch.tensor(targets, device=flat.device)
            siblings = _apart(q[:, None], flat[at])[:, 0]
            pool = torch.cat([siblings, apart], 1)
            right = torch.arange(pool.shape[1], device=q.device) < 5
            for k in sizes:
                sums[level][k] += trapezoidal_ap(-pool[:, :k], right[:k].expand(len(q), k)).sum().item()
    return {level: {k: value / len(queries) for k, value in by_size.items()} for level, by_size in sums.items()}


def _apart(a: Tensor, b: Tensor) -> Tensor:
    """Distances in float64: as matrix products in float32 they lose the digits that decide between near candidates."""
    return torch.cdist(a.double(), b.double())


def _flatten(descriptors: dict[str, Tensor]) -> tuple[Tensor, dict[str, list[int]]]:
    """All descriptors below each other, and for each sequence the row at which each of its sixteen types begins."""
    _check(descriptors)
    start, at = {}, 0
    for name, d in descriptors.items():
        start[name] = [at + k * d.shape[1] for k in range(d.shape[0])]
        at += d.shape[0] * d.shape[1]
    return torch.cat([d.flatten(0, 1) for d in descriptors.values()]), start


def _check(descriptors: dict[str, Tensor]) -> None:
    if not descriptors:
        raise ValueError("descriptors must hold at least one sequence, got none")
    first = next(iter(descriptors.values()))
    for name, d in descriptors.items():
        if d.ndim != 3 or len(d) != 16 or not d.numel() or not d.is_floating_point() or d.shape[2] != first.shape[2]:
            got = f"{tuple(d.shape)} for {name!r}, {d.dtype}"
            raise ValueError(f"descriptors must be float (16, N, D) for each sequence, one D for all, got {got}")
        if d.isnan().any():
            raise ValueError(f"the descriptors of {name!r} contain NaN")


def _rows(start: dict[str, list[int]], references: list[tuple[str, int]]) -> Tensor:
    for name, index in references:
        _check_patch(start, name, index)
    return torch.tensor([start[name][0] + index for name, index in references])


def _check_patch(start: dict[str, list[int]], name: str, index: int) -> None:
    """An index beyond a sequence would be a patch of the next type, and nobody would notice."""
    if name not in start:
        raise ValueError(f"the task asks for the sequence {name!r}, the descriptors hold {sorted(start)[:3]} ...")
    if not 0 <= index < (count := start[name][1] - start[name][0]):
        raise ValueError(f"the task asks for patch {index} of {name!r}, which has {count}")


def _pair_distances(flat: Tensor, start: dict, pairs: Pairs, offset: int, chunk: int = 1 << 17) -> Tensor:
    for name in pairs.sequences:
        _check_patch(start, name, 0)
    table = torch.tensor([start[name] for name in pairs.sequences])
    sides = []
    for sequence, view, index in (pairs.first, pairs.second):
        wrong = (index < 0) | (index >= (table[:, 1] - table[:, 0])[sequence])
        for k in wrong.nonzero()[:1, 0].tolist():
            _check_patch(start, pairs.sequences[sequence[k]], int(index[k]))
        kind = torch.where(view > 0, view + offset, view)  # 0 is the reference, whatever the level
        sides.append(table[sequence, kind] + index)
    parts = [
        (flat[a.to(flat.device)] - flat[b.to(flat.device)]).norm(dim=1)
        for a, b in zip(sides[0].split(chunk), sides[1].split(chunk), strict=True)
    ]
    return torch.cat(parts)
