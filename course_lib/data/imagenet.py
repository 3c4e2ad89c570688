"""Photographs of 64 x 64 with room for patches, holes and colours, and the class of what is on them.

Deng et al., "ImageNet", CVPR 2009, https://doi.org/10.1109/CVPR.2009.5206848
Chapter: book/pretext_tasks/patch_puzzles.ipynb
"""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from io import BytesIO
from itertools import pairwise
from pathlib import Path
from zipfile import BadZipFile

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from . import folders
from .embedded import photographs, tiles
from .store import DataError

GIVEN = "tiny_imagenet25"
IMAGENETTE = "imagenette2-160"  # torchvision's name
SIZE = 64


@dataclass(frozen=True)
class TinyImagenet:
    """Two disjoint splits, each (images, labels): uint8 (N, 3, 64, 64) and int64 (N,).

    Attributes:
        train: to train on; the pretext tasks do not look at the labels.
        val: to test on.
        classes: what the labels mean.
        source: what the pictures really are: print it beside every number. ``print`` of the whole does.
    """

    train: tuple[Tensor, Tensor]
    val: tuple[Tensor, Tensor]
    classes: tuple[str, ...]
    source: str

    def resized(self, size: int) -> "TinyImagenet":
        """The same with pictures of ``size`` x ``size``, each pixel the mean of those it stands for.

        Raises: ``ValueError`` unless ``size`` divides the side of the pictures.
        """
        side = self.train[0].shape[-1]
        if size < 1 or side % size:
            raise ValueError(f"size must divide {side}, got {size}")
        if size == side:
            return self
        splits = [
            (torch.cat([F.avg_pool2d(x.float(), side // size).round().byte() for x in images.split(1000)]), labels)
            for images, labels in (self.train, self.val)
        ]
        return TinyImagenet(*splits, self.classes, f"{self.source}, scaled to {size}x{size}")

    def __str__(self) -> str:
        train, val, classes = len(self.train[1]), len(self.val[1]), len(self.classes)
        return f"{self.source}: {train:,} images to train on, {val:,} to test on, {classes} classes"


def tiny_imagenet() -> TinyImagenet:
    """25 classes of Tiny-ImageNet where they are at hand, else Imagenette, ten classes of ImageNet, made as small.

    With ``COURSE_DATA``, from ``tiny_imagenet25/`` (8,750 + 1,100 pictures without faces, from
    github.com/seshuad/IMagenet: ``train.npz`` and ``val.npz`` with the bytes of the JPEGs one after the other), or else
    from ``imagenette2-160/``. Without ``COURSE_DATA``, torchvision downloads Imagenette once (99 MB) and verifies it;
    the central square of each picture is scaled down. The pictures belong to their photographers: measure with them,
    and print others.

    Raises: ``DataError`` where neither is there, no network, full disk, damaged files.
    """
    root = folders.given_root() or folders.cache()
    if (root / GIVEN).is_dir():
        return _read_given(root / GIVEN)
    if not (root / IMAGENETTE).is_dir():
        if folders.given_root():
            raise DataError(
                f"COURSE_DATA={root} has neither {GIVEN}/ nor {IMAGENETTE}/ (torchvision's Imagenette of 160 pixels); "
                "put one there, or unset COURSE_DATA to download"
            )
        _download(root)
    return _read_imagenette(root)


def tiny_imagenet_source() -> str:
    """What ``tiny_imagenet()`` reads here, without reading it: the ``source`` of its result."""
    root = folders.given_root() or folders.cache()
    return "Tiny-ImageNet, 25 classes" if (root / GIVEN).is_dir() else "Imagenette, scaled to 64x64"


def colourful_tiles() -> TinyImagenet:
    """A tiny stand-in of the same form without any download: tiles of four colour photographs, which are its classes.

    For ``smoke`` and tests: nothing general is to be learnt from it.
    """
    names = ("chelsea", "coffee", "rocket", "motorcycle")
    cut = tiles([(255 * picture).round().byte() for picture in photographs(grey=False, names=names).values()], SIZE)
    images, labels = torch.cat(cut), torch.repeat_interleave(torch.tensor([len(some) for some in cut]))
    order = torch.randperm(len(labels), generator=torch.Generator().manual_seed(0))
    val, train = order[: len(order) // 4], order[len(order) // 4 :]
    return TinyImagenet((images[train], labels[train]), (images[val], labels[val]), names, "tiles of four photographs")


def _read_given(folder: Path) -> TinyImagenet:
    train, val = (_decode(folder / f"{split}.npz") for split in ("train", "val"))
    with np.load(folder / "train.npz") as file:
        classes = tuple(map(str, file["classes"]))
    return TinyImagenet(train, val, classes, tiny_imagenet_source())


def _decode(path: Path) -> tuple[Tensor, Tensor]:
    from PIL import Image

    def pixels(stream: bytes) -> np.ndarray:
        return np.asarray(Image.open(BytesIO(stream)).convert("RGB"))

    try:
        with np.load(path) as file:
            stream, offsets, labels = file["jpeg"].tobytes(), file["offsets"].tolist(), file["labels"]
        with ThreadPoolExecutor() as pool:
            images = np.stack(list(pool.map(pixels, (stream[a:b] for a, b in pairwise(offsets)))))
    except (OSError, KeyError, ValueError, BadZipFile) as error:
        raise DataError(f"Tiny-ImageNet: cannot read {path} ({error}); copy it again") from error
    return torch.from_numpy(images).permute(0, 3, 1, 2).contiguous(), torch.from_numpy(labels).long()


def _read_imagenette(root: Path) -> TinyImagenet:
    from PIL import Image, ImageOps
    from torchvision.datasets import Imagenette

    def small(picture: Image.Image) -> np.ndarray:
        return np.asarray(ImageOps.fit(picture, (SIZE, SIZE), Image.Resampling.LANCZOS))

    splits = []
    try:
        for split in ("train", "val"):
            pictures = Imagenette(root, split, size="160px", transform=small)
            with ThreadPoolExecutor() as pool:
                images, labels = zip(*pool.map(pictures.__getitem__, range(len(pictures))), strict=True)
            splits.append((torch.from_numpy(np.stack(images)).permute(0, 3, 1, 2).contiguous(), torch.tensor(labels)))
    except (OSError, RuntimeError, SyntaxError, ValueError) as error:
        raise DataError(f"Imagenette: cannot read {root / IMAGENETTE} ({error}); remove it and try again") from error
    return TinyImagenet(*splits, tuple(names[0] for names in pictures.classes), tiny_imagenet_source())


def _download(root: Path) -> None:
    from torchvision.datasets import Imagenette

    try:
        folders.download_aside(partial(Imagenette, size="160px", download=True), IMAGENETTE, root)
    except (OSError, RuntimeError) as error:
        raise DataError(
            f"Imagenette: cannot download {Imagenette._ARCHIVES['160px'][0]} (99 MB) to {root}: {error}. Check the "
            f"network and the space there, or set COURSE_DATA to a folder that holds torchvision's {IMAGENETTE}/."
        ) from error
