"""The first steps at the scale of a GPU, tried on a CPU: what they hold in memory, and what is said of them."""

import dataclasses
import itertools

import pytest
import torch
from torch import nn
from torch.profiler import ProfilerActivity, profile

from course_lib import data, reference, training
from course_lib.metric_learning import EmbeddingNet, hardest_triplets, triplet_loss
from course_lib.reference.__main__ import main
from course_lib.reference.gpu import memory, rehearse
from course_lib.reference.recipe import Recipe, Scale

CPU = torch.device("cpu")


@pytest.fixture
def tiny(monkeypatch):
    """The recipe of DnCNN with a small network and nothing to download."""
    small = Scale(steps=1_000, batch=2, patch=16, lr=1e-3, model={"depth": 3, "width": 4})
    recipe = dataclasses.replace(reference.find("dncnn-s25"), scales={"cpu": small, "gpu": small})
    monkeypatch.setattr(data, "bsd400", lambda: data.photograph_tiles(180))
    monkeypatch.setitem(reference.recipes(), "tiny", recipe)
    return recipe


def step(model: nn.Module, x: torch.Tensor) -> None:
    model(x).square().mean().backward()
    model.zero_grad()


@pytest.mark.parametrize("width", [16, 48])
def test_what_is_counted_is_what_the_allocator_gives(width):
    """The peak of one step, by the profiler's record of every allocation on the CPU."""
    deep = [layer for _ in range(8) for layer in (nn.Conv2d(width, width, 3, padding=1), nn.ReLU())]
    model, x = nn.Sequential(nn.Conv2d(1, width, 3, padding=1), *deep), torch.rand(2, 1, 64, 64)
    step(model, x)
    with profile(activities=[ProfilerActivity.CPU], profile_memory=True) as measured:
        step(model, x)
    events = _allocations(measured.profiler.kineto_results.experimental_event_tree())
    changes = [size for _, size in sorted(events, key=lambda event: event[0])]
    highest = max(itertools.accumulate(changes))
    with memory.Held() as held:
        step(model, x)
    # an operation's own temporaries are not seen
    assert highest * 0.8 < held.peak <= highest
    assert held.now < 0.1 * held.peak  # what nobody needs any more is taken off


def _allocations(events):
    for event in events:
        if type(event.extra_fields).__name__ == "_ExtraFields_Allocation":
            yield event.start_time_ns, event.extra_fields.alloc_size
        yield from _allocations(event.children)


@pytest.mark.parametrize("precision", ["no", "bf16"])
def test_without_contents_as_much_is_counted_as_with_them(tiny, monkeypatch, precision):
    batch = tiny.batches(CPU, tiny.scales["gpu"])(torch.Generator().manual_seed(0))
    without = memory.step_memory(tiny, tiny.scales["gpu"], batch, precision)
    monkeypatch.setattr(memory, "FakeTensorMode", lambda **options: refuse())
    with_them = memory.step_memory(tiny, tiny.scales["gpu"], batch, precision)
    assert without.pop("exact") and not with_them.pop("exact")
    assert without == pytest.approx(with_them, rel=0.02)


def refuse():
    raise memory.DataDependentOutputException("counted")


def test_a_larger_batch_holds_more_and_half_precision_less(tiny):
    scale = dataclasses.replace(tiny.scales["gpu"], batch=32, patch=64)
    double = dataclasses.replace(scale, batch=64)
    draw = torch.Generator().manual_seed(0)
    small, large, wide = (
        memory.step_memory(tiny, s, tiny.batches(CPU, s)(draw), precision)
        for s, precision in ((scale, "bf16"), (double, "bf16"), (scale, "no"))
    )
    assert large["activations"] == pytest.approx(2 * small["activations"], rel=0.05)
    assert 1.4 * small["activations"] < wide["activations"]
    assert small["parameters"] == large["parameters"] == wide["parameters"]


def test_a_loss_that_counts_is_measured_by_a_real_step():
    def loss(model, batch):
        z, labels = batch
        e = model(z)
        a, p, n = hardest_triplets(e, labels)
        return triplet_loss(e[a], e[p], e[n])

    scale = Scale(steps=10, batch=8, lr=1e-3)
    recipe = Recipe("", "", lambda: EmbeddingNet(8, 4), None, loss, None, {"gpu": scale}, "", "")
    batch = torch.rand(8, 1, 32, 32), torch.arange(8) // 2
    assert memory.step_memory(recipe, scale, batch)["activations"] > 0


def test_the_command_rehearses_one_run_of_each_kind(tiny, monkeypatch, capsys):
    rates = []

    def adam(parameters, lr):
        optimizer = training.adam(parameters, lr)
        plain = optimizer.step
        optimizer.step = lambda *a, **o: (rates.append(optimizer.param_groups[0]["lr"]), plain(*a, **o))[1]
        return optimizer

    watched = dataclasses.replace(tiny, fit={"optimizer": adam, "validate": lambda model: 1 / 0, "every": 1})
    monkeypatch.setitem(reference.recipes(), "tiny", watched)
    monkeypatch.setitem(reference.recipes(), "tiny-2", dataclasses.replace(watched, seed=1))
    assert main(["rehearse", "tiny", "tiny-2", "--steps", "4"]) == 0
    said = capsys.readouterr().out
    assert "tiny (and 1 like it): 2x1x16x16 2x1x16x16; " in said and "4 of 1,000 steps" in said
    whole = [tiny.scales["gpu"].lr * training.one_cycle(step / 1_000, []) for step in range(4)]
    assert rates[:4] == pytest.approx(whole)  # of the whole schedule, not of four steps


def test_what_breaks_is_named_and_the_next_one_tried(tiny, monkeypatch, capsys):
    def fails(model, batch):
        raise RuntimeError("only there")

    monkeypatch.setitem(reference.recipes(), "broken", dataclasses.replace(tiny, loss=fails))
    assert main(["rehearse", "broken", "tiny", "--steps", "1"]) == 1
    broken, fine = capsys.readouterr().out.splitlines()
    assert broken == "broken: FAILS: RuntimeError: only there" and fine.startswith("tiny: ")


def test_what_is_too_large_for_a_t4_is_said(tiny):
    row = rehearse.rehearse("tiny", 1) | {"alike": [], "on a GPU": 15.1}
    assert "MORE THAN A T4 HAS" in rehearse.line(row)
    assert "MORE" not in rehearse.line(row | {"on a GPU": 14.9})


@pytest.mark.long
@pytest.mark.parametrize("name", rehearse.kinds())
def test_every_recipe_fits_a_t4_at_the_papers_scale(name):
    recipe = reference.find(name)
    scale = recipe.scales["gpu"]
    batch = recipe.batches(CPU, scale)(torch.Generator().manual_seed(0))
    assert memory.on_gpu(memory.step_memory(recipe, scale, batch)["peak"]) < memory.T4_GB
