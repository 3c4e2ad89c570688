"""What ``make gpu`` does with its minutes: check, time, train what is pending, and write everything as it comes."""

import json
import time
from pathlib import Path

import torch

from ... import reference, session
from ..._deadlines import Late, deadline
from .. import run as running
from ..recipe import Recipe
from .against import against_plain
from .check import self_check
from .examples import public
from .timings import convolution_flops, peaks, seconds

REPORT = ("report.json", "report.md")


def pending(names: list[str] | None = None) -> list[str]:
    """The trainings that have no result at ``gpu`` scale yet, the most urgent first; or ``names`` in their order.

    Raises: ``KeyError`` for a name that there is not.
    """
    if names:
        return [name for name in names if isinstance(reference.find(name), Recipe)]
    waiting = []
    for name, recipe in reference.recipes().items():
        path = reference.RESULTS / f"{name}.json"
        done = path.exists() and json.loads(path.read_text())["run"]["scale"] == "gpu"
        if isinstance(recipe, Recipe) and not done:
            waiting.append((-recipe.urgency, name))
    return [name for _, name in sorted(waiting)]


def time_everything(device: torch.device, budget: float = 45.0) -> dict:
    """Peaks of the device; for each recipe steps a second and the share of the peak that its convolutions reach.

    A recipe whose data is not at hand is left out, with the reason.
    """
    precision = session.pick_precision(device)
    ends = time.perf_counter() + budget
    plain, reached, rows = against_plain(device, precision, budget / 3), peaks(device, precision, budget / 6), {}
    best = max(reached.values())
    scale_name = "cpu" if device.type == "cpu" else "gpu"
    seen = set()
    for name in pending():
        recipe = reference.find(name)
        scale = recipe.scales[scale_name]
        kind = (repr(recipe.build), repr(recipe.loss), scale.batch, scale.patch)
        if kind in seen or time.perf_counter() > ends:
            continue
        seen.add(kind)
        try:
            with deadline(budget / 6):  # one whose data takes long to make must not cost the others their turn
                rows[name] = _time_recipe(recipe, scale, device, precision, best)
        except Late:
            rows[name] = {"left out": f"not ready after {budget / 6:.0f} s"}
        except Exception as error:  # such as data that did not travel
            rows[name] = {"left out": f"{type(error).__name__}: {error}"[:200]}
    return {"precision": precision, "peaks (GFLOP/s)": reached, "training steps": rows, "against plain code": plain}


def _time_recipe(recipe: Recipe, scale, device: torch.device, precision: str, best: float) -> dict:
    model = recipe.build(**scale.model).to(device, memory_format=torch.channels_last).train()
    batches, draw = recipe.batches(device, scale), torch.Generator(device).manual_seed(0)
    dtype = {"no": None, "bf16": torch.bfloat16, "fp16": torch.float16}[precision]

    def step() -> None:
        with torch.autocast(device.type, dtype, enabled=dtype is not None):
            loss = recipe.loss(model, batches(draw))
        loss.backward()
        model.zero_grad()

    spent = seconds(step, device, budget=0.5)
    row = {"steps a second": 1 / spent, "memory (GB)": _memory(device)}
    batch = batches(draw)
    # what is trained is the loss, not the forward pass, which some networks have several of; backwards it is twice that
    flops = 3 * convolution_flops(model, lambda: recipe.loss(model, batch))
    if not flops:
        return row
    return row | {"GFLOP/s": 1e-9 * flops / spent, "share of the peak (%)": 1e-7 * flops / spent / best}


def _memory(device: torch.device) -> float | None:
    return torch.cuda.max_memory_allocated(device) / 1e9 if device.type == "cuda" else None


def first_minutes(out: Path, minutes: float, device: torch.device, names: list[str] | None = None) -> dict:
    """Check, time, then train ``pending`` until the minutes are over; returns the report, which ``out`` holds as well.

    Results and weights are written into ``out`` as they finish and checkpoints every minute, so a machine that goes
    away loses a minute. The same call continues what was stopped.

    Raises: ``KeyError`` for a name that there is not.
    """
    began = time.monotonic()
    chosen = pending(names)
    out.mkdir(parents=True, exist_ok=True)
    where = running.device_name(device)
    report = {"device": where, "torch": torch.__version__, "public names": len(list(public())), "runs": {}}

    def left() -> float:
        return minutes - (time.monotonic() - began) / 60

    def write() -> None:
        report["minutes"] = round((time.monotonic() - began) / 60, 2)
        (out / REPORT[0]).write_text(json.dumps(report, indent=2) + "\n")
        (out / REPORT[1]).write_text(markdown(report))

    report["check"] = self_check(device, min(60.0, 15 * minutes))
    write()
    report["timings"] = time_everything(device, min(45.0, 15 * minutes))
    write()
    scale = "cpu" if device.type == "cpu" else "gpu"
    for name in chosen:
        if left() < 0.2:
            break
        try:
            finished = running.train(name, out, minutes=left(), scale=scale, out=out)
            report["runs"][name] = "finished" if finished else "stopped: the same command continues"
        except Exception as error:  # the next run may be luckier
            report["runs"][name] = f"{type(error).__name__}: {error}"[:300]
        write()
    write()
    return report


def markdown(report: dict) -> str:
    """The report as a page."""
    lines = [f"# {report['device']}", "", f"torch {report['torch']}, {report['minutes']} minutes.", ""]
    states: dict[str, list[dict]] = {}
    for row in report["check"]:
        states.setdefault(row["state"], []).append(row)
    lines += ["## Check", "", *(f"- {len(rows)} {state}" for state, rows in states.items())]
    for row in [*states.get("differs", []), *states.get("fails", [])]:
        lines.append(f"- **{row['name']}** {row['state']}: {row.get('why', row.get('deviation'))}")
    if timings := report.get("timings"):
        best = ", ".join(f"{what} {value:,.0f}" for what, value in timings["peaks (GFLOP/s)"].items())
        lines += ["", "## Timings", "", f"Peaks in GFLOP/s, precision {timings['precision']}: {best}.", ""]
        lines += ["| run | steps a second | GFLOP/s | share of the peak (%) |", "|---|---:|---:|---:|"]
        for name, row in timings["training steps"].items():
            cells = (
                f"{row[k]:.4g}" if k in row else "-" for k in ("steps a second", "GFLOP/s", "share of the peak (%)")
            )
            lines.append(f"| {name}{' (' + row['left out'] + ')' if 'left out' in row else ''} | {' | '.join(cells)} |")
        lines += ["", "Against plain float32 code, in the same run:", ""]
        for name, row in timings["against plain code"].items():
            took = f"{row['times faster']:.1f}x as fast" if "ours" in row else f"left out: {row['left out']}"
            lines.append(f"- {name}: {took}")
    lines += ["", "## Runs", "", *(f"- {name}: {state}" for name, state in report["runs"].items())]
    return "\n".join(lines) + "\n"
