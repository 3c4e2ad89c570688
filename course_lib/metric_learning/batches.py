"""Batches for learning distances: some people, some pictures of each, so that there are pairs to be made.

Chapter: book/metric_learning/siamese_networks.ipynb
"""

import math

import torch
from torch import Tensor
from torch.nn import functional as F

from .._checks import check_images


class PeopleBatches:
    """``people`` random identities with ``shots`` random pictures each: ``batches(generator) -> (z, labels)``.

    Drawn at random, 64 pictures of 300 people would hold almost no two of the same person.

    Args:
        images: uint8 (N, C, H, W).
        labels: (N,) integers; every identity needs at least two pictures.
        people: in a batch.
        shots: pictures of each; of people who have fewer, some are drawn twice.
        jitter: shift, turn, zoom, mirror every picture a little and change its tone, for sets with few pictures.
        device: where the pictures live and batches are made.

    Shape:
        generator -> (people * shots, C, H, W) float in [0, 1], and (people * shots,) labels

    Raises:
        ValueError: other shapes or types, fewer identities than ``people``, an identity with one picture.
    """

    def __init__(
        self,
        images: Tensor,
        labels: Tensor,
        people: int = 16,
        shots: int = 4,
        jitter: bool = False,
        device: torch.device | str = "cpu",
    ):
        if (
            images.ndim != 4
            or images.dtype != torch.uint8
            or labels.shape != images.shape[:1]
            or labels.is_floating_point()
            or not len(labels)
        ):
            got = f"{tuple(images.shape)} {images.dtype} and {tuple(labels.shape)} {labels.dtype}"
            raise ValueError(f"images must be uint8 (N, C, H, W), N at least 1, and labels (N,) integers, got {got}")
        names, counts = labels.cpu().unique(return_counts=True)
        if people < 2 or shots < 2 or people > len(names) or counts.min() < 2:
            raise ValueError(
                f"a batch needs at least 2 people with 2 shots, of whom two pictures exist; got people={people}, "
                f"shots={shots} from {len(names)} people with {counts.min()} to {counts.max()} pictures"
            )
        order = labels.cpu().argsort(stable=True)
        self.people, self.shots, self.jitter, self.device = people, shots, jitter, torch.device(device)
        self.images = images[order.to(images.device)].to(self.device)
        self.names, self.counts = names.to(self.device), counts.to(self.device)
        self.starts = self.counts.cumsum(0) - self.counts
        self.most = max(int(counts.max()), shots)

    def __call__(self, generator: torch.Generator) -> tuple[Tensor, Tensor]:
        draw = {"generator": generator, "device": generator.device, "dtype": torch.float32}
        chosen = torch.rand(len(self.names), **draw).argsort()[: self.people].to(self.device)
        lots = torch.rand(self.people, self.most, **draw).to(self.device)
        counts = self.counts[chosen, None]
        # the smallest lots among a person's own pictures; if they are too few, the remainder starts again
        lots = lots + 2 * (torch.arange(self.most, device=self.device) >= counts)
        picture = lots.argsort(1)[:, : self.shots] % counts
        z = self.images[(self.starts[chosen, None] + picture).flatten()].float() / 255
        return (jittered(z, generator) if self.jitter else z), self.names[chosen].repeat_interleave(self.shots)


def jittered(z: Tensor, generator: torch.Generator) -> Tensor:
    """Every picture shifted (5 %), turned (7 degrees), zoomed (10 %), perhaps mirrored, and its tone curve bent.

    All are uniform up to the limits given; the tone is ``z^g`` with ``log g`` uniform in [-0.3, 0.3].

    Args:
        generator: on any device; its state alone decides.

    Shape: (B, C, H, W) in [0, 1] -> the same, on the same device
    Raises: ``ValueError`` for another form, values outside [0, 1], NaN.
    """
    check_images(z, "z", clean=True)
    precise = z.to(torch.promote_types(z.dtype, torch.float32))
    draw = {"generator": generator, "device": generator.device, "dtype": torch.float32}
    unit = (2 * torch.rand(6, len(z), **draw) - 1).to(precise)
    zoom, angle = 1 + 0.1 * unit[0], math.radians(7) * unit[1]
    mirror = torch.where(unit[2] > 0, 1.0, -1.0).to(unit)
    cos, sin = zoom * angle.cos(), zoom * angle.sin()
    rows = [torch.stack([cos * mirror, -sin, 0.1 * unit[3]], 1), torch.stack([sin * mirror, cos, 0.1 * unit[4]], 1)]
    grid = F.affine_grid(torch.stack(rows, 1), list(z.shape), align_corners=False)
    moved = F.grid_sample(precise, grid, padding_mode="border", align_corners=False)
    return (moved.clamp(0, 1) ** torch.exp(0.3 * unit[5]).view(-1, 1, 1, 1)).to(z.dtype)
