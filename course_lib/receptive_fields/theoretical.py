"""The theoretical receptive field of any convolutional network, read off the network itself as it runs.

A textbook adds up kernels and strides along a list of layers. A real network has skips, concatenations, dilation and
borders, and is no list. So we run it once as bare wires, with positive weights and no activations. Nothing can cancel
in it: an input pixel is connected to an output pixel exactly if the gradient between them is not zero.

Chapter: book/receptive_fields/receptive_field.ipynb
"""

from dataclasses import dataclass

from torch import Tensor, nn

from ..wiring import connect


@dataclass(frozen=True)
class ReceptiveField:
    """The input pixels that one output pixel is connected to.

    Attributes:
        mask: (H, W), or (L,) of a signal, (D, H, W) of a solid; true where the input is seen. Dilation leaves holes in
            it; at the border it is cut off.
        at: row and column of the output pixel.
    """

    mask: Tensor
    at: tuple[int, ...]

    @property
    def box(self) -> tuple[int, ...]:
        """top, left, bottom, right of the smallest rectangle that holds the mask; bottom and right are outside.

        Of a signal: begin, end. Of a solid: front, top, left, back, bottom, right.
        """
        places = self.mask.nonzero()
        if not len(places):
            raise ValueError(f"the output at {self.at} does not depend on the input at all")
        return (*places.amin(0).tolist(), *(places.amax(0) + 1).tolist())

    @property
    def size(self) -> tuple[int, ...]:
        """Height and width of the box."""
        box, axes = self.box, self.mask.ndim
        return tuple(end - begin for begin, end in zip(box[:axes], box[axes:], strict=True))


def receptive_field(
    model: nn.Module, *inputs: Tensor, at: tuple[int, ...] | None = None, layer: str | None = None
) -> ReceptiveField:
    """Which pixels of the first input an output pixel can depend on, in evaluation mode.

    ``mask[i, j] = 1`` if a path leads from input pixel (i, j) to the output pixel ``at``. For a chain of layers with
    kernel k, stride s and dilation d, far from the border, its side follows ``r <- r + (k - 1) d j; j <- j s``.

    Args:
        model: made of convolutions, pooling, up-sampling, pixel (un)shuffle, padding, cropping, batch norm, layer norm
            and linear layers on channels, pointwise functions, sums, products, concatenations and rearrangements. Its
            parameters' values do not matter; zeros that a mask or a fixed filter puts into a kernel or a volume do.
        inputs: tensors as ``forward`` takes them, batch of 1; the first one is the image (1, C, H, W), large enough
            for the field if the border is not to cut it, or a signal (1, C, L), or a solid (1, C, D, H, W). Their
            values do not matter.
        at: row and column in the output; its centre by default.
        layer: name of a module (as in ``model.named_modules()``): its output, the first time it runs, is looked at
            instead of the model's; what comes after it may be anything.

    Raises:
        ValueError: for an operation that mixes all pixels (dense layers, norms over the image, global pooling,
            attention) or is not known, with the name of its layer; for an unknown layer; for ``at`` outside of the
            output; for an output that is no volume.
    Araujo et al., "Computing Receptive Fields of CNNs", Distill 2019, https://doi.org/10.23915/distill.00021
    """
    names = dict(model.named_modules())
    if layer is not None and layer not in names:
        raise ValueError(f"the model has no layer {layer!r}; there are {', '.join(n for n in names if n)}")
    connections = connect(model, *inputs, layer=layer)
    sides = tuple(connections.output.shape[2:])
    at = tuple(n // 2 for n in sides) if at is None else tuple(at)
    if len(at) != len(sides) or not all(0 <= i < n for i, n in zip(at, sides, strict=True)):
        raise ValueError(f"at must lie in the output of {' x '.join(map(str, sides))} pixels, got {at}")
    return ReceptiveField(connections.mask(at), at)
