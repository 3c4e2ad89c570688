"""Training patches, cut on the device: a batch is one indexed read, whatever the number of images.

Zhang et al., IEEE TIP 2017, https://doi.org/10.1109/TIP.2017.2662206 (40x40, augmented).
Chapter: book/denoising/dncnn.ipynb
"""

from collections.abc import Sequence

import torch
from torch import Tensor

from .._checks import check_images


class Patches:
    """Random square patches, each flipped and rotated at random: ``patches(generator) -> y``.

    A patch is an affine read of the flat pixel memory: ``patch[i, j] = pixels[start + a * i + b * j]``. With
    ``(a, b) = (width, 1)`` it is the plain crop; a sign flips an axis, exchanging a and b transposes. So the
    eight symmetries of the square cost nothing, and no loop runs over images.

    Every image is equally likely, and in it every position at which a patch fits, as is each symmetry.
    The batch depends on the state of the generator alone.

    Args:
        images: uint8 (N, C, H, W), or float in [0, 1]; or a list of (C, H, W) images of different sizes.
        size: side of a patch in pixels.
        batch: patches in each call.
        augment: use the 8 symmetries, else the plain crop.
        device: where the pixels live (uint8 stays uint8) and the batch is made.

    Shape:
        generator -> (batch, C, size, size), float32 in [0, 1]

    Raises:
        ValueError: rank, dtype, values outside [0, 1], NaN, no image, or an image smaller than ``size``.

    Example:
        >>> patches = Patches(torch.zeros(3, 1, 50, 60, dtype=torch.uint8), size=40, batch=16)
        >>> patches(torch.Generator().manual_seed(0)).shape
        torch.Size([16, 1, 40, 40])
    """

    def __init__(
        self,
        images: Tensor | Sequence[Tensor],
        size: int = 40,
        batch: int = 128,
        augment: bool = True,
        device: torch.device | str = "cpu",
    ):
        if size < 1 or batch < 1:
            raise ValueError(f"size and batch must be at least 1, got size={size}, batch={batch}")
        shapes, pixels = _flatten(images)
        small = min(shapes, key=lambda shape: min(shape[1:]))
        if min(small[1:]) < size:
            raise ValueError(f"every image must be at least {size}x{size}, got one of {small[1]}x{small[2]}")
        self.size, self.batch, self.augment, self.device = size, batch, augment, torch.device(device)
        self.count, self.channels = len(shapes), shapes[0][0]
        self.pixels = pixels.to(self.device)
        channels, height, width = torch.tensor(shapes).unbind(1)
        area = channels * height * width
        # one column for each image: where its pixels begin, its height and width
        self.table = torch.stack([area.cumsum(0) - area, height, width]).to(self.device)
        self.steps = torch.arange(size, device=self.device)
        self.planes = torch.arange(self.channels, device=self.device).view(-1, 1, 1)

    def __call__(self, generator: torch.Generator) -> Tensor:
        draw = {"generator": generator, "device": generator.device}
        which = torch.randint(self.count, (self.batch,), **draw).to(self.device, non_blocking=True)
        place = torch.rand(2, self.batch, dtype=torch.float32, **draw).to(self.device, non_blocking=True)
        offset, height, width = self.table.index_select(1, which).unbind(0)
        room = torch.stack([height, width]) - self.size
        # rounding may carry u * (room + 1) up to room + 1, hence the minimum
        top, left = torch.minimum((place * (room + 1)).long(), room).unbind(0)
        if self.augment:
            bits = torch.randint(2, (3, self.batch), **draw).to(self.device, non_blocking=True)
        else:
            bits = torch.zeros(3, self.batch, dtype=torch.long, device=self.device)
        upside_down, mirrored, transposed = bits.unbind(0)
        last = self.size - 1
        start = offset + (top + upside_down * last) * width + left + mirrored * last
        row = width * (1 - 2 * upside_down)
        column = 1 - 2 * mirrored
        a = torch.where(transposed == 1, column, row)
        b = torch.where(transposed == 1, row, column)

        i, j = self.steps.view(-1, 1), self.steps
        index = start.view(-1, 1, 1) + a.view(-1, 1, 1) * i + b.view(-1, 1, 1) * j
        if self.channels > 1:
            index = index.unsqueeze(1) + (height * width).view(-1, 1, 1, 1) * self.planes
        shape = (self.batch, self.channels, self.size, self.size)
        patches = self.pixels.index_select(0, index.view(-1)).view(shape)
        return patches.float().div_(255) if patches.dtype == torch.uint8 else patches


def _flatten(images: Tensor | Sequence[Tensor]) -> tuple[list[tuple[int, ...]], Tensor]:
    """The (C, H, W) of every image, and all their pixels one after the other: uint8, or float32 in [0, 1]."""
    if isinstance(images, Tensor):
        if images.ndim != 4:
            raise ValueError(f"images must have 4 dimensions (N, C, H, W), got shape {tuple(images.shape)}")
        if not images.numel():
            raise ValueError(f"images must not be empty, got shape {tuple(images.shape)}")
        return [tuple(images.shape[1:])] * len(images), _pixels(images, "images")
    if not isinstance(images, Sequence) or not len(images):
        raise ValueError(f"images must be a tensor (N, C, H, W) or a non-empty list, got {type(images).__name__}")
    for k, image in enumerate(images):
        if not isinstance(image, Tensor) or image.ndim != 3 or not image.numel():
            got = tuple(image.shape) if isinstance(image, Tensor) else type(image).__name__
            raise ValueError(f"images[{k}] must be a tensor (C, H, W), got {got}")
    kinds = {(image.shape[0], image.dtype, image.device) for image in images}
    if len(kinds) > 1:
        raise ValueError(f"images must share channels, dtype and device, got {sorted(map(str, kinds))}")
    pixels = torch.cat([_pixels(image[None], f"images[{k}]") for k, image in enumerate(images)])
    return [tuple(image.shape) for image in images], pixels


def _pixels(images: Tensor, name: str) -> Tensor:
    if images.dtype == torch.uint8:
        return images.reshape(-1)
    if not images.is_floating_point():
        raise ValueError(f"{name} must be uint8, or float in [0, 1], got {images.dtype}")
    check_images(images, name, clean=True)
    return images.reshape(-1).float()
