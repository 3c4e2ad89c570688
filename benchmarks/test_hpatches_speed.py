"""The three tasks of HPatches against the way of the benchmark's Python, side by side on one thread, as ratios.

    OMP_NUM_THREADS=1 .venv/bin/python -m pytest benchmarks/test_hpatches_speed.py -s

The benchmark's way, in numpy and scipy: one pair, one query, one pool at a time; distances by `cdist` in float64;
average precision by a stable sort. It is written anew here. Goal: 8 times as fast in each task, equal scores to six
decimals, for descriptors of real numbers and for descriptors of bits, which have many equal distances.
"""

import time

import numpy as np
import pytest
import torch
from limits import Limit
from scipy.spatial.distance import cdist, euclidean

from course_lib.metric_learning import patches as hp
from course_lib.metric_learning.patches.tasks import LEVELS

SEQUENCES, LENGTH, DIMS = 6, 1300, 128
PAIRS, QUERIES, DISTRACTORS, POOLS = 50_000, 600, 6_000, (100, 500, 1000, 5000)
GOAL = 8


def area(x, y):
    return float(((x[1:] - x[:-1]) * (y[1:] + y[:-1]) / 2).sum())


def ranked(scores, labels):
    """Right and wrong entries found so far, along the list sorted by falling score."""
    hits = labels[np.argsort(-scores, kind="mergesort")]
    return np.r_[0, np.cumsum(hits)], np.r_[0, np.cumsum(1 - hits)]


def average_precision(scores, labels, positives=None):
    right, wrong = ranked(scores, labels)
    precision = np.maximum(right, 1e-10) / np.maximum(right + wrong, 1e-10)
    return area(right / (positives or labels.sum()), precision)


def verification_by_pairs(d, pairs):
    results = {}
    for level, offset in LEVELS.items():
        distance = {}
        for kind, some in pairs.items():
            first, second = (torch.stack(side, 1).tolist() for side in (some.first, some.second))
            distance[kind] = np.empty(len(first))
            for i, ((s1, t1, i1), (s2, t2, i2)) in enumerate(zip(first, second, strict=True)):
                one = d[some.sequences[s1]][t1 + offset * (t1 > 0)][i1]
                two = d[some.sequences[s2]][t2 + offset * (t2 > 0)][i2]
                distance[kind][i] = euclidean(one, two)
        results[level] = {}
        for kind in ("intra", "inter"):
            scores = -np.r_[distance[kind], distance["positive"]]
            labels = np.repeat([0, 1], PAIRS)
            right, wrong = ranked(scores, labels)
            results[level][f"{kind} balanced"] = area(wrong / PAIRS, right / PAIRS)
            some = PAIRS + int(0.2 * PAIRS)
            results[level][f"{kind} imbalanced"] = average_precision(scores[:some], labels[:some])
    return results


def matching_by_images(d):
    results = {level: [] for level in LEVELS}
    for strips in d.values():
        truth = np.arange(strips.shape[1])
        for level, offset in LEVELS.items():
            for k in range(1, 6):
                apart = cdist(strips[0], strips[k + offset])
                best = apart.argmin(1)
                labels = (best == truth).astype(int)
                results[level].append(average_precision(-apart[truth, best], labels, len(truth)))
    return {level: np.mean(values) for level, values in results.items()}


def retrieval_by_queries(d, task):
    queries = np.stack([d[name][0][i] for name, i in task.queries])
    distractors = np.stack([d[name][0][i] for name, i in task.distractors])
    owner = np.array([name for name, _ in task.distractors])
    apart = cdist(queries, distractors)
    results = {level: {k: [] for k in POOLS} for level in LEVELS}
    for row, (name, i) in enumerate(task.queries):
        others = apart[row][owner != name]
        for level, offset in LEVELS.items():
            own = [cdist(queries[row : row + 1], d[name][k + offset][i][None])[0, 0] for k in range(1, 6)]
            pool = np.r_[own, others]
            labels = np.r_[np.ones(5, int), np.zeros(len(others), int)]
            for k in POOLS:
                results[level][k].append(average_precision(-pool[:k], labels[:k]))
    return {level: {k: np.mean(values) for k, values in by_size.items()} for level, by_size in results.items()}


def flat(scores):
    return [x for v in scores.values() for x in (v.values() if isinstance(v, dict) else [v])]


@pytest.fixture(scope="module", params=["real numbers", "bits"])
def described(request):
    draw = torch.Generator().manual_seed(0)
    made = {}
    for s in range(SEQUENCES):
        noise = torch.tensor([0.0] + [0.5] * 5 + [0.9] * 5 + [1.3] * 5).view(16, 1, 1)
        d = torch.randn(LENGTH, DIMS, generator=draw)
        d = d + noise * torch.randn(16, LENGTH, DIMS, generator=draw)
        made[f"{'iv'[s % 2]}_{s}"] = (
            (d > 0).float() if request.param == "bits" else torch.nn.functional.normalize(d, dim=2)
        )
    return request.param, made


@pytest.mark.parametrize("work", ["verification", "matching", "retrieval"])
def test_speed(described, work):
    torch.set_num_threads(1)
    kind, d = described
    arrays = {name: x.numpy() for name, x in d.items()}
    pairs = hp.draw_pairs({name: LENGTH for name in d}, PAIRS)
    strips = {name: torch.randint(0, 256, (16, LENGTH, 1, 4, 4)).byte() for name in d}
    task = hp.draw_retrieval(strips, QUERIES, DISTRACTORS)
    ours, theirs = {
        "verification": (lambda: hp.verification(d, pairs), lambda: verification_by_pairs(arrays, pairs)),
        "matching": (lambda: hp.matching(d), lambda: matching_by_images(arrays)),
        "retrieval": (lambda: hp.retrieval(d, task, POOLS), lambda: retrieval_by_queries(arrays, task)),
    }[work]
    limit = Limit()
    seconds = {"ours": [], "theirs": []}
    for _ in range(3):
        limit.measure()
        for name, way in (("ours", ours), ("theirs", theirs)):
            began = time.process_time()
            scores = way()
            seconds[name].append(time.process_time() - began)
            if name == "ours":
                found = flat(scores)
    difference = max(abs(a - b) for a, b in zip(found, flat(scores), strict=True))
    ratio = min(seconds["theirs"]) / min(seconds["ours"])
    print(f"\n{work}, {kind}: {ratio:.1f}x ({min(seconds['ours']):.2f} s), scores differ by {difference:.1e}")
    # distances of all to all; verification has only those of its pairs, and sorts
    distances = {"matching": 15 * SEQUENCES * LENGTH**2, "retrieval": QUERIES * DISTRACTORS}
    if work in distances:
        print(limit.of_products(2 * DIMS * distances[work], min(seconds["ours"])))
    assert difference < 1e-6
    assert ratio >= GOAL
