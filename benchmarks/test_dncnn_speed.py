"""DnCNN as `course_lib` runs it against the straightforward way, side by side, as ratios.

    .venv/bin/python -m pytest benchmarks --benchmark-disable-gc -s

The straightforward way is what most public implementations do: float32, default memory layout, default Adam. The
library's way is what `fit` and `denoise` do on this machine. Rounds alternate, so that what else the machine does
falls on both. The goals (3.5x and 6x) are for CPUs that compute bfloat16 natively; without it, convolutions in
float32 already run at the speed of the processor, and the ratio has only to be no worse than 1.
"""

import time
from statistics import median

import pytest
import torch
from torch import nn

from course_lib import session, training
from course_lib.denoising import DnCNN, denoise, residual_loss

NATIVE_BF16 = session.pick_precision(torch.device("cpu")) == "bf16"
ROUNDS = 5


def plain() -> nn.Module:
    """The same layers in one list, with no thought for speed."""
    layers = [nn.Conv2d(1, 64, 3, padding=1), nn.ReLU()]
    for _ in range(15):
        layers += [nn.Conv2d(64, 64, 3, padding=1, bias=False), nn.BatchNorm2d(64), nn.ReLU()]
    return nn.Sequential(*layers, nn.Conv2d(64, 1, 3, padding=1))


def training_ways():
    torch.manual_seed(0)
    y = torch.rand(16, 1, 40, 40)
    z = y + 0.1 * torch.randn_like(y)
    model, reference = DnCNN(), plain()
    optimizer = torch.optim.Adam(reference.parameters(), 1e-3)

    def straightforward():
        for _ in range(3):
            loss = (reference(z) - (z - y)).square().mean()
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()

    def ours():
        def loss(model, batch):
            return residual_loss(model(batch[0]), batch[1])

        training.fit(model, loss, lambda generator: (z, y), steps=3, progress=False)

    return straightforward, ours


def inference_ways():
    z = torch.rand(1, 1, 321, 481)
    model, reference = DnCNN(), plain().eval()

    @torch.no_grad()
    def straightforward():
        return z - reference(z)

    def ours():
        return denoise(model, z, "bf16" if NATIVE_BF16 else "no")

    return straightforward, ours


@pytest.mark.parametrize(
    ("work", "ways", "goal"), [("training", training_ways, 3.5), ("inference", inference_ways, 6.0)]
)
def test_speed(benchmark, work, ways, goal):
    straightforward, ours = ways()
    straightforward()  # the first call of each allocates and chooses kernels
    ours()
    peer = []

    def before_each_round():
        began = time.perf_counter()
        straightforward()
        peer.append(time.perf_counter() - began)

    benchmark.pedantic(ours, setup=before_each_round, rounds=ROUNDS)
    ratio = median(peer) / benchmark.stats["median"]
    benchmark.extra_info.update(ratio=ratio, peer_seconds=median(peer))
    where = "native bfloat16" if NATIVE_BF16 else "float32: this CPU has no bfloat16"
    print(f"\n{work}: {ratio:.2f}x ({where}, {torch.get_num_threads()} threads)")
    assert ratio >= (goal if NATIVE_BF16 else 1.0)
