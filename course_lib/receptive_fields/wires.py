"""A network turned into bare wires while it runs: every connection counts, and none can cancel another.

PyTorch tells a `TorchFunctionMode` of every operation. Those on the image's way are replaced: weights by one positive
number (where they are not zero), activations by the identity. The network's own code runs as it is, with its skips,
loops and odd sizes.

Chapter: book/receptive_fields/receptive_field.ipynb
"""

import torch
from torch import Tensor
from torch.nn import functional as F
from torch.overrides import TorchFunctionMode, resolve_name

# By PyTorch's names of the operations, as functions, methods and operators.
# Each output element depends on the input element at its own place, and on no other:
POINTWISE = {
    "relu", "relu_", "leaky_relu", "leaky_relu_", "prelu", "elu", "elu_", "selu", "selu_", "celu", "rrelu", "gelu",
    "silu", "mish", "hardswish", "hardsigmoid", "hardtanh", "hardtanh_", "hardshrink", "softshrink", "tanhshrink",
    "sigmoid", "log_sigmoid", "tanh", "softplus", "softsign", "_threshold", "clamp", "clamp_", "clamp_min", "clamp_max",
    "dropout", "dropout_", "dropout2d", "feature_dropout", "alpha_dropout", "feature_alpha_dropout", "batch_norm",
    "exp", "log", "log1p", "sin", "cos", "abs", "square", "sqrt", "rsqrt", "reciprocal", "pow", "__pow__",
    "__rdiv__", "neg", "__neg__", "contiguous", "clone", "detach", "to", "float", "double",
}  # fmt: skip
# A difference or a product of two volumes depends on both, as their sum does:
COMBINE = {
    "add", "sub", "rsub", "mul", "div", "true_divide", "maximum", "minimum", "lerp", "addcmul", "addcdiv",
    "__add__", "__radd__", "__sub__", "__rsub__", "__mul__", "__rmul__", "__truediv__",
}  # fmt: skip
# The same, written into their first argument; others may hold it, too:
IN_PLACE = {"add_", "sub_", "mul_", "div_", "__iadd__", "__isub__", "__imul__", "__itruediv__"}
# Linear with non-negative coefficients, or mere rearrangements: they are their own wires.
AS_THEY_ARE = {
    "cat", "concat", "avg_pool2d", "pad", "_pad_circular", "pixel_shuffle", "pixel_unshuffle", "channel_shuffle",
    "__getitem__", "chunk", "split", "tensor_split", "narrow", "index_select", "unbind", "stack", "flip", "roll",
    "reshape", "view", "permute", "transpose", "movedim", "squeeze", "unsqueeze", "expand", "repeat",
    "repeat_interleave",
}  # fmt: skip
# They look at the shape or the range, and hand no pixel on:
LOOKING = {
    "size", "dim", "numel", "stride", "is_floating_point", "is_complex", "is_contiguous", "data_ptr", "__len__",
    "ndimension", "aminmax", "item", "zeros_like", "ones_like", "empty_like", "full_like", "rand_like", "randn_like",
    "new_zeros", "new_ones", "new_empty", "new_full", "new_tensor",
}  # fmt: skip


class Wires(TorchFunctionMode):
    """While active, whatever depends on a tensor that requires a gradient is wired with positive weights.

    Parameters must not require one. A kernel keeps its zeros, so that those of a mask or of a fixed filter hold; the
    zeros that a parameter happens to begin with are the caller's to replace.
    """

    def __torch_function__(self, func, types, args=(), kwargs=None):
        kwargs, name = kwargs or {}, func.__name__
        tensors = list(_tensors((args, tuple(kwargs.values()))))
        seen = [t for t in tensors if t.requires_grad]
        if not seen:
            return func(*args, **kwargs)
        with torch.enable_grad():  # also where the network says no_grad: its numbers come from the image all the same
            if name in AS_THEY_ARE or name in LOOKING:
                return func(*args, **kwargs)
            if name == "to" and not args[0].requires_grad:  # kernel.to(x) is a kernel
                return func(*args, **kwargs)
            if name == "__get__":  # an attribute, as x.shape; x.data is detached, and yet x
                out = func(*args, **kwargs)
                return seen[0] if isinstance(out, Tensor) and not out.requires_grad else out
            if name == "batch_norm" and (args[5] if len(args) > 5 else kwargs.get("training")):
                raise unsupported("batch norm in training mode, which mixes all pixels")
            if name in POINTWISE and len(seen) == 1:
                return seen[0]
            if name in POINTWISE | COMBINE:
                return _sum(seen, tensors)
            if name in IN_PLACE:
                if args[0].requires_grad:
                    return args[0].copy_(_sum(seen, tensors))
                if name.startswith("__"):  # x += y is followed by x
                    return _sum(seen, tensors)
            rule = {
                "conv2d": _conv2d,
                "conv_transpose2d": _conv_transpose2d,
                "max_pool2d": _max_pool2d,
                "interpolate": _interpolate,
            }.get(name)
            if rule is None:
                raise unsupported(f"operation {resolve_name(func) or name}")
            return rule(*args, **kwargs)


def _sum(seen: list[Tensor], tensors: list[Tensor]) -> Tensor:
    """Of the volumes that see the image, in the shape to which all of the tensors are broadcast."""
    return sum(seen).expand(torch.broadcast_tensors(*tensors)[0].shape).contiguous()


def _positive(weight: Tensor, input: Tensor) -> Tensor:
    """An average instead of a sum, so that numbers neither overflow nor vanish."""
    return (weight != 0).to(input) / weight[0].numel()


def _conv2d(input, weight, bias=None, *geometry, **options):
    return F.conv2d(input, _positive(weight, input), None, *geometry, **options)


def _conv_transpose2d(input, weight, bias=None, *geometry, **options):
    return F.conv_transpose2d(input, _positive(weight, input), None, *geometry, **options)


def _max_pool2d(input, kernel_size, stride=None, padding=0, dilation=1, ceil_mode=False, return_indices=False):
    """A maximum may come from anywhere in its window: the wires are those of a sum."""
    if return_indices:
        raise unsupported("max pooling with return_indices")
    kernel, padding, dilation = _pair(kernel_size), _pair(padding), _pair(dilation)
    step = _pair(stride or kernel_size)
    border = []
    for n, k, s, p, d in zip(input.shape[-2:], kernel, step, padding, dilation, strict=True):
        reach = d * (k - 1) + 1
        windows = (n + 2 * p - reach + (s - 1) * ceil_mode) // s + 1
        if ceil_mode and (windows - 1) * s >= n + p:  # the last window must begin inside, or in the padding before
            windows -= 1
        # zeros before; and after, as many as the last window sticks out, or less than none where it ends early
        border = [p, (windows - 1) * s + reach - n - p, *border]
    ones = input.new_ones(input.shape[1], 1, *kernel)
    return F.conv2d(F.pad(input, border), ones, None, step, 0, dilation, groups=input.shape[1])


def _pair(value) -> tuple[int, int]:
    return (*value, *value)[:2] if isinstance(value, (tuple, list)) else (value, value)


def _interpolate(input, size=None, scale_factor=None, mode="nearest", align_corners=None, *more, **options):
    if mode not in {"nearest", "nearest-exact", "bilinear", "area"}:
        raise unsupported(f"interpolation {mode!r}, whose weights are not all positive")
    return F.interpolate(input, size, scale_factor, mode, align_corners, *more, **options)


def _tensors(values):
    for value in values:
        if isinstance(value, Tensor):
            yield value
        elif isinstance(value, (tuple, list)):
            yield from _tensors(value)


def unsupported(what: str) -> ValueError:
    """The error for what cannot be wired."""
    return ValueError(
        f"receptive_field cannot look through the {what}; it knows convolutions, pooling, up-sampling, pixel "
        "(un)shuffle, padding, batch norm, pointwise functions, sums, products, concatenations and rearrangements"
    )
