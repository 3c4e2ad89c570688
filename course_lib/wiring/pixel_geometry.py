"""The geometry of a network: where its output pixels lie in its image, how far they see, when all repeats.

Chapter: book/receptive_fields/effective_receptive_field.ipynb
"""

import weakref
from collections.abc import Callable
from dataclasses import dataclass

from torch import Tensor, nn

from .connections import Connections, connect

LARGEST = 768
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

    Raises: ``ValueError`` as `connect`, or if the field does not fit into 768 pixels a side, is empty, or is not the
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
    sizes, outs = wired.image.shape[2:], wired.output.shape[2:]
    steps = [max(1, round(m / coarse)) for m, coarse in zip(outs, wired.coarsest, strict=True)]  # outputs in a period
    begin = [m // 2 - k for m, k in zip(outs, steps, strict=True)]
    if any(b < 0 or b + 2 * k >= m for b, k, m in zip(begin, steps, outs, strict=True)):
        return None
    boxes = {}
    for k in {*range(max(steps)), *steps, *(2 * k for k in steps)}:
        box = wired.box(tuple(b + min(k, 2 * s) for b, s in zip(begin, steps, strict=True)))
        if box is None or min(box[0]) <= 0 or any(end >= n for end, n in zip(box[1], sizes, strict=True)):
            return None
        boxes[k] = box
    measured = []
    for axis, (s, b) in enumerate(zip(steps, begin, strict=True)):
        fields = [(boxes[k][0][axis], boxes[k][1][axis] - 1) for k in (*range(s), s, 2 * s)]
        period = fields[s][0] - fields[0][0]
        shifts = [
            side - earlier for k in (0, 1) for side, earlier in zip(fields[s + k], fields[(0, s)[k]], strict=True)
        ]
        if period < 1 or set(shifts) != {period}:
            return None
        stride, places = period / s, range(b, b + s)
        first = sum((top + end) / 2 - stride * i for (top, end), i in zip(fields[:s], places, strict=True)) / s
        centres = [first + stride * i for i in places]
        reach = [(centre - top, end - centre) for (top, end), centre in zip(fields[:s], centres, strict=True)]
        measured.append((stride, first, period, *map(max, zip(*reach, strict=True))))
    return Geometry(*zip(*measured, strict=True))
