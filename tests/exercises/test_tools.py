"""What the checks are made of: recorded networks, closed names, probes, and what is handed over."""

import json

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn
from torch.nn import functional as F

from course_lib import metrics
from course_lib.exercises import probe, record
from course_lib.exercises.closing import ClosedError, closed, names_in
from course_lib.exercises.handover import pack, unpack
from course_lib.exercises.tape import Tape, tensor


class Odd(nn.Module):
    """What students build: padding by the shape, in-place layers, views, constants, functional calls."""

    def __init__(self):
        super().__init__()
        self.a, self.b, self.norm = nn.Conv2d(4, 6, 3, padding=1), nn.Conv2d(6, 4, 3, padding=1), nn.BatchNorm2d(6)

    def forward(self, z):
        h, w = z.shape[2:]
        x = F.pixel_unshuffle(F.pad(z, (0, w % 2, 0, h % 2), mode="replicate"), 2)
        x = self.b(F.leaky_relu(self.norm(self.a(x)), 0.1, inplace=True))
        x = F.pixel_shuffle(x, 2)[:, :, :h, :w]
        x[:, :, 0] *= 0.5
        return z - x + torch.linspace(0, 1, w) * z.std((1, 2, 3), keepdim=True)


def networks():
    yield Odd()
    yield nn.Sequential(
        nn.Conv2d(1, 8, 3, 2, 1), nn.GroupNorm(2, 8), nn.GELU(), nn.MaxPool2d(2), nn.Flatten(), nn.LazyLinear(5)
    )
    yield nn.Sequential(
        nn.InstanceNorm2d(1), nn.Conv2d(1, 4, 5), nn.Dropout(0.5), nn.AdaptiveAvgPool2d(3), nn.Softmax(1)
    )


@pytest.mark.parametrize(
    "network", networks(), ids=lambda n: type(n[1] if isinstance(n, nn.Sequential) else n).__name__
)
def test_a_record_is_the_network_for_inputs_that_it_has_not_seen(network):
    torch.manual_seed(0)
    network(torch.rand(3, 1, 17, 18))
    modes = [m.training for m in network.modules()]
    tape = Tape(**json.loads(json.dumps(record(network, torch.rand(3, 1, 17, 18)).as_json())))
    assert [m.training for m in network.modules()] == modes
    for _ in range(3):
        z = torch.rand(3, 1, 17, 18)
        with torch.no_grad():
            torch.testing.assert_close(tape(z), network.eval()(z))
    with pytest.raises(ValueError, match="was recorded for"):
        tape(z[:1])


def test_numbers_are_counted_wherever_they_are_kept():
    class Hidden(nn.Module):
        def __init__(self):
            super().__init__()
            self.kept, self.typed = [nn.Conv2d(1, 1, 3, padding=1)], [0.1 * i for i in range(50)]

        def forward(self, z):
            return self.kept[0](z) + torch.tensor(self.typed).sum() + sum(z * (0.01 * i) for i in range(2, 30))

    assert sum(p.numel() for p in Hidden().parameters()) == 0
    assert record(Hidden(), torch.rand(1, 1, 5, 5)).numbers >= 10 + 50 + 10
    assert record(nn.Conv2d(1, 1, 3), torch.rand(1, 1, 5, 5)).numbers == 10
    assert record(nn.Sequential(nn.Conv2d(1, 1, 3), nn.BatchNorm2d(1)), torch.rand(1, 1, 5, 5)).numbers == 15


@pytest.mark.parametrize(
    "forward, message",
    [
        (lambda z: z if z.mean() > 0 else -z, "look at a value"),
        (lambda z: z * z.max().item(), "look at a value"),
        (lambda z: 3, "returns a int"),
        (lambda z: sum(z for _ in range(1500)), "operations; up to 1000"),
    ],
)
def test_what_is_no_network_is_refused(forward, message):
    class Network(nn.Module):
        def forward(self, z):
            return forward(z)

    with pytest.raises(ValueError, match=message):
        record(Network(), torch.rand(1, 1, 4, 4))


def test_a_tape_reads_no_files():
    steps = [["from_file.default", ["/etc/passwd", False, 4], {"keywords": {}}]]
    with pytest.raises(ValueError, match="not an operation of a network"):
        Tape([1], steps, [], {"out": [0, 0]})(torch.zeros(1))


def test_a_shuffled_tape_has_the_same_numbers_elsewhere():
    torch.manual_seed(0)
    x = torch.rand(2, 1, 9, 9)
    tape = record(nn.Sequential(nn.Conv2d(1, 4, 3), nn.BatchNorm2d(4), nn.ReLU(), nn.Conv2d(4, 1, 3)), x)
    mixed = tape.shuffled(1)
    assert mixed.numbers == tape.numbers
    for a, b in zip(tape.constants, mixed.constants, strict=True):
        assert torch.equal(tensor(a).flatten().sort().values, tensor(b).flatten().sort().values)
    assert not torch.allclose(tape(x), mixed(x)) and torch.equal(mixed(x), tape.shuffled(1)(x))
    by_hand = record(nn.AvgPool2d(3), x)  # without numbers there is nothing to shuffle
    assert torch.equal(by_hand(x), by_hand.shuffled(1)(x))


@pytest.mark.parametrize("how", ["module", "alias", "default"])
def test_a_closed_function_is_closed_under_any_name_and_open_afterwards(how):
    a = torch.rand(1, 1, 3, 3)
    judge = metrics.psnr
    call = {"module": lambda: metrics.psnr(a, a), "alias": lambda: judge(a, a), "default": lambda f=judge: f(a, a)}[how]
    before = call()
    with closed([metrics.psnr]), pytest.raises(ClosedError, match="psnr is closed in this question"):
        call()
    assert torch.equal(call(), before)


def test_built_in_functions_and_classes_are_closed_too():
    x = torch.rand(1, 1, 4, 4)
    with closed([F.pixel_unshuffle, nn.PixelUnshuffle]):
        for call in (
            lambda: F.pixel_unshuffle(x, 2),
            lambda: torch.pixel_unshuffle(x, 2),
            lambda: nn.PixelUnshuffle(2)(x),
        ):
            with pytest.raises(ClosedError):
                call()
    assert torch.equal(F.pixel_unshuffle(x, 2), nn.PixelUnshuffle(2)(x))


def test_names_are_found_in_the_text_of_an_answer():
    for code in (
        "metrics.psnr(a, b)",
        "from course_lib.metrics import psnr as p",
        "getattr(metrics, 'psnr')",
        "f = psnr",
    ):
        assert names_in(code, ["psnr"]) == ["psnr"]
    for code in ("def psnr(a, b):\n    return psnr(b, a)", "# psnr", "'the psnr of a'", "%psnr", "psnr ="):
        assert names_in(code, ["psnr"]) == []


@settings(max_examples=30, deadline=None)
@given(st.integers(1, 5), st.integers(1, 4))
def test_a_probe_knows_the_gradient_of_every_argument(rows, columns):
    a, b = torch.randn(rows, columns), torch.randn(rows, columns)
    found = probe(lambda a, b: (a * b).sum(1) + b.detach()[:, 0], a, b)
    weights = torch.linspace(1, 2, rows)[:, None]
    torch.testing.assert_close(found["gradients"], [weights * b, weights * a])
    assert found["changed"] == [] and not a.requires_grad
    assert probe(lambda a, b: a.detach().sum() + 0 * b.sum(), a, b)["gradients"][0] is None


def test_a_probe_sees_what_has_changed():
    net = nn.Sequential(nn.Conv2d(1, 1, 3), nn.BatchNorm2d(1))
    found = {
        "its numbers": lambda n: nn.init.ones_(n[0].weight),
        "the mode of its layers": lambda n: n[1].eval(),
        "which of its numbers may be trained": lambda n: n[0].requires_grad_(False),
        "the gradients of its parameters": lambda n: n[0](torch.ones(1, 1, 3, 3)).sum().backward(),
    }
    for what, function in found.items():
        assert probe(function, net, gradients=False)["changed"] == [f"argument 0: {what}"]
    assert probe(lambda n: n(torch.rand(2, 1, 5, 5)), net, gradients=False)["changed"] == ["argument 0: its numbers"]
    for p in net.parameters():
        p.grad = torch.ones_like(p)
    changed = probe(lambda n: n.zero_grad(), net, gradients=False)["changed"]
    assert changed == ["argument 0: the gradients of its parameters"]
    assert all((p.grad == 1).all() for p in net.parameters())
    assert probe(lambda x: x.add_(1), torch.zeros(2), gradients=False)["changed"] == ["argument 0: its values"]
    assert probe(lambda v: v.pop(), [1, 2], gradients=False)["changed"] == ["argument 0: it"]


def test_what_is_handed_over_is_plain():
    thing = {"plan": [(1, 2), [3]], 4: torch.eye(2)}
    assert unpack(pack(thing)) == {"plan": [[1, 2], [3]], 4: [[1.0, 0.0], [0.0, 1.0]]}
    with pytest.raises(TypeError, match="cannot emit a"):
        pack(object())
