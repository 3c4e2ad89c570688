"""Omniglot: handwritten characters, many kinds and few of each; "the transpose of MNIST".

Lake, Salakhutdinov, Tenenbaum, "Human-level concept learning through probabilistic program induction",
Science 2015, https://doi.org/10.1126/science.aab3050
Chapter: book/metric_learning/siamese_networks.ipynb
"""

import io
import zipfile
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from . import store
from .pictures import read_picture

ALPHABETS = (
    "Balinese", "Early_Aramaic", "Greek", "Japanese_(katakana)", "Korean", "Latin", "Sanskrit", "Tagalog",
)  # fmt: skip
UNSEEN = ("Korean", "Sanskrit")  # for testing: far from the others, with 40 and 42 characters


@dataclass(frozen=True)
class Characters:
    """``images`` uint8 (N, 1, size, size), ink 255 on 0; ``labels`` (N,) the character; ``alphabets`` (N,) whose it is.

    Labels number the characters of the chosen alphabets from 0; ``alphabets`` holds places in `ALPHABETS`.
    """

    images: Tensor
    labels: Tensor
    alphabets: Tensor


def omniglot(size: int = 32, alphabets: tuple[str, ...] = ALPHABETS) -> Characters:
    """The eight alphabets of Omniglot's two small background sets, 20 drawers a character.

    The pictures (105 x 105, one bit) are scaled to ``size`` with antialiasing and inverted, so that ink is bright. Read
    from ``COURSE_DATA/omniglot`` or downloaded once (2.9 MB) and verified.

    Args:
        alphabets: which of `ALPHABETS`; ``UNSEEN`` are those that the course's runs keep for testing.

    Raises:
        ValueError: an unknown alphabet, none, ``size < 1``. DataError: as `store.fetch`, or a damaged archive.
    """
    unknown = sorted(set(alphabets) - set(ALPHABETS))
    if unknown or not alphabets:
        raise ValueError(f"alphabets must be some of {', '.join(ALPHABETS)}, got {', '.join(unknown) or 'none'}")
    if size < 1:
        raise ValueError(f"size must be at least 1, got {size}")
    pictures = _read(frozenset(alphabets))
    kinds = sorted({key[:2] for key in pictures})
    keys = sorted(pictures)
    images = torch.stack([pictures[key] for key in keys])
    images = F.interpolate(images.float(), (size, size), mode="bilinear", antialias=True).round().byte()
    number = {kind: k for k, kind in enumerate(kinds)}
    labels = torch.tensor([number[key[:2]] for key in keys])
    return Characters(images, labels, torch.tensor([ALPHABETS.index(key[0]) for key in keys]))


def _read(alphabets: frozenset[str]) -> dict[tuple[str, str, str], Tensor]:
    """(alphabet, character, file) -> uint8 (1, 105, 105); the two archives share Greek and Latin."""
    folder, pictures = store.fetch("omniglot"), {}
    for name in sorted(store.describe("omniglot")["checksums"]):
        try:
            with zipfile.ZipFile(folder / name) as archive:
                for entry in archive.namelist():
                    key = tuple(entry.split("/")[1:])
                    if not entry.endswith(".png") or key[0] not in alphabets or key in pictures:
                        continue
                    ink = read_picture(io.BytesIO(archive.read(entry)), "L") < 128
                    pictures[key] = torch.from_numpy(ink.astype(np.uint8) * 255)[None]
        except (zipfile.BadZipFile, OSError, ValueError) as error:
            raise store.DataError(f"omniglot: {folder / name} cannot be read ({error}); copy it again") from error
    return pictures
