"""What `wires` puts in the place of the operations that mix pixels or channels: the same with positive weights."""

import torch
from torch import Tensor
from torch.nn import functional as F

# Interpolations without negative weights.
SMOOTH = {"linear", "bilinear", "trilinear", "nearest", "nearest-exact", "area"}


class UnwiredError(ValueError):
    """An operation through which no wires are known."""


def unsupported(what: str) -> UnwiredError:
    """The error for what cannot be wired."""
    return UnwiredError(
        f"receptive_field cannot look through the {what}; it knows convolutions, pooling, up-sampling, pixel "
        "(un)shuffle, padding, batch norm, layers on channels, pointwise functions, sums, products, concatenations and "
        "rearrangements"
    )


def positive_sum(seen: list[Tensor], tensors: list[Tensor]) -> Tensor:
    """Of the volumes that see the image, in the shape to which all of the tensors are broadcast."""
    return sum(seen).expand(torch.broadcast_tensors(*tensors)[0].shape).contiguous()


def product(*factors) -> Tensor:
    """A sum of the volumes that see the image; where a constant factor is zero, it is zero."""
    tensors = [x for x in factors if isinstance(x, Tensor)]
    seen = [x for x in tensors if x.requires_grad]
    total = positive_sum(seen, tensors)
    for x in factors:
        if not (isinstance(x, Tensor) and x.requires_grad):
            total = total * ((x != 0).to(total) if isinstance(x, Tensor) else float(x != 0))
    return total


def _positive(weight: Tensor, input: Tensor) -> Tensor:
    """An average instead of a sum, so that numbers neither overflow nor vanish."""
    return (weight != 0).to(input) / weight[0].numel()


def _convolution(function):
    def rule(input, weight, bias=None, *geometry, **options):
        if weight.requires_grad:
            raise unsupported("convolution with a kernel that is computed from the image")
        if not weight.all():
            return function(input, _positive(weight, input), None, *geometry, **options)
        # Without a zero in the kernel all outputs of a group are equal: one of them is computed, many times faster.
        groups = geometry[3] if len(geometry) > 3 else options.pop("groups", 1)
        mean = input.unflatten(-weight.ndim + 1, (groups, -1)).mean(-weight.ndim + 1)
        kernel = _positive(weight[:1, :1], input).expand(groups, 1, *weight.shape[2:])
        one = function(mean, kernel, None, *geometry, **options, **({} if len(geometry) > 3 else {"groups": groups}))
        outputs = weight.shape[0] // groups if function in CONVOLUTIONS else weight.shape[1]
        return one.repeat_interleave(outputs, -weight.ndim + 1)

    return rule


CONVOLUTIONS = (F.conv1d, F.conv2d, F.conv3d)


def _linear(input, weight, bias=None):
    """On the last axis of a volume, where ConvNeXt has its channels; a dense layer of a flattened image is none."""
    if input.ndim < 3 or weight.requires_grad:
        raise unsupported("operation torch.nn.functional.linear")
    return F.linear(input, _positive(weight, input))


def _matmul(a, b):
    """With a constant matrix: as a linear layer. Of two volumes (attention), each pixel weighs all others."""
    if a.requires_grad and b.requires_grad or max(a.ndim, b.ndim) < 3:
        raise unsupported("operation torch.matmul")
    a, b = (x if x.requires_grad else (x != 0).to(torch.float64) for x in (a, b))
    return (a.to(torch.float64) @ b.to(torch.float64)) / a.shape[-1]


def _layer_norm(input, normalized_shape, *more, **options):
    if len(normalized_shape) != 1:
        raise unsupported("operation torch.nn.functional.layer_norm over more than the channels")
    return input.mean(-1, keepdim=True).expand_as(input).contiguous()


def _over_channels(name):
    """A mean over the channels is linear; over pixels it would make the field the whole image."""

    def rule(input, dim=None, keepdim=False, **options):
        keepdim = options.get("keepdim", keepdim) if isinstance(keepdim, bool) else options.get("keepdim", False)
        axes = dim if isinstance(dim, (tuple, list)) else [dim]
        if input.ndim < 3 or any(not isinstance(a, int) or a % input.ndim != 1 for a in axes):
            raise unsupported(f"operation torch.Tensor.{name} over pixels")
        return input.mean(1, keepdim=keepdim)

    return rule


def _normalize(input, p=2.0, dim=1, *more, **options):
    return _over_channels("normalize")(input, dim, keepdim=True).expand_as(input).contiguous()


def _glu(input, dim=-1):
    return sum(input.chunk(2, dim))


def _flatten(input, start_dim=0, end_dim=-1):
    if start_dim % input.ndim < 2:
        raise unsupported("operation torch.Tensor.flatten of channels and pixels into one axis")
    return input.flatten(start_dim, end_dim)


def _set_item(target, index, value):
    """``x[..., 4, 4] = 0`` cuts the wires to that place."""
    target[index] = value if isinstance(value, Tensor) and value.requires_grad else 0


def _masked_fill(input, mask, value):
    return input.masked_fill(mask, 0)


def _masked_fill_(input, mask, value):
    return input.masked_fill_(mask, 0)


def _where(condition, a, b):
    if condition.dtype != torch.bool:  # the method: a.where(condition, b)
        condition, a = a, condition
    a, b = (x if isinstance(x, Tensor) and x.requires_grad else 0 for x in (a, b))
    return torch.where(condition, a, b)


def _lerp(start, end, weight):
    if isinstance(weight, Tensor) and weight.requires_grad:
        return product(*(x for x in (start, end, weight) if x.requires_grad))
    ends = [(start, 1 - weight), (end, weight)]
    return sum(product(x, share) for x, share in ends if x.requires_grad)


def _addcmul(input, a, b, *, value=1):
    terms = ([product(a, b)] if a.requires_grad or b.requires_grad else []) + [input] * input.requires_grad
    return positive_sum(terms, [input, a, b])


def _max_pool(rank: int):
    convolve = CONVOLUTIONS[rank - 1]

    def rule(input, kernel_size, stride=None, padding=0, dilation=1, ceil_mode=False, return_indices=False):
        """A maximum may come from anywhere in its window: the wires are those of a sum."""
        if return_indices:
            raise unsupported("max pooling with return_indices")
        kernel, padding, dilation = (_axes(x, rank) for x in (kernel_size, padding, dilation))
        step = _axes(stride or kernel_size, rank)
        border = []
        for n, k, s, p, d in zip(input.shape[-rank:], kernel, step, padding, dilation, strict=True):
            reach = d * (k - 1) + 1
            windows = (n + 2 * p - reach + (s - 1) * ceil_mode) // s + 1
            if ceil_mode and (windows - 1) * s >= n + p:  # the last window must begin inside, or in the padding before
                windows -= 1
            # zeros before; and after, as many as the last window sticks out, or less than none where it ends early
            border = [p, (windows - 1) * s + reach - n - p, *border]
        ones = input.new_ones(input.shape[1], 1, *kernel)
        return convolve(F.pad(input, border), ones, None, step, 0, dilation, groups=input.shape[1])

    return rule


def _axes(value, rank: int) -> tuple[int, ...]:
    return tuple(value) * (rank if len(value) == 1 else 1) if isinstance(value, (tuple, list)) else (value,) * rank


def _interpolate(input, size=None, scale_factor=None, mode="nearest", align_corners=None, *more, **options):
    if mode not in SMOOTH:
        raise unsupported(f"interpolation {mode!r}, whose weights are not all positive")
    return F.interpolate(input, size, scale_factor, mode, align_corners, *more, **options)


RULES = {
    **{f"conv{n}d": _convolution(CONVOLUTIONS[n - 1]) for n in (1, 2, 3)},
    **{f"conv_transpose{n}d": _convolution(getattr(F, f"conv_transpose{n}d")) for n in (1, 2, 3)},
    **{f"max_pool{n}d": _max_pool(n) for n in (1, 2, 3)},
    **{name: _over_channels(name) for name in ("mean", "sum", "var", "std", "amax", "amin")},
    **{name: _matmul for name in ("matmul", "__matmul__", "bmm")},
    "masked_fill": _masked_fill,
    "masked_fill_": _masked_fill_,
    "linear": _linear,
    "layer_norm": _layer_norm,
    "normalize": _normalize,
    "glu": _glu,
    "flatten": _flatten,
    "__setitem__": _set_item,
    "where": _where,
    "lerp": _lerp,
    "addcmul": _addcmul,
    "interpolate": _interpolate,
}
