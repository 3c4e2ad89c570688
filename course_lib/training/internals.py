"""The small parts of `fit` that its reader may take on trust."""

import os
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn

from .history import History


class NonFiniteLossError(RuntimeError):
    """The loss became NaN or infinite; the message names the step, the learning rate and what to try."""


def check_settings(steps, validate, every, patience, checkpoint, minutes) -> None:
    """Raise ``ValueError`` where the settings of `fit` contradict each other."""
    if steps < 1:
        raise ValueError(f"steps must be at least 1, got {steps}")
    if every is not None and (every < 1 or validate is None):
        raise ValueError(f"every={every} needs a validate function and at least 1 step between validations")
    if patience is not None and (patience < 1 or not every):
        raise ValueError(f"patience={patience} must be at least 1 and needs validate and every")
    if minutes is not None and not checkpoint:
        raise ValueError("minutes stops a run to be continued later, so it needs a checkpoint")


PATCHED = ("forward", "_original_forward")


def own_forward(model: nn.Module) -> dict[str, Any]:
    """What a user has put in the place of ``model.forward``, if anything."""
    return {name: vars(model)[name] for name in PATCHED if name in vars(model)}


def unpatch(model: nn.Module, own: dict[str, Any]) -> None:
    """Take back the autocast that ``prepare`` fixes to ``model.forward``, down to the user's ``own_forward``.

    The loop has its own autocast, and validation none.
    """
    for name in PATCHED:
        vars(model).pop(name, None)
    vars(model).update(own)


def agree(accelerator, value: Any) -> Any:
    """What process 0 says, so that all processes stop at the same step."""
    if accelerator.num_processes == 1:
        return value
    from accelerate.utils import broadcast_object_list

    return broadcast_object_list([value])[0]


def name(function: Callable) -> str:
    """A function's or object's name for the settings of a checkpoint; without addresses, which change."""
    function = getattr(function, "func", function)  # of a partial
    return getattr(function, "__qualname__", type(function).__qualname__)


def step_seed(seed: int, process: int, step: int) -> int:
    """32 bits, all that a CPU generator looks at; Knuth's constant keeps seeds and processes far apart."""
    return (step + 2_654_435_761 * (1024 * seed + process)) % 2**32


def channels_last(batch: Any) -> Any:
    """Images in the memory layout in which convolutions are fast; everything else as it is."""
    if isinstance(batch, dict):
        return {key: channels_last(value) for key, value in batch.items()}
    if isinstance(batch, Tensor):
        return batch.contiguous(memory_format=torch.channels_last) if batch.ndim == 4 else batch
    return type(batch)(map(channels_last, batch)) if isinstance(batch, (tuple, list)) else batch


def evaluate(validate: Callable, model: nn.Module) -> dict[str, float]:
    """``validate(model)`` in eval mode, without gradients."""
    model.eval()
    with torch.no_grad():
        return validate(model)


def stop_if_not_finite(values: list[float], history: History) -> None:
    """Raise `NonFiniteLossError` at the first of ``values`` (the losses after ``history``) not finite."""
    for i, value in enumerate(values, start=len(history.loss)):
        if value - value != 0:  # NaN and infinities
            raise NonFiniteLossError(
                f"the loss is {value} at step {i:,} (learning rate {history.lr[i]:.2g}). Try a lower learning "
                "rate or precision='no', and look for zeros under a division, a logarithm or a square root."
            )


def signature(model: nn.Module) -> dict[str, list[int]]:
    """Names and shapes of all tensors: two models of one architecture have the same."""
    return {name: list(tensor.shape) for name, tensor in model.state_dict().items()}


def difference(saved: dict, wanted: dict) -> str:
    """In words, where two dictionaries of settings differ."""
    keys = [k for k in wanted if saved.get(k) != wanted[k]]
    return ", ".join("other layers" if k == "parameters" else f"{k} was {saved.get(k)}, is {wanted[k]}" for k in keys)


def progress_bar(total: int, initial: int, shown: bool):
    """A bar for steps; silent where outputs are stored, because a stored bar is a dead one."""
    from tqdm.auto import tqdm

    static = os.environ.get("COURSE_STATIC") == "1"
    return tqdm(total=total, initial=initial, unit="step", disable=static or not shown, mininterval=1)
