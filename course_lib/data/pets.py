"""Cats and dogs at 64x64 in colour, with their labels: what the autoencoders learn on.

Parkhi et al., "Cats and Dogs", CVPR 2012, https://doi.org/10.1109/CVPR.2012.6248092
Chapter: book/denoising/autoencoders.ipynb
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

from . import folders, store
from .cifar import cifar10, cifar10_source
from .embedded import photographs, tiles

FOLDER = "oxford-iiit-pet"  # torchvision's name
SMALL = "cats_dogs96"  # 1,154 photographs of 96x96: train.npz and test.npz, the bytes of the JPEGs one after the other
CIFAR_CAT, CIFAR_DOG = 3, 5


@dataclass(frozen=True)
class CatsAndDogs:
    """Three disjoint splits, each (images, labels): uint8 (N, 3, size, size) and int64 (N,), 0 a cat, 1 a dog.

    The images of ``train`` may be larger than the others, for random crops. ``source`` says what the pictures really
    are: print it beside every number. ``print`` of the whole does.
    """

    train: tuple[Tensor, Tensor]
    val: tuple[Tensor, Tensor]
    test: tuple[Tensor, Tensor]
    source: str

    def __str__(self) -> str:
        counts = [len(labels) for _, labels in (self.train, self.val, self.test)]
        return "{}: {:,} images to train on, {:,} for validation, {:,} to test on".format(self.source, *counts)


def cats_and_dogs(size: int = 64) -> CatsAndDogs:
    """Photographs of cats and dogs to be trained on in random crops and tested on in central ones.

    ``train`` holds squares of 1.5 times ``size`` (96 for 64), from which `Patches` cuts; ``val`` and ``test`` are the
    middle of such squares. With ``COURSE_DATA``, they are taken from there, the first that it has of:

    - ``oxford-iiit-pet/``: Oxford-IIIT Pet, 7,349 photographs, their central squares;
    - ``cats_dogs96/``: 1,154 photographs (of Kaggle's Dogs vs. Cats) at 96x96. Measure on them, but print others:
      they may not be published;
    - CIFAR-10: its 12,000 cats and dogs, enlarged from 32x32 to ``size`` (bicubic), ``train`` too: smooth pictures
      without fine detail, on which every model errs less than on real photographs.

    Without ``COURSE_DATA``, torchvision downloads the pets once (0.8 GB) and verifies them; reading them takes about a
    minute. ``source`` says what it was.

    The test set is the authors', shuffled (always alike), so that its beginning is a fair sample of all breeds; a
    fifth of the training set, always the same one, becomes ``val``.

    Args:
        size: side of the pictures in val and test, at least 1.

    Raises:
        ValueError: ``size < 1``. DataError: none of the sets is there, no network, full disk, damaged files.
    """
    if size < 1:
        raise ValueError(f"size must be at least 1, got {size}")
    root = folders.given_root() or folders.cache()
    if folders.given_root() is None and not (root / FOLDER).is_dir():
        _download(root)
    large = 3 * size // 2
    if (root / FOLDER).is_dir():
        train, test = (_read_pets(root, split, large) for split in ("trainval", "test"))
    elif (root / SMALL).is_dir():
        train, test = (_read_small(root / SMALL / f"{split}.npz", large) for split in ("train", "test"))
    else:
        try:
            train, test = (_read_cifar10(train, size) for train in (True, False))
        except store.DataError as error:
            raise store.DataError(
                f"cats and dogs: COURSE_DATA={root} has no {FOLDER}/ (torchvision's files), no {SMALL}/, and the "
                f"substitute, CIFAR-10, is of no help either ({error})"
            ) from error
    order = torch.randperm(len(test[1]), generator=torch.Generator().manual_seed(0))
    test = _take(_middle(test, size), order)
    order = torch.randperm(len(train[1]), generator=torch.Generator().manual_seed(0))
    val, rest = order[: len(order) // 5], order[len(order) // 5 :]
    return CatsAndDogs(_take(train, rest), _take(_middle(train, size), val), test, cats_and_dogs_source(size))


def cats_and_dogs_source(size: int = 64) -> str:
    """What ``cats_and_dogs(size)`` reads here, without reading it: the ``source`` of its result.

    Raises: ``DataError`` where COURSE_DATA holds none of its sets.
    """
    root = folders.given_root()
    crops = f"{3 * size // 2}x{3 * size // 2}, cut to {size}x{size}"
    if root is None or (root / FOLDER).is_dir():
        return f"Oxford-IIIT Pet at {crops}"
    if (root / SMALL).is_dir():
        return f"Dogs vs. Cats (1,154 photographs) at {crops}"
    return f"{cifar10_source()}, cats and dogs enlarged from 32x32 to {size}x{size}"


def cats_and_things(size: int = 64) -> CatsAndDogs:
    """A tiny stand-in of the same form without any download: tiles of a cat's photograph (0) and of others (1).

    For ``smoke`` and tests; nothing is to be learnt from it about cats or dogs. Raises: ``ValueError`` for a size that
    not all of them have.
    """
    pictures = photographs(grey=False, names=["chelsea", "coffee", "rocket"]).values()
    cut = tiles([(255 * picture).round().byte() for picture in pictures], size)
    images = torch.cat(cut)
    labels = torch.cat([torch.full((len(some),), int(k > 0)) for k, some in enumerate(cut)])
    order = torch.randperm(len(labels), generator=torch.Generator().manual_seed(0))
    fifth = len(order) // 5
    splits = (order[2 * fifth :], order[:fifth], order[fifth : 2 * fifth])
    return CatsAndDogs(*(_take((images, labels), split) for split in splits), source="tiles of three photographs")


def _take(pair: tuple[Tensor, Tensor], which: Tensor) -> tuple[Tensor, Tensor]:
    return pair[0][which], pair[1][which]


def _middle(pair: tuple[Tensor, Tensor], size: int) -> tuple[Tensor, Tensor]:
    start = (pair[0].shape[-1] - size) // 2
    return pair[0][:, :, start : start + size, start : start + size], pair[1]


def _read_small(path: Path, size: int) -> tuple[Tensor, Tensor]:
    from PIL import Image

    def small(stream: bytes) -> np.ndarray:
        picture = Image.open(BytesIO(stream)).convert("RGB")
        return np.asarray(picture.resize((size, size), Image.Resampling.LANCZOS))

    try:
        with np.load(path) as file:
            stream, bounds, labels = file["jpeg"].tobytes(), file["offsets"], file["labels"]
            is_dog = np.array([str(name).startswith("dog") for name in file["classes"]])
        images = np.stack([small(stream[a:b]) for a, b in pairwise(bounds)])
    except (BadZipFile, EOFError, KeyError, OSError, ValueError) as error:
        raise store.DataError(f"cats and dogs: cannot read {path} ({error})") from error
    return torch.from_numpy(images).permute(0, 3, 1, 2).contiguous(), torch.from_numpy(is_dog[labels]).long()


def _read_cifar10(train: bool, size: int) -> tuple[Tensor, Tensor]:
    images, classes = cifar10(train, classes=(CIFAR_CAT, CIFAR_DOG))
    enlarged = F.interpolate(images, size=(size, size), mode="bicubic")  # stays uint8, rounded and clamped
    return enlarged, (classes == CIFAR_DOG).long()


def _read_pets(root: Path, split: str, size: int) -> tuple[Tensor, Tensor]:
    from PIL import Image, ImageOps
    from torchvision.datasets import OxfordIIITPet

    def small(picture: Image.Image) -> np.ndarray:
        return np.asarray(ImageOps.fit(picture, (size, size), Image.Resampling.LANCZOS))

    try:
        pets = OxfordIIITPet(root, split, target_types="binary-category", transform=small)
        with ThreadPoolExecutor() as pool:
            images, labels = zip(*pool.map(pets.__getitem__, range(len(pets))), strict=True)
    except (OSError, RuntimeError, SyntaxError, ValueError) as error:
        raise store.DataError(
            f"Oxford-IIIT Pet: cannot read {root / FOLDER} ({error}); remove it and try again"
        ) from error
    return torch.from_numpy(np.stack(images)).permute(0, 3, 1, 2).contiguous(), torch.tensor(labels)


def _download(root: Path) -> None:
    from torchvision.datasets import OxfordIIITPet

    try:
        folders.download_aside(partial(OxfordIIITPet, download=True), FOLDER, root)
    except (OSError, RuntimeError) as error:
        raise store.DataError(
            f"Oxford-IIIT Pet: cannot download {OxfordIIITPet._RESOURCES[0][0]} (0.8 GB) to {root}: {error}. Check "
            f"the network and the space there, or set COURSE_DATA to a folder that holds torchvision's {FOLDER}/ "
            "or CIFAR-10."
        ) from error
