"""Photographs that are already on the machine: those inside the scikit-image wheel, read without a download.

``skimage.data`` may download what its wheel lacks, so the files are read here directly. Pictures of
identifiable people (``astronaut``, ``camera``) are there by name but never among the defaults.

van der Walt et al., scikit-image, PeerJ 2014, https://doi.org/10.7717/peerj.453 (all pictures free to use)
"""

from collections.abc import Iterable
from functools import cache
from importlib.resources import files

import numpy as np
import torch
from torch import Tensor

from .store import DataError

# name -> (file in the wheel, what one sees: an alt text)
PHOTOGRAPHS = {
    "chelsea": ("chelsea.png", "the face of a tabby cat"),
    "coffee": ("coffee.png", "a red cup of coffee on a wooden table"),
    "rocket": ("rocket.jpg", "a rocket on its launch pad at night"),
    "motorcycle": ("motorcycle_left.png", "a red motorcycle in a garage"),
    "brick": ("brick.png", "a brick wall"),
    "coins": ("coins.png", "ancient coins on a dark ground"),
    "grass": ("grass.png", "grass seen from above"),
    "gravel": ("gravel.png", "gravel seen from above"),
    "hubble": ("hubble_deep_field.jpg", "galaxies on a black sky"),
    "ihc": ("ihc.png", "stained tissue under a microscope"),
    "moon": ("moon.png", "craters of the moon"),
}
BY_NAME = {
    "astronaut": ("astronaut.png", "an astronaut in an orange suit"),
    "camera": ("camera.png", "a man with a camera on a tripod"),
    "page": ("page.png", "a scanned page of text"),
    "retina": ("retina.jpg", "the back of an eye"),
    "text": ("text.png", "handwriting on squared paper"),
}
HELD_OUT = ("chelsea", "rocket", "brick")  # an animal, smooth sky with thin lines, a texture


def photographs(size: int | None = None, grey: bool = True, names: Iterable[str] | None = None) -> dict[str, Tensor]:
    """Photographs by name, float (C, H, W) in [0, 1], C = 1 if ``grey`` else 3.

    Args:
        size: the central square, scaled *down* to ``size`` x ``size`` (never up); None keeps the picture.
        grey: luminance (ITU-R 601) instead of colour.
        names: which, of ``PHOTOGRAPHS`` (the default: all of it) and ``BY_NAME``.

    Raises:
        ValueError: an unknown name, or a picture smaller than ``size``. DataError: not in this wheel.
    """
    chosen = PHOTOGRAPHS if names is None else [names] if isinstance(names, str) else names
    return {name: _read(name, size, grey).float().div_(255) for name in chosen}


def photograph_tiles(size: int = 180) -> Tensor:
    """A small training set in the form of ``bsd400()``: uint8 (N, 1, size, size), with no download.

    Side by side, uncut and unscaled, from the photographs that are not in ``held_out_photographs``.

    Raises: ``ValueError`` for a size that not all of them have.
    """
    return torch.cat(tiles([_read(name, None, True) for name in PHOTOGRAPHS if name not in HELD_OUT], size))


def tiles(pictures: list[Tensor], size: int) -> list[Tensor]:
    """Each picture (C, H, W) as squares side by side, (N, C, size, size); what is left over at the border goes.

    Raises: ``ValueError`` for a size below 1 or larger than a picture.
    """
    limit = min(min(picture.shape[1:]) for picture in pictures)
    if not isinstance(size, int) or not 1 <= size <= limit:
        raise ValueError(f"size must be in 1..{limit}, whole, the shortest side of the photographs, got {size}")
    cut = [picture.unfold(1, size, size).unfold(2, size, size) for picture in pictures]
    return [x.permute(1, 2, 0, 3, 4).reshape(-1, len(x), size, size) for x in cut]


def held_out_photographs(size: int | None = None) -> list[Tensor]:
    """A small test set in the form of ``bsd68()``: a list of float (1, H, W) in [0, 1], with no download."""
    return list(photographs(size, names=HELD_OUT).values())


@cache
def _pixels(name: str, grey: bool):
    from PIL import Image

    known = PHOTOGRAPHS | BY_NAME
    if name not in known:
        raise ValueError(f"there is no photograph {name!r}; choose from {', '.join(known)}")
    path = files("skimage") / "data" / known[name][0]
    if not path.is_file():
        raise DataError(f"photograph {name!r}: this scikit-image has no {path}; pip install -U scikit-image")
    with path.open("rb") as file:
        return Image.open(file).convert("L" if grey else "RGB")


def _read(name: str, size: int | None, grey: bool) -> Tensor:
    from PIL import Image

    picture = _pixels(name, grey)
    if size is not None:
        side = min(picture.size)
        if not 1 <= size <= side:
            raise ValueError(f"size must be in 1..{side}, the shorter side of {name!r}, got {size}")
        left, top = (picture.width - side) // 2, (picture.height - side) // 2
        box = (left, top, left + side, top + side)
        picture = picture.resize((size, size), Image.Resampling.LANCZOS, box)
    return torch.from_numpy(np.array(picture)).view(picture.height, picture.width, -1).permute(2, 0, 1)
