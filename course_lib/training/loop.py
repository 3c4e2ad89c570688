"""`fit`: the one training loop, with everything a dozen plain lines of PyTorch leave out.

Mixed precision, weight averaging, schedules, early stopping, and above all: a run that is killed goes on where
it was. That is easy for a reason worth knowing. Step ``k`` seeds its random numbers with ``(seed, k)``, so batch
``k`` depends on nothing that happened before, and no state of a generator has to be saved.

Chapter: book/denoising/dncnn.ipynb
"""

import copy
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

from .. import session
from . import devices, internals
from .history import History
from .interrupt import deferred
from .optimizers import adam
from .saved_run import SavedRun, describe
from .schedules import Schedule, one_cycle


def fit(
    model: nn.Module,
    loss_fn: Callable[[nn.Module, Any], Tensor],
    batches: Callable[[torch.Generator], Any],
    *,
    steps: int,
    lr: float = 1e-3,
    optimizer: Callable[..., torch.optim.Optimizer] = adam,
    groups: Callable[[nn.Module], list[dict[str, Any]]] | None = None,
    schedule: Schedule = one_cycle,
    clip: float | None = None,
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

    A frozen batch norm stays frozen: one in evaluation mode inside of what trains, or whose weights want no gradient.
    Under ``accelerate launch`` the processes share every batch, and the result is that of one.

    Args:
        model: on the device to train on (``model.to(run.device)``).
        loss_fn: ``(model, batch) -> scalar``; runs under mixed precision.
        batches: ``generator -> batch``, made on the device; all its randomness comes from the generator.
        steps: how many updates.
        lr: peak learning rate.
        optimizer: ``(parameters, lr) -> Optimizer``.
        groups: ``model -> [{"params": ..., "lr": ...}, ...]``, parameters with peak rates or options of their own;
            parameters in none of them are not trained.
        schedule: factor on the peak learning rates.
        clip: gradients whose norm, over all parameters, is larger are scaled down to it.
        ema: decay of an exponential moving average of the weights, which replaces them at the end.
        validate: ``model -> {name: value}``, called in eval mode at the end; the first value is the score, higher is
            better.
        every: call ``validate`` also every so many steps.
        patience: stop after this many validations without a new best score and go back to the best weights.
        checkpoint: file that the run is saved to every ``save_seconds`` and on Ctrl-C, and continued from if there.
        minutes: stop cleanly after this time, to be continued by the same call (needs ``checkpoint``).
        seed: which randomness.
        precision: ``no`` | ``bf16`` | ``fp16``; by default what the device computes natively.
        compiled: use ``torch.compile``, if this is the only process; worth its minute for long runs on a GPU.
        progress: show a bar (never where outputs are stored).

    Raises:
        NonFiniteLossError: as soon as it is noticed that the loss is NaN or infinite.
        CheckpointError: before the first step, if the checkpoint is damaged, belongs to another run, cannot be written
            or could not be read again.
        ValueError: on settings that contradict each other, a loss that is no single number.
    """
    internals.check_settings(steps, validate, every, patience, checkpoint, minutes, clip)
    device = next(model.parameters()).device
    accelerator = devices.accelerator(device, precision or session.pick_precision(device))
    model.to(memory_format=torch.channels_last)
    frozen = internals.frozen_norms(model)
    average = AveragedModel(model, multi_avg_fn=get_ema_multi_avg_fn(ema), use_buffers=True) if ema else None
    trained = optimizer(groups(model) if groups else model.parameters(), lr)
    wrapped, optim = accelerator.prepare(model, trained, compiled)
    peaks = [group["lr"] for group in optim.param_groups]
    history, best, saved_run = History(), None, None
    if checkpoint:
        functions = {"optimizer": optimizer, "schedule": schedule, "loss": loss_fn, "batches": batches}
        functions |= {"validate": validate} if every else {}
        numbers = dict(steps=steps, lr=lr, seed=seed, ema=ema, every=every, patience=patience, clip=clip)
        settings = describe(model, trained, functions, **numbers)
        parts = {"model": model, "optimizer": optim, "average": average, "scaler": accelerator.scaler}
        saved_run = SavedRun(Path(checkpoint).expanduser(), settings, functions, parts, accelerator.is_main_process)
        history, best = saved_run.resume(device)
        if history.finished:
            model.eval()
            return history

    generator = torch.Generator(device)
    bar = internals.progress_bar(steps, history.steps, progress and accelerator.is_main_process)
    already, began, saved = history.seconds, time.perf_counter(), time.perf_counter()
    losses: list[Tensor] = []  # on the device: reading each one would make the device wait for Python
    whole = True  # whether every update that was begun is done

    def flush() -> None:
        if losses:
            values = torch.stack(losses).float().tolist()
            losses.clear()
            internals.stop_if_not_finite(values, history)
            history.loss.extend(values)
            bar.set_postfix(loss=f"{sum(values) / len(values):.3g}", refresh=False)
            bar.update(len(values))
        history.seconds = already + time.perf_counter() - began

    def update(step: int) -> None:
        nonlocal whole
        step_seed = internals.step_seed(seed, step)
        torch.manual_seed(step_seed)  # for dropout, which takes no generator
        batch = internals.channels_last(batches(generator.manual_seed(step_seed)))
        factor = float(schedule(step / steps, history.scores))
        for group, peak in zip(optim.param_groups, peaks, strict=True):
            group["lr"] = peak * factor
        optim.zero_grad()
        with accelerator.autocast():
            loss = internals.scalar(loss_fn(wrapped, batch))
        accelerator.backward(loss)
        if clip:
            accelerator.clip_grad_norm_(wrapped.parameters(), clip)
        whole = False
        optim.step()
        if average:
            average.update_parameters(model)
        losses.append(loss.detach())
        history.lr.append(lr * factor)
        whole = True

    def is_validation_due(done: int) -> bool:
        recorded = next(iter(history.metrics.values()), [(0, 0)])[-1][0]
        return validate is not None and recorded < done and (done == steps or bool(every) and done % every == 0)

    def is_enough() -> bool:
        """Validate; whether there has been no progress for too long."""
        nonlocal best
        flush()
        network = average.module if average else model
        history.record(accelerator.agree(internals.evaluate(validate, network)))
        internals.train_mode(wrapped, frozen)
        if patience and history.waited == 0:
            best = copy.deepcopy(network.state_dict())
        return patience is not None and history.waited >= patience

    try:
        with deferred(saved_run is not None and accelerator.num_processes == 1) as stop:
            internals.train_mode(wrapped, frozen)
            done = history.steps
            # Ctrl-C may have come in the middle of a validation
            enough = is_validation_due(done) and is_enough()
            while done < steps and not enough:
                update(done)
                done, now = done + 1, time.perf_counter()
                out_of_time = minutes is not None and accelerator.agree(now - began > 60 * minutes)
                if len(losses) >= 20 or done == steps or out_of_time or stop.made or now - saved > save_seconds:
                    flush()
                enough = is_validation_due(done) and is_enough()
                if stop.made and done < steps and not enough:
                    raise KeyboardInterrupt
                if out_of_time and done < steps and not enough:
                    saved_run.save(history, best, leaving=True)
                    return history
                if saved_run and now - saved > save_seconds:
                    saved_run.try_to_save(history, best)
                    saved = now
            flush()
            if average:
                model.load_state_dict(average.module.state_dict())
            if best:
                model.load_state_dict(best)
            history.finished = True
            if saved_run:
                saved_run.try_to_save(history, best, leaving=True)
            if stop.made:
                raise KeyboardInterrupt
    except KeyboardInterrupt:
        if saved_run and whole:
            flush()
            saved_run.stop(history, best)
        raise
    finally:
        bar.close()
        model.eval() if history.finished else internals.train_mode(model, frozen)
    return history
