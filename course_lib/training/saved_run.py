"""The checkpoint of one run: is it this run's, how does the run go on from it, can it be written at all?"""

import warnings
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn

from . import checkpoint as checkpoints
from . import identity
from .checkpoint import CheckpointError
from .history import History
from .internals import map_nested

# Where Colab mounts Google Drive.
DRIVE = Path("/content/drive")


class SavedRun:
    """What `fit` saves to ``path`` and goes on from.

    Args:
        path: of the checkpoint.
        settings: numbers and names, and ``content``, that tell this run from others, as `describe` makes them.
        functions: those of the run.
        parts: what has a state, by name; None for what this run has not.
        writes: False for all processes but one.
    """

    def __init__(
        self,
        path: Path,
        settings: dict[str, Any],
        functions: dict[str, Callable],
        parts: dict[str, Any],
        writes: bool = True,
    ):
        self.path, self.settings, self.functions, self.parts = path, plain(settings), functions, parts
        self.writes, self.verified = writes, False

    def resume(self, device: torch.device) -> tuple[History, dict | None]:
        """Load what was saved: the history so far, and the best weights if any. A run that is new is tried out.

        Raises: `CheckpointError` if this run cannot be continued, or could not be saved.
        """
        state = checkpoints.load(self.path, device)
        history, best = (History(), None) if state is None else self._restore(state)
        if history.finished:
            print(f"{self.path.name} holds the finished run; delete it to train again.")
            return history, best
        if state is not None:
            print(f"Continuing from {self.path.name} at step {history.steps:,} of {self.settings['steps']:,}.")
        if self.writes:
            warn_of_unmounted_drive(self.path)
            checkpoints.try_out(self.path, self._state(history, best))
        return history, best

    def save(self, history: History, best: dict | None, leaving: bool = False) -> None:
        """Raises: `CheckpointError` if it cannot be written, or not be read again (tried once)."""
        if self.writes:
            state = self._state(history, best)
            if leaving:  # what the run itself has changed, a list that it appends to, does not make it another run
                state["left"] = contents(self.functions, self.parts["model"])
            checkpoints.save(self.path, state, verify=not self.verified)
            self.verified = True

    def try_to_save(self, history: History, best: dict | None, leaving: bool = False) -> bool:
        """`save`, but a full disk is a warning: no reason to lose hours of training."""
        try:
            self.save(history, best, leaving)
        except CheckpointError as error:
            if not isinstance(error.__cause__, OSError):
                raise
            warnings.warn(f"{error}; the training goes on, but what is on the disk is older", stacklevel=3)
            return False
        return True

    def stop(self, history: History, best: dict | None) -> None:
        """Save after Ctrl-C, and say how to go on."""
        if self.writes and self.try_to_save(history, best, leaving=True):
            at = f"step {history.steps:,} of {self.settings['steps']:,}"
            print(f"Stopped at {at}, saved in {self.path}. The same call goes on from there.", flush=True)

    def _state(self, history: History, best: dict | None) -> dict:
        states = {name: part.state_dict() if part is not None else None for name, part in self.parts.items()}
        return plain({"settings": self.settings, **states, "history": asdict(history), "best": best})

    def _restore(self, state: dict) -> tuple[History, dict | None]:
        missing = {"settings", "history", "best", *self.parts} - state.keys()
        try:
            history = History(**state.get("history", {}))
        except TypeError:
            missing = missing | {"history of today's form"}
        if missing:
            raise CheckpointError(
                f"checkpoint {self.path} was written by another version of course_lib: it has no "
                f"{', no '.join(sorted(missing))}. Finish the run with that version, or give this one another path."
            )
        if text := difference(state["settings"], self._known_to(state, history.finished)):
            raise CheckpointError(
                f"checkpoint {self.path} belongs to another run: {text}. Give this run another path or delete the file."
            )
        self.settings["content"] = state["settings"].get("content", self.settings["content"])
        for name, part in self.parts.items():
            # a scaler has no state if it was saved on a device without fp16
            if part is not None and state[name]:
                part.load_state_dict(state[name])
        return history, state["best"]

    def _known_to(self, state: dict, finished: bool) -> dict:
        """The settings of this run as the saved one would know them, if it is the same."""
        saved, left, mine = state["settings"], state.get("left", {}), self.settings["content"]
        if "content" in saved:
            same = {key: saved["content"].get(key) if left.get(key) == value else value for key, value in mine.items()}
            return self.settings | {"content": same}
        if finished:
            return self.settings
        warnings.warn(f"{self.path} knows its functions by name alone: make sure that they are the same", stacklevel=5)
        return {key: value for key, value in self.settings.items() if key in saved}


def describe(model: nn.Module, optimizer: torch.optim.Optimizer, functions: dict[str, Callable], **numbers) -> dict:
    """All that tells one run from another, as plain values: numbers, layers, and what the functions are made of.

    Raises: `CheckpointError` for a function that nothing can be compared with.
    """
    names = {id(parameter): name for name, parameter in model.named_parameters()}
    groups = [g | {"params": [names.get(id(p), "?") for p in g["params"]]} for g in optimizer.param_groups]
    frozen = [name for name, parameter in model.named_parameters() if not parameter.requires_grad]
    about = {"layers": identity.layers(model), "parameter groups": groups, "frozen": frozen}
    shapes = {name: list(value.shape) for name, value in model.state_dict().items() if isinstance(value, torch.Tensor)}
    named = {key: identity.name(function) for key, function in functions.items()}
    return numbers | named | {"parameters": shapes, "content": contents(functions | about, model)}


def contents(things: dict[str, Any], model: nn.Module) -> dict[str, str]:
    """The digest of each. Raises: `CheckpointError` for what nothing can be compared with."""
    known = {}
    for key, thing in things.items():
        try:
            known[key] = identity.digest(thing, model)
        except identity.IncomparableError as error:
            raise CheckpointError(
                f"this run could not be told from others when it goes on: its {key} refers to {error}, which can be "
                "compared with nothing. Keep that out of it, or train without a checkpoint."
            ) from error
    return known


def difference(saved: dict, wanted: dict) -> str:
    """In words, where two dictionaries of settings differ; empty if nowhere."""
    said = []
    for key in dict.fromkeys([*wanted, *saved]):
        old, new = saved.get(key), wanted.get(key)
        if key == "content":
            old, new = old or {}, new or {}
            said += [_other(k, saved, wanted) for k in {**new, **old} if old.get(k) != new.get(k)]
        elif old != new:
            said.append("other layers" if key == "parameters" else f"{key} was {old}, is {new}")
    return ", ".join(filter(None, dict.fromkeys(said)))


def _other(key: str, saved: dict, wanted: dict) -> str:
    if key not in saved or key not in wanted:
        return f"other {key}"
    same_name = saved[key] == wanted[key]
    return f"{key} is {wanted[key]} as before, but its code or a value in it is another" if same_name else ""


def plain(state: Any) -> Any:
    """The same with Python's numbers in the place of numpy's, which a checkpoint could not be read with."""
    return map_nested(lambda x: x.item() if isinstance(x, np.generic) else x, state)


def warn_of_unmounted_drive(path: Path) -> None:
    """Warn where ``path`` looks as if it were on Google Drive, but is on a disk that Colab throws away."""
    if DRIVE in path.absolute().parents and not DRIVE.is_mount():
        warnings.warn(
            f"{path} would be on Google Drive, but Drive is not mounted: this checkpoint is lost when Colab takes the "
            "machine back. Mount it first: from google.colab import drive; drive.mount('/content/drive')",
            stacklevel=4,
        )
