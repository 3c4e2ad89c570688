"""Two runs are one if their functions do the same: names count for nothing, contents for everything."""

import copy
import math
import os
import subprocess
import sys
import threading
from collections import Counter
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn
from torch.nn import functional as F

from course_lib import training
from course_lib.training import CheckpointError, fit
from course_lib.training.identity import IncomparableError, digest

STRENGTH = 1.0


def loss_fn(model, z, weight=1.0):
    return weight * (model(z) - z).square().mean()


def batches(generator):
    return torch.rand(2, 1, 8, 8, generator=generator)


def scaled(weight):
    return lambda model, z: weight * loss_fn(model, z)


def by_global(model, z):
    return STRENGTH * loss_fn(model, z)


def bound_to(power):
    def inner(model, z):
        return (model(z) - z).abs().pow(power).mean()

    return lambda model, z: inner(model, z)


class Penalty:
    def __init__(self, weight):
        self.weight = weight

    def __call__(self, model, z):
        return loss_fn(model, z, self.weight)

    def loss(self, model, z):
        return self(model, z)


class Squares(list):
    """A list with a ``__call__``."""

    def __call__(self, model, z):
        return sum(self) * loss_fn(model, z)


@dataclass(frozen=True)
class Noise:
    sigma: float
    made: float = field(default=0.0, compare=False)

    def __call__(self, generator):
        return batches(generator) + self.sigma


def with_default(weight):
    def loss(model, z, weight=weight, *, offset=0.0):
        return loss_fn(model, z, weight) + offset

    return loss


# A recipe -> the same thing twice, and another of the same name.
PAIRS = {
    "partial": (lambda w: partial(loss_fn, weight=w), 1.0, 100.0),
    "partial, positional": (lambda w: partial(math.pow, w), 2.0, 3.0),
    "lambda over a closure": (scaled, 1.0, 2.0),
    "closure of a closure": (bound_to, 1, 2),
    "default": (with_default, 1.0, 2.0),
    "field": (Penalty, 1.0, 2.0),
    "bound method": (lambda w: Penalty(w).loss, 1.0, 2.0),
    "callable list": (lambda w: Squares([w]), 1.0, 2.0),
    "dataclass": (Noise, 0.1, 0.2),
    "schedule": (lambda at: training.step_decay(at), 0.5, 0.6),
    "warm restart": (training.warm_restart, 0.5, 0.6),
    "plateau": (lambda k: training.Plateau(patience=k), 2, 3),
    "tensor": (lambda v: partial(loss_fn, weight=torch.full((3,), v)), 1.0, 2.0),
    "bfloat16": (lambda v: torch.full((3,), v, dtype=torch.bfloat16), 1.0, 2.0),
    "array": (lambda v: np.full(3, v), 1.0, 2.0),
    "network": (lambda v: partial(loss_fn, weight=nn.init.constant_(nn.Linear(1, 1, bias=False).weight, v)), 1.0, 2.0),
    "settings of a layer": (lambda slope: nn.LeakyReLU(slope), 0.1, 0.2),
    "generator": (lambda seed: torch.Generator().manual_seed(seed), 1, 2),
    "counter": (lambda n: Counter("a" * n), 1, 2),
    "code": (lambda k: eval(f"lambda model, z: {k} * model(z).mean()"), 1, 2),
    "operator": (lambda op: eval(f"lambda model, z: 3 {op} z.mean()"), "+", "-"),
    "called function": (lambda name: eval(f"lambda model, z: z.{name}()"), "mean", "sum"),
    "class of an object": (lambda k: type("Loss", (), {"__call__": eval(f"lambda self, m, z: {k} * z")})(), 1, 2),
    "set": (lambda k: {"a", "b", k}, "c", "d"),
    "dictionary": (lambda k: {"weight": k, "x": 1}, 1, 2),
    "path": (lambda name: Path(name), "a", "b"),
    "range": (lambda n: range(n), 3, 4),
}


@pytest.mark.parametrize("name", PAIRS)
def test_the_same_content_is_the_same_and_other_content_is_not(name):
    make, one, other = PAIRS[name]
    assert digest(make(one)) == digest(make(one))
    assert digest(make(one)) != digest(make(other))


def test_a_global_variable_that_is_read_counts_and_one_that_is_not_does_not(monkeypatch):
    before = digest(by_global), digest(loss_fn)
    monkeypatch.setitem(globals(), "STRENGTH", 2.0)
    assert digest(by_global) != before[0] and digest(loss_fn) == before[1]


def test_what_does_not_count():
    documented = eval("lambda model, z: z.mean()")
    documented.__code__ = documented.__code__.replace(co_filename="elsewhere.py", co_firstlineno=77)
    assert digest(documented) == digest(eval("lambda model, z: z.mean()")), "where it stands"
    assert digest(Noise(0.1, made=1.0)) == digest(Noise(0.1, made=2.0)), "a field that is not compared"
    assert digest({"a": 1, "b": loss_fn}) == digest({"b": loss_fn, "a": 1}), "the order of a dictionary"
    model = nn.Linear(2, 2)
    loss = lambda z: model(z).mean()  # noqa: E731
    before = digest(loss, model)
    nn.init.zeros_(model.weight)
    assert digest(loss, model) == before, "the weights of what is trained"
    assert digest(loss) != digest(lambda z: nn.Linear(2, 2)(z).mean())
    assert digest(partial(F.mse_loss, torch.zeros(1, device="cpu"))) == digest(partial(F.mse_loss, torch.zeros(1)))


@pytest.mark.parametrize(
    "thing",
    [lambda: (k for k in range(3)), partial(open, os.devnull), threading.Lock],
    ids=["running generator", "open file", "lock"],
)
def test_what_can_be_compared_with_nothing_is_refused_before_the_first_step(tmp_path, thing):
    held = thing()
    with pytest.raises(IncomparableError):
        digest(held)

    def loss(model, z):
        assert held is None, "a step was made"

    with pytest.raises(CheckpointError, match="its loss refers to a .*compared with nothing"):
        fit(nn.Conv2d(1, 1, 1), loss, batches, steps=2, checkpoint=tmp_path / "run.pt", progress=False, precision="no")
    if hasattr(held, "close"):
        held.close()


VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False)
    | st.text(max_size=5)
    | st.binary(max_size=5),
    lambda inner: st.lists(inner, max_size=3)
    | st.dictionaries(st.text(max_size=3), inner, max_size=3)
    | st.tuples(inner),
    max_leaves=8,
)


@given(VALUES, VALUES)
@settings(max_examples=30, deadline=None)
def test_equal_values_have_one_digest_and_different_ones_two(one, other):
    function = lambda value: partial(loss_fn, weight=value)  # noqa: E731
    assert digest(function(one)) == digest(function(copy.deepcopy(one)))
    assert (digest(function(one)) == digest(function(other))) == (repr(one) == repr(other) or _same(one, other))


def _same(a, b) -> bool:
    """Equal, and of equal types all the way down: 1, 1.0 and True are three things."""
    if type(a) is not type(b) or a != b:
        return False
    if isinstance(a, dict):
        return all(_same(a[k], b[k]) for k in a)
    if isinstance(a, (list, tuple)):
        return all(map(_same, a, b))
    return repr(a) == repr(b)


def test_another_process_finds_the_same_digests():
    code = f"import sys; sys.path.insert(0, {str(Path(__file__).parent)!r}); import test_identity as t; " + (
        "print([t.digest(make(one)) for make, one, _ in t.PAIRS.values()])"
    )
    env = os.environ | {"PYTHONHASHSEED": "7", "OMP_NUM_THREADS": "1"}
    shown = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, env=env).stdout
    ours = [digest(make(one)) for make, one, _ in PAIRS.values()]
    theirs = eval(shown)
    assert [name for name, a, b in zip(PAIRS, ours, theirs, strict=True) if a != b] == []


def network():
    return nn.Sequential(nn.Conv2d(1, 2, 3, padding=1), nn.ReLU(), nn.Conv2d(2, 1, 3, padding=1))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"loss_fn": scaled(2.0)}, "loss is scaled.*as before, but"),
        ({"loss_fn": partial(loss_fn, weight=2.0)}, "loss was .*is loss_fn"),
        ({"batches": Noise(0.2)}, "batches is Noise as before, but"),
        ({"schedule": training.step_decay(0.6)}, "schedule is step_decay.*as before, but"),
        ({"optimizer": partial(torch.optim.AdamW, weight_decay=0.1)}, "optimizer is AdamW as before, but"),
        ({"clip": 1.0}, "clip was None, is 1.0"),
        ({"validate": lambda model: {"score": 2.0}}, "validate was .*, is <lambda>"),
        (
            {"model": nn.Sequential(nn.Conv2d(1, 2, 3, padding=1), nn.ELU(), nn.Conv2d(2, 1, 3, padding=1))},
            "other layers",
        ),
        ({"model": nn.Sequential(nn.Conv2d(1, 2, 3, padding=1).requires_grad_(False), *network()[1:])}, "other frozen"),
        ({"groups": lambda model: [{"params": model.parameters(), "lr": 0.5}]}, "other parameter groups"),
    ],
)
def test_a_finished_run_is_not_taken_for_another(tmp_path, change, message):
    same = {
        "loss_fn": scaled(1.0),
        "batches": Noise(0.1),
        "schedule": training.step_decay(0.5),
        "optimizer": partial(torch.optim.AdamW, weight_decay=0.2),
        "validate": lambda model: {"score": 1.0},
        "every": 1,
    }

    def run(model, **options):
        options |= {"checkpoint": tmp_path / "run.pt", "progress": False, "precision": "no", "steps": 2}
        return fit(model, options.pop("loss_fn"), options.pop("batches"), **options)

    run(network(), **same)
    again = network()
    assert run(again, **same).finished
    with pytest.raises(CheckpointError, match=message):
        run(**{"model": network()} | same | change)
