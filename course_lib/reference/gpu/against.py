"""The library's way against the plain one on the device, in one run: what half precision and a good layout bring there.

Plain is what most public code does: float32, default layout, default Adam, all pairs in one table, one triplet at a
time written out. Networks are found by their class, so that nothing is registered.
"""

import inspect
from collections.abc import Callable, Iterator

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ...training.devices import SingleDevice
from ...training.optimizers import adam
from .examples import public
from .randomness import draws
from .timings import seconds


def against_plain(device: torch.device, precision: str, budget: float = 15.0) -> dict[str, dict]:
    """``{what: {"ours": seconds, "plain": seconds, "times faster": ratio}}``; what cannot be timed says why.

    Args:
        budget: seconds, for everything together.
    """
    found: dict[str, dict] = {}
    todo = list(_pairs(device, precision))
    for name, make in todo:
        try:
            ours, plain = make()
            spent = [seconds(way, device, budget / len(todo) / 2) for way in (ours, plain)]
            found[name] = {"ours": spent[0], "plain": spent[1], "times faster": spent[1] / spent[0]}
        except Exception as error:  # whatever it is, it belongs in the report
            found[name] = {"left out": f"{type(error).__name__}: {error}"[:200]}
    return found


def _pairs(device: torch.device, precision: str) -> Iterator[tuple[str, Callable]]:
    """Name and ``() -> (ours, plain)`` of everything there is to time."""
    small = device.type == "cpu"
    for network, sizes in (
        ("DnCNN", (8, 1, 40, 40) if small else (128, 1, 50, 50)),
        ("FFDNet", (8, 1, 64, 64) if small else (128, 1, 70, 70)),
        ("NIN", (16, 3, 32, 32) if small else (512, 3, 32, 32)),
    ):
        yield f"{network}, a step", lambda network=network, sizes=sizes: _steps(network, sizes, device, precision)
    yield "NT-Xent, forwards and back", lambda: _nt_xent(512 if small else 8_192, device)
    yield "triplet mining, batch-hard", lambda: _mining(64 if small else 512, device)
    if maskers := _maskers():
        yield f"masking, {maskers[0].__name__}", lambda: _masking(maskers[0], 16 if small else 128, device)


def _public(name: str) -> Callable:
    """The class or function of that name, wherever in the library it is."""
    return next(entry.target for entry in public() if entry.name.rpartition(".")[2] == name)


def _steps(network: str, sizes: tuple, device: torch.device, precision: str) -> tuple:
    """A training step of the same network, as `fit` makes it and plainly."""
    build = _public(network)
    x = torch.rand(sizes, generator=torch.Generator().manual_seed(0)).to(device)

    def step(model: nn.Module, optimizer, images: Tensor, way: SingleDevice) -> Callable[[], None]:
        told = (0.1,) if "sigma" in inspect.signature(model.forward).parameters else ()

        def once() -> None:
            optimizer.zero_grad()
            with way.autocast():
                loss = model(images, *told).float().square().mean()
            way.backward(loss)
            optimizer.step()

        return once

    model, plain = build().to(device, memory_format=torch.channels_last), build().to(device)
    fast, slow = SingleDevice(device, precision), SingleDevice(device, "no")
    _, optimizer = fast.prepare(model, adam(model.parameters(), 1e-4))
    ours = step(model, optimizer, x.contiguous(memory_format=torch.channels_last), fast)
    return ours, step(plain, torch.optim.Adam(plain.parameters(), 1e-4), x, slow)


def _nt_xent(pairs: int, device: torch.device) -> tuple:
    nt_xent = _public("nt_xent")
    a, b = (torch.randn(pairs, 128, device=device).requires_grad_() for _ in range(2))

    def plain() -> None:
        z = F.normalize(torch.cat([a, b]))
        similarity = z @ z.T / 0.5
        similarity.fill_diagonal_(float("-inf"))
        twin = torch.arange(2 * pairs, device=device).roll(pairs)
        F.cross_entropy(similarity, twin).backward()

    return lambda: nt_xent(a, b, 0.5).backward(), plain


def _mining(people: int, device: torch.device) -> tuple:
    """The plain way is a loop over the anchors."""
    mined_triplet_loss = _public("mined_triplet_loss")
    labels = torch.arange(people, device=device).repeat_interleave(4)
    e = F.normalize(torch.randn(4 * people, 128, device=device)).requires_grad_()

    def plain() -> None:
        losses = []
        for anchor in range(len(e)):
            apart = (e - e[anchor] + 1e-9).norm(dim=1)
            same = labels == labels[anchor]
            losses.append((apart[same].max() - apart[~same].min() + 0.2).clamp(min=0))
        torch.stack(losses).mean().backward()

    return lambda: mined_triplet_loss(e, labels, "batch-hard", 0.2).backward(), plain


def _masking(masker: Callable, batch: int, device: torch.device) -> tuple:
    """The plain way is Noise2Void's: picture by picture, pixel by pixel."""
    z = torch.rand(batch, 1, 64, 64, device=device)
    ours, generator = masker(), torch.Generator(device).manual_seed(0)

    def plain() -> None:
        hidden, draw = z.clone(), torch.Generator().manual_seed(0)
        for picture in hidden[:, 0]:
            for _ in range(64):
                row, column, down, right = torch.randint(5, 59, (4,), generator=draw).tolist()
                picture[row, column] = picture[row + down % 11 - 5, column + right % 11 - 5]

    return lambda: ours(z, generator), plain


def _maskers() -> list[Callable]:
    """The maskers of the library: classes of a module of that name whose objects take a generator."""
    return [e.target for e in draws() if e.target.__module__.endswith(".masking") and isinstance(e.target, type)]
