"""NT-Xent of 4,096 pairs with 128 dimensions against lightly's, forward and backward: time, and memory at its peak.

    .venv/bin/python -m pytest benchmarks/test_nt_xent_speed.py --benchmark-disable-gc -s

Rounds alternate, so that what else the machine does falls on both. Memory is measured in a process for each: what the
loss adds to the peak that the embeddings alone need; on a GPU, what is allocated.
"""

import subprocess
import sys
import time
from pathlib import Path
from statistics import median

import pytest
import torch
from limits import Limit, seconds

from course_lib.pretext_tasks.contrastive import nt_xent

PAIRS, DIMS, TEMPERATURE = 4_096, 128, 0.5
DEVICE = "cuda" if torch.cuda.is_available() else "cpu"


def loss_of(whose):
    from lightly.loss.ntx_ent_loss import NTXentLoss

    return NTXentLoss(TEMPERATURE) if whose == "theirs" else lambda a, b: nt_xent(a, b, TEMPERATURE)


def embeddings():
    generator = torch.Generator(DEVICE).manual_seed(0)
    return [torch.randn(PAIRS, DIMS, generator=generator, device=DEVICE).requires_grad_() for _ in range(2)]


def both_ways(loss, a, b):
    a.grad = b.grad = None
    value = loss(a, b)
    value.backward()
    if DEVICE == "cuda":
        torch.cuda.synchronize()
    return value


def highest() -> float:
    """The most memory this process has held so far, in MB. (Linux's getrusage would count that of its parent.)"""
    if DEVICE == "cuda":
        return torch.cuda.max_memory_allocated() / 2**20
    status = Path("/proc/self/status").read_text()
    return int(status.split("VmHWM:")[1].split()[0]) / 1024


def peak(whose):
    """What one forward and backward pass adds to the peak, in MB, measured in this process."""
    loss, (a, b) = loss_of(whose), embeddings()
    both_ways(loss, a[:64].detach().requires_grad_(), b[:64].detach().requires_grad_())
    before = highest()
    both_ways(loss, a, b)
    return highest() - before


def test_speed(benchmark):
    pytest.importorskip("lightly.loss.ntx_ent_loss")
    theirs, ours, (a, b) = loss_of("theirs"), loss_of("ours"), embeddings()
    torch.testing.assert_close(both_ways(ours, a, b), both_ways(theirs, a, b), rtol=0, atol=1e-5)
    peer, limit, spent = [], Limit(), []

    def before_each_round():
        began = time.perf_counter()
        both_ways(theirs, a, b)
        peer.append(time.perf_counter() - began)
        limit.measure()
        spent.append(seconds(lambda: both_ways(ours, a, b)))

    benchmark.pedantic(lambda: both_ways(ours, a, b), setup=before_each_round, rounds=5, warmup_rounds=1)
    ratio = median(peer) / benchmark.stats["median"]
    benchmark.extra_info.update(ratio=ratio, peer_seconds=median(peer))
    print(f"\n{ratio:.2f}x the speed of lightly's ({DEVICE}, {torch.get_num_threads()} threads)")
    if DEVICE == "cpu":  # all pairs of rows, forwards and twice backwards
        print(limit.of_products(3 * 2 * (2 * PAIRS) ** 2 * DIMS, median(spent)))
    assert ratio >= 1


def test_memory():
    pytest.importorskip("lightly.loss.ntx_ent_loss")
    used = {}
    for whose in ("theirs", "ours"):
        child = subprocess.run([sys.executable, __file__, whose], capture_output=True, text=True, check=True)
        used[whose] = float(child.stdout)
    print(f"\npeak: {used['ours']:.0f} MB, lightly's {used['theirs']:.0f} MB")
    assert used["ours"] < used["theirs"]


if __name__ == "__main__":
    print(peak(sys.argv[1]))
