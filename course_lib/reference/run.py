"""Train a recipe, measure it, and write its result and weights."""

import json
import os
import platform
import subprocess
from datetime import date
from pathlib import Path

import torch
from torch import nn

from .. import __version__, session, training
from . import RESULTS, WEIGHTS, load, recipe, restore, result


def train(
    name: str, runs: Path, minutes: float | None = None, scale: str | None = None, **fit_options
) -> bool:
    """Train ``name``, continuing an interrupted run; returns whether it is finished and its result written.

    Args:
        runs: folder for the checkpoint. minutes: stop cleanly after this time and continue on the next call.
        scale: ``gpu`` or ``cpu``; by default what the machine has.
    """
    commit = _commit()  # of the code that trains; hours later the working tree may hold another
    spec = recipe(name)
    device = session.pick_device()
    scale = scale or ("cpu" if device.type == "cpu" else "gpu")
    settings = spec.scales[scale]
    session.seed_everything(spec.seed)
    options = settings.get("model", {})
    model = spec.build(**options).to(device)
    if start := settings.get("start"):
        model.load_state_dict(load(start, device).state_dict())
    if at := settings.get("restart_at"):
        fit_options["schedule"] = training.warm_restart(at / settings["steps"])
    if settings["steps"]:
        history = training.fit(
            model,
            spec.loss,
            spec.batches(device, settings),
            checkpoint=runs / f"{name}-{scale}.pt",
            minutes=minutes,
            seed=spec.seed,
            **{**{k: v for k, v in settings.items() if k in {"steps", "lr"}}, **spec.fit, **fit_options},
        )
    else:  # a measurement: the model is looked at as it is
        history = training.History(finished=True)
    if not history.finished:
        print(f"{name}: {history.steps:,} of {settings['steps']:,} steps done; the same command continues.")
        return False
    if int(os.environ.get("RANK", 0)):  # under accelerate launch, one process writes
        return True
    if spec.keep_weights:
        WEIGHTS.mkdir(exist_ok=True)
        _save_half(model, WEIGHTS / f"{name}.safetensors")
        model = restore(name, options, device)  # what is measured is what is stored
    provenance = {
        "seed": spec.seed,
        "scale": scale,
        **settings,
        "steps": history.steps,
        "training_seconds": round(history.seconds),
        "precision": session.pick_precision(device),
        "device": device_name(device),
        "torch": torch.__version__.split("+")[0],
        "course_lib": __version__,
        "commit": commit,
        "date": date.today().isoformat(),
    }
    _write_result(name, model, provenance)
    return True


def evaluate(name: str) -> dict:
    """Measure the stored weights again and write the result; the provenance of the training is kept."""
    return _write_result(name, load(name, session.pick_device()), result(name)["run"])


def _write_result(name: str, model: nn.Module, provenance: dict) -> dict:
    spec = recipe(name)
    metrics = spec.evaluate(model)
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
    RESULTS.mkdir(exist_ok=True)
    (RESULTS / f"{name}.json").write_text(json.dumps(content, indent=2) + "\n")
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
    temporary = path.with_suffix(".tmp")
    save_file({k: v.half() if v.is_floating_point() else v for k, v in weights.items()}, temporary)
    os.replace(temporary, path)


def _commit() -> str:
    try:
        command = ["git", "describe", "--always", "--dirty"]
        return subprocess.run(
            command, capture_output=True, text=True, check=True, cwd=RESULTS.parent
        ).stdout.strip()
    except (OSError, subprocess.CalledProcessError):
        return "unknown"
