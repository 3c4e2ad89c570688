"""Look into a network: what a pixel was computed from, and where a network pays attention."""

from collections.abc import Iterator

import torch
from torch import Tensor
from torch.nn import functional as F

from .. import reference
from ..observation import Gaussian
from ..pretext_tasks.attention import attention_map
from ..receptive_fields import effective_receptive_field
from .restoring import asks, grey
from .task import Choice, Level, Task, View

AROUND = 48  # pixels shown around the one that is looked at
ZOOM = 4

FIELD_OF = {"DnCNN for σ = 25": "dncnn-s25", "DnCNN, blind": "dncnn-blind", "FFDNet": "ffdnet-grey"}
SIDES = {"96 pixels": 96, "32 pixels, as in training": 32, "192 pixels": 192}
ATTENTION_OF = {"RotNet: turned by how much?": "rotnet", "supervised: what is it?": "pretext-supervised"}


def field_task() -> Task:
    controls = {
        "network": Choice("Network", FIELD_OF),
        "sigma": Level("Noise added, σ of 255", 0, 75, 25),
        "down": Level("Pixel: % from the top", 0, 100, 50),
        "across": Level("Pixel: % from the left", 0, 100, 50),
    }
    about = "The noisy pixels that one denoised pixel was computed from: its effective receptive field."
    return Task("What a pixel looked at", about, run_field, controls)


def run_field(picture: Tensor, network: str, sigma: float, down: float, across: float, seed: int = 0) -> Iterator[View]:
    """One pass back through the network from the pixel at ``down`` and ``across`` percent, and its surroundings."""
    model, z = reference.load(network), grey(picture)
    z = Gaussian(sigma / 255)(z, torch.Generator().manual_seed(seed)) if sigma else z
    row, column = (min(n - 1, int(share / 100 * n)) for share, n in zip((down, across), z.shape[-2:], strict=True))
    top, left = (max(0, at - AROUND) // 2 * 2 for at in (row, column))  # FFDNet deals out squares of 2 x 2
    part = z[..., top : row + AROUND + 1, left : column + AROUND + 1]
    yield View(0.1, "Going back through the layers …", {"around the pixel": enlarged(part)})
    forward = (lambda m, x: m(x, sigma / 255)) if asks(model) else None
    seen = effective_receptive_field(model, part, forward=forward, at=(row - top, column - left))
    weight = (seen.map / seen.map.max()).sqrt()[None, None]
    mixed = part.clamp(0, 1) * (1 - weight) + weight
    pictures = {"around the pixel": part, "what it looked at": weight, "both": mixed}
    words = f"Row {row}, column {column}: radius {seen.radius:.1f} pixels, {seen.area} pixels looked at."
    yield View(1, words, {title: enlarged(x) for title, x in pictures.items()})


def attention_task() -> Task:
    controls = {
        "network": Choice("Network", ATTENTION_OF),
        "side": Choice(
            "Size that the network sees", {"96 pixels": 96, "32 pixels, as in training": 32, "192 pixels": 192}
        ),
    }
    about = "Where the activations of a self-supervised network are large, block by block. It learned from CIFAR-10."
    return Task("Where a network looks", about, run_attention, controls, longest=256)


@torch.no_grad()
def run_attention(picture: Tensor, network: str, side: int) -> Iterator[View]:
    """The attention maps of every block over the picture; dark is where little goes on."""
    scale = side / max(picture.shape[-2:])
    height, width = (max(8, round(n * scale)) for n in picture.shape[-2:])
    small = F.interpolate(picture, (height, width), mode="bilinear", antialias=True).clamp(0, 1)
    yield View(0.1, "Looking …", {"what it sees": small})
    shown = {"what it sees": picture}
    for block, maps in enumerate(reference.load(network).backbone.forward_features(small), 1):
        weight = F.interpolate(attention_map(maps)[:, None], picture.shape[-2:], mode="bilinear")
        shown[f"block {block}"] = picture * (0.15 + 0.85 * weight)
    yield View(1, f"{len(shown) - 1} blocks, seen at {height} × {width} pixels.", shown)


def enlarged(x: Tensor) -> Tensor:
    return F.interpolate(x, scale_factor=ZOOM)
