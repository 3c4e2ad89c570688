"""Noise that nobody simulated: photographs and fluorescence microscopy, with the mean of many shots as reference.

The reference is for the exam alone; what trains on these sets sees noisy shots.

Chapter: book/learning_from_noise/noise2void.ipynb
"""

from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from . import store
from .datasets import read_pixels


@dataclass(frozen=True)
class Shots:
    """One scene, recorded several times.

    Attributes:
        z: the noisy shots, (shots, C, H, W), float in [0, 1].
        y: the mean of many shots, (C, H, W), float in [0, 1]: nearly clean.
    """

    z: Tensor
    y: Tensor


def cc15() -> dict[str, Shots]:
    """15 crops of real photographs by camera, ISO and number, such as ``d800_iso6400_1``: z (1, 3, 512, 512).

    Three cameras at ISO 1600 to 6400, as their own software wrote them: demosaicked, so that neighbouring pixels have
    noise in common. y is the mean of about 500 shots.

    Nam et al., CVPR 2016, https://doi.org/10.1109/CVPR.2016.186. Raises ``DataError``.
    """
    folder = store.fetch("cc15_real_noise")
    scenes = _names("cc15_real_noise", "_mean.png")
    return {
        scene: Shots(_read(folder / f"{scene}_real.png", "RGB")[None], _read(folder / f"{scene}_mean.png", "RGB"))
        for scene in scenes
    }


def fluorescence() -> dict[str, Shots]:
    """12 scenes by microscope and sample, such as ``Confocal_MICE``: z (4, 1, 512, 512), or 3 where two are one file.

    Photon noise and read-out noise of confocal, two-photon and wide-field microscopes. y is the mean of 50 shots.

    Zhang et al., CVPR 2019, https://arxiv.org/abs/1812.10366. Raises ``DataError``.
    """
    folder = store.fetch("fmd_fluorescence")
    scenes = {Path(file).stem: [] for file in _names("fmd_fluorescence", ".png") if file.startswith("gt/")}
    for file in _names("fmd_fluorescence", ".png"):
        if file.startswith("raw/"):
            scenes[Path(file).name.rpartition("_")[0]].append(_read(folder / f"{file}.png", "L"))
    return {scene: Shots(torch.stack(z), _read(folder / f"gt/{scene}.png", "L")) for scene, z in scenes.items()}


def _names(name: str, ending: str) -> list[str]:
    files = sorted(store.describe(name)["checksums"])
    return [file.removesuffix(ending) for file in files if file.endswith(ending)]


def _read(path: Path, mode: str) -> Tensor:
    return read_pixels(path, mode).float() / 255
