"""The course's datasets as tensors, read once into memory: they are small, and batches are cut on the device.

The photographs of the denoising sets show people too: measure on them, but print others (``photographs``).

Chapter: book/getting_started.md
"""

import os
from io import BytesIO
from itertools import pairwise
from pathlib import Path
from tempfile import TemporaryDirectory
from zipfile import BadZipFile

import numpy as np
import torch
from torch import Tensor

from . import store


def bsd400() -> Tensor:
    """400 grey photographs to train denoisers on, uint8 (400, 1, 180, 180).

    Zhang et al., IEEE TIP 2017, https://doi.org/10.1109/TIP.2017.2662206. Raises ``DataError``.
    """
    return torch.stack(_pictures("bsd400", "L"))


def bsd68() -> list[Tensor]:
    """68 grey photographs that denoisers are compared on, float (1, 321, 481) or (1, 481, 321) in [0, 1].

    Roth and Black, IJCV 2009, https://doi.org/10.1007/s11263-008-0197-6. Raises ``DataError``.
    """
    return [picture.float() / 255 for picture in _pictures("bsd68", "L")]


def set12() -> list[Tensor]:
    """12 classical grey test images, float (1, 256, 256) or (1, 512, 512) in [0, 1].

    Zhang et al., IEEE TIP 2017, https://doi.org/10.1109/TIP.2017.2662206. Raises ``DataError``.
    """
    return [picture.float() / 255 for picture in _pictures("set12", "L")]


def cbsd68() -> list[Tensor]:
    """The photographs of ``bsd68`` in colour, float (3, H, W) in [0, 1].

    Martin et al., ICCV 2001, https://doi.org/10.1109/ICCV.2001.937655. Raises ``DataError``.
    """
    return [picture.float() / 255 for picture in _pictures("cbsd68", "RGB")]


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
        raise store.DataError(
            f"CIFAR-10: missing or damaged files in {folder}; remove it and try again"
        ) from error
    labels = np.array(data.targets)
    kept = np.isin(labels, classes)
    images = torch.from_numpy(data.data[kept]).permute(0, 3, 1, 2).contiguous()
    return images, torch.from_numpy(labels[kept]).long()


def cifar10_source() -> str:
    """What ``cifar10`` reads here, as it must be named beside results: "CIFAR-10" or "CIFAR-10 (JPEG)"."""
    given = os.environ.get("COURSE_DATA")
    return "CIFAR-10 (JPEG)" if given and _given_cifar10(Path(given).expanduser())[1] else "CIFAR-10"


def _cifar10_folder() -> tuple[Path, bool]:
    given = os.environ.get("COURSE_DATA")
    if given:
        return _given_cifar10(Path(given).expanduser())
    folder = store.cache() / "cifar10"
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
        folder.mkdir(parents=True, exist_ok=True)
        # torchvision writes under the final names: let it work aside, then move the verified folder in
        with TemporaryDirectory(dir=folder, suffix=store.PART) as aside:
            CIFAR10(aside, download=True)
            os.replace(Path(aside, CIFAR10.base_folder), folder / CIFAR10.base_folder)
    except (OSError, RuntimeError) as error:
        raise store.DataError(
            f"CIFAR-10: cannot download {CIFAR10.url} (170 MB, 0.4 GB unpacked) to {folder}: {error}. "
            "Check the network and the space there, or put torchvision's cifar-10-batches-py/ into a folder "
            "and set COURSE_DATA to it."
        ) from error


def _pictures(name: str, mode: str) -> list[Tensor]:
    folder = store.fetch(name)
    files = sorted(store.describe(name)["checksums"])
    return [_picture(folder / file, mode) for file in files]


def _picture(path: Path, mode: str) -> Tensor:
    from PIL import Image

    try:
        with Image.open(path) as picture:
            pixels = np.array(picture)
            found = picture.mode
    except (OSError, SyntaxError) as error:
        raise store.DataError(
            f"{path} cannot be read as an image ({error}); replace it or remove it"
        ) from error
    if found != mode:
        raise store.DataError(f"{path} must be a picture of mode {mode}, got {found}; is it of another set?")
    return torch.from_numpy(pixels).view(*pixels.shape[:2], -1).permute(2, 0, 1).contiguous()


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
