"""The theoretical receptive field of any convolutional network, read off the network itself as it runs.

A textbook adds up kernels and strides along a list of layers. A real network has skips, concatenations, dilation and
borders, and is no list. So we run it once as bare wires, with positive weights and no activations. Nothing can cancel
in it: an input pixel is connected to an output pixel exactly if the gradient between them is not zero.

Chapter: book/receptive_fields/receptive_field.ipynb
"""

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.func import functional_call

from ..features import evaluating
from .wires import Wires


@dataclass(frozen=True)
class ReceptiveField:
    """The input pixels that one output pixel is connected to.

    Attributes:
        mask: (H, W), true where the input is seen. Dilation leaves holes in it; at the border it is cut off.
        at: row and column of the output pixel.
    """

    mask: Tensor
    at: tuple[int, int]

    @property
    def box(self) -> tuple[int, int, int, int]:
        """top, left, bottom, right of the smallest rectangle that holds the mask; bottom and right are outside."""
        rows, columns = (self.mask.any(dim).nonzero().flatten().tolist() for dim in (1, 0))
        if not rows:
            raise ValueError(f"the output at {self.at} does not depend on the input at all")
        return rows[0], columns[0], rows[-1] + 1, columns[-1] + 1

    @property
    def size(self) -> tuple[int, int]:
        """Height and width of the box."""
        top, left, bottom, right = self.box
        return bottom - top, right - left


class _Reached(Exception):  # noqa: N818, it is no error
    """The layer asked for has run: the rest of the forward pass does not matter."""


@torch.inference_mode(False)  # gradients are needed, also in a cell that switched them off
def receptive_field(
    model: nn.Module, *inputs: Tensor, at: tuple[int, int] | None = None, layer: str | None = None
) -> ReceptiveField:
    """Which pixels of the first input an output pixel can depend on, in evaluation mode.

    ``mask[i, j] = 1`` if a path leads from input pixel (i, j) to the output pixel ``at``. For a chain of layers with
    kernel k, stride s and dilation d, far from the border, its side follows ``r <- r + (k - 1) d j; j <- j s``.

    Args:
        model: made of convolutions, pooling, up-sampling, pixel (un)shuffle, padding, cropping, batch norm,
            pointwise functions, sums, products, concatenations and rearrangements. Its parameters' values do not
            matter; zeros that a mask or a fixed filter puts into a kernel do.
        inputs: tensors as ``forward`` takes them, batch of 1; the first one is the image (1, C, H, W), large enough
            for the field if the border is not to cut it. Their values do not matter.
        at: row and column in the output; its centre by default.
        layer: name of a module (as in ``model.named_modules()``): its output, the first time it runs, is looked at
            instead of the model's; what comes after it may be anything.

    Raises:
        ValueError: for an operation that mixes all pixels (dense layers, norms over the image, global pooling) or is
            not known; for an unknown layer; for ``at`` outside of the output; for an output that is no volume.
    Araujo et al., "Computing Receptive Fields of CNNs", Distill 2019, https://doi.org/10.23915/distill.00021
    """
    names = dict(model.named_modules())
    if layer is not None and layer not in names:
        raise ValueError(f"the model has no layer {layer!r}; there are {', '.join(n for n in names if n)}")
    volumes = []

    def look(module, args, output):
        volumes.append(output)
        if layer:
            raise _Reached

    hook = names[layer or ""].register_forward_hook(look)
    # Double precision, because 1/9 to the power of 100 layers must not be rounded to zero; Apple's GPUs have none.
    device = inputs[0].device if inputs[0].device.type != "mps" else torch.device("cpu")
    image = torch.zeros(inputs[0].shape, dtype=torch.float64, device=device, requires_grad=True)
    others = [x.to(device) if isinstance(x, Tensor) else x for x in inputs[1:]]
    # Weights that are not zero, whatever the network's own are: a kernel that is computed from them, or masked, then
    # shows which taps it has.
    generator = torch.Generator().manual_seed(0)
    weights = {name: (torch.rand(p.shape, generator=generator) + 0.5).to(p) for name, p in model.named_parameters()}
    # A network may write over a volume that the way back has kept. With hooks PyTorch lets it: of such volumes only the
    # sizes are needed, because everything is linear.
    with torch.autograd.graph.saved_tensors_hooks(lambda kept: kept, lambda kept: kept):
        try:
            volume = image * 1  # no leaf: it may be written into
            with evaluating(model), Wires():
                functional_call(model, weights, (volume, *others))
        except _Reached:
            pass
        finally:
            hook.remove()
        if not volumes:
            raise ValueError(f"the layer {layer!r} is not used in this forward pass")
        output = volumes[-1]
        if not isinstance(output, Tensor) or output.ndim != 4:
            got = f"shape {tuple(output.shape)}" if isinstance(output, Tensor) else type(output).__name__
            raise ValueError(f"the output must be one volume (B, C, H, W), got {got}; layer= names another")
        height, width = output.shape[-2:]
        row, column = at or (height // 2, width // 2)
        if not (0 <= row < height and 0 <= column < width):
            raise ValueError(f"at must lie in the output of {height} x {width} pixels, got {(row, column)}")
        seen = torch.zeros_like(image)
        if output.requires_grad:
            (seen,) = torch.autograd.grad(output[..., row, column].sum(), image)
    return ReceptiveField((seen != 0).any(dim=1)[0], (row, column))
