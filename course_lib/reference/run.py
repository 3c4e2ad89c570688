"""Train a recipe, measure it, and write its result and weights."""

import json
import os
import platform
import subprocess
from dataclasses import replace
from datetime import date
from functools import partial
from pathlib import Path
from typing import Any

import torch
from torch import nn

from .. import __version__, session, training
from .._files import replacing
from . import RESULTS, WEIGHTS, find, load, restore, result
from .recipe import Measurement, Recipe, Scale


def train(
    name: str,
    runs: Path,
    minutes: float | None = None,
    scale: str | None = None,
    out: Path | None = None,
    steps: int | None = None,
    **fit_options,
) -> bool:
    """Train and measure ``name``, continuing an interrupted run; returns whether it is finished and its result written.

    Args:
        name: of a recipe.
        runs: folder for the checkpoint.
        minutes: stop cleanly after this time and continue on the next call.
        scale: ``gpu`` or ``cpu``; by default what the machine has.
        out: folder for result and weights instead of the library's own.
        steps: a whole schedule of another length than the recipe's, such as what a borrowed GPU has time for.
        fit_options: of `training.fit`, which replace the recipe's own.

    Raises: ``KeyError`` for an unknown name; what `training.fit` raises.
    """
    spec = find(name)
    device = session.pick_device()
    scale = scale or ("cpu" if device.type == "cpu" else "gpu")
    provenance = _provenance(spec, scale, device)  # at the start: hours later the working tree may hold other code
    session.seed_everything(spec.seed)
    if isinstance(spec, Measurement):
        _write_result(name, spec.measure(), provenance, out)
        return True
    settings = spec.scales[scale]
    settings = replace(settings, steps=steps, restart_at=None) if steps else settings
    model, options = prepare(spec, settings, device)
    history = training.fit(
        model,
        spec.loss,
        spec.batches(device, settings),
        steps=settings.steps,
        lr=settings.lr,
        checkpoint=runs / f"{name}-{scale}.pt",
        minutes=minutes,
        seed=spec.seed,
        **options | fit_options,
    )
    if not history.finished:
        print(f"{name}: {history.steps:,} of {settings.steps:,} steps done; the same command continues.")
        return False
    if int(os.environ.get("RANK", 0)):  # under accelerate launch, one process writes
        return True
    if spec.keep_weights:
        (out or WEIGHTS).mkdir(exist_ok=True)
        _save_half(model, (out or WEIGHTS) / f"{name}.safetensors")
        model = restore(name, settings.model, device, out)  # what is measured is what is stored
    trained = settings.settings() | {"steps": history.steps, "training_seconds": round(history.seconds)}
    _write_result(name, spec.evaluate(model), provenance | trained, out)
    return True


def prepare(spec: Recipe, settings: Scale, device: torch.device) -> tuple[nn.Module, dict[str, Any]]:
    """The network with the weights that its training starts from, and the options of `training.fit`."""
    model = spec.build(**settings.model).to(device)
    if settings.start:
        model.load_state_dict(load(settings.start, device).state_dict())
    restart = {"schedule": training.warm_restart(settings.restart_at / settings.steps)} if settings.restart_at else {}
    return model, spec.fit | restart


def evaluate(name: str) -> dict:
    """Measure the stored weights again and write the result; the provenance of the training is kept.

    Raises: ``KeyError`` for an unknown name, ``FileNotFoundError`` without stored result and weights.
    """
    spec, provenance = find(name), result(name)["run"]
    if isinstance(spec, Measurement):
        return _write_result(name, spec.measure(), provenance)
    return _write_result(name, spec.evaluate(load(name, session.pick_device())), provenance)


def _provenance(spec: Recipe | Measurement, scale: str, device: torch.device) -> dict:
    return {
        "seed": spec.seed,
        "scale": scale,
        "precision": session.pick_precision(device),
        "device": device_name(device),
        "torch": torch.__version__.split("+")[0],
        "course_lib": __version__,
        "commit": commit(),
        "date": date.today().isoformat(),
    }


def _write_result(name: str, metrics: dict[str, float], provenance: dict, out: Path | None = None) -> dict:
    spec = find(name)
    content = {
        "name": name,
        "title": spec.title,
        "chapter": spec.chapter,
        "data": spec.data() if callable(spec.data) else spec.data,
        "metrics": {key: round(value, 4) for key, value in metrics.items()},
        "paper": spec.paper,
        "source": spec.source,
        "run": provenance,
    }
    (out or RESULTS).mkdir(exist_ok=True)
    with replacing((out or RESULTS) / f"{name}.json") as part:
        part.write_text(json.dumps(content, indent=2) + "\n")
    return content


def device_name(device: torch.device) -> str:
    """The hardware in words, for the provenance of a number."""
    if device.type == "cuda":
        return torch.cuda.get_device_name(device)
    capabilities = getattr(torch.cpu, "get_capabilities", dict)()
    name = capabilities.get("cpu_name") or platform.processor() or platform.machine()
    threads = torch.get_num_threads()
    return f"{name}, {threads} thread{'s' if threads > 1 else ''}"


def _save_half(model: nn.Module, path: Path) -> None:
    """Half precision halves the file; what is measured is the rounded model, so its cost is in the number."""
    from safetensors.torch import save_file

    weights = {k: v.detach().cpu().contiguous() for k, v in model.state_dict().items()}
    with replacing(path) as part:
        save_file({k: v.half() if v.is_floating_point() else v for k, v in weights.items()}, part)


def commit() -> str:
    """The commit of the code; ``-dirty`` if a Python file differs from it, while new results do not count.

    A folder that travels has no history: there it is what ``COURSE_COMMIT`` says.
    """
    if carried := os.environ.get("COURSE_COMMIT"):
        return carried
    git = partial(subprocess.run, capture_output=True, text=True, cwd=RESULTS.parent)
    try:
        commit = git(["git", "describe", "--always"], check=True).stdout.strip()
        return commit + "-dirty" * git(["git", "diff", "--quiet", "HEAD", "--", ":/*.py"]).returncode
    except (OSError, subprocess.CalledProcessError):
        return "unknown"
