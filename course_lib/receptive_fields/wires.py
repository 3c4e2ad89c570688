"""A network turned into bare wires while it runs: every connection counts, and none can cancel another.

PyTorch tells a `TorchFunctionMode` of every operation. Those on the image's way are replaced: weights by one positive
number, activations by the identity. The network's own code runs as it is, with its skips, loops and odd sizes.

Chapter: book/receptive_fields/receptive_field.ipynb
"""

import torch
from torch import Tensor
from torch.nn import functional as F
from torch.overrides import TorchFunctionMode, resolve_name

# By PyTorch's names of the operations, as functions, methods and operators.
# Each output element depends on the input element at its own place, and on no other:
POINTWISE = {
    "relu", "relu_", "leaky_relu", "leaky_relu_", "prelu", "elu", "elu_", "selu", "gelu", "silu", "sigmoid", "tanh",
    "softplus", "hardtanh", "hardtanh_", "clamp", "clamp_", "dropout", "dropout_", "feature_dropout", "dropout2d",
    "batch_norm", "exp", "abs", "square", "sqrt", "neg", "__neg__", "contiguous", "clone", "to", "float", "double",
}  # fmt: skip
# A difference or a product of two volumes depends on both, as their sum does:
COMBINE = {
    "add", "add_", "sub", "sub_", "rsub", "mul", "mul_", "div", "div_", "true_divide",
    "__add__", "__radd__", "__iadd__", "__sub__", "__rsub__", "__isub__", "__mul__", "__rmul__", "__imul__",
    "__truediv__", "__itruediv__",
}  # fmt: skip
# Linear with non-negative coefficients, or mere rearrangements: they are their own wires.
AS_THEY_ARE = {
    "cat", "concat", "avg_pool2d", "pad", "_pad_circular", "pixel_shuffle", "pixel_unshuffle", "__getitem__", "chunk",
    "split", "tensor_split", "narrow", "unbind", "stack",
}  # fmt: skip
# They look, and build nothing:
LOOKING = {
    "__get__", "size", "dim", "numel", "stride", "is_floating_point", "is_complex", "__len__", "detach", "ndimension",
}  # fmt: skip


class Wires(TorchFunctionMode):
    """While active, whatever depends on a tensor that requires a gradient is wired with positive weights."""

    def __torch_function__(self, func, types, args=(), kwargs=None):
        kwargs, name = kwargs or {}, func.__name__
        on_the_way = any(t.requires_grad for t in _tensors((args, tuple(kwargs.values()))))
        if not on_the_way or name in LOOKING or name in AS_THEY_ARE:
            return func(*args, **kwargs)
        if name == "batch_norm" and (args[5] if len(args) > 5 else kwargs.get("training")):
            raise unsupported("batch norm in training mode, which mixes all pixels")
        if name in POINTWISE:
            return args[0]
        if name in COMBINE:
            return sum(t for t in args if isinstance(t, Tensor) and t.requires_grad)
        rule = {
            "conv2d": _conv2d,
            "conv_transpose2d": _conv_transpose2d,
            "max_pool2d": _max_pool2d,
            "interpolate": _interpolate,
        }.get(name)
        if rule is None:
            raise unsupported(f"operation {resolve_name(func) or name}")
        return rule(*args, **kwargs)


def _positive(weight: Tensor) -> Tensor:
    """An average instead of a sum, so that numbers neither overflow nor vanish."""
    return torch.full_like(weight, 1 / weight[0].numel(), dtype=torch.float64, requires_grad=False)


def _conv2d(x, weight, bias=None, *geometry, **options):
    return F.conv2d(x, _positive(weight), None, *geometry, **options)


def _conv_transpose2d(x, weight, bias=None, *geometry, **options):
    return F.conv_transpose2d(x, _positive(weight), None, *geometry, **options)


def _max_pool2d(x, kernel_size, stride=None, padding=0, dilation=1, ceil_mode=False, return_indices=False):
    """A maximum may come from anywhere in its window: the wires are those of a sum."""
    if return_indices:
        raise unsupported("max pooling with return_indices")
    if ceil_mode:  # the last window may stick out: let it see zeros there
        step = stride or kernel_size
        if padding or not isinstance(kernel_size, int) or not isinstance(step, int) or step > kernel_size:
            raise unsupported(
                "max pooling with ceil_mode together with padding, pairs or a stride beyond its window"
            )
        more = [(kernel_size - n) % step for n in x.shape[-2:]]
        x = F.pad(x, (0, more[1], 0, more[0]))
    kernel = kernel_size if isinstance(kernel_size, (tuple, list)) else (kernel_size, kernel_size)
    ones = x.new_ones(x.shape[1], 1, *kernel)
    return F.conv2d(x, ones, None, stride or kernel_size, padding, dilation, groups=x.shape[1])


def _interpolate(x, size=None, scale_factor=None, mode="nearest", align_corners=None, **options):
    if mode not in {"nearest", "nearest-exact", "bilinear"}:
        raise unsupported(f"interpolation {mode!r}, whose weights are not all positive")
    return F.interpolate(x, size, scale_factor, mode, align_corners, **options)


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
        "(un)shuffle, padding, batch norm, pointwise functions, sums, products and concatenations"
    )
