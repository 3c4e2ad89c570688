"""A run that cannot be saved says so at once; one that is stopped goes on; what is not ours is left alone."""

import os
import signal
from collections import OrderedDict, namedtuple
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from course_lib import training
from course_lib.session import Run
from course_lib.training import CheckpointError, checkpoint, fit, saved_run

OPTIONS = {"lr": 1e-2, "precision": "no", "progress": False}


def network() -> nn.Module:
    torch.manual_seed(1)
    return nn.Sequential(nn.Conv2d(1, 4, 3, padding=1), nn.BatchNorm2d(4), nn.ReLU(), nn.Conv2d(4, 1, 3, padding=1))


def batches(generator):
    return torch.rand(2, 1, 8, 8, generator=generator)


def loss_fn(model, z):
    return (model(z) - 0.5).square().mean()


def same(a: nn.Module, b: nn.Module) -> bool:
    return all(torch.equal(x, y) for x, y in zip(a.state_dict().values(), b.state_dict().values(), strict=True))


class Stateful(nn.Conv2d):
    """A layer with a state that no checkpoint can be read with."""

    def get_extra_state(self):
        return {"scores": np.zeros(2)}

    def set_extra_state(self, state):
        pass


def blocked_by_a_file(folder):
    (folder / "file").write_text("")
    return folder / "file" / "run.pt"


def a_folder(folder):
    (folder / "run.pt").mkdir()
    return folder / "run.pt"


def below_a_device(folder):
    return Path(os.devnull) / "runs" / "run.pt"


@pytest.mark.parametrize("place", [blocked_by_a_file, a_folder, below_a_device])
def test_a_place_that_cannot_be_written_is_found_out_before_the_first_step(tmp_path, place):
    steps = []
    with pytest.raises(CheckpointError, match="cannot write|is a folder|cannot be read"):
        fit(network(), lambda model, z: steps.append(1) or loss_fn(model, z), batches, steps=3,
            checkpoint=place(tmp_path), **OPTIONS)  # fmt: skip
    assert not steps


def test_what_could_not_be_read_again_is_found_out_before_the_first_step(tmp_path):
    model, steps = nn.Sequential(Stateful(1, 1, 1)), []
    with pytest.raises(CheckpointError, match="something else in its model"):
        fit(model, lambda model, z: steps.append(1) or loss_fn(model, z), batches, steps=3,
            checkpoint=tmp_path / "run.pt", **OPTIONS)  # fmt: skip
    assert not steps and not list(tmp_path.iterdir())


def test_a_state_that_turns_unreadable_does_not_replace_a_checkpoint(tmp_path):
    class Odd(torch.optim.SGD):
        def step(self, closure=None):
            self.param_groups[0]["seen"] = np.zeros(1)
            return super().step(closure)

    with pytest.raises(CheckpointError, match="something else in its optimizer"):
        fit(network(), loss_fn, batches, steps=3, checkpoint=tmp_path / "run.pt", optimizer=Odd, **OPTIONS)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    "options",
    [
        {"lr": np.float32(1e-2)},
        {"lr": np.float64(1e-2), "optimizer": torch.optim.SGD},
        {"schedule": lambda progress, scores: torch.tensor(1.0 - progress)},
        {"schedule": lambda progress, scores: np.float32(1 - progress)},
        {"validate": lambda model: {"score": np.float64(1)}, "every": np.int64(2)},
        {"ema": np.float64(0.9), "seed": np.int64(3)},
    ],
)
def test_numbers_of_numpy_and_torch_can_be_continued(tmp_path, options):
    options, whole, pieces = OPTIONS | {"steps": 4} | options, network(), network()
    fit(whole, loss_fn, batches, **options)
    for _ in range(9):
        history = fit(pieces, loss_fn, batches, checkpoint=tmp_path / "run.pt", minutes=1e-9, **options)
        if history.finished:
            break
    assert history.finished and same(whole, pieces)


def test_a_full_disk_later_costs_no_training(tmp_path, monkeypatch):
    calls = iter(range(100))
    fsync = os.fsync

    def full(file):
        if next(calls):  # all but the trial
            raise OSError(28, "No space left on device")
        fsync(file)

    monkeypatch.setattr(os, "fsync", full)
    model = network()
    with pytest.warns(UserWarning, match="No space left"):
        history = fit(model, loss_fn, batches, steps=3, checkpoint=tmp_path / "run.pt", save_seconds=0.0, **OPTIONS)
    assert history.finished and history.steps == 3 and not model.training and not list(tmp_path.iterdir())


FOREIGN = {
    "weights": lambda path: torch.save(network().state_dict(), path),
    "text": lambda path: path.write_text("my notes"),
    "arrays": lambda path: np.save(path.open("wb"), np.zeros(9)),
    "cut off": lambda path: (torch.save({}, path), path.write_bytes(path.read_bytes()[:-9])),
}


@pytest.mark.parametrize("kind", FOREIGN)
def test_a_file_of_somebody_else_is_neither_damaged_nor_touched(tmp_path, kind):
    path = tmp_path / "run.pt"
    FOREIGN[kind](path)
    before = path.read_bytes()
    with pytest.raises(CheckpointError, match="not a checkpoint that fit wrote.*left as it is") as caught:
        fit(network(), loss_fn, batches, steps=2, checkpoint=path, **OPTIONS)
    assert "damaged" not in str(caught.value) and "elete" not in str(caught.value)
    assert path.read_bytes() == before and [f.name for f in tmp_path.iterdir()] == ["run.pt"]


def test_an_empty_file_is_a_new_run(tmp_path):
    (tmp_path / "run.pt").touch()
    assert fit(network(), loss_fn, batches, steps=2, checkpoint=tmp_path / "run.pt", **OPTIONS).finished


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda s: s["settings"].update(clip=1.0), "clip was 1.0, is None"),
        (lambda s: s["settings"].update(warmth=3), "warmth was 3, is None"),
        (lambda s: s["settings"].pop("clip"), None),
        (lambda s: s.pop("best"), "another version.*no best"),
        (lambda s: s.pop("optimizer"), "another version.*no optimizer"),
        (lambda s: s["history"].update(watts=[1]), "another version"),
        (lambda s: s["settings"].pop("content"), "is another run|other|belongs to another run"),
    ],
)
def test_a_checkpoint_of_another_version_says_so(tmp_path, change, message):
    path = tmp_path / "run.pt"
    fit(network(), loss_fn, batches, steps=2, checkpoint=path, **OPTIONS)
    state = checkpoint.load(path)
    change(state)
    checkpoint.save(path, state)
    if message is None:
        assert fit(network(), loss_fn, batches, steps=2, checkpoint=path, **OPTIONS).finished
        return
    with pytest.raises(CheckpointError, match=message) as caught:
        fit(network(), loss_fn, batches, steps=2, checkpoint=path, **OPTIONS)
    assert "run: ." not in str(caught.value)


@pytest.mark.parametrize("where", ["loss", "batches", "validation", "step"])
def test_ctrl_c_saves_and_the_same_call_goes_on_bit_for_bit(tmp_path, capsys, where):
    pressed = []

    def press(here):
        if here == where:
            pressed.append(1)
            if len(pressed) == 3:
                os.kill(os.getpid(), signal.SIGINT)
            if len(pressed) == 5:  # as if inside the code that was called
                raise KeyboardInterrupt

    def drawn(generator):
        press("batches")
        return batches(generator)

    def loss(model, z):
        press("loss")
        return loss_fn(model, z)

    def validate(model):
        press("validation")
        return {"score": -model[0].weight.norm().item()}

    class Slow(torch.optim.SGD):
        def step(self, closure=None):
            press("step") if len(pressed) < 4 else None
            return super().step(closure)

    options = OPTIONS | {"steps": 12, "ema": 0.9, "validate": validate, "every": 2, "patience": 9, "optimizer": Slow}
    whole, model, stops = network(), network(), 0
    pressed.extend(range(100))
    expected = fit(whole, loss, drawn, **options)
    pressed.clear()
    for _ in range(5):
        try:
            history = fit(model, loss, drawn, checkpoint=tmp_path / "run.pt", **options)
            break
        except KeyboardInterrupt:
            stops += 1
            said = capsys.readouterr().out
            assert "saved in" in said and "The same call goes on" in said
            assert (tmp_path / "run.pt").exists()
    assert stops == (1 if where == "step" else 2) and history.finished
    assert same(model, whole) and history.metrics == expected.metrics and history.loss == expected.loss
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_a_second_ctrl_c_stops_at_once_and_leaves_the_last_checkpoint(tmp_path):
    class Stuck(torch.optim.SGD):
        def step(self, closure=None):
            for _ in range(2):
                os.kill(os.getpid(), signal.SIGINT)
            raise AssertionError("the second one did not stop it")

    with pytest.raises(KeyboardInterrupt):
        fit(network(), loss_fn, batches, steps=5, optimizer=Stuck, checkpoint=tmp_path / "run.pt", **OPTIONS)
    assert not (tmp_path / "run.pt").exists(), "half an update was saved"


@pytest.mark.parametrize(
    ("scores", "best", "steps"),
    [
        ([float("nan"), 1, 2, 3, 4, 5], 5, 6),
        ([3, float("nan"), float("nan"), 9, 9, 9], 0, 3),
        ([1, float("inf"), 2, 3, 9, 9], 1, 4),
        ([float("-inf"), float("nan"), 1, 0, 0, 9], 2, 5),
        ([float("nan")] * 6, 1, 2),
    ],
)
def test_nan_is_reported_at_once_and_never_the_best_and_infinity_may_be(scores, best, steps):
    states, values = [], iter(scores)

    def validate(model):
        states.append({k: v.clone() for k, v in model.state_dict().items()})
        return {"score": next(values)}

    model, options = network(), OPTIONS | {"steps": 6, "validate": validate, "every": 1, "patience": 2}
    if any(np.isnan(scores[:steps])):
        with pytest.warns(UserWarning, match="after step .*score is NaN"):
            history = fit(model, loss_fn, batches, **options)
    else:
        history = fit(model, loss_fn, batches, **options)
    assert history.steps == steps
    assert all(torch.equal(value, states[best][key]) for key, value in model.state_dict().items())


Pair = namedtuple("Pair", "z y")


@pytest.mark.parametrize(
    "wrap",
    [
        lambda z: Pair(z, z),
        lambda z: {"z": z, "more": [z, (z, 3)]},
        lambda z: OrderedDict(z=Pair(z, None)),
        lambda z: [Pair(z, {"y": z})],
    ],
)
def test_batches_of_any_form_arrive_as_they_are(wrap):
    seen = []

    def loss(model, batch):
        seen.append(batch)
        return sum(p.square().sum() for p in model.parameters())

    fit(network(), loss, lambda generator: wrap(batches(generator)), steps=1, **OPTIONS)
    expected = wrap(batches(torch.Generator().manual_seed(0)))
    assert type(seen[0]) is type(expected) and str(seen[0])[:6] == str(expected)[:6]
    z = seen[0]
    while not isinstance(z, torch.Tensor):
        z = z["z"] if isinstance(z, dict) else z[0]
    assert z.is_contiguous(memory_format=torch.channels_last)


@pytest.mark.parametrize(
    ("loss", "ok"),
    [
        (lambda model, z: loss_fn(model, z).view(1), True),
        (lambda model, z: loss_fn(model, z).view(1, 1, 1), True),
        (lambda model, z: model(z).flatten(1).mean(1), False),
        (lambda model, z: 1.0, False),
        (lambda model, z: None, False),
    ],
)
def test_a_loss_of_one_number_is_a_scalar_and_all_else_is_named(loss, ok):
    if ok:
        assert fit(network(), loss, batches, steps=2, **OPTIONS).steps == 2
        return
    with pytest.raises(ValueError, match="loss_fn must return a tensor with one value"):
        fit(network(), loss, batches, steps=2, **OPTIONS)


@pytest.mark.parametrize("kind", ["evaluation mode", "no gradient", "neither"])
def test_a_frozen_batch_norm_stays_frozen(kind):
    model = network()
    before = {k: v.clone() for k, v in model[1].state_dict().items()}
    if kind == "evaluation mode":
        model[1].eval()
    elif kind == "no gradient":
        model[1].requires_grad_(False)
    modes = []

    def loss(model, z):
        modes.append((model.training, model[1].training))
        return loss_fn(model, z)

    fit(model, loss, batches, steps=3, validate=lambda model: {"score": 1.0}, every=1, **OPTIONS)
    frozen = kind != "neither"
    assert modes == [(True, not frozen)] * 3
    assert torch.equal(model[1].running_mean, before["running_mean"]) == frozen
    assert torch.equal(model[1].weight, before["weight"]) == (kind == "no gradient")


def test_clipped_gradients_have_at_most_that_norm():
    norms = []

    class Watched(torch.optim.SGD):
        def step(self, closure=None):
            gradients = [p.grad.flatten() for group in self.param_groups for p in group["params"]]
            norms.append(torch.cat(gradients).norm().item())
            return super().step(closure)

    def steep(model, z):
        return 1000 * loss_fn(model, z)

    fit(network(), steep, batches, steps=3, clip=0.5, optimizer=Watched, **OPTIONS)
    assert norms == pytest.approx([0.5] * 3, rel=1e-4)
    fit(network(), loss_fn, batches, steps=1, clip=1e9, optimizer=Watched, **OPTIONS)
    small = norms[-1]
    fit(network(), loss_fn, batches, steps=1, optimizer=Watched, **OPTIONS)
    assert small == norms[-1], "what is below the limit is left alone"
    with pytest.raises(ValueError, match="clip must be a norm above 0"):
        fit(network(), loss_fn, batches, steps=1, clip=0.0, **OPTIONS)


@pytest.mark.parametrize("optimizer", [training.adam, training.sgd, training.Muon, torch.optim.AdamW])
def test_parameter_groups_have_peaks_of_their_own(tmp_path, optimizer):
    model, start, rates = network(), network(), []

    class Watched:
        def __call__(self, parameters, lr):
            made = optimizer(parameters, lr)
            made.register_step_pre_hook(lambda o, *_: rates.append([g["lr"] for g in o.param_groups]))
            return made

    def groups(model):
        return [{"params": model[0].parameters(), "lr": 0.0}, {"params": iter(model[3].parameters())}]

    history = fit(model, loss_fn, batches, steps=3, optimizer=Watched(), groups=groups, **OPTIONS)
    assert torch.equal(model[0].weight, start[0].weight) and not torch.equal(model[3].weight, start[3].weight)
    assert torch.equal(model[1].weight, start[1].weight), "in no group"
    if optimizer is not training.Muon:  # which has a rate for biases
        assert rates == [[0.0, lr] for lr in history.lr]
    options = OPTIONS | {"optimizer": optimizer, "groups": groups, "checkpoint": tmp_path / "run.pt"}
    pieces = network()
    while not fit(pieces, loss_fn, batches, steps=3, minutes=1e-9, **options).finished:
        pass
    assert same(model, pieces)


@pytest.mark.parametrize("optimizer", ["plain", "groups", "double"])
def test_muon_calls_its_closure_once_and_returns_the_loss(optimizer):
    dtype = torch.float64 if optimizer == "double" else torch.float32
    models = [network().to(dtype) for _ in range(2)]
    z, calls = torch.rand(2, 1, 8, 8, dtype=dtype), []
    for model, with_closure in zip(models, (True, False), strict=True):
        parameters = [{"params": list(model.parameters())}] if optimizer == "groups" else model.parameters()
        made = training.Muon(parameters, 1e-2)

        def closure(model=model, made=made):
            calls.append(torch.is_grad_enabled())
            made.zero_grad()
            loss = loss_fn(model, z)
            loss.backward()
            return loss

        if with_closure:
            with torch.no_grad():
                loss = made.step(closure)
        else:
            expected = closure()
            assert made.step() is None
    assert calls == [True, True] and torch.equal(loss, expected) and same(*models)


def test_paths_are_expanded_and_an_empty_variable_is_no_variable(monkeypatch, tmp_path):
    monkeypatch.setenv("HOME", str(tmp_path))
    run = Run("quick", torch.device("cpu"), "no", 0)
    for value, folder in (("~/my runs", tmp_path / "my runs"), ("", Path("runs")), (str(tmp_path), tmp_path)):
        monkeypatch.setenv("COURSE_RUNS", value)
        assert run.checkpoint("dncnn") == folder / "dncnn-quick.pt"
    fit(network(), loss_fn, batches, steps=2, checkpoint="~/a b/run.pt", **OPTIONS)
    assert (tmp_path / "a b" / "run.pt").exists()


@pytest.mark.parametrize("below", ["run.pt", "MyDrive/runs/run.pt", "../drive/MyDrive/run.pt"])
def test_a_checkpoint_on_a_drive_that_is_not_mounted_is_a_warning(tmp_path, monkeypatch, below, recwarn):
    drive = tmp_path / "drive"
    drive.mkdir()
    monkeypatch.setattr(saved_run, "DRIVE", drive)
    with pytest.warns(UserWarning, match="Drive is not mounted.*drive.mount"):
        fit(network(), loss_fn, batches, steps=1, checkpoint=drive / below, **OPTIONS)
    fit(network(), loss_fn, batches, steps=1, checkpoint=tmp_path / "elsewhere.pt", **OPTIONS)
    monkeypatch.setattr(Path, "is_mount", lambda self: True)
    fit(network(), loss_fn, batches, steps=1, checkpoint=drive / "mounted.pt", **OPTIONS)
    assert not [w for w in recwarn if "Drive" in str(w.message)]
