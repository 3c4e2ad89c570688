"""CIFAR-10 as tensors, and batches of it made on the device.

Krizhevsky, 2009, https://www.cs.toronto.edu/~kriz/cifar.html
Chapter: book/getting_started.md
"""

from collections.abc import Callable
from functools import lru_cache, partial
from io import BytesIO
from itertools import pairwise
from pathlib import Path
from zipfile import BadZipFile

import numpy as np
import torch
from torch import Generator, Tensor

from . import folders, store
from .embedded import photographs


def cifar10(train: bool = True, classes: tuple[int, ...] = tuple(range(10))) -> tuple[Tensor, Tensor]:
    """CIFAR-10: 50,000 training or 10,000 test images, uint8 (N, 3, 32, 32), and their classes, int64 (N,).

    ``classes`` keeps some of the ten only (3 are the cats, 5 the dogs); reading is that much faster.

    From torchvision, which verifies its files. Where ``COURSE_DATA`` holds only ``cifar10_jpeg``, the images
    went through JPEG: say ``cifar10_source()`` beside every number. Raises ``DataError``.

    Krizhevsky, 2009, https://www.cs.toronto.edu/~kriz/cifar.html
    """
    folder, jpeg = _cifar10_folder()
    if jpeg:
        parts = [f"train_{k}.npz" for k in range(1, 6)] if train else ["test.npz"]
        pairs = [_decode(folder / part, classes) for part in parts]
        return torch.cat([x for x, _ in pairs]), torch.cat([y for _, y in pairs])
    from torchvision.datasets import CIFAR10

    try:
        data = CIFAR10(folder, train=train, download=False)
    except RuntimeError as error:
        raise store.DataError(f"CIFAR-10: missing or damaged files in {folder}; remove it and try again") from error
    labels = np.array(data.targets)
    kept = np.isin(labels, classes)
    images = torch.from_numpy(data.data[kept]).permute(0, 3, 1, 2).contiguous()
    return images, torch.from_numpy(labels[kept]).long()


def cifar10_batches(
    device: torch.device | str, batch: int, among: Tensor | None = None
) -> Callable[[Generator], tuple[Tensor, Tensor]]:
    """``generator -> (images, labels)``: training images, shifted by up to two pixels and mirrored at random.

    They live on ``device`` as uint8, where the batches are made. ``among``: indices of those to draw from, by default
    all. Shape: (batch, 3, 32, 32) in [0, 1], (batch,) int64
    Raises: ``DataError``.
    """
    images, labels = (x.to(device) if among is None else x[among].to(device) for x in cifar10(train=True))
    around = torch.arange(32, device=device)

    def draw(generator: Generator) -> tuple[Tensor, Tensor]:
        options = {"generator": generator, "device": generator.device}
        index = torch.randint(len(images), (batch,), **options).to(device)
        shift = torch.randint(-2, 3, (2, batch, 1), **options).to(device)
        flip = torch.rand(batch, 1, dtype=torch.float32, **options).to(device) < 0.5
        # beyond the border is the border
        rows, columns = (around + shift).clamp(0, 31)
        columns = torch.where(flip, columns.flip(1), columns)
        pixels = images.permute(0, 2, 3, 1)[index[:, None, None], rows[:, :, None], columns[:, None, :]]
        return pixels.permute(0, 3, 1, 2).float() / 255, labels[index]

    return draw


def cifar10_stand_in(count: int, seed: int = 0) -> tuple[Tensor, Tensor]:
    """Pictures of CIFAR-10's form without any download: crops of four colour photographs, which are their classes.

    For ``smoke`` and tests: nothing general is to be learnt from them.
    Shape: uint8 (count, 3, 32, 32), int64 (count,) from 0 to 3, in turn
    """
    if count < 1:
        raise ValueError(f"count must be at least 1, got {count}")
    crops, generator = [], torch.Generator().manual_seed(seed)
    pictures = [
        (255 * picture).round().byte()
        for picture in photographs(128, grey=False, names=("chelsea", "coffee", "rocket", "motorcycle")).values()
    ]
    for k in range(count):
        down, right = torch.randint(128 - 32, (2,), generator=generator).tolist()
        crops.append(pictures[k % 4][:, down : down + 32, right : right + 32])
    return torch.stack(crops), torch.arange(count) % 4


def cifar10_source() -> str:
    """What ``cifar10`` reads here, as it must be named beside results: "CIFAR-10" or "CIFAR-10 (JPEG)"."""
    root = folders.given_root()
    return "CIFAR-10 (JPEG)" if root and _given_cifar10(root)[1] else "CIFAR-10"


def _cifar10_folder() -> tuple[Path, bool]:
    if root := folders.given_root():
        return _given_cifar10(root)
    folder = folders.cache() / "cifar10"
    if not (folder / "cifar-10-batches-py").is_dir():
        _download_cifar10(folder)
    return folder, False


def _given_cifar10(root: Path) -> tuple[Path, bool]:
    for folder in (root, root / "cifar10"):
        if (folder / "cifar-10-batches-py").is_dir():
            return folder, False
    if (root / "cifar10_jpeg").is_dir():
        return root / "cifar10_jpeg", True
    raise store.DataError(
        f"CIFAR-10: COURSE_DATA={root} has neither cifar-10-batches-py/ (torchvision's files) nor "
        "cifar10_jpeg/; put one there, or unset COURSE_DATA to download"
    )


def _download_cifar10(folder: Path) -> None:
    from torchvision.datasets import CIFAR10

    try:
        folders.download_aside(partial(CIFAR10, download=True), CIFAR10.base_folder, folder)
    except (OSError, RuntimeError) as error:
        raise store.DataError(
            f"CIFAR-10: cannot download {CIFAR10.url} (170 MB, 0.4 GB unpacked) to {folder}: {error}. "
            "Check the network and the space there, or put torchvision's cifar-10-batches-py/ into a folder "
            "and set COURSE_DATA to it."
        ) from error


# Decoding takes seconds, and a chapter reads the same files several times; what is handed out are copies.
@lru_cache(maxsize=6)
def _decode(path: Path, classes: tuple[int, ...]) -> tuple[Tensor, Tensor]:
    from PIL import Image

    try:
        with np.load(path) as file:
            stream, offsets, labels = file["jpeg"].tobytes(), file["offsets"].tolist(), file["labels"]
        kept = np.isin(labels, classes)
        streams = [BytesIO(stream[a:b]) for (a, b), keep in zip(pairwise(offsets), kept, strict=True) if keep]
        images = np.array([np.asarray(Image.open(jpeg).convert("RGB")) for jpeg in streams], dtype=np.uint8)
    except (OSError, KeyError, ValueError, BadZipFile) as error:
        raise store.DataError(f"CIFAR-10 (JPEG): cannot read {path} ({error}); copy it again") from error
    images = torch.from_numpy(images.reshape(-1, 32, 32, 3)).permute(0, 3, 1, 2).contiguous()
    return images, torch.from_numpy(labels[kept]).long()
