"""A network as plain data: the operations that it does to an input of one shape, and the numbers that they need.

A leaderboard takes no Python from anybody. So a trained network is recorded while it looks at one input, and what is
kept is a list of tensor operations, as it could stand on a sheet of paper. Played again, it is the same network for
every input of that shape; and whatever it knows is in there, wherever its author has kept it.
"""

import base64
from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Tensor, nn
from torch.utils._python_dispatch import TorchDispatchMode

# Operations that read files, or memory that nobody has written; what others leave unwritten is filled with zeros.
REFUSED = {"from_file", "resize_", "resize_as_", "set_"}
UNWRITTEN = {"empty", "empty_strided", "new_empty", "new_empty_strided", "empty_like"}
# Different numbers in the code itself that cost nothing: slopes, epsilons, momenta.
FREE = 16
# Operations; somebody who writes a kernel out number by number needs more.
MOST = 1000


@dataclass
class Tape:
    """What `record` returns; called with an input of the recorded shape, it does what the network did.

    Attributes:
        shape: of the input.
        steps: operations in order, ``[name, arguments, keywords]``; ``{"out": [i, j]}`` is a result of step i.
        constants: all tensors that were there before, as base64 with type and shape.
        held: numbers in the network's own ``state_dict``.
    """

    shape: list[int]
    steps: list[list]
    constants: list[dict]
    result: dict
    held: int = 0

    @property
    def numbers(self) -> int:
        """How many numbers the network holds: what it uses, or what it keeps, whichever is more."""
        used = sum(int(np.prod(c["shape"])) for c in self.constants)
        in_code = {v for _, *arguments in self.steps for v in floats(arguments)}
        return max(self.held, used + max(0, len(in_code) - FREE))

    def __call__(self, x: Tensor) -> Tensor:
        if list(x.shape) != self.shape:
            raise ValueError(f"this network was recorded for {tuple(self.shape)}, got {tuple(x.shape)}")
        made = {"in": x, "constants": [tensor(c) for c in self.constants], "out": []}
        for name, arguments, keywords in self.steps:
            operation, _, overload = name.partition(".")
            if operation in REFUSED:
                raise ValueError(f"{operation} is not an operation of a network")
            call = getattr(getattr(torch.ops.aten, operation), overload)
            found = call(*decode(arguments, made), **decode(keywords, made))
            if operation in UNWRITTEN:
                found.zero_()
            made["out"].append(found if isinstance(found, (tuple, list)) else [found])
        return decode(self.result, made)

    def shuffled(self, seed: int) -> "Tape":
        """The same operations, with the numbers of each constant in another order: what it can do then was not learned.

        A number that stands alone stays in its place, and so does what the operations do without any.
        """
        draw, constants = torch.Generator().manual_seed(seed), []
        for kept in self.constants:
            mixed = tensor(kept).flatten()
            mixed = mixed[torch.randperm(len(mixed), generator=draw)]
            constants.append({**kept, "data": base64.b64encode(mixed.numpy().tobytes()).decode()})
        return replace(self, constants=constants)

    def as_json(self) -> dict:
        return vars(self)


def record(network: nn.Module, x: Tensor) -> Tape:
    """The network's answer to ``x`` as a `Tape`, in evaluation mode; the network is left as it was.

    Raises ``ValueError`` if the network does what is no operation on tensors, such as looking at a value in an ``if``.
    """
    mode = {module: module.training for module in network.modules()}
    recorder = _Recorder(x)
    try:
        network.eval()
        with torch.no_grad(), recorder:
            y = network(x)
    finally:
        for module, training in mode.items():
            module.training = training
    if len(recorder.steps) > MOST:
        raise ValueError(f"the network does {len(recorder.steps)} operations; up to {MOST} can be written down")
    if not isinstance(y, Tensor):
        raise ValueError(f"a network returns a tensor; this one returns a {type(y).__name__}")
    held = sum(v.numel() for v in network.state_dict().values())
    return Tape(list(x.shape), recorder.steps, recorder.constants, recorder.encode(y), held)


class _Recorder(TorchDispatchMode):
    """Writes down every operation; a tensor that no operation has made is a constant."""

    def __init__(self, x: Tensor):
        super().__init__()
        self.steps, self.constants = [], []
        # The tensors themselves are kept, or another one might get the place in memory of one that is gone.
        self.known = {id(x): (x, {"in": 0})}

    def __torch_dispatch__(self, operation, types, args=(), kwargs=None):
        kwargs = {k: v for k, v in (kwargs or {}).items() if k not in ("device", "pin_memory")}
        if operation.namespace != "aten" or operation._schema.name == "aten::_local_scalar_dense":
            raise ValueError(
                f"the network does something that cannot be written down as operations on tensors ({operation}): "
                "does it look at a value with `if`, `.item()` or numpy?"
            )
        name = operation._schema.name.removeprefix("aten::") + "." + (operation._schema.overload_name or "default")
        step = [name, self.encode(args), self.encode(kwargs)]
        found = operation(*args, **kwargs)
        for j, made in enumerate(found if isinstance(found, (tuple, list)) else [found]):
            # In-place operations return what they were given.
            if isinstance(made, Tensor) and id(made) not in self.known:
                self.known[id(made)] = (made, {"out": [len(self.steps), j]})
        self.steps.append(step)
        return found

    def encode(self, value):
        if isinstance(value, Tensor):
            if id(value) not in self.known:
                data = value.detach().cpu().contiguous()
                kept = {"type": str(data.dtype).removeprefix("torch."), "shape": list(data.shape)}
                kept["data"] = base64.b64encode(data.numpy().tobytes()).decode()
                self.known[id(value)] = (value, {"constant": len(self.constants)})
                self.constants.append(kept)
            return self.known[id(value)][1]
        if isinstance(value, (list, tuple)):
            return [self.encode(v) for v in value]
        if isinstance(value, dict):
            return {"keywords": {k: self.encode(v) for k, v in value.items()}}
        if isinstance(value, (torch.dtype, torch.layout, torch.memory_format)):
            return {"torch": str(value).removeprefix("torch.")}
        if value is None or isinstance(value, (bool, int, float, str)):
            return value
        raise ValueError(f"a network's operations take numbers and tensors, not a {type(value).__name__}")


def decode(value, made: dict):
    """The inverse of the recorder's ``encode``, with the tensors that are there by now."""
    if isinstance(value, list):
        return [decode(v, made) for v in value]
    if not isinstance(value, dict):
        return value
    [(kind, what)] = value.items()
    if kind == "in":
        return made["in"]
    if kind == "constant":
        return made["constants"][what]
    if kind == "out":
        return made["out"][what[0]][what[1]]
    if kind == "torch" and isinstance(found := getattr(torch, what), (torch.dtype, torch.layout, torch.memory_format)):
        return found
    if kind == "keywords":
        return {k: decode(v, made) for k, v in what.items()}
    raise ValueError(f"{kind} is nothing that a tape holds")


def tensor(kept: dict) -> Tensor:
    data = np.frombuffer(base64.b64decode(kept["data"]), dtype=np.dtype(kept["type"]))
    return torch.from_numpy(data.copy()).view(kept["shape"])


def floats(value):
    """Every number with a decimal point in nested lists and dictionaries."""
    if isinstance(value, float):
        yield value
    elif isinstance(value, (list, dict)):
        for part in value.values() if isinstance(value, dict) else value:
            yield from floats(part)
