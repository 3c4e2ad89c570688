"""The geometry of a network: where its output pixels lie in its image, how far they see, when all repeats.

Chapter: book/receptive_fields/effective_receptive_field.ipynb
"""

import weakref
from collections.abc import Callable
from dataclasses import dataclass

from torch import Tensor, nn

from .connections import Connections, connect

LARGEST = 1024
# The wires depend on the layers alone, which the text of a module lists, so that a network is measured once.
_KNOWN: weakref.WeakKeyDictionary = weakref.WeakKeyDictionary()


@dataclass(frozen=True)
class Geometry:
    """Where the output pixels of a network lie in its image; a number for each axis, by `geometry`.

    Attributes:
        stride: input pixels from one output pixel to the next.
        first: where the centre of output pixel 0 lies in the image, which may be outside.
        period: input pixels after which the network does the same again, such as the product of its strides.
        before, after: how far an output pixel sees up or to the left of its centre, and down or to the right, at most.
    """

    stride: tuple[float, ...]
    first: tuple[float, ...]
    period: tuple[int, ...]
    before: tuple[float, ...]
    after: tuple[float, ...]

    def centre(self, at: tuple[int, ...]) -> tuple[float, ...]:
        """Where the output pixel ``at`` lies in the image."""
        return tuple(f + s * i for f, s, i in zip(self.first, self.stride, at, strict=True))


def geometry(model: nn.Module, image: Tensor, forward: Callable[..., Tensor] | None = None) -> Geometry:
    """Measured in the middle of an image, where no border cuts the field; if need be in a larger image.

    Args:
        image: (1, C, ...), of which only the shape matters.
        forward: as for `connect`.

    Raises: ``ValueError`` as `connect`, or if the field does not fit into 1,024 pixels a side, is empty, or is not the
        same from period to period.
    """
    code = getattr(forward, "__code__", forward)
    key = repr(model), tuple(image.shape), code
    known = _KNOWN.setdefault(model, {})
    if key in known:
        return known[key]
    while (found := _measured(connect(model, image, forward=forward))) is None:
        if max(image.shape[2:]) >= LARGEST:
            sides = " x ".join(map(str, image.shape[2:]))
            raise ValueError(f"the field does not fit into {sides} pixels, or differs from place to place")
        image = image.new_zeros(*image.shape[:2], *(min(2 * n, max(n, LARGEST)) for n in image.shape[2:]))
    # what a function has taken along may be other the next time
    if not getattr(forward, "__closure__", None):
        known[key] = found
    return found


def _measured(wired: Connections) -> Geometry | None:
    """None where the border cuts the field, or the image is too small to tell the period."""
    sizes, outs, axes = wired.image.shape[2:], wired.output.shape[2:], range(wired.image.ndim - 2)
    period = [max(1, round(n / coarse)) for n, coarse in zip(sizes, wired.coarsest, strict=True)]
    steps = [max(1, round(m / coarse)) for m, coarse in zip(outs, wired.coarsest, strict=True)]  # outputs in a period
    stride = [p / k for p, k in zip(period, steps, strict=True)]
    middle = [max(0, m // 2 - k) for m, k in zip(outs, steps, strict=True)]
    boxes = []
    for k in range(max(steps) + 1):
        box = wired.box(tuple(min(c + min(k, s), m - 1) for c, s, m in zip(middle, steps, outs, strict=True)))
        if box is None or min(box[0]) <= 0 or any(end >= n for end, n in zip(box[1], sizes, strict=True)):
            return None
        boxes.append(box)
    first, before, after = [], [], []
    for axis in axes:
        fields = [(box[0][axis], box[1][axis] - 1) for box in boxes[: steps[axis]]]
        again = (boxes[steps[axis]][0][axis], boxes[steps[axis]][1][axis] - 1)
        if again != tuple(side + period[axis] for side in fields[0]):
            return None  # in a small image, what borders cut off passes for a stride
        places = [middle[axis] + k for k in range(steps[axis])]
        middles = [(a + b) / 2 - stride[axis] * i for (a, b), i in zip(fields, places, strict=True)]
        first.append(sum(middles) / len(middles))
        centres = [first[axis] + stride[axis] * i for i in places]
        before.append(max(c - a for c, (a, b) in zip(centres, fields, strict=True)))
        after.append(max(b - c for c, (a, b) in zip(centres, fields, strict=True)))
    return Geometry(*map(tuple, (stride, first, period, before, after)))
