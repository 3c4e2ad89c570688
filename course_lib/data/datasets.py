"""The course's datasets as tensors, read once into memory: they are small, and batches are cut on the device.

The photographs of the denoising sets show people too: measure on them, but print others (``photographs``).

Chapter: book/getting_started.md
"""

from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from . import folders, store


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


def _pictures(name: str, mode: str) -> list[Tensor]:
    # packed for a machine without Pillow's formats or a network: one file of bytes
    if (root := folders.given_root()) and (packed := root / f"{name}.pt").is_file():
        return torch.load(packed, weights_only=True)
    folder = store.fetch(name)
    files = sorted(store.describe(name)["checksums"])
    return [read_pixels(folder / file, mode) for file in files]


def read_pixels(path: Path, mode: str) -> Tensor:
    """The picture of a set, of just this mode of Pillow: uint8 (C, H, W). Raises ``DataError`` with the file's name."""
    from PIL import Image

    try:
        with Image.open(path) as picture:
            pixels = np.array(picture)
            found = picture.mode
    except (OSError, SyntaxError) as error:
        raise store.DataError(f"{path} cannot be read as an image ({error}); replace it or remove it") from error
    if found != mode:
        raise store.DataError(f"{path} must be a picture of mode {mode}, got {found}; is it of another set?")
    return torch.from_numpy(pixels).view(*pixels.shape[:2], -1).permute(2, 0, 1).contiguous()
