"""The loop: it learns, it resumes bit for bit, and it stops when it should."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from IPython.core.interactiveshell import InteractiveShell
from IPython.utils.capture import capture_output
from torch import nn

from course_lib import training
from course_lib.training import CheckpointError, NonFiniteLossError, checkpoint, fit
from course_lib.training.optimizers import orthogonalize

OPTIONS = {"lr": 1e-2, "precision": "no", "progress": False}


def network() -> nn.Module:
    """Everything that has state of its own: batch norm, dropout, and the optimiser's momentum."""
    torch.manual_seed(1)
    return nn.Sequential(
        nn.Conv2d(1, 8, 3, padding=1), nn.BatchNorm2d(8), nn.ReLU(), nn.Dropout(0.1), nn.Conv2d(8, 1, 3, padding=1)
    )


def batches(generator):
    y = torch.rand(4, 1, 8, 8, generator=generator)
    return y + 0.1 * torch.randn(y.shape, generator=generator), y


def loss_fn(model, batch):
    z, y = batch
    return (model(z) - y).square().mean()


def same(a: nn.Module, b: nn.Module) -> bool:
    return all(torch.equal(x, y) for x, y in zip(a.state_dict().values(), b.state_dict().values(), strict=True))


def test_learns_a_linear_map():
    torch.manual_seed(0)
    model, truth = nn.Linear(3, 1), torch.tensor([[1.0, -2.0, 0.5]])

    def draw(generator):
        x = torch.randn(32, 3, generator=generator)
        return x, x @ truth.T

    history = fit(model, loss_fn, draw, steps=300, lr=0.1, precision="no", progress=False)
    assert history.finished and history.steps == 300 == len(history.lr)
    torch.testing.assert_close(model.weight, truth, atol=1e-3, rtol=0)


def test_the_same_seed_gives_the_same_weights_and_another_seed_others():
    models = [network() for _ in range(3)]
    for model, seed in zip(models, (0, 0, 1), strict=True):
        fit(model, loss_fn, batches, steps=5, seed=seed, **OPTIONS)
    assert same(models[0], models[1]) and not same(models[0], models[2])


@pytest.mark.parametrize("optimizer", [training.adam, training.sgd, training.Muon])
def test_a_run_in_pieces_ends_bit_for_bit_where_one_in_one_go_ends(tmp_path, optimizer):
    options = OPTIONS | {
        "steps": 24,
        "ema": 0.9,
        "optimizer": optimizer,
        "schedule": training.Plateau(0.5, 1),
        "validate": lambda model: {"score": -model[0].weight.norm().item()},
        "every": 4,
        "patience": 100,
    }
    whole = network()
    expected = fit(whole, loss_fn, batches, **options)
    for piece in range(100):
        model = network()  # a new process knows nothing
        torch.manual_seed(piece)
        history = fit(model, loss_fn, batches, checkpoint=tmp_path / "run.pt", minutes=1e-9, **options)
        if history.finished:
            break
    assert piece > 5, "the time limit should have stopped the run after every step"
    assert same(model, whole)
    assert history.loss == expected.loss and history.metrics == expected.metrics and history.lr == expected.lr


def test_a_finished_run_is_not_trained_again(tmp_path, monkeypatch):
    first, again = network(), network()
    fit(first, loss_fn, batches, steps=3, checkpoint=tmp_path / "run.pt", **OPTIONS)

    def never(*size, generator):
        raise AssertionError("a finished run made a batch")

    monkeypatch.setattr(torch, "rand", never)
    history = fit(again, loss_fn, batches, steps=3, checkpoint=tmp_path / "run.pt", **OPTIONS)
    assert history.finished and same(first, again)


CHILD = """
import sys; sys.path.insert(0, {tests!r})
import time
from test_fit import *
def slow(generator):
    time.sleep(0.02)
    return batches(generator)
torch.set_num_threads(1)
model = network()
fit(model, loss_fn, slow, steps=60, ema=0.9, checkpoint="run.pt", save_seconds=0.0, **OPTIONS)
torch.save(model.state_dict(), "final.pt")
"""


def test_kill_9_in_the_middle_then_restart_ends_bit_for_bit_the_same(tmp_path):
    command = [sys.executable, "-c", CHILD.format(tests=str(Path(__file__).parent))]
    folders = [tmp_path / "whole", tmp_path / "killed"]
    for folder in folders:
        folder.mkdir()
    subprocess.run(command, cwd=folders[0], check=True, env=os.environ | {"OMP_NUM_THREADS": "1"})

    process = subprocess.Popen(command, cwd=folders[1], env=os.environ | {"OMP_NUM_THREADS": "1"})
    while not (folders[1] / "run.pt.previous").exists():
        assert process.poll() is None, "the run ended before it could be killed"
        time.sleep(0.01)
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert not (folders[1] / "final.pt").exists()
    resumed = subprocess.run(
        command, cwd=folders[1], check=True, capture_output=True, text=True, env=os.environ | {"OMP_NUM_THREADS": "1"}
    )
    assert "Continuing from run.pt at step" in resumed.stdout
    whole, killed = (torch.load(folder / "final.pt", weights_only=True) for folder in folders)
    assert all(torch.equal(whole[key], killed[key]) for key in whole)


@pytest.mark.parametrize("damage", ["truncated", "flipped", "empty"])
def test_a_damaged_checkpoint_is_refused_and_the_previous_one_used(tmp_path, damage):
    path, whole, model = tmp_path / "run.pt", network(), network()
    fit(whole, loss_fn, batches, steps=10, checkpoint=path, save_seconds=0.0, **OPTIONS)
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes({"truncated": bytes(data[:100]), "flipped": bytes(data), "empty": b""}[damage])
    with pytest.warns(UserWarning, match="damaged"):
        fit(model, loss_fn, batches, steps=10, checkpoint=path, **OPTIONS)
    assert same(model, whole)


def test_no_intact_checkpoint_is_an_error_that_says_what_to_do(tmp_path):
    path = tmp_path / "run.pt"
    fit(network(), loss_fn, batches, steps=2, checkpoint=path, **OPTIONS)
    path.write_bytes(path.read_bytes()[:-1])
    with pytest.warns(UserWarning), pytest.raises(CheckpointError, match=r"damaged.*Delete run\.pt"):
        fit(network(), loss_fn, batches, steps=2, checkpoint=path, **OPTIONS)


def test_a_checkpoint_of_another_run_is_refused(tmp_path):
    path = tmp_path / "run.pt"
    fit(network(), loss_fn, batches, steps=2, checkpoint=path, **OPTIONS)
    with pytest.raises(CheckpointError, match="steps was 2, is 3"):
        fit(network(), loss_fn, batches, steps=3, checkpoint=path, **OPTIONS)
    with pytest.raises(CheckpointError, match="optimizer was adam, is sgd"):
        fit(network(), loss_fn, batches, steps=2, checkpoint=path, optimizer=training.sgd, **OPTIONS)
    with pytest.raises(CheckpointError, match="other layers"):
        fit(nn.Conv2d(1, 1, 1), loss_fn, batches, steps=2, checkpoint=path, **OPTIONS)


def test_a_checkpoint_cannot_run_code(tmp_path):
    class Evil:
        def __reduce__(self):
            return (os.system, ("touch pwned",))

    checkpoint.save(tmp_path / "run.pt", {"model": Evil()})
    with pytest.warns(UserWarning), pytest.raises(CheckpointError, match="more than tensors"):
        checkpoint.load(tmp_path / "run.pt")
    assert not Path("pwned").exists()


def test_nothing_is_left_when_a_checkpoint_cannot_be_written(tmp_path, monkeypatch):
    def full(_):
        raise OSError(28, "No space left on device")

    checkpoint.save(tmp_path / "run.pt", {"step": 1})
    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(CheckpointError, match="No space left"):
        checkpoint.save(tmp_path / "run.pt", {"step": 2})
    assert [f.name for f in tmp_path.iterdir()] == ["run.pt"]
    assert checkpoint.load(tmp_path / "run.pt") == {"step": 1}


def test_a_non_finite_loss_stops_the_run_at_its_step():
    count = iter(range(100))

    def poisoned(model, batch):
        return loss_fn(model, batch) * (float("nan") if next(count) == 7 else 1)

    with pytest.raises(NonFiniteLossError, match=r"loss is nan at step 7 \(learning rate .*Try a lower"):
        fit(network(), poisoned, batches, steps=30, **OPTIONS)


def test_early_stopping_goes_back_to_the_best_weights():
    scores, states = iter([1.0, 3.0, 2.0, 2.5, 9.0]), []

    def validate(model):
        states.append({k: v.clone() for k, v in model.state_dict().items()})
        return {"score": next(scores)}

    model = network()
    history = fit(model, loss_fn, batches, steps=50, validate=validate, every=5, patience=2, **OPTIONS)
    assert history.steps == 20 and history.finished
    assert all(torch.equal(value, states[1][key]) for key, value in model.state_dict().items())


def test_ema_is_the_exponential_mean_of_the_weights():
    model, weights = nn.Linear(1, 1, bias=False), []

    def loss(model, batch):
        weights.append(model.weight.item())
        return model(batch).mean()

    options = OPTIONS | {"lr": 1.0, "optimizer": torch.optim.SGD, "schedule": training.constant}
    fit(model, loss, lambda generator: torch.ones(1, 1), steps=4, ema=0.5, **options)
    after = [*weights[1:], weights[-1] - 1.0]  # the gradient is 1, so every step subtracts the learning rate
    expected = after[0]
    for weight in after[1:]:
        expected = 0.5 * expected + 0.5 * weight
    assert model.weight.item() == pytest.approx(expected, abs=1e-6)


def test_plateau_lowers_the_learning_rate_of_the_run():
    history = fit(network(), loss_fn, batches, steps=8, schedule=training.Plateau(0.1, 2), every=1,
                  validate=lambda model: {"score": 0.0}, **OPTIONS)  # fmt: skip
    assert history.lr[0] == pytest.approx(1e-2) and history.lr[-1] == pytest.approx(1e-5)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"steps": 0}, "steps must be at least 1"),
        ({"steps": 5, "every": 2}, "needs a validate function"),
        ({"steps": 5, "patience": 2}, "needs validate and every"),
        ({"steps": 5, "minutes": 1.0}, "needs a checkpoint"),
    ],
)
def test_contradicting_settings_are_refused(options, message):
    with pytest.raises(ValueError, match=message):
        fit(network(), loss_fn, batches, **options)


def test_bf16_training_runs_on_the_cpu():
    history = fit(network(), loss_fn, batches, steps=2, lr=1e-2, precision="bf16", progress=False)
    assert history.finished


def test_history_plots_with_an_alternative_text():
    history = fit(network(), loss_fn, batches, steps=8, validate=lambda m: {"score": 1.0}, every=4, **OPTIONS)
    InteractiveShell.instance()
    with capture_output() as captured:
        history.plot()
    (output,) = captured.outputs
    assert "loss falls from" in output.data["text/plain"] and "in 8 steps" in output.data["text/plain"]
    assert output.data["image/svg+xml"].count("score") >= 1


def test_after_mixed_precision_the_model_is_its_plain_self_again():
    model, fresh = network(), network()
    fit(model, loss_fn, batches, steps=2, lr=1e-2, precision="bf16", progress=False)
    fresh.load_state_dict(model.state_dict())
    z = torch.rand(1, 1, 8, 8)
    assert model(z).dtype == torch.float32
    torch.testing.assert_close(model(z), fresh.eval()(z), atol=1e-5, rtol=1e-5)  # bfloat16 would be off by 1e-2


def test_a_compiled_model_trains_to_the_same_weights(monkeypatch):
    compile_ = torch.compile
    monkeypatch.setattr(torch, "compile", lambda model: compile_(model, backend="eager"))
    compiled, plain = network(), network()
    fit(compiled, loss_fn, batches, steps=3, compiled=True, **OPTIONS)
    fit(plain, loss_fn, batches, steps=3, **OPTIONS)
    for a, b in zip(compiled.parameters(), plain.parameters(), strict=True):
        torch.testing.assert_close(a, b, atol=1e-5, rtol=1e-4)


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
@pytest.mark.parametrize("precision", ["no", "bf16", "fp16"])
def test_a_gpu_run_in_pieces_ends_near_one_in_one_go(tmp_path, precision):
    def on_gpu(generator):
        y = torch.rand(4, 1, 8, 8, generator=generator, device="cuda")
        return y + 0.1 * torch.randn(y.shape, generator=generator, device="cuda"), y

    options = {"steps": 8, "lr": 1e-2, "precision": precision, "progress": False}
    whole, model, history = network().cuda(), network().cuda(), None
    fit(whole, loss_fn, on_gpu, **options)
    while history is None or not history.finished:
        history = fit(model, loss_fn, on_gpu, checkpoint=tmp_path / "run.pt", minutes=1e-9, **options)
    for a, b in zip(whole.parameters(), model.parameters(), strict=True):
        torch.testing.assert_close(a, b, atol=1e-2, rtol=1e-2)


def test_two_processes_average_their_gradients(tmp_path):
    script = tmp_path / "script.py"
    script.write_text(
        f"import sys; sys.path.insert(0, {str(Path(__file__).parent)!r})\n"
        "from test_fit import *\n"
        "model = network()\n"
        "history = fit(model, loss_fn, batches, steps=4, checkpoint='run.pt', **OPTIONS)\n"
        "print('trained', torch.distributed.get_world_size(), history.steps, model[0].weight.sum().item())\n"
    )
    # what `accelerate launch` itself starts for several processes
    command = [sys.executable, "-m", "torch.distributed.run", "--nproc_per_node=2", "--standalone", str(script)]
    output = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=300,
                            env=os.environ | {"OMP_NUM_THREADS": "1"})  # fmt: skip
    lines = [line for line in output.stdout.splitlines() if line.startswith("trained 2 4")]
    assert len(lines) == 2, output.stdout + output.stderr
    assert lines[0] == lines[1], "gradients were not averaged: the two processes have different weights"


@pytest.mark.parametrize("dense", [False, True])
def test_muon_turns_dense_layers_only_when_asked(dense):
    torch.manual_seed(0)
    layer = nn.Linear(12, 8)
    before = layer.weight.detach().clone()
    layer.weight.grad = torch.randn(8, 12) * torch.logspace(0, -1, 12)  # columns of very different size
    layer.bias.grad = torch.ones(8)
    training.Muon(layer.parameters(), lr=1e-2, lr_rest=1e-3, dense=dense).step()
    step = (before - layer.weight).detach()
    values = torch.linalg.svdvals(step / (1e-2 * 0.2 * 12**0.5))
    assert (values.min() > 0.4 and values.max() < 1.3) == dense, "all directions move by the same, or not"
    assert torch.allclose(step.abs(), torch.full_like(step, 1e-3), rtol=1e-3) != dense, "Adam's first step"


@given(rows=st.integers(2, 20), columns=st.integers(2, 20), seed=st.integers(0, 99))
@settings(max_examples=20, deadline=None)
def test_orthogonalize_brings_singular_values_near_1_and_keeps_the_directions(rows, columns, seed):
    matrix = torch.randn(rows, columns, generator=torch.Generator().manual_seed(seed), dtype=torch.double)
    u, s, vt = torch.linalg.svd(matrix, full_matrices=False)
    matrix = u @ torch.diag(s.clamp(min=0.05 * s.max())) @ vt  # five iterations do not reach what is nearly singular
    values = torch.linalg.svdvals(orthogonalize(matrix))
    assert values.max() < 1.3 and values.min() > 0.3
    diagonal = u.T @ orthogonalize(matrix) @ vt.T
    assert (diagonal - torch.diag(diagonal.diagonal())).abs().max() < 1e-6
