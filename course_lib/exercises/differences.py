"""`difference`: how an answer differs from the right one, in words that help to find the mistake."""

import math
from numbers import Number

import numpy as np
import torch
from torch import Tensor

SHOWN = 6  # an answer of at most that many numbers is shown whole


def difference(answer: object, right: object, rtol: float = 1e-4, atol: float = 1e-5) -> list[str]:
    """What is wrong with ``answer``, in lines; none if it equals ``right``, numbers within the tolerances.

    Compares numbers, arrays and tensors, lists, tuples and dictionaries of them, and anything else by ``==``.

    Example:
        >>> difference(torch.tensor(8.0), torch.tensor(2.0))
        ['It gave 8, hoped for 2.', 'That is 4 times as much.']
    """
    if answer is None and right is not None:
        return ["It gave nothing (None). Does it end with a return?"]
    if isinstance(right, Tensor) and isinstance(answer, Number):
        return [f"It gave the plain number {_number(answer)}, hoped for a tensor, through which a gradient can flow."]
    if isinstance(right, (Tensor, np.ndarray, Number)) and isinstance(answer, (Tensor, np.ndarray, Number)):
        return _numbers(torch.as_tensor(answer), torch.as_tensor(right), rtol, atol)
    if isinstance(right, (list, tuple, dict)) and isinstance(answer, type(right)):
        return _collections(answer, right, rtol, atol)
    if type(answer) is not type(right):
        return [f"It gave {_kind(answer)}, hoped for {_kind(right)}."]
    return [] if answer == right else [f"It gave {answer!r}, hoped for {right!r}."]


def _numbers(answer: Tensor, right: Tensor, rtol: float, atol: float) -> list[str]:
    if answer.shape != right.shape:
        return [
            f"It gave {_shape(answer)}, hoped for {_shape(right)}.",
            *_of_shapes(answer, right, rtol, atol),
        ]
    got, hoped = answer.detach().cpu().double(), right.detach().cpu().double()
    wrong = ~torch.isclose(got, hoped, rtol, atol, equal_nan=True)
    if not wrong.any():
        return []
    if not got.isfinite().all() and hoped.isfinite().all():
        bad = got[~got.isfinite()][0].item()
        return [f"It gave {bad} among its numbers. Is there a division by zero, or the root or logarithm of one?"]
    if got.numel() <= SHOWN:
        lines = [f"It gave {_values(got)}, hoped for {_values(hoped)}."]
    else:
        at = np.unravel_index((got - hoped).abs().argmax().item(), got.shape)
        place = ", ".join(str(i) for i in at)
        lines = [f"{int(wrong.sum())} of {got.numel()} numbers are wrong. The worst, at [{place}]: it gave "
                 f"{_number(got[at])}, hoped for {_number(hoped[at])}."]  # fmt: skip
    return lines + _of_values(got, hoped, rtol, atol)


def _of_shapes(answer: Tensor, right: Tensor, rtol: float, atol: float) -> list[str]:
    """What would make the shape right, if that makes the numbers right, too."""
    fits = {
        "Its mean would be right.": lambda x: x.double().mean(),
        "Its sum would be right.": lambda x: x.double().sum(),
        "Its transpose would be right.": lambda x: x.double().mT,
        "The numbers are right, in another shape.": lambda x: x.double().reshape(right.shape),
    }
    for line, change in fits.items():
        try:
            changed = change(answer.detach().cpu())
        except (RuntimeError, IndexError):
            continue
        if changed.shape == right.shape and torch.allclose(changed, right.detach().cpu().double(), rtol, atol):
            return [line]
    return []


def _of_values(got: Tensor, hoped: Tensor, rtol: float, atol: float) -> list[str]:
    """A simple factor or an offset between the two."""
    some = hoped.abs() > atol
    if some.any():
        factor = (got[some] / hoped[some]).median().item()
        simple = got.numel() > 1 or any(abs(x - round(x)) < 1e-3 for x in (factor, 1 / factor if factor else 0.5))
        if factor and simple and torch.allclose(got, factor * hoped, max(rtol, 1e-3), atol):
            if math.isclose(factor, -1, rel_tol=1e-3):
                return ["Only the sign is wrong."]
            return [f"That is {_number(factor)} times as much."]
    offset = (got - hoped).median().item()
    if got.numel() > 1 and torch.allclose(got, hoped + offset, rtol, atol):
        return [f"All of it is too {'large' if offset > 0 else 'small'} by {_number(abs(offset))}."]
    return []


def _collections(answer, right, rtol: float, atol: float) -> list[str]:
    if len(answer) != len(right):
        return [f"It gave {len(answer)} things, hoped for {len(right)}."]
    if isinstance(right, dict):
        if answer.keys() != right.keys():
            return [f"It gave the keys {', '.join(map(str, answer))}, hoped for {', '.join(map(str, right))}."]
        pairs = {f"Under {key!r}": (answer[key], right[key]) for key in right}
    else:
        pairs = {f"Part {i + 1}": pair for i, pair in enumerate(zip(answer, right, strict=True))}
    for where, (one, other) in pairs.items():
        if lines := difference(one, other, rtol, atol):
            return [f"{where}: {lines[0][0].lower()}{lines[0][1:]}", *lines[1:]]
    return []


def _number(value) -> str:
    return f"{float(value):.4g}"


def _values(numbers: Tensor) -> str:
    return _number(numbers) if numbers.ndim == 0 else "[" + ", ".join(map(_number, numbers.flatten())) + "]"


def _shape(x: Tensor) -> str:
    return f"the shape {tuple(x.shape)}" if x.ndim else "a single number"


def _kind(x: object) -> str:
    name = "tensor" if isinstance(x, Tensor) else type(x).__name__
    return f"an {name}" if name[0] in "aeiou" else f"a {name}"
