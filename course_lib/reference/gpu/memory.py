"""How much memory a training step takes at any scale, without the machine that has it.

Every tensor that an operation makes is entered, and taken off when its storage goes. Under `FakeTensorMode` operations
have shapes and no contents, so the paper's scale costs a second on any CPU; what has to look at values (a loss that
counts its triplets) is done for real.

Not in it: the work space of cuDNN, the gaps of the allocator, and the half gigabyte that CUDA itself takes.
"""

import copy
import weakref
from contextlib import nullcontext
from typing import Any

import torch
from torch import Tensor, nn
from torch._subclasses.fake_tensor import (
    DataDependentOutputException,
    DynamicOutputShapeException,
    FakeCopyMode,
    FakeTensorMode,
)
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

from ...training.internals import channels_last
from ...training.optimizers import adam
from ..recipe import Recipe, Scale

T4_GB = 15.0  # what a free GPU has
# on top of the tensors themselves: fragments, work space, and what CUDA holds for itself
SHARE, CUDA_GB = 1.2, 0.6


class Held(TorchDispatchMode):
    """Bytes of all storages that operations inside of it have made and that still live: ``now``, and the ``peak``.

    ``with Held() as held: ...`` counts on every device, and of fake tensors too.
    """

    def __init__(self, *already: Any):
        super().__init__()
        self.now = self.peak = 0
        self.known: dict[int, Any] = {}
        self.enter_all(already)

    def enter_all(self, things: Any) -> None:
        """Enter tensors that were there before."""
        for x in tree_leaves(things):
            if isinstance(x, Tensor):
                self._enter(x.untyped_storage())

    def __torch_dispatch__(self, function, types, args=(), kwargs=None):
        result = function(*args, **kwargs or {})
        self.enter_all(result)
        return result

    def _enter(self, storage: torch.UntypedStorage) -> None:
        key, size = id(storage), storage.nbytes()
        if key in self.known:
            return
        self.known[key] = weakref.ref(storage, lambda _: self._leave(key, size))
        self.now += size
        self.peak = max(self.peak, self.now)

    def _leave(self, key: int, size: int) -> None:
        del self.known[key]
        self.now -= size


def on_gpu(peak: float) -> float:
    """What a GPU has to have for tensors of ``peak`` GB at once, in GB: an upper estimate."""
    return SHARE * peak + CUDA_GB


def step_memory(recipe: Recipe, scale: Scale, batch: Any, precision: str = "bf16") -> dict[str, Any]:
    """What two steps of ``recipe`` on ``batch`` hold, in GB: ``parameters``, ``optimizer``, ``activations``, ``peak``.

    ``activations`` is what the backward pass finds at its begin, above weights, gradients and the batch. ``exact``
    says whether it was counted without contents (True) or by a real step on the CPU.

    Args:
        batch: of ``recipe.batches(torch.device("cpu"), scale)``, at that scale.
        precision: ``no`` | ``bf16``, of the forward pass; ``fp16`` takes as much as ``bf16``.
    """
    model, batch = recipe.build(**scale.model).to(memory_format=torch.channels_last).train(), channels_last(batch)
    try:
        with FakeTensorMode(allow_non_fake_inputs=True) as fake, FakeCopyMode(fake):
            shadow, pictures = copy.deepcopy(model), copy.deepcopy(batch)
        with fake:
            return _two_steps(recipe, shadow, pictures, precision) | {"exact": True}
    except (DataDependentOutputException, DynamicOutputShapeException):
        return _two_steps(recipe, model, batch, precision) | {"exact": False}


def _two_steps(recipe: Recipe, model: nn.Module, batch: Any, precision: str) -> dict[str, Any]:
    """Two, because the optimiser's state and the gradients are there from the second on."""
    weights = _bytes(model.state_dict())
    optimizer = recipe.fit.get("optimizer", adam)(model.parameters(), 1e-3)
    mixed = torch.autocast("cpu", torch.bfloat16) if precision != "no" else nullcontext()
    with Held(model.state_dict(), batch) as held:
        for _ in range(2):
            optimizer.zero_grad()
            before = held.now
            with mixed:
                loss = recipe.loss(model, batch)
            activations = held.now - before
            loss.backward()
            del loss
            optimizer.step()
    state = _bytes([list(of_one.values()) for of_one in optimizer.state.values()])
    found = {"parameters": weights, "optimizer": state, "activations": activations, "peak": held.peak}
    return {name: size / 1e9 for name, size in found.items()}


def _bytes(things: Any) -> int:
    storages = {id(s): s.nbytes() for x in tree_leaves(things) if isinstance(x, Tensor) for s in [x.untyped_storage()]}
    return sum(storages.values())
