"""`fit`: the one training loop, with everything a dozen plain lines of PyTorch leave out.

Mixed precision, weight averaging, schedules, early stopping, and above all: a run that is killed goes on where
it was. That is easy for a reason worth knowing. Step ``k`` seeds its random numbers with ``(seed, k)``, so batch
``k`` depends on nothing that happened before, and no state of a generator has to be saved.

Chapter: book/denoising/dncnn.ipynb
"""

import os
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
from .history import History
from .optimizers import adam
from .schedules import Schedule, one_cycle


class NonFiniteLossError(RuntimeError):
    """The loss became NaN or infinite; the message names the step, the learning rate and what to try."""


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
        loss_fn: ``(model, batch) -> scalar``; runs under mixed precision.
        batches: ``generator -> batch``, made on the device; all its randomness comes from the generator.
        lr, optimizer, schedule: peak learning rate, ``(parameters, lr) -> Optimizer``, factor on the peak.
        ema: decay of an exponential moving average of the weights, which replaces them at the end.
        validate, every: ``model -> {name: value}``, called in eval mode every ``every`` steps and at the end;
            the first value is the score, higher is better.
        patience: stop after this many validations without a new best score and go back to the best weights.
        checkpoint: file that the run is saved to every ``save_seconds`` and continued from if it exists.
        minutes: stop cleanly after this time, to be continued by the same call (needs ``checkpoint``).
        precision: ``no`` | ``bf16`` | ``fp16``; by default what the device computes natively.
        compiled: use ``torch.compile``; worth its minute of start-up for long runs with batch norm on a GPU.

    Raises:
        NonFiniteLossError: as soon as it is noticed that the loss is NaN or infinite.
        CheckpointError: if the checkpoint is damaged or belongs to a run with other settings.
        ValueError: on settings that contradict each other.
    """
    _check_settings(steps, validate, every, patience, checkpoint, minutes)
    device = next(model.parameters()).device
    accelerator = _accelerator(device, precision or session.pick_precision(device))
    model.to(memory_format=torch.channels_last)
    average = AveragedModel(model, multi_avg_fn=get_ema_multi_avg_fn(ema), use_buffers=True) if ema else None
    wrapped, optim = accelerator.prepare(
        torch.compile(model) if compiled else model, optimizer(model.parameters(), lr)
    )
    peaks = [group["lr"] for group in optim.param_groups]
    history, best = History(), None
    settings = {"steps": steps, "lr": lr, "seed": seed, "ema": ema, "parameters": _signature(model)}
    path = Path(checkpoint) if checkpoint else None

    if path and (state := checkpoints.load(path, device)):
        if state["settings"] != settings:
            raise checkpoints.CheckpointError(
                f"checkpoint {path} belongs to another run: {_difference(state['settings'], settings)}. "
                "Give this run another path or delete the file."
            )
        model.load_state_dict(state["model"])
        optim.load_state_dict(state["optimizer"])
        if average:
            average.load_state_dict(state["average"])
        if accelerator.scaler:
            accelerator.scaler.load_state_dict(state["scaler"])
        history, best = History(**state["history"]), state["best"]
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
    bar = _progress_bar(steps, history.steps, progress and accelerator.is_main_process)
    already, began, saved = history.seconds, time.perf_counter(), time.perf_counter()
    losses: list[Tensor] = []  # on the device: reading each one would make the device wait for Python

    def flush() -> None:
        if losses:
            values = torch.stack(losses).float().tolist()
            losses.clear()
            _stop_if_not_finite(values, history)
            history.loss.extend(values)
            bar.set_postfix(loss=f"{sum(values) / len(values):.3g}", refresh=False)
            bar.update(len(values))
        history.seconds = already + time.perf_counter() - began

    wrapped.train()
    for step in range(history.steps, 0 if history.finished else steps):
        step_seed = _step_seed(seed, accelerator.process_index, step)
        torch.manual_seed(step_seed)  # for dropout, which takes no generator
        batch = _channels_last(batches(generator.manual_seed(step_seed)))
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
        out_of_time = minutes is not None and now - began > 60 * minutes
        if len(losses) >= 20 or done == steps or out_of_time or now - saved > save_seconds:
            flush()
        if validate and (done == steps or (every and done % every == 0)):
            flush()
            history.record(_evaluate(validate, average.module if average else model))
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


def _check_settings(steps, validate, every, patience, checkpoint, minutes) -> None:
    if steps < 1:
        raise ValueError(f"steps must be at least 1, got {steps}")
    if every is not None and (every < 1 or validate is None):
        raise ValueError(f"every={every} needs a validate function and at least 1 step between validations")
    if patience is not None and (patience < 1 or not every):
        raise ValueError(f"patience={patience} must be at least 1 and needs validate and every")
    if minutes is not None and not checkpoint:
        raise ValueError("minutes stops a run to be continued later, so it needs a checkpoint")


def _accelerator(device: torch.device, precision: str):
    """Hugging Face's Accelerator: mixed precision here, several GPUs or machines under ``accelerate launch``."""
    from accelerate import Accelerator
    from accelerate.state import AcceleratorState

    AcceleratorState._reset_state()  # it is a singleton that would refuse a second fit in another precision
    return Accelerator(mixed_precision=precision, cpu=device.type == "cpu")


def _step_seed(seed: int, process: int, step: int) -> int:
    """32 bits, all that a CPU generator looks at; Knuth's constant keeps seeds and processes far apart."""
    return (step + 2_654_435_761 * (1024 * seed + process)) % 2**32


def _channels_last(batch: Any) -> Any:
    """Images in the memory layout in which convolutions are fast; everything else as it is."""
    if isinstance(batch, Tensor):
        return batch.contiguous(memory_format=torch.channels_last) if batch.ndim == 4 else batch
    return type(batch)(map(_channels_last, batch)) if isinstance(batch, (tuple, list)) else batch


def _evaluate(validate: Callable, model: nn.Module) -> dict[str, float]:
    model.eval()
    with torch.no_grad():
        return validate(model)


def _stop_if_not_finite(values: list[float], history: History) -> None:
    for i, value in enumerate(values, start=len(history.loss)):
        if value - value != 0:  # NaN and infinities
            raise NonFiniteLossError(
                f"the loss is {value} at step {i:,} (learning rate {history.lr[i]:.2g}). Try a lower learning "
                "rate or precision='no', and look for zeros under a division, a logarithm or a square root."
            )


def _signature(model: nn.Module) -> dict[str, list[int]]:
    return {name: list(tensor.shape) for name, tensor in model.state_dict().items()}


def _difference(saved: dict, wanted: dict) -> str:
    keys = [k for k in wanted if saved.get(k) != wanted[k]]
    return ", ".join(
        "other layers" if k == "parameters" else f"{k} was {saved.get(k)}, is {wanted[k]}" for k in keys
    )


def _progress_bar(total: int, initial: int, shown: bool):
    from tqdm.auto import tqdm

    static = os.environ.get("COURSE_STATIC") == "1"  # a stored output must not hold a dead progress bar
    return tqdm(total=total, initial=initial, unit="step", disable=static or not shown, mininterval=1)
