"""Exemplar networks: every patch is a class of its own, and its distorted copies are the examples.

Dosovitskiy, Springenberg, Riedmiller, Brox, "Discriminative Unsupervised Feature Learning with Convolutional Neural
Networks", NeurIPS 2014, https://arxiv.org/abs/1406.6909
Chapter: book/pretext_tasks/exemplars_and_contrast.ipynb
"""

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional as F

from .._checks import check_images
from .augmentations import LUMA, crop, recolour


def gradient_energy(images: Tensor, size: int) -> Tensor:
    """``|grad x|^2`` of the luma, averaged over every window of ``size`` x ``size`` that lies inside.

    Shape: (B, 3, H, W) -> (B, H - size + 1, W - size + 1)
    Raises: ``ValueError`` for other images, or a window that does not fit.
    """
    check_images(images, "images", channels=3)
    if not 2 <= size <= min(images.shape[-2:]):
        raise ValueError(f"size must be from 2 to {min(images.shape[-2:])}, got {size}")
    luma = torch.einsum("bchw,c->bhw", images, images.new_tensor(LUMA))
    down, across = torch.gradient(luma, dim=(1, 2))
    return F.avg_pool2d(down.square() + across.square(), size, stride=1)


@dataclass(frozen=True)
class Exemplars:
    """Seed patches, each with a picture that it comes from and a window in it. The surrogate class is its number.

    Attributes:
        images: uint8 (N, 3, H, W), the pictures.
        middle: (N, 2), the window's middle as (x, y) from -1 to 1.
        size: its side in pixels.
    """

    images: Tensor
    middle: Tensor
    size: int

    def to(self, device: torch.device | str) -> "Exemplars":
        """The same on another device."""
        return Exemplars(self.images.to(device), self.middle.to(device), self.size)

    def __len__(self) -> int:
        return len(self.images)

    def seeds(self) -> Tensor:
        """The undistorted patches, float (N, 3, size, size)."""
        still = torch.zeros(len(self), device=self.images.device)
        half = self._half().expand(len(self), 2)
        return crop(self.images.float() / 255, self.middle, half, still, still + 1, self.size)

    def batch(self, count: int, out: int, generator: torch.Generator) -> tuple[Tensor, Tensor]:
        """``count`` distorted copies of random seeds, float (count, 3, out, out), and their classes (count,).

        As in the paper: moved by up to a fifth of the patch, scaled by 0.7 to 1.4, turned by up to 20 degrees, with
        other contrast, saturation and hue; mirrored in half of the cases.
        """
        device = self.images.device

        def uniform(low: float = 0.0, high: float = 1.0) -> Tensor:
            return low + (high - low) * torch.rand(count, generator=generator, device=generator.device).to(device)

        label = torch.randint(len(self), (count,), generator=generator, device=generator.device).to(device)
        half = self._half() * (2 ** uniform(-0.5, 0.5))[:, None]
        middle = self.middle[label] + 2 * self._half() * torch.stack([uniform(-0.2, 0.2), uniform(-0.2, 0.2)], 1)
        angle = uniform(-20, 20) * torch.pi / 180
        mirror = 1 - 2 * (uniform() < 0.5).float()
        copies = crop(self.images[label].float() / 255, middle, half, angle, mirror, out)
        colours = uniform(0.7, 1.3), uniform(0.5, 1.5), uniform(0.5, 1.5), uniform(-0.1, 0.1)
        return recolour(copies, *colours), label

    def _half(self) -> Tensor:
        height, width = self.images.shape[-2:]
        return torch.tensor([self.size / width, self.size / height], device=self.images.device)


def draw_exemplars(images: Tensor, count: int, size: int, generator: torch.Generator) -> Exemplars:
    """One seed patch from each of the first ``count`` pictures, drawn in proportion to its `gradient_energy`.

    An even sky or a wall, of which every window looks like every other, is a class that nobody could tell apart.

    Args:
        images: uint8 (N, 3, H, W).
        count: how many classes.
        size: side of a patch in pixels.
        generator: decides where.

    Raises:
        ValueError: images of another type, more classes than pictures, a patch that does not fit.
    """
    if images.dtype != torch.uint8 or images.ndim != 4:
        raise ValueError(f"images must be uint8 (N, 3, H, W), got {images.dtype} {tuple(images.shape)}")
    if not 1 <= count <= len(images):
        raise ValueError(f"count must be from 1 to {len(images)}, the number of pictures, got {count}")
    chosen = images[:count]
    energy = torch.cat([gradient_energy(part.float() / 255, size) for part in chosen.split(500)])
    columns = energy.shape[2]
    # in proportion to the energy, by the largest of logarithms with Gumbel noise: multinomial for every row at once
    u = torch.rand(energy.shape, generator=generator, device=generator.device).to(energy.device)
    place = ((energy + 1e-8).log() - (-u.clamp(min=1e-12).log()).log()).flatten(1).argmax(1)
    corner = torch.stack([place % columns, place // columns], 1)
    side = torch.tensor([images.shape[-1], images.shape[-2]], device=images.device)
    return Exemplars(chosen, 2 * (corner + size / 2) / side - 1, size)
