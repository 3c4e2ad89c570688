"""`fit`: the one training loop, with everything a dozen plain lines of PyTorch leave out.

Mixed precision, weight averaging, schedules, early stopping, and above all: a run that is killed goes on where
it was. That is easy for a reason worth knowing. Step ``k`` seeds its random numbers with ``(seed, k)``, so batch
``k`` depends on nothing that happened before, and no state of a generator has to be saved.

Chapter: book/denoising/dncnn.ipynb
"""

import time
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

from .. import session
from . import checkpoint as checkpoints
from . import devices, internals
from .history import History
from .optimizers import adam
from .schedules import Schedule, one_cycle


def fit(
    model: nn.Module,
    loss_fn: Callable[[nn.Module, Any], Tensor],
    batches: Callable[[torch.Generator], Any],
    *,
    steps: int,
    lr: float = 1e-3,
    optimizer: Callable[..., torch.optim.Optimizer] = adam,
    schedule: Schedule = one_cycle,
    ema: float | None = None,
    validate: Callable[[nn.Module], dict[str, float]] | None = None,
    every: int | None = None,
    patience: int | None = None,
    checkpoint: str | Path | None = None,
    save_seconds: float = 60.0,
    minutes: float | None = None,
    seed: int = 0,
    precision: str | None = None,
    compiled: bool = False,
    progress: bool = True,
) -> History:
    """Train ``model`` in place for ``steps`` steps and return what happened.

    Args:
        model: on the device to train on (``model.to(run.device)``).
        steps: how many updates.
        seed: which randomness.
        loss_fn: ``(model, batch) -> scalar``; runs under mixed precision.
        batches: ``generator -> batch``, made on the device; all its randomness comes from the generator.
        lr: the peak learning rate.
        optimizer: ``(parameters, lr) -> Optimizer``.
        schedule: factor on the peak at each step.
        ema: decay of an exponential moving average of the weights, which replaces them at the end.
        validate: ``model -> {name: value}``, called in eval mode; the first value is the score, higher is better.
        every: steps between two validations; there is always one at the end.
        patience: stop after this many validations without a new best score and go back to the best weights.
        checkpoint: file that the run is saved to every ``save_seconds`` and continued from if it exists.
        minutes: stop cleanly after this time, to be continued by the same call (needs ``checkpoint``).
        precision: ``no`` | ``bf16`` | ``fp16``; by default what the device computes natively.
        progress: show a bar (never where outputs are stored).
        compiled: use ``torch.compile``; worth its minute of start-up for long runs with batch norm on a GPU.

    Raises:
        NonFiniteLossError: as soon as it is noticed that the loss is NaN or infinite.
        CheckpointError: if the checkpoint is damaged or belongs to a run with other settings.
        ValueError: on settings that contradict each other.
    """
    internals.check_settings(steps, validate, every, patience, checkpoint, minutes)
    device = next(model.parameters()).device
    accelerator = devices.accelerator(device, precision or session.pick_precision(device))
    model.to(memory_format=torch.channels_last)
    average = AveragedModel(model, multi_avg_fn=get_ema_multi_avg_fn(ema), use_buffers=True) if ema else None
    own = internals.own_forward(model)
    wrapped, optim = accelerator.prepare(torch.compile(model) if compiled else model, optimizer(model.parameters(), lr))
    internals.unpatch(model, own)
    peaks = [group["lr"] for group in optim.param_groups]
    history, best = History(), None
    settings = {
        **{"steps": steps, "lr": lr, "seed": seed, "ema": ema, "every": every, "patience": patience},
        **{"optimizer": internals.name(optimizer), "schedule": internals.name(schedule)},
        **{"loss": internals.name(loss_fn), "parameters": internals.signature(model)},
    }
    path = Path(checkpoint) if checkpoint else None

    if path and (state := checkpoints.load(path, device)):
        if state["settings"] != settings:
            raise checkpoints.CheckpointError(
                f"checkpoint {path} belongs to another run: {internals.difference(state['settings'], settings)}. "
                "Give this run another path or delete the file."
            )
        model.load_state_dict(state["model"])
        optim.load_state_dict(state["optimizer"])
        if average:
            average.load_state_dict(state["average"])
        if accelerator.scaler and state["scaler"]:  # none if it was saved on a device without fp16
            accelerator.scaler.load_state_dict(state["scaler"])
        history, best = History(**state["history"]), state["best"]
        if history.finished:
            print(f"{path.name} holds the finished run; delete it to train again.")
        else:
            print(f"Continuing from {path.name} at step {history.steps:,} of {steps:,}.")

    def save() -> None:
        if path and accelerator.is_main_process:
            checkpoints.save(
                path,
                {
                    "settings": settings,
                    "model": model.state_dict(),
                    "optimizer": optim.state_dict(),
                    "average": average.state_dict() if average else None,
                    "scaler": accelerator.scaler.state_dict() if accelerator.scaler else None,
                    "history": asdict(history),
                    "best": best,
                },
            )

    generator = torch.Generator(device)
    bar = internals.progress_bar(steps, history.steps, progress and accelerator.is_main_process)
    already, began, saved = history.seconds, time.perf_counter(), time.perf_counter()
    losses: list[Tensor] = []  # on the device: reading each one would make the device wait for Python

    def flush() -> None:
        if losses:
            values = torch.stack(losses).float().tolist()
            losses.clear()
            internals.stop_if_not_finite(values, history)
            history.loss.extend(values)
            bar.set_postfix(loss=f"{sum(values) / len(values):.3g}", refresh=False)
            bar.update(len(values))
        history.seconds = already + time.perf_counter() - began

    wrapped.train()
    for step in range(history.steps, 0 if history.finished else steps):
        step_seed = internals.step_seed(seed, accelerator.process_index, step)
        torch.manual_seed(step_seed)  # for dropout, which takes no generator
        batch = internals.channels_last(batches(generator.manual_seed(step_seed)))
        factor = schedule(step / steps, history.scores)
        for group, peak in zip(optim.param_groups, peaks, strict=True):
            group["lr"] = peak * factor
        history.lr.append(lr * factor)
        optim.zero_grad()
        with accelerator.autocast():
            loss = loss_fn(wrapped, batch)
        accelerator.backward(loss)
        optim.step()
        losses.append(loss.detach())
        if average:
            average.update_parameters(model)

        done, now = step + 1, time.perf_counter()
        out_of_time = minutes is not None and internals.agree(accelerator, now - began > 60 * minutes)
        if len(losses) >= 20 or done == steps or out_of_time or now - saved > save_seconds:
            flush()
        if validate and (done == steps or (every and done % every == 0)):
            flush()
            metrics = internals.evaluate(validate, average.module if average else model)
            history.record(internals.agree(accelerator, metrics))
            if patience and history.scores[-1] == max(history.scores):
                best = {k: v.clone() for k, v in (average.module if average else model).state_dict().items()}
            if patience and max(history.scores) not in history.scores[-patience:]:
                break
            wrapped.train()
        if out_of_time and done < steps:
            save()
            bar.close()
            return history
        if now - saved > save_seconds:
            save()
            saved = now

    if not history.finished:
        flush()
        if average:
            model.load_state_dict(average.module.state_dict())
        if best:
            model.load_state_dict(best)
        history.finished = True
        save()
    bar.close()
    model.eval()
    return history
