"""Which pixels an output pixel of a network is connected to.

A network is run once as bare `wires`. Nothing can cancel in them: an input pixel is connected to an output pixel
exactly if the gradient between the two is not zero.

Chapter: book/receptive_fields/receptive_field.ipynb
"""

from collections.abc import Callable
from contextlib import contextmanager
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.func import functional_call

from ..features import evaluating
from .rules import UnwiredError
from .wires import Wires


class _Reached(Exception):  # noqa: N818, it is no error
    """The layer asked for has run: the rest of the forward pass does not matter."""


@dataclass(frozen=True)
class Connections:
    """A network that has run as wires, by `connect`.

    Attributes:
        image: what it looked at, (1, C, ...). output: what it or the layer asked for made of it, (1, C', ...).
        coarsest: sides of the smallest volume on the way.
    """

    image: Tensor
    output: Tensor
    coarsest: tuple[int, ...]

    @torch.inference_mode(False)
    @torch.enable_grad()
    def mask(self, at: tuple[int, ...]) -> Tensor:
        """True where the input is connected to the output at ``at``; shape of the image without batch and channels."""
        if not self.output.requires_grad:
            return torch.zeros(self.image.shape[2:], dtype=torch.bool, device=self.image.device)
        chosen = self.output[(..., *at)].sum()
        (seen,) = torch.autograd.grad(chosen, self.image, retain_graph=True)
        return (seen != 0).any(dim=1)[0]

    def box(self, at: tuple[int, ...]) -> tuple[list[int], list[int]] | None:
        """Where the mask begins and where it ends (outside), along each axis; None if it is empty."""
        places = self.mask(at).nonzero()
        return (places.amin(0).tolist(), (places.amax(0) + 1).tolist()) if len(places) else None


@torch.inference_mode(False)  # gradients are needed, also in a cell that switched them off
def connect(
    model: nn.Module, *inputs, layer: str | None = None, forward: Callable[..., Tensor] | None = None
) -> Connections:
    """Run ``model`` as wires, in evaluation mode; its parameters' values do not matter.

    Args:
        inputs: as ``forward`` takes them; of the first, the image, only the shape matters.
        layer: name of a module whose output to look at, the first time it runs; what comes after may be anything.
        forward: ``(model, *inputs) -> output``, if it is not ``model(*inputs)``.

    Raises: ``ValueError`` for an operation that cannot be wired, with the name of the layer; for a layer that does not
        run; for an output that is no volume of the image's rank.
    """
    volumes = []

    def look(module, args, output):
        volumes.append(output)
        if layer:
            raise _Reached

    whole = _Through(model, forward)
    target = dict(model.named_modules())[layer] if layer else whole
    # Double precision, because 1/9 to the power of 100 layers must not be rounded to zero; Apple's GPUs have none.
    device = inputs[0].device if inputs[0].device.type != "mps" else torch.device("cpu")
    image = torch.zeros(inputs[0].shape, dtype=torch.float64, device=device, requires_grad=True)
    others = [x.to(device) if isinstance(x, Tensor) else x for x in inputs[1:]]
    # Weights that are not zero, whatever the network's own are: a kernel that is computed from them, or masked, then
    # shows which taps it has.
    generator = torch.Generator().manual_seed(0)
    weights = {n: (torch.rand(p.shape, generator=generator) + 0.5).to(p) for n, p in whole.named_parameters()}
    hook = target.register_forward_hook(look)
    # A network may write over a volume that the way back has kept. With hooks PyTorch lets it: of such volumes only the
    # sizes are needed, because everything is linear.
    with torch.autograd.graph.saved_tensors_hooks(lambda kept: kept, lambda kept: kept), Wires() as wires:
        try:
            volume = image * 1  # no leaf: it may be written into
            with evaluating(model), _named(model):
                functional_call(whole, weights, (volume, *others))
        except _Reached:
            pass
        finally:
            hook.remove()
    if not volumes:
        raise ValueError(f"the layer {layer!r} is not used in this forward pass")
    output = volumes[-1]
    if not isinstance(output, Tensor) or output.ndim != image.ndim:
        got = f"shape {tuple(output.shape)}" if isinstance(output, Tensor) else type(output).__name__
        axes = {3: "L", 4: "H, W", 5: "D, H, W"}.get(image.ndim, "...")
        raise ValueError(f"the output must be one volume (B, C, {axes}), got {got}; layer= names another")
    return Connections(image, output, tuple(map(min, image.shape[2:], wires.coarsest or image.shape[2:])))


class _Through(nn.Module):
    """``forward(model, ...)`` as a module."""

    def __init__(self, model: nn.Module, forward: Callable[..., Tensor] | None):
        super().__init__()
        self.model, self.way = model, forward

    def forward(self, *inputs):
        return self.model(*inputs) if self.way is None else self.way(self.model, *inputs)


@contextmanager
def _named(model: nn.Module):
    """An error that an operation cannot be wired says in which layer it was met."""
    names, running, done, hooks = {module: name for name, module in model.named_modules()}, [], [], []

    def enter(module, args):
        running.append(module)

    def leave(module, args, output):
        done[:] = [running.pop()]

    for module in names:
        hooks += [module.register_forward_pre_hook(enter), module.register_forward_hook(leave)]
    try:
        yield
    except UnwiredError as error:
        where = "in the network's own forward"
        if running and running[-1] is not model:
            where = f"in the layer {names[running[-1]]!r} ({type(running[-1]).__name__})"
        elif done:
            where += f", after the layer {names[done[0]]!r}"
        raise UnwiredError(f"{where}: {error}") from None
    finally:
        for hook in hooks:
            hook.remove()
