"""Is everything right on this device? Every public call there against the CPU, and training with its precisions.

A minute at most: the largest deviation of each call is reported, and what does not agree is named.
"""

import socket
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.utils._pytree import tree_leaves

from ... import training
from .examples import Public, arguments, build, public
from .randomness import compare_drawing, takes_generator

# the largest deviation from the CPU, as a share of the largest value: float32 with TensorFloat-32 off, and the rounding
# to 11 and to 8 binary digits that half precision and bfloat16 have, several layers deep
TOLERANCE = {"no": 1e-3, "fp16": 3e-2, "bf16": 1e-1}


def call(target: Callable, device: torch.device, channels: int) -> tuple[list[Tensor], list[Tensor]] | None:
    """Results and gradients of a public class or function for the examples; None if it does not take them.

    Raises: what the call raises.
    """
    inputs: dict[str, object] | None
    torch.manual_seed(0)
    if isinstance(target, type) and issubclass(target, nn.Module):
        network = build(target, channels)
        inputs = arguments(network.forward, device, channels=channels) if network else None
        function = network.to(device).eval() if network else None
    elif isinstance(target, type):
        fields = arguments(target, device, channels=channels)
        function = target(**fields) if fields is not None else None
        inputs = arguments(function.__call__, device, channels=channels) if callable(function) else None
    else:
        function, inputs = target, arguments(target, device, channels=channels)
    if inputs is None:
        return None
    leaves = [x.requires_grad_() for x in inputs.values() if isinstance(x, Tensor) and x.is_floating_point()]
    results = [x for x in tree_leaves(function(**inputs)) if isinstance(x, Tensor)]
    sums = [_weighted_sum(x) for x in results if x.requires_grad]
    gradients = torch.autograd.grad(sum(sums), leaves, allow_unused=True) if sums else ()
    return [x.detach().cpu() for x in results], [g.cpu() for g in gradients if g is not None]


def _weighted_sum(x: Tensor) -> Tensor:
    """Every value counts differently: the plain sum of what was standardised is zero, and so is its gradient."""
    return (x.float().flatten() * torch.linspace(0.5, 1.5, x.numel(), device=x.device)).sum()


@contextmanager
def offline() -> Iterator[None]:
    """Whatever would fetch something fails at once, and is left out: weights to download have no place in a check."""

    def refuse(*_) -> None:
        raise OSError("the check uses no network")

    connect, socket.socket.connect = socket.socket.connect, refuse
    resolve, socket.getaddrinfo = socket.getaddrinfo, refuse
    try:
        yield
    finally:
        socket.socket.connect, socket.getaddrinfo = connect, resolve


def deviation(here: Tensor, there: Tensor) -> float:
    """The largest difference, as a share of the largest value on the CPU."""
    here, there = here.double(), there.double()
    return ((here - there).abs().max() / here.abs().max().clamp(min=1e-6)).item() if here.numel() else 0.0


def compare(entry: Public, device: torch.device) -> dict:
    """One call on the CPU and on the device: ``{"name", "state", "deviation", "why"}``.

    The state is ``agrees``, ``differs``, ``fails`` (on the device alone), ``draws alike`` (what
    draws random numbers, by `compare_drawing`) or ``no example``.
    """
    if takes_generator(entry.target):
        state, why = compare_drawing(entry.target, device)
        return {"name": entry.name, "state": state, "why": why}
    for channels in (1, 3):
        try:
            expected = call(entry.target, torch.device("cpu"), channels)
        except Exception:  # the examples do not fit; perhaps with colour they do
            continue
        if expected is None:
            break
        try:
            found = call(entry.target, device, channels)
        except Exception as error:  # whatever it is, it belongs in the report
            return {"name": entry.name, "state": "fails", "why": f"{type(error).__name__}: {error}"[:300]}
        pairs = [pair for both in zip(expected, found, strict=True) for pair in zip(*both, strict=True)]
        if any(torch.is_floating_point(a) and not a.isfinite().all() for a, _ in pairs):
            return {"name": entry.name, "state": "differs", "why": "not finite on the CPU"}
        worst = max((deviation(a, b) for a, b in pairs), default=0.0)
        return {"name": entry.name, "state": "agrees" if worst <= TOLERANCE["no"] else "differs", "deviation": worst}
    return {"name": entry.name, "state": "no example"}


def trainings(device: torch.device, cases: Iterable[tuple[str, bool]], ends: float) -> list[dict]:
    """A short `training.fit` for each (precision, compiled), in one go and stopped at once and resumed: they agree."""
    from ...observation import Gaussian

    def network() -> nn.Module:
        torch.manual_seed(0)
        layers = [nn.Conv2d(1, 16, 3, padding=1), nn.BatchNorm2d(16), nn.ReLU(), nn.Conv2d(16, 1, 3, padding=1)]
        return nn.Sequential(*layers).to(device)

    def batches(generator: torch.Generator) -> tuple[Tensor, Tensor]:
        y = torch.rand(8, 1, 24, 24, generator=generator, device=generator.device)
        return Gaussian(0.1)(y, generator), y

    def loss(model: nn.Module, batch: tuple[Tensor, Tensor]) -> Tensor:
        return (model(batch[0]) - batch[1]).square().mean()

    found = []
    for precision, compiled in cases:
        name = f"fit, precision {precision}" + (", compiled" if compiled else "")
        if time.perf_counter() > ends:
            found.append({"name": name, "state": "no time"})
            continue
        options = {"steps": 40, "progress": False, "precision": precision, "compiled": compiled}
        try:
            with tempfile.TemporaryDirectory() as folder:
                whole, pieces = network(), network()
                history = training.fit(whole, loss, batches, **options)
                stopped = {"checkpoint": Path(folder) / "run.pt", "minutes": 1e-9}
                while not training.fit(pieces, loss, batches, **options, **stopped).finished:
                    stopped["minutes"] = 1.0
            x = torch.rand(1, 1, 24, 24, device=device)
            apart = deviation(whole(x).detach().cpu(), pieces(x).detach().cpu())
            fell = history.loss[-1] < history.loss[0]
            state = "agrees" if fell and apart <= TOLERANCE[precision] else "differs"
            found.append({"name": name, "state": state, "deviation": apart})
        except Exception as error:  # whatever it is, it belongs in the report
            found.append({"name": name, "state": "fails", "why": f"{type(error).__name__}: {error}"[:300]})
    return found


def self_check(device: torch.device, seconds: float = 60.0) -> list[dict]:
    """`trainings` in each precision, `compare` of everything public, and a compiled training if there is time.

    Nothing new is begun after ``seconds``.
    """
    exact = torch.backends.cuda.matmul.allow_tf32, torch.backends.cudnn.allow_tf32
    torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = False
    ends = time.perf_counter() + seconds
    try:
        rows = trainings(device, [(precision, False) for precision in TOLERANCE], ends)
        with offline():
            for entry in public():
                late = time.perf_counter() > ends
                rows.append({"name": entry.name, "state": "no time"} if late else compare(entry, device))
        return rows + trainings(device, [("no", True)], ends)
    finally:
        torch.backends.cuda.matmul.allow_tf32, torch.backends.cudnn.allow_tf32 = exact
