"""The three tasks of HPatches: verification, matching, retrieval, as the public benchmark defines them.

Descriptors are ``{sequence: (16, N, D)}``, the sixteen being ``data.PATCH_TYPES``: ``ref``, ``e1`` to ``e5`` (easy),
``h1`` to ``h5`` (hard), ``t1`` to ``t5`` (tough). All distances are Euclidean.

Balntas et al., CVPR 2017, https://arxiv.org/abs/1704.05939
Chapter: book/metric_learning/patch_descriptors.ipynb
"""

import torch
from torch import Tensor

from .average_precision import ap_of_ranks, check_ties, trapezoidal_ap
from .nearest import count_nearer, nearest, squared_distances
from .task_files import Pairs, Retrieval

LEVELS = {"easy": 0, "hard": 5, "tough": 10}  # how far after ref the types of a difficulty begin
POOLS = (100, 500, 1000, 5000, 10_000, 15_000, 20_000)


def verification(
    descriptors: dict[str, Tensor], pairs: dict[str, Pairs], ties: str = "benchmark"
) -> dict[str, dict[str, float]]:
    """Do two patches show the same point? ``{level: {"intra balanced": ..., "intra imbalanced": ..., ...}}``

    Balanced: the area under the ROC curve of all positives against all negatives. Imbalanced: `trapezoidal_ap` of all
    negatives and the first fifth as many positives. Negatives lie in the same sequence (intra) or in another (inter).

    Args:
        pairs: by the names ``positive``, ``intra``, ``inter``.
        ties: ``benchmark``: the negatives stand in front of positives that are just as far, as in the benchmark's
            lists. ``careful``: in the ROC curve equals count half.

    Shape: each value (16, N, D), float: the reference and fifteen targets of one sequence
    Raises: ``ValueError`` for no sequence, another form, NaN, pairs of patches that the descriptors do not hold.
    """
    check_ties(ties)
    flat, start = _flatten(descriptors)
    results = {}
    for level, offset in LEVELS.items():
        distance = {kind: _pair_distances(flat, start, some, offset) for kind, some in pairs.items()}
        fewer = distance["positive"][: int(0.2 * len(distance["positive"]))].sort().values
        positive = distance["positive"].sort().values
        results[level] = {}
        for kind in ("intra", "inter"):
            negative = distance[kind].sort().values
            nearer = _count(negative, positive, equal=True)
            if ties == "careful":
                nearer = (nearer + _count(negative, positive, equal=False)) / 2
            results[level][f"{kind} balanced"] = 1 - nearer.mean().item() / len(negative)
            results[level][f"{kind} imbalanced"] = ap_of_ranks(_count(negative, fewer, equal=True)).item()
    return results


def _count(negative: Tensor, positive: Tensor, equal: bool) -> Tensor:
    """How many of the sorted negatives are nearer than each positive, float64."""
    return torch.searchsorted(negative, positive, right=equal).double()


def matching(descriptors: dict[str, Tensor], ties: str = "benchmark") -> dict[str, float]:
    """Which patch of the target is this one of the reference? Mean AP by level.

    One-way nearest neighbours from the reference to each of the five targets, the first of those that are equally
    near, scored by minus the distance; right where the indices agree; every patch is a positive to be found. Mean over
    targets, then over sequences.

    Args:
        ties: of patches with equal distances, ``benchmark``: the first in the sequence counts first; ``careful``: the
            wrong ones do. As in `trapezoidal_ap`.

    Shape: each value (16, N, D), float: the reference and fifteen targets of one sequence
    Raises: ``ValueError`` for no sequence, another form, NaN.
    """
    check_ties(ties)
    _check(descriptors)
    results = {level: [] for level in LEVELS}
    for d in descriptors.values():
        truth = torch.arange(d.shape[1], device=d.device)
        for level, offset in LEVELS.items():
            found = [nearest(d[0], target) for target in d[1 + offset : 6 + offset]]
            distances, indices = (torch.stack(values) for values in zip(*found, strict=True))
            ap = trapezoidal_ap(-distances, indices == truth, positives=d.shape[1], ties=ties)
            results[level].append(ap.mean().item())
    return {level: sum(values) / len(values) for level, values in results.items()}


def retrieval(
    descriptors: dict[str, Tensor],
    task: Retrieval,
    pools: tuple[int, ...] = POOLS,
    chunk: int = 500,
    ties: str = "benchmark",
) -> dict[str, dict[int, float]]:
    """Find a patch's five siblings in a pool of other patches: mean AP, ``{level: {size of the pool: ...}}``

    The pool of size k is the first k of: the five target patches of that level, then the distractors in their order
    without those of the query's own sequence. Without these a list may be a little shorter than the largest pool (of
    the benchmark's 20,000, some 19,500 remain); then the pool is the whole of it. Sizes that not even all distractors
    would fill are left out.

    Args:
        chunk: queries at a time, which bounds the memory.
        ties: ``benchmark``: siblings count before distractors that are just as near, since they stand in front of the
            list; descriptors of bits gain much by it. ``careful``: after them. As in `trapezoidal_ap`.

    Shape: each value (16, N, D), float: the reference and fifteen targets of one sequence
    Raises: ``ValueError`` for no sequence, another form, NaN, a task with patches that the descriptors do not hold, no
        pool that the distractors fill, or a query without any distractor of another sequence.
    """
    check_ties(ties)
    flat, start = _flatten(descriptors)
    queries, distractors = flat[_rows(start, task.queries)], flat[_rows(start, task.distractors)]
    longest = 5 + len(task.distractors)
    sizes = [k for k in pools if k <= longest]
    if not sizes:
        raise ValueError(
            f"the list of a query has at most {longest} entries, fewer than the smallest pool of {min(pools)}"
        )
    sums = {level: dict.fromkeys(sizes, 0.0) for level in LEVELS}
    for name in dict.fromkeys(name for name, _ in task.queries):
        # all queries of one sequence have the same list
        foreign = distractors[[other != name for other, _ in task.distractors]]
        if not len(foreign):
            raise ValueError("every query needs distractors of another sequence, got one sequence alone")
        ends = sorted({min(max(k - 5, 0), len(foreign)) for k in sizes})
        own = torch.tensor([i for i, (other, _) in enumerate(task.queries) if other == name])
        for rows in own.split(chunk):
            q = queries[rows]
            index = [[start[name][t] + task.queries[i][1] for t in range(1, 16)] for i in rows.tolist()]
            siblings = flat[torch.tensor(index, device=flat.device)].flatten(0, 1)
            marks = squared_distances(q.repeat_interleave(15, 0), siblings).view(-1, 15)
            nearer = count_nearer(q, marks, foreign, ends, equal=ties == "careful")
            for level, offset in LEVELS.items():
                order = marks[:, offset : offset + 5].argsort(1)[..., None].expand(-1, -1, len(ends))
                by_rank = nearer[:, offset : offset + 5].gather(1, order)
                for k in sizes:
                    wrong_before = by_rank[:, : min(k, 5), ends.index(min(max(k - 5, 0), len(foreign)))]
                    sums[level][k] += ap_of_ranks(wrong_before).sum().item()
    return {level: {k: value / len(queries) for k, value in by_size.items()} for level, by_size in sums.items()}


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
        if not d.isfinite().all():
            raise ValueError(f"the descriptors of {name!r} contain NaN or infinite values")


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


def _pair_distances(flat: Tensor, start: dict, pairs: Pairs, offset: int, chunk: int = 1 << 12) -> Tensor:
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
