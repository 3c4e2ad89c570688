"""The first steps of a training at ``gpu`` scale, on whatever machine is at hand, so that a GPU meets no surprise.

Shapes, learning rates, batches and losses are those of the real run; memory is that of a step there; the seconds are
those of this machine. ``python -m course_lib.reference rehearse [NAME...] --steps 20``
"""

from collections.abc import Callable, Iterable, Iterator
from typing import Any

import torch
from torch import Tensor

from ... import reference, session, training
from ...training.schedules import one_cycle
from .. import run as running
from ..recipe import Recipe
from .memory import T4_GB, on_gpu, step_memory

# options of `fit` that belong to the end of a run
LATER = ("validate", "every", "patience", "save_seconds")


def kinds(names: Iterable[str] = ()) -> dict[str, list[str]]:
    """The first run of each kind with all runs that differ from it in nothing but their seed; by default of all runs.

    Raises: ``KeyError`` for a name that there is not.
    """
    found: dict[str, list[str]] = {}
    heads: dict[tuple, str] = {}
    for name in names or reference.recipes():
        recipe = reference.find(name)
        if isinstance(recipe, Recipe):
            parts = (recipe.build, recipe.batches, recipe.loss, recipe.scales["gpu"])
            head = heads.setdefault(tuple(map(repr, parts)), name)
            found.setdefault(head, []).append(name)
    return found


def rehearse(name: str, steps: int = 20) -> dict[str, Any]:
    """Train ``name`` for its first ``steps`` steps at ``gpu`` scale and throw the weights away.

    Returns: ``shapes`` of the batch, ``seconds`` a step here, the first and last ``loss``, and the `step_memory` of
        the first batch with ``on a GPU``, an upper estimate of what the whole run takes there, in GB.
    Raises: what the training raises: that is what a rehearsal is for.
    """
    recipe, device = reference.find(name), session.pick_device()
    scale = recipe.scales["gpu"]
    session.seed_everything(recipe.seed)
    batches, first = recipe.batches(device, scale), []
    model, options = running.prepare(recipe, scale, device)
    planned = options.pop("schedule", one_cycle)

    def draw(generator: torch.Generator) -> Any:
        batch = batches(generator)
        first[:] = first or [shapes(batch)]
        return batch

    history = training.fit(
        model,
        recipe.loss,
        draw,
        steps=steps,
        lr=scale.lr,
        seed=recipe.seed,
        schedule=lambda progress, scores: planned(progress * steps / scale.steps, scores),
        progress=False,
        **{key: value for key, value in options.items() if key not in LATER},
    )
    # afterwards: what a loss keeps for later must not be made of tensors without contents
    here = batches if device.type == "cpu" else recipe.batches(torch.device("cpu"), scale)
    memory = step_memory(recipe, scale, here(torch.Generator().manual_seed(0)))
    return {
        "name": name,
        "shapes": first[0],
        "seconds": history.seconds / steps,
        "loss": (history.loss[0], history.loss[-1]),
        "steps": steps,
        "of": scale.steps,
        **memory,
        "on a GPU": on_gpu(memory["peak"] + _held_by(batches) / 1e9),
    }


def rehearse_all(names: Iterable[str] = (), steps: int = 20) -> Iterator[dict[str, Any]]:
    """`rehearse` of one run of each kind; what fails is a row with ``why``, and the next one is tried."""
    for head, alike in kinds(names).items():
        try:
            row = rehearse(head, steps)
        except Exception as error:  # whatever it is, the rehearsal of the others goes on
            row = {"name": head, "why": f"{type(error).__name__}: {error}"[:300]}
        yield row | {"alike": alike[1:]}


def line(row: dict[str, Any]) -> str:
    """One row in words."""
    also = f" (and {len(row['alike'])} like it)" if row.get("alike") else ""
    if "why" in row:
        return f"{row['name']}{also}: FAILS: {row['why']}"
    above = "" if row["on a GPU"] <= T4_GB else f", MORE THAN A T4 HAS ({T4_GB:g} GB)"
    first, last = row["loss"]
    return (
        f"{row['name']}{also}: {row['shapes']}; {row['on a GPU']:.1f} GB on a GPU{above} "
        f"(weights {row['parameters']:.2f}, optimiser {row['optimizer']:.2f}, activations {row['activations']:.2f}); "
        f"{row['seconds']:.2f} s a step here, loss {first:.3g} to {last:.3g} in {row['steps']} of {row['of']:,} steps"
    )


def shapes(batch: Any) -> str:
    """The shapes of what a batch holds, such as ``128x1x50x50 128x1x50x50``."""
    return " ".join("x".join(map(str, x.shape)) or "1" for x in _tensors(batch, set()))


def _held_by(function: Callable) -> int:
    """Bytes of the pictures that a function keeps, in its closure, its arguments, its object."""
    storages = {id(x.untyped_storage()): x.untyped_storage().nbytes() for x in _tensors(function, set())}
    return sum(storages.values())


def _tensors(thing: Any, seen: set[int]) -> Iterator[Tensor]:
    """All tensors within each other in containers, objects of the course, partials and closures."""
    if id(thing) in seen:
        return
    seen.add(id(thing))
    if isinstance(thing, Tensor):
        yield thing
        return
    inside: list[Any] = []
    if isinstance(thing, (list, tuple, set)):
        inside += thing
    elif isinstance(thing, dict):
        inside += thing.values()
    elif hasattr(thing, "func"):
        inside += [thing.func, *thing.args, *thing.keywords.values()]
    elif getattr(thing, "__closure__", None):
        inside += [cell.cell_contents for cell in thing.__closure__]
    elif type(thing).__module__.startswith(reference.__name__.partition(".")[0]):
        inside += vars(thing).values() if hasattr(thing, "__dict__") else []
    for part in inside:
        yield from _tensors(part, seen)
