"""DnCNN as `course_lib` runs it against the straightforward way, in one run, as ratios.

    .venv/bin/python -m pytest benchmarks --benchmark-disable-gc -s

The straightforward way is what most public implementations do: float32, default memory layout, default Adam. The
library's way is what `fit` and `denoise` do on this machine. The goals (3.5x and 6x) are for CPUs that compute
bfloat16 natively; elsewhere the ratios are printed and only have to be no worse than 1.
"""

import pytest
import torch
from torch import nn

from course_lib import session, training
from course_lib.denoising import DnCNN, denoise, residual_loss

NATIVE_BF16 = session.pick_precision(torch.device("cpu")) == "bf16"
MEDIANS: dict[str, float] = {}


def plain() -> nn.Module:
    """The same layers in one list, with no thought for speed."""
    layers = [nn.Conv2d(1, 64, 3, padding=1), nn.ReLU()]
    for _ in range(15):
        layers += [nn.Conv2d(64, 64, 3, padding=1, bias=False), nn.BatchNorm2d(64), nn.ReLU()]
    return nn.Sequential(*layers, nn.Conv2d(64, 1, 3, padding=1))


@pytest.mark.parametrize("way", ["plain", "course_lib"])
def test_training_step(benchmark, way):
    torch.manual_seed(0)
    y = torch.rand(16, 1, 40, 40)
    z = y + 0.1 * torch.randn_like(y)
    steps = 3
    if way == "plain":
        model = plain()
        optimizer = torch.optim.Adam(model.parameters(), 1e-3)

        def train():
            for _ in range(steps):
                loss = (model(z) - (z - y)).square().mean()
                optimizer.zero_grad()
                loss.backward()
                optimizer.step()
    else:
        model = DnCNN()

        def train():
            training.fit(
                model,
                lambda m, b: residual_loss(m(b[0]), b[1]),
                lambda g: (z, y),
                steps=steps,
                progress=False,
            )

    benchmark.pedantic(train, rounds=3, warmup_rounds=1)
    MEDIANS[f"training {way}"] = benchmark.stats["median"]


@pytest.mark.parametrize("way", ["plain", "course_lib"])
def test_inference_481x321(benchmark, way):
    z = torch.rand(1, 1, 321, 481)
    if way == "plain":
        model = plain().eval()

        def run():
            with torch.no_grad():
                z - model(z)
    else:
        model = DnCNN()

        def run():
            denoise(model, z, "bf16" if NATIVE_BF16 else "no")

    benchmark.pedantic(run, rounds=3, warmup_rounds=1)
    MEDIANS[f"inference {way}"] = benchmark.stats["median"]


@pytest.mark.parametrize(("work", "goal"), [("training", 3.5), ("inference", 6.0)])
def test_ratio(work, goal):
    ratio = MEDIANS[f"{work} plain"] / MEDIANS[f"{work} course_lib"]
    where = "native bfloat16" if NATIVE_BF16 else "float32: this CPU has no bfloat16"
    print(f"\n{work}: {ratio:.2f}x ({where}, {torch.get_num_threads()} threads)")
    assert ratio >= (goal if NATIVE_BF16 else 0.9)
