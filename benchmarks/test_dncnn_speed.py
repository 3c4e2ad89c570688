"""DnCNN as `course_lib` runs it against the straightforward way, side by side, as ratios.

    .venv/bin/python -m pytest benchmarks --benchmark-disable-gc -s

The straightforward way is what most public implementations do: float32, default memory layout, default Adam. The
library's way is what `fit` and `denoise` do on this machine. Rounds alternate, and seconds are of CPU time, so that
what else the machine does falls on neither.

The ratio depends on the processor (2.5x to 6x and more where bfloat16 is native, 1x without it), so the goal is a share
of what this machine can do: 80 % of its best product in the same run. Whole pictures reach it. A training step does not
and has a lower goal: a fifth of its time goes to batch norm and ReLU, which no kernel of torch joins on a CPU, and the
backward pass of a convolution is slower than two forward passes.
"""

from statistics import median

import pytest
import torch
from limits import Limit, seconds
from torch import nn

from course_lib import session, training
from course_lib.denoising import DnCNN, denoise, residual_loss

NATIVE_BF16 = session.pick_precision(torch.device("cpu")) == "bf16"
ROUNDS = 5
FLOPS_A_PIXEL = 2 * 9 * (2 * 64 + 15 * 64 * 64)  # of DnCNN-17, forwards; a training step has three times as many


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

    return straightforward, ours, 3 * 3 * FLOPS_A_PIXEL * z.numel()


def inference_ways():
    z = torch.rand(1, 1, 321, 481)
    model, reference = DnCNN(), plain().eval()

    @torch.no_grad()
    def straightforward():
        return z - reference(z)

    def ours():
        return denoise(model, z, "bf16" if NATIVE_BF16 else "no")

    return straightforward, ours, FLOPS_A_PIXEL * z.numel()


@pytest.mark.parametrize(
    ("work", "ways", "goal"), [("training", training_ways, 0.55), ("inference", inference_ways, 0.8)]
)
def test_speed(benchmark, work, ways, goal):
    session.keep_freed_memory()
    straightforward, ours, flops = ways()
    limit, spent = Limit("bf16" if NATIVE_BF16 else "no"), []
    straightforward()  # the first call of each allocates and chooses kernels
    ours()
    peer = []

    def before_each_round():
        peer.append(seconds(straightforward))
        limit.measure()
        spent.append(seconds(ours))

    benchmark.pedantic(ours, setup=before_each_round, rounds=ROUNDS)
    ratio = median(peer) / median(spent)
    benchmark.extra_info.update(ratio=ratio, peer_seconds=median(peer))
    where = "native bfloat16" if NATIVE_BF16 else "float32: this CPU has no bfloat16"
    print(f"\n{work}: {ratio:.2f}x ({where}, {torch.get_num_threads()} threads)")
    print(limit.of_products(flops, median(spent)))
    assert ratio >= 1
    assert limit.share_of_products(flops, median(spent)) >= goal
