"""What one call of an answer does, besides returning something: what the checks of many questions ask about.

Visible checks look at it with small numbers and say what is wrong; hidden ones emit it for others.
"""

import copy
from collections.abc import Callable

import torch
from torch import Tensor, nn


def probe(function: Callable, *arguments, gradients: bool = True, **keywords) -> dict:
    """Call a function with copies of the arguments, and return what happened.

    Args:
        gradients: whether to ask how the result depends on the arguments that are floating point tensors.

    Returns:
        ``value``, what the function returned, and ``changed``, what of its arguments is not as it was, in words. With
        ``gradients``: for each floating point tensor the gradient of the values' sum, each value weighted differently,
        or None where nothing arrives.
    """
    given = [twin(a) if isinstance(a, nn.Module) else clone(a, gradients) for a in arguments]
    before = [state(a) for a in given]
    value = function(*given, **keywords)
    found = {"value": value}
    inputs = [a for a in given if isinstance(a, Tensor) and a.requires_grad]
    if gradients:
        found["gradients"] = slopes(value, inputs)
    now = [state(a) for a in given]
    found["changed"] = [
        f"argument {i}: {what}"
        for i, (old, new) in enumerate(zip(before, now, strict=True))
        for what in old
        if not same(old[what], new[what])
    ]
    return found


def twin(network: nn.Module) -> nn.Module:
    """A copy with the gradients that its parameters have, which ``deepcopy`` leaves behind."""
    made = copy.deepcopy(network)
    for old, new in zip(network.parameters(), made.parameters(), strict=True):
        new.grad = None if old.grad is None else old.grad.clone()
    return made


def clone(argument, gradients: bool):
    if not isinstance(argument, Tensor):
        return argument
    made = argument.detach().clone()
    return made.requires_grad_() if gradients and made.is_floating_point() else made


def slopes(value, inputs: list[Tensor]) -> list[Tensor | None]:
    if not isinstance(value, Tensor) or not value.requires_grad:
        return [None for _ in inputs]
    weights = torch.linspace(1, 2, value.numel(), dtype=value.dtype).view(value.shape)
    return list(torch.autograd.grad((weights * value).sum(), inputs, allow_unused=True))


def state(argument) -> dict:
    """All that a function could leave behind in an argument."""
    if isinstance(argument, Tensor):
        return {"its values": argument.detach().clone(), "requires_grad": argument.requires_grad, "grad": argument.grad}
    if isinstance(argument, nn.Module):
        return {
            "its numbers": {name: v.detach().clone() for name, v in argument.state_dict().items()},
            "the mode of its layers": [m.training for m in argument.modules()],
            "which of its numbers may be trained": [p.requires_grad for p in argument.parameters()],
            "the gradients of its parameters": [
                None if p.grad is None else p.grad.clone() for p in argument.parameters()
            ],
            "its layers": [type(m).__name__ for m in argument.modules()],
        }
    return {"it": copy.deepcopy(argument)} if isinstance(argument, (list, dict)) else {}


def same(a, b) -> bool:
    if isinstance(a, Tensor) and isinstance(b, Tensor):
        return a.shape == b.shape and a.dtype == b.dtype and torch.equal(a.nan_to_num(), b.nan_to_num())
    if isinstance(a, dict) and isinstance(b, dict):
        return a.keys() == b.keys() and all(same(a[k], b[k]) for k in a)
    if isinstance(a, list) and isinstance(b, list):
        return len(a) == len(b) and all(map(same, a, b))
    return type(a) is type(b) and a == b
