"""The small parts of `fit` that its reader may take on trust."""

import copy
import os
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn

from .history import History


class NonFiniteLossError(RuntimeError):
    """The loss became NaN or infinite; the message names the step, the learning rate and what to try."""


def check_settings(steps, validate, every, patience, checkpoint, minutes, clip) -> None:
    """Raise ``ValueError`` where the settings of `fit` contradict each other."""
    if steps < 1:
        raise ValueError(f"steps must be at least 1, got {steps}")
    if every is not None and (every < 1 or validate is None):
        raise ValueError(f"every={every} needs a validate function and at least 1 step between validations")
    if patience is not None and (patience < 1 or not every):
        raise ValueError(f"patience={patience} must be at least 1 and needs validate and every")
    if minutes is not None and not checkpoint:
        raise ValueError("minutes stops a run to be continued later, so it needs a checkpoint")
    if clip is not None and not clip > 0:
        raise ValueError(f"clip must be a norm above 0, got {clip}")


def step_seed(seed: int, step: int) -> int:
    """32 bits, all that a CPU generator looks at; Knuth's constant keeps seeds far apart."""
    return (step + 2_654_435_761 * 1024 * int(seed)) % 2**32


def map_nested(function: Callable, x: Any) -> Any:
    """``function`` of everything in lists, tuples (named ones too) and dictionaries within each other."""
    if isinstance(x, dict):
        made = copy.copy(x)  # whatever kind of dictionary it is
        made.update((key, map_nested(function, value)) for key, value in x.items())
        return made
    if type(x) in (list, tuple):
        return type(x)(map_nested(function, value) for value in x)
    if isinstance(x, tuple) and hasattr(x, "_fields"):
        return x._make(map_nested(function, value) for value in x)
    return function(x)


def channels_last(batch: Any) -> Any:
    """Images in the memory layout in which convolutions are fast; everything else as it is."""

    def convert(x: Any) -> Any:
        is_images = isinstance(x, Tensor) and x.ndim == 4
        return x.contiguous(memory_format=torch.channels_last) if is_images else x

    return map_nested(convert, batch)


def scalar(loss: Any) -> Tensor:
    """The loss as a number; ``ValueError`` for what is none."""
    if not isinstance(loss, Tensor) or loss.numel() != 1:
        got = f"shape {tuple(loss.shape)}" if isinstance(loss, Tensor) else type(loss).__name__
        raise ValueError(f"loss_fn must return a tensor with one value, such as a mean, got {got}")
    return loss.reshape(())


def frozen_norms(model: nn.Module) -> list[nn.Module]:
    """Batch norms that somebody froze: in evaluation mode inside of what trains, or whose weights want no gradient."""
    kind = nn.modules.batchnorm._NormBase
    pairs = [(outer, layer) for outer in model.modules() for layer in outer.children() if isinstance(layer, kind)]
    return [
        layer
        for outer, layer in pairs
        if outer.training > layer.training or (layer.affine and not layer.weight.requires_grad)
    ]


def train_mode(model: nn.Module, frozen: list[nn.Module]) -> None:
    """``model.train()``, but for the layers that are frozen."""
    model.train()
    for layer in frozen:
        layer.eval()


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


def progress_bar(total: int, initial: int, shown: bool):
    """A bar for steps; silent where outputs are stored, because a stored bar is a dead one."""
    from tqdm.auto import tqdm

    static = os.environ.get("COURSE_STATIC") == "1"
    return tqdm(total=total, initial=initial, unit="step", disable=static or not shown, mininterval=1)
