"""Triplet losses with mining against pytorch-metric-learning, forward and backward, side by side, as ratios.

    .venv/bin/python -m pytest benchmarks/test_triplet_speed.py --benchmark-disable-gc -s

512 embeddings of 128 dimensions, 4 images a person, on unit length. Rounds alternate, so that what else the machine
does falls on both.
"""

import time
from statistics import median

import pytest
import torch
from limits import Limit, seconds
from torch.nn import functional as F

from course_lib.metric_learning import mined_triplet_loss

pytest.importorskip("pytorch_metric_learning")


def both_ways(mining):
    from pytorch_metric_learning import distances, losses, miners

    torch.manual_seed(0)
    labels = torch.arange(128).repeat_interleave(4)
    noise = torch.randn(512, 128)
    embedding = F.normalize(torch.randn(128, 128)[labels] + noise).requires_grad_()
    distance = distances.LpDistance(normalize_embeddings=False)
    peer = losses.TripletMarginLoss(margin=0.2, distance=distance)
    miner = {
        "all": None,
        "batch-hard": miners.BatchHardMiner(distance=distance),
        "semi-hard": miners.TripletMarginMiner(0.2, type_of_triplets="semihard", distance=distance),
    }[mining]

    def theirs():
        embedding.grad = None
        loss = peer(embedding, labels, miner(embedding, labels) if miner else None)
        loss.backward()
        return loss

    def ours():
        embedding.grad = None
        loss = mined_triplet_loss(embedding, labels, mining, margin=0.2)
        loss.backward()
        return loss

    return theirs, ours


@pytest.mark.parametrize(("mining", "goal"), [("batch-hard", 1.5), ("semi-hard", 10), ("all", 10)])
def test_speed(benchmark, mining, goal):
    theirs, ours = both_ways(mining)
    torch.testing.assert_close(ours(), theirs(), rtol=0, atol=1e-5)
    peer, limit, spent = [], Limit(), []

    def before_each_round():
        began = time.perf_counter()
        theirs()
        peer.append(time.perf_counter() - began)
        limit.measure()
        spent.append(seconds(ours))

    benchmark.pedantic(ours, setup=before_each_round, rounds=7, warmup_rounds=1)
    ratio = median(peer) / benchmark.stats["median"]
    benchmark.extra_info.update(ratio=ratio, peer_seconds=median(peer))
    print(f"\n{mining}: {ratio:.1f}x ({torch.get_num_threads()} threads)")
    # the distances alone are products; mining reads and compares what they gave
    print(limit.of_products(3 * 2 * 512**2 * 128, median(spent)))
    assert ratio >= goal
