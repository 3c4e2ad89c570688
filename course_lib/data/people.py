"""Photographs of people, to measure on: AT&T and LFW. Never print a picture of theirs: these are real faces.

Both are small enough to live in memory as one tensor. scikit-learn knows where they are kept and verifies them after
the download; with ``COURSE_DATA`` they are read from there and nothing is downloaded.

Chapter: book/metric_learning/identification.ipynb
"""

from pathlib import Path

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from . import folders, store
from .procedural_faces import Faces

ATT_FOLDER, LFW_FOLDER = "orl_faces", "lfw_home"
ATT_PEOPLE, ATT_SHOTS = 40, 10
ATT_SIZE = (112, 92)  # height, width


def att_faces(size: int = 48) -> Faces:
    """The AT&T (Olivetti Research Laboratory) faces: 40 people, 10 grey pictures each, squares of ``size`` pixels.

    With ``COURSE_DATA``, from ``orl_faces/sX/Y.pgm`` (92 x 112; the central square). Without it scikit-learn
    downloads its own copy once (1.4 MB, cropped to the face and scaled to 64 x 64), on which numbers differ a little;
    ``att_source()`` says which of the two it is. The laboratory asks to be credited.

    Labels are 0 to 39, ten pictures in a row. Samaria and Harter, WACV 1994, https://doi.org/10.1109/ACV.1994.341300
    Raises: ``DataError`` for missing, damaged or other files, no network; ``ValueError`` for ``size < 1``.
    """
    _check_size(size)
    if root := folders.given_root():
        folder = root / ATT_FOLDER
        names = [f"s{who}/{shot}.pgm" for who in range(1, ATT_PEOPLE + 1) for shot in range(1, ATT_SHOTS + 1)]
        images = torch.stack([_read_pgm(folder / name) for name in names])
    else:
        data = _sklearn("fetch_olivetti_faces", "the AT&T faces", "att")
        images = torch.from_numpy(np.round(255 * data.images).astype(np.uint8))[:, None]
        order = torch.from_numpy(data.target).argsort(stable=True)
        images = images[order]
    labels = torch.arange(ATT_PEOPLE).repeat_interleave(ATT_SHOTS)
    return Faces(_squares(images, size), labels)


def att_source() -> str:
    """What `att_faces` reads here, as it must be named beside results."""
    return "AT&T faces" if folders.given_root() else "AT&T faces (64x64 crops of scikit-learn)"


def lfw(size: int = 48, at_least: int = 2) -> Faces:
    """Labelled Faces in the Wild, grey, aligned by funnelling: people with ``at_least`` pictures.

    Read by scikit-learn: from ``COURSE_DATA/lfw_home`` (its own layout), or downloaded once and verified (233 MB). The
    central 125 x 125 pixels, scaled to ``size``. Labels count the people in alphabetical order.

    Huang et al., UMass Amherst 07-49, 2007. Raises: as `att_faces`.
    """
    _check_size(size)
    centre = (slice(63, 188), slice(63, 188))
    options = {"min_faces_per_person": at_least, "slice_": centre, "resize": None, "color": False}
    data = _sklearn("fetch_lfw_people", "Labelled Faces in the Wild", LFW_FOLDER, **options)
    images = torch.from_numpy(np.asarray(data.images, dtype=np.float32))[:, None]
    scale = 255 if images.max() <= 1 else 1  # scikit-learn before 1.2 returns grey levels
    return Faces(_squares((scale * images).round().byte(), size), torch.from_numpy(data.target).long())


def _sklearn(function: str, what: str, folder: str, **options):
    from sklearn import datasets

    root = folders.given_root()
    home = root if root else folders.cache() / folder
    if root and not (root / folder).is_dir():
        raise store.DataError(
            f"{what}: COURSE_DATA={root} has no {folder}/; fill it on a machine with network by "
            f"sklearn.datasets.{function}(data_home={str(root)!r}), or unset COURSE_DATA to download"
        )
    try:
        return getattr(datasets, function)(data_home=str(home), download_if_missing=root is None, **options)
    except (OSError, ValueError) as error:
        raise store.DataError(
            f"{what}: cannot be had in {home}: {error}. Check the network and the space there, remove a damaged "
            "file, or copy the folder of a machine that has it and set COURSE_DATA"
        ) from error


def _read_pgm(path: Path) -> Tensor:
    from PIL import Image

    try:
        with Image.open(path) as picture:
            pixels = torch.from_numpy(np.array(picture))
    except FileNotFoundError as error:
        raise store.DataError(
            f"the AT&T faces: {path} is missing. COURSE_DATA must hold {ATT_FOLDER}/s1/1.pgm to "
            f"s{ATT_PEOPLE}/{ATT_SHOTS}.pgm; complete it, or unset COURSE_DATA to download another copy"
        ) from error
    except (OSError, ValueError, SyntaxError) as error:
        raise store.DataError(f"the AT&T faces: {path} cannot be read ({error}); replace it") from error
    if tuple(pixels.shape) != ATT_SIZE or pixels.dtype != torch.uint8:
        raise store.DataError(f"{path} must be 92 x 112 pixels of 8 bits, got {tuple(pixels.shape)} {pixels.dtype}")
    return pixels[None]


def _squares(images: Tensor, size: int) -> Tensor:
    """The central square of uint8 (N, 1, H, W), scaled to ``size`` with antialiasing."""
    height, width = images.shape[-2:]
    side = min(height, width)
    top, left = (height - side) // 2, (width - side) // 2
    square = images[..., top : top + side, left : left + side].float()
    return F.interpolate(square, (size, size), mode="bilinear", antialias=True).round().byte()


def _check_size(size: int) -> None:
    if size < 1:
        raise ValueError(f"size must be at least 1, got {size}")
