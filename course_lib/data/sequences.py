"""Sequences of patches in the on-disk format of HPatches: the loader, for the real set and for generated ones.

A sequence is a folder with sixteen PNG strips, each N patches of 65 x 65 grey pixels below one another: ``ref.png``,
and for each of five target photographs ``e1.png`` to ``e5.png`` (easy), ``h1.png``... (hard), ``t1.png``... (tough).
Patch i of every strip shows the same point. The noisy variant has 32 x 32 patches in ``ref_noise.png``, ...

Balntas et al., CVPR 2017, https://arxiv.org/abs/1704.05939
Chapter: book/metric_learning/patch_descriptors.ipynb
"""

import os
from collections.abc import Iterable
from pathlib import Path

import torch
from torch import Tensor

from . import folders, store
from .pictures import read_picture

PATCH_TYPES = ("ref", *(f"{level}{k}" for level in "eht" for k in range(1, 6)))
RELEASE = "hpatches-release"


def patch_sequences(folder: str | os.PathLike, names: Iterable[str] | None = None, noisy: bool = False) -> dict:
    """The sequences in ``folder``, ``{name: uint8 (16, N, 1, S, S)}``, in the order of `PATCH_TYPES`, S = 65 or 32.

    Args:
        names: which sequences; by default every folder that holds a ``ref.png``, in alphabetical order.
        noisy: read the strips ``*_noise.png``.

    Raises:
        DataError: no sequence, a strip that is missing, cut off, unreadable, or of another length than ``ref``.
    """
    folder, ending = Path(folder).expanduser(), "_noise.png" if noisy else ".png"
    if names is None:
        names = sorted(path.parent.name for path in folder.glob(f"*/ref{ending}"))
    names = list(names)
    if not names:
        raise store.DataError(f"{folder} holds no sequence: no folder with a ref{ending} in it")
    return {name: _sequence(folder / name, ending) for name in names}


def hpatches(names: Iterable[str] | None = None) -> dict[str, Tensor]:
    """The real HPatches, 116 sequences, from ``COURSE_DATA/hpatches-release``; the form is that of `patch_sequences`.

    It is not downloaded for you: it is one archive of 4.2 GB whose hash we have had no chance to record. The error says
    where it is. ``i_...`` are sequences with changes of light, ``v_...`` of the point of view.

    Raises: ``DataError`` where it is not, or as `patch_sequences`.
    """
    folder = (folders.given_root() or folders.cache()) / RELEASE
    if not folder.is_dir():
        raise store.DataError(
            f"HPatches is not in {folder}. Unpack hpatches-release.zip (4.2 GB) from "
            "https://huggingface.co/datasets/vbalnt/hpatches there (or into a folder named by COURSE_DATA), or make "
            "sequences of your own with course_lib.data.write_patch_sequences"
        )
    return patch_sequences(folder, names)


def picture_sequence(folder: str | os.PathLike) -> tuple[list[Tensor], list[Tensor]]:
    """The photographs behind a sequence, as HPatches has them: ``1.png`` to ``6.png``, and ``H_1_2`` to ``H_1_6``.

    Returns: six grey pictures, float (1, H, W) in [0, 1], and five homographies (3, 3), float64, from a pixel of the
        first picture to that of each other; the form that `cut_sequence` takes. Pictures may be ``.ppm`` as well.
    Raises: ``DataError`` for a file that is missing or unreadable.
    """
    folder = Path(folder).expanduser()
    pictures, homographies = [], []
    for k in range(1, 7):
        path = next((p for p in (folder / f"{k}.png", folder / f"{k}.ppm") if p.is_file()), folder / f"{k}.png")
        try:
            pictures.append(torch.from_numpy(read_picture(path, "L"))[None].float() / 255)
            if k > 1:
                numbers = [float(word) for word in (folder / f"H_1_{k}").read_text().split()]
                homographies.append(torch.tensor(numbers, dtype=torch.float64).view(3, 3))
        except (OSError, ValueError, SyntaxError, RuntimeError) as error:
            raise store.DataError(f"the picture sequence in {folder} is not complete: {error}") from error
    return pictures, homographies


def churchill() -> tuple[list[Tensor], list[Tensor]]:
    """The one complete picture sequence that the course has of the real HPatches, ``v_churchill``: `picture_sequence`.

    Raises: ``DataError`` where ``hpatches_sequences/v_churchill`` is neither in COURSE_DATA nor in the cache.
    """
    return picture_sequence((folders.given_root() or folders.cache()) / "hpatches_sequences" / "v_churchill")


def write_strips(folder: str | os.PathLike, patches: Tensor, noisy: bool = False) -> None:
    """Write one sequence, uint8 (16, N, 1, S, S), as sixteen PNG strips; ``noisy``: as ``*_noise.png``.

    Raises: ``ValueError`` for another form.
    """
    from PIL import Image

    if patches.ndim != 5 or patches.dtype != torch.uint8 or patches.shape[0] != 16 or patches.shape[2] != 1:
        raise ValueError(f"patches must be uint8 (16, N, 1, S, S), got {tuple(patches.shape)} {patches.dtype}")
    folder = Path(folder).expanduser()
    folder.mkdir(parents=True, exist_ok=True)
    for kind, strip in zip(PATCH_TYPES, patches, strict=True):
        Image.fromarray(strip.flatten(0, 2).cpu().numpy()).save(folder / f"{kind}{'_noise' if noisy else ''}.png")


def _sequence(folder: Path, ending: str) -> Tensor:
    strips = {kind: _strip(folder / f"{kind}{ending}") for kind in PATCH_TYPES}
    shapes = {kind: tuple(strip.shape) for kind, strip in strips.items() if strip.shape != strips["ref"].shape}
    if shapes:
        kind, shape = next(iter(shapes.items()))
        raise store.DataError(
            f"{folder / kind}{ending} holds {shape[0]} patches of {shape[-1]} pixels, but ref holds "
            f"{len(strips['ref'])} of {strips['ref'].shape[-1]}: one of the two is cut off"
        )
    return torch.stack(list(strips.values()))


def _strip(path: Path) -> Tensor:
    try:
        pixels = torch.from_numpy(read_picture(path, "L"))
    except FileNotFoundError as error:
        raise store.DataError(f"the strip {path} is missing: a sequence has {len(PATCH_TYPES)} of them") from error
    except (OSError, ValueError, SyntaxError) as error:
        raise store.DataError(f"the strip {path} cannot be read ({error})") from error
    height, width = pixels.shape
    if height == 0 or height % width:
        raise store.DataError(
            f"the strip {path} is {width} pixels wide and {height} high, no whole number of patches; is it cut off?"
        )
    return pixels.view(-1, 1, width, width)
