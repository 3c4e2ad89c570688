"""What draws random numbers, on the device: two devices draw different numbers, so other things are compared.

The same seed gives the same draw, another seed another; mean and mean square over many draws are those of the CPU, as
far as the spread between draws allows to tell; and where numbers of the CPU's generator are taken as well, pictures
and labels are exactly the CPU's.
"""

import inspect
import itertools
from collections.abc import Callable

import torch
from torch import Tensor
from torch.utils._pytree import tree_leaves

from .examples import Public, arguments, public

DRAWS, DEVIATIONS = 12, 6.0


def takes_generator(target: Callable) -> bool:
    """Whether a function, or the objects of a class, draw from a generator that they are given."""
    called = target.__call__ if isinstance(target, type) else target
    try:
        return "generator" in inspect.signature(called).parameters
    except ValueError:  # of a built-in
        return False


def draws() -> list[Public]:
    """All of these that are public: noise models, pretext tasks, maskers."""
    return [entry for entry in public() if takes_generator(entry.target)]


def drawing(target: Callable, device: torch.device, channels: int, stored: bool) -> Callable | None:
    """``generator -> results`` for the examples on a device; None if it does not take them.

    Args:
        stored: pictures as sets of data hold them, bytes of 96 x 96, and people who have four each.
    """
    options: dict[str, object] = {"device": device, "people": 8, "size": 16, "count": 8}
    options |= {"batch": 8, "holes": 2, "side": 4, "orders": torch.tensor([[*range(9)], [*range(8, -1, -1)]])}
    if stored:
        numbers = torch.Generator().manual_seed(0)
        images = torch.randint(256, (32, channels, 96, 96), generator=numbers, dtype=torch.uint8)
        options |= {"images": images.to(device)}
    torch.manual_seed(0)
    if isinstance(target, type):
        fields = _chosen(target, options, device, channels)
        if fields is None:
            return None
        target = target(**fields)
    function = target if inspect.isfunction(target) else target.__call__
    chosen = _chosen(function, options, device, channels)
    if chosen is None:
        return None

    def draw(generator: torch.Generator) -> list[Tensor]:
        results = function(**chosen | {"generator": generator})
        return [x.detach().cpu() for x in tree_leaves(results) if isinstance(x, Tensor)]

    return draw


def _chosen(function: Callable, options: dict, device: torch.device, channels: int) -> dict | None:
    """The examples for what has no default, and ``options`` for all that has such a name."""
    wanted = inspect.signature(function).parameters
    own = {name: value for name, value in options.items() if name in wanted}
    needed = {name for name, p in wanted.items() if p.default is p.empty} - own.keys()
    plain = arguments(_only(function, needed), device, channels=channels)
    return None if plain is None else plain | own


def _only(function: Callable, names: set[str]) -> Callable:
    """Something with a signature of these parameters of ``function`` alone."""
    wanted = inspect.signature(function).parameters
    shadow = lambda: None  # noqa: E731
    shadow.__signature__ = inspect.Signature([p for name, p in wanted.items() if name in names])
    return shadow


def compare_drawing(target: Callable, device: torch.device) -> tuple[str, str]:
    """State and reason: ``draws alike``, ``differs``, ``fails`` (on the device alone) or ``no example``."""
    for channels, stored in itertools.product((1, 3), (False, True)):
        try:
            if drawing(target, torch.device("cpu"), channels, stored)(torch.Generator().manual_seed(0)) == []:
                continue
        except Exception:  # the examples do not fit; perhaps others do
            continue
        try:
            wrong = compare_draws(target, device, channels, stored)
        except Exception as error:  # whatever it is, it belongs in the report
            return "fails", f"{type(error).__name__}: {error}"[:300]
        return ("differs", wrong) if wrong else ("draws alike", "")
    return "no example", ""


def compare_draws(target: Callable, device: torch.device, channels: int, stored: bool = False) -> str:
    """What is wrong with the draws on the device, in words; empty if nothing.

    Raises: what the call raises.
    """
    here, there = (drawing(target, place, channels, stored) for place in (torch.device("cpu"), device))

    def seeded(draw: Callable, place: torch.device | str, seed: int) -> list[Tensor]:
        torch.manual_seed(seed)
        return draw(torch.Generator(place).manual_seed(seed))

    first, again, other = (seeded(there, device, seed) for seed in (0, 0, 1))
    if not all(map(torch.equal, first, again)):
        return "the same seed gives two draws"
    on_cpu = [seeded(here, "cpu", seed) for seed in range(DRAWS)]
    if all(map(torch.equal, first, other)) and not all(map(torch.equal, on_cpu[0], on_cpu[1])):
        return "two seeds give one draw"
    on_device = [seeded(there, device, seed) for seed in range(DRAWS)]
    for power, name in ((1, "mean"), (2, "mean square")):
        for a, b in zip(zip(*on_cpu, strict=True), zip(*on_device, strict=True), strict=True):
            if not a[0].numel() or (what := _apart(_moments(a, power), _moments(b, power))) is None:
                continue
            return f"the {name} of what is drawn is {what}"
    if device.type != "cpu":
        try:
            given = seeded(there, "cpu", 0)
        except RuntimeError:  # it wants a generator of its device
            return ""
        close = [torch.allclose(a.float(), b.float(), atol=1e-3) for a, b in zip(on_cpu[0], given, strict=True)]
        return "" if all(close) else "the CPU's random numbers give something else than on the CPU"
    return ""


def _moments(draws: tuple[Tensor, ...], power: int) -> Tensor:
    return torch.stack([x.double().pow(power).mean() for x in draws])


def _apart(a: Tensor, b: Tensor) -> str | None:
    """Two means over draws, if they differ by more than the spread of the draws can explain."""
    error = ((a.var() + b.var()) / DRAWS).sqrt() + 1e-4 * a.abs().mean() + 1e-9
    return None if (a.mean() - b.mean()).abs() <= DEVIATIONS * error else f"{b.mean():.4g}, on the CPU {a.mean():.4g}"
