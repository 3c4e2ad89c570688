"""Noise2Void's masking against careamics, side by side, and which neighbours the two draw.

careamics needs an older torch, so it has an environment of its own:

    python -m venv VENV && VENV/bin/pip install careamics==0.3.5 "torch<2.14" pytest pytest-benchmark
    PYTHONPATH=. VENV/bin/python -m pytest benchmarks/test_masking_speed.py --benchmark-disable-gc -s

64 pictures of 64 x 64, one pixel in 64 hidden, each by one of its 120 neighbours. Seconds are of CPU time; rounds
alternate. Both have a mask and a changed copy of the batch as result.

Measured on 2026-11-27 on an AMD EPYC that was busy, one thread: 1.6 times as fast (0.43 against 0.69 ms a batch). The
peer never draws a neighbour of the pixel's own row or column, and one step down or to the right twice as often as any
other; ours draws all 120 alike.
"""

import time
from statistics import median

import pytest
import torch

from course_lib.learning_from_noise import RandomNeighbour

peer = pytest.importorskip(
    "careamics.lightning.modules.n2v_utils.pixel_manipulation", reason="the peer: pip install careamics==0.3.5"
)
CALLS = 20


def theirs(z, generator):
    return peer.uniform_manipulate(z[:, 0], 100 / 64, subpatch_size=11, rng=generator)


def ours(z, generator):
    return RandomNeighbour(cell=8, radius=5)(z, generator)


def test_speed(benchmark):
    z = torch.rand(64, 1, 64, 64, generator=torch.Generator().manual_seed(0))
    generator = torch.Generator().manual_seed(1)
    assert theirs(z, generator)[1].sum() == ours(z, generator)[1].sum() == 64 * 64
    seconds = {theirs: [], ours: []}

    def round_of(method):
        began = time.process_time()
        for _ in range(CALLS):
            method(z, generator)
        seconds[method].append((time.process_time() - began) / CALLS)

    benchmark.pedantic(lambda: round_of(ours), setup=lambda: round_of(theirs), rounds=15, warmup_rounds=2)
    ratio = median(seconds[theirs]) / median(seconds[ours])
    benchmark.extra_info.update(ratio=ratio)
    each = ", ".join(f"{method.__name__} {1e3 * median(found):.2f} ms" for method, found in seconds.items())
    print(f"\n{ratio:.1f}x: {each} of CPU time ({torch.get_num_threads()} threads)")
    assert ratio >= 1.5


def test_which_neighbours():
    """Every pixel has a value of its own, so the one that was put in its place says where it came from."""
    side, batch = 33, 4_000
    z = torch.arange(side * side, dtype=torch.float32).view(1, 1, side, side).expand(batch, -1, -1, -1) / side**2
    found = {}
    for method in (theirs, ours):
        generator, counts = torch.Generator().manual_seed(2), torch.zeros(11, 11)
        changed, mask = method(z, generator)
        changed, mask = changed.view(batch, side, side), mask.view(batch, side, side).bool()
        at = mask.nonzero()[:, 1:]
        source = (changed[mask] * side**2).round().long()
        inner = ((at >= 5) & (at < side - 5)).all(1)
        shift = torch.stack([source // side, source % side], 1)[inner] - at[inner] + 5
        counts.index_put_(tuple(shift.T), torch.ones(len(shift)), accumulate=True)
        found[method] = counts / counts.sum() * 120
    print(f"\nrelative frequency of the neighbours, theirs:\n{found[theirs].round(decimals=1)}")
    assert found[theirs][5].sum() == found[theirs][:, 5].sum() == 0
    assert found[ours][5, 5] == 0
    others = torch.ones(11, 11, dtype=torch.bool)
    others[5, 5] = False
    assert (found[ours][others] - 1).abs().max() < 0.4
