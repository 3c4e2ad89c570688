"""A network turned into bare wires while it runs: every connection counts, and none can cancel another.

PyTorch tells a `TorchFunctionMode` of every operation. Those on the image's way are replaced: weights by one positive
number (where they are not zero), activations by the identity. The network's own code runs as it is, with its skips,
loops and odd sizes.

Chapter: book/receptive_fields/receptive_field.ipynb
"""

import torch
from torch import Tensor
from torch.overrides import TorchFunctionMode, resolve_name

from .rules import RULES, positive_sum, product, unsupported

# By PyTorch's names of the operations, as functions, methods and operators; with or without an underscore at the end
# (written in place). Each output element depends on the input element at its own place, and on no other:
POINTWISE = {
    "relu", "relu6", "leaky_relu", "prelu", "elu", "selu", "celu", "rrelu", "gelu", "silu", "mish", "hardswish",
    "hardsigmoid", "hardtanh", "hardshrink", "softshrink", "tanhshrink", "sigmoid", "logsigmoid", "log_sigmoid", "tanh",
    "softplus", "softsign", "threshold", "_threshold", "clamp", "clip", "clamp_min", "clamp_max", "dropout",
    "dropout1d", "dropout2d", "dropout3d", "feature_dropout", "alpha_dropout", "feature_alpha_dropout", "batch_norm",
    "exp", "expm1", "exp2", "log", "log1p", "log2", "log10", "sin", "cos", "tan", "atan", "sinh", "cosh", "erf", "abs",
    "square", "sqrt", "rsqrt", "reciprocal", "pow", "__pow__", "__rdiv__", "__rtruediv__", "neg", "__neg__", "negative",
    "round", "floor", "ceil", "sign", "nan_to_num", "detach",
}  # fmt: skip
# A number type is no wire: all is computed in the precision of the image.
NUMBER_TYPES = {"to", "float", "double", "half", "bfloat16", "type", "type_as"}
# A difference or a quotient of two volumes depends on both, as their sum does:
COMBINE = {
    "add", "sub", "subtract", "rsub", "div", "divide", "true_divide", "maximum", "minimum", "addcdiv",
    "__add__", "__radd__", "__sub__", "__rsub__", "__truediv__",
}  # fmt: skip
# So does a product, but a factor of zero cuts the wire:
PRODUCT = {"mul", "multiply", "__mul__", "__rmul__"}
# Written into their first argument, which others may hold, too:
IN_PLACE = {"add_": "add", "sub_": "sub", "div_": "div", "mul_": "mul", "__iadd__": "add", "__isub__": "sub",
            "__itruediv__": "div", "__imul__": "mul"}  # fmt: skip
# Linear with non-negative coefficients, or mere rearrangements: they are their own wires.
AS_THEY_ARE = {
    "cat", "concat", "concatenate", "hstack", "vstack", "dstack", "stack", "chunk", "split", "tensor_split", "unbind",
    "hsplit", "vsplit", "dsplit", "unsafe_chunk", "unsafe_split", "split_with_sizes", "narrow", "select",
    "index_select", "__getitem__", "pad", "_pad_circular", "avg_pool1d", "avg_pool2d", "avg_pool3d", "pixel_shuffle",
    "pixel_unshuffle", "channel_shuffle", "native_channel_shuffle", "flip", "fliplr", "flipud", "rot90", "roll",
    "reshape", "reshape_as", "view", "view_as", "unflatten", "permute", "transpose", "swapaxes", "swapdims", "movedim",
    "moveaxis", "adjoint", "squeeze", "squeeze_", "unsqueeze", "unsqueeze_", "expand", "expand_as", "broadcast_to",
    "repeat", "tile", "repeat_interleave", "unfold", "fold", "contiguous", "clone",
}  # fmt: skip
# They look at the shape or the range, and hand no pixel on:
LOOKING = {
    "size", "dim", "numel", "stride", "is_floating_point", "is_complex", "is_contiguous", "data_ptr", "__len__",
    "ndimension", "aminmax", "item", "zeros_like", "ones_like", "empty_like", "full_like", "rand_like", "randn_like",
    "new_zeros", "new_ones", "new_empty", "new_full", "new_tensor", "requires_grad_", "is_same_size",
}  # fmt: skip
# They may change the scale:
SCALES = ("conv", "max_pool", "avg_pool", "pixel_", "interpolate")


class Wires(TorchFunctionMode):
    """While active, whatever depends on a tensor that requires a gradient is wired with positive weights.

    Parameters must not require one. A kernel keeps its zeros, and so does a constant factor: those of a mask or of a
    fixed filter hold. The zeros that a parameter happens to begin with are the caller's to replace.

    Attributes:
        coarsest: sides of the smallest volume that a convolution, pooling or resampling has made.
    """

    def __init__(self):
        super().__init__()
        self.coarsest: tuple[int, ...] = ()

    def __torch_function__(self, func, types, args=(), kwargs=None):
        kwargs = kwargs or {}
        seen = [t for t in _tensors((args, tuple(kwargs.values()))) if t.requires_grad]
        if not seen:
            return func(*args, **kwargs)
        with torch.enable_grad():  # also where the network says no_grad: its numbers come from the image all the same
            out = self._wired(func, func.__name__, seen, args, kwargs)
        if func.__name__.startswith(SCALES):
            sides = out.shape[2:]
            self.coarsest = tuple(map(min, self.coarsest, sides)) if self.coarsest else tuple(sides)
        return out

    def _wired(self, func, name: str, seen: list[Tensor], args: tuple, kwargs: dict):
        if name in AS_THEY_ARE or name in LOOKING:
            return func(*args, **kwargs)
        if name == "__get__":  # an attribute, as x.shape; x.data is detached, and yet x
            out = func(*args, **kwargs)
            return seen[0] if isinstance(out, Tensor) and not out.requires_grad else out
        if name in NUMBER_TYPES:
            if not args[0].requires_grad or (name == "type" and len(args) == 1):  # kernel.to(x) is a kernel
                return func(*args, **kwargs)
            layout = kwargs.get("memory_format")
            return args[0].contiguous(memory_format=layout) if layout not in (None, torch.preserve_format) else args[0]
        if name == "batch_norm" and (args[5] if len(args) > 5 else kwargs.get("training")):
            raise unsupported("batch norm in training mode, which mixes all pixels")
        if name in IN_PLACE:
            return _into(self._combined(IN_PLACE[name], seen, args, kwargs), name, args[0])
        if len(seen) == 1 and (name in POINTWISE or name.removesuffix("_") in POINTWISE):
            return seen[0]
        if name in POINTWISE | COMBINE | PRODUCT:
            return self._combined(name, seen, args, kwargs)
        rule = RULES.get(name)
        if rule is None:
            raise unsupported(f"operation {resolve_name(func) or name}")
        return rule(*args, **kwargs)

    @staticmethod
    def _combined(name: str, seen: list[Tensor], args: tuple, kwargs: dict) -> Tensor:
        if name in PRODUCT:
            return product(*args, *(kwargs[key] for key in ("other",) if key in kwargs))
        return positive_sum(seen, list(_tensors((args, tuple(kwargs.values())))))


def _into(result: Tensor, name: str, target: Tensor) -> Tensor:
    """What ``target.add_(...)`` leaves behind, where others see it; ``x += y`` is followed by x alone."""
    if target.requires_grad:
        return target.copy_(result)
    if name.startswith("__"):
        return result
    raise unsupported(f"operation torch.Tensor.{name} on what has not seen the image")


def _tensors(values):
    for value in values:
        if isinstance(value, Tensor):
            yield value
        elif isinstance(value, (tuple, list)):
            yield from _tensors(value)
