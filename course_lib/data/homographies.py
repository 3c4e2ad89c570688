"""Patch sequences made from photographs with known homographies, in the format of HPatches.

For every photograph five target views are made: by a homography (names ``v_...``) or by another light (``i_...``).
Points are found in the reference; the frame of each, a small square, is carried into the target by the homography and
displaced by a jitter that grows from easy over hard to tough, as an imperfect detector would do.

Balntas et al., CVPR 2017, https://arxiv.org/abs/1704.05939 (sizes of jitter and changes of view are ours)
Chapter: book/metric_learning/patch_descriptors.ipynb
"""

import math
import os
from pathlib import Path

import torch
from torch import Tensor
from torch.nn import functional as F

from .._checks import check_images
from .sequences import write_strips

SIDE = 65
# per level: rotation in degrees, displacement as a share of the side, log of the scale, log of the aspect
JITTER = {"e": (8.0, 0.06, 0.10, 0.06), "h": (16.0, 0.12, 0.20, 0.12), "t": (24.0, 0.18, 0.30, 0.18)}


def patch_sequence(photograph: Tensor, points: int = 100, viewpoint: bool = True, seed: int = 0) -> Tensor:
    """One sequence from one photograph, with up to ``points`` patches.

    Args:
        photograph: grey, float (1, H, W) in [0, 1], both sides at least 96.
        viewpoint: the targets are seen from elsewhere; otherwise they are under another light.

    Shape: -> uint8 (16, N, 1, 65, 65), N at most ``points``, fewer where the picture has fewer corners
    Raises: ``ValueError`` for another form or type, values outside [0, 1], a picture without corners, ``points < 2``.
    """
    if photograph.ndim != 3 or photograph.shape[0] != 1 or min(photograph.shape[1:]) < 96:
        raise ValueError(f"photograph must be (1, H, W) with sides of at least 96, got {tuple(photograph.shape)}")
    if points < 2:
        raise ValueError(f"points must be at least 2, got {points}")
    check_images(photograph[None], "photograph", clean=True)
    photograph = photograph.float()
    draw = torch.Generator().manual_seed(seed)
    corners = _corners(photograph, points, draw)
    targets = []
    for k in range(1, 6):
        homography = _homography(photograph.shape, 0.05 * k, draw) if viewpoint else torch.eye(3, dtype=torch.float32)
        target = _warp(photograph, homography)
        targets.append((_new_light(target, 0.15 if viewpoint else 0.2 * k, draw), homography))
    return _strips(photograph, targets, *corners, draw)


def cut_sequence(pictures: list[Tensor], homographies: list[Tensor], points: int = 100, seed: int = 0) -> Tensor:
    """One sequence from six real photographs of one plane, whose homographies somebody has measured.

    Points, frames and jitter as in `patch_sequence`; points whose tough frame might leave a target are left out.

    Args:
        pictures: the reference and five targets, grey, float (1, H, W) in [0, 1].
        homographies: of each target, (3, 3), from a pixel (x, y, 1) of the reference to that of the target.

    Shape: -> uint8 (16, N, 1, 65, 65), N at most ``points``
    Raises: ``ValueError`` for other numbers of pictures, other forms, or fewer than two points that all targets show.
    """
    if len(pictures) != 6 or len(homographies) != 5:
        raise ValueError(f"there must be 6 pictures and 5 homographies, got {len(pictures)} and {len(homographies)}")
    for picture in pictures:
        check_images(picture[None], "pictures", channels=1, clean=True)
    draw = torch.Generator().manual_seed(seed)
    targets = [(picture.float(), h.float()) for picture, h in zip(pictures[1:], homographies, strict=True)]
    centres, radii = _corners(pictures[0].float(), 4 * points, draw)
    seen = torch.ones(len(centres), dtype=torch.bool)
    for picture, homography in targets:
        at = torch.cat([centres, torch.ones(len(centres), 1)], 1) @ homography.T
        at = at[:, :2] / at[:, 2:]
        room = torch.tensor([picture.shape[2], picture.shape[1]]) - 1 - at
        seen &= (torch.minimum(at, room) > 2.5 * radii[:, None]).all(1)
    if seen.sum() < 2:
        raise ValueError("pictures must have at least two corners that all targets show; are the homographies theirs?")
    return _strips(pictures[0].float(), targets, centres[seen][:points], radii[seen][:points], draw)


def _strips(photograph: Tensor, targets: list[tuple], centres: Tensor, radii: Tensor, draw: torch.Generator) -> Tensor:
    """The sixteen strips: of the reference, and of (target, homography) pairs at three levels of jitter."""
    strips = [_cut(photograph, _frames(centres, radii), None)]
    for level in JITTER:
        for target, homography in targets:
            strips.append(_cut(target, _frames(centres, radii, JITTER[level], draw), homography))
    return torch.stack(strips)


def write_patch_sequences(
    folder: str | os.PathLike, photographs: dict[str, Tensor], points: int = 100, seed: int = 0
) -> Path:
    """Two sequences of each photograph, ``v_NAME`` and ``i_NAME``, as folders of strips. Returns ``folder``.

    Errors as `patch_sequence`.
    """
    folder = Path(folder).expanduser()
    for k, (name, photograph) in enumerate(photographs.items()):
        for j, kind in enumerate("vi"):
            sequence = patch_sequence(photograph, points, kind == "v", seed=1_000 * seed + 2 * k + j)
            write_strips(folder / f"{kind}_{name}", sequence)
    return folder


def _corners(photograph: Tensor, points: int, draw: torch.Generator) -> tuple[Tensor, Tensor]:
    """Centres (N, 2) as x, y in pixels, and half the side of their squares: Harris corners, strongest first."""
    from skimage.feature import corner_harris, corner_peaks

    border = 26
    response = corner_harris(photograph[0].double().numpy(), sigma=1.5)
    peaks = corner_peaks(response, min_distance=5, exclude_border=border, num_peaks=points)
    peaks = peaks[response[tuple(peaks.T)] > 1e-8]  # where all is flat, every pixel is a maximum
    if len(peaks) < 2:
        raise ValueError("photograph must have at least two corners; is it flat?")
    centres = torch.from_numpy(peaks.copy()).float().flip(1)
    return centres, 10 + 8 * torch.rand(len(centres), generator=draw, dtype=torch.float32)


def _frames(centres: Tensor, radii: Tensor, jitter=(0.0, 0.0, 0.0, 0.0), draw=None) -> Tensor:
    """(N, 2, 3): from the square [-1, 1]^2 of a patch to the pixels of the reference, displaced by the jitter."""
    unit = centres.new_zeros(5, len(centres))
    if draw:
        unit = 2 * torch.rand(5, len(centres), generator=draw, dtype=torch.float32) - 1
    angle = math.radians(jitter[0]) * unit[0]
    scale, aspect = (jitter[2] * unit[3]).exp() * radii, (jitter[3] * unit[4]).exp()
    cos, sin = angle.cos(), angle.sin()
    shift = 2 * radii * jitter[1] * unit[1:3]
    rows = [
        torch.stack([scale * aspect * cos, -scale / aspect * sin, centres[:, 0] + shift[0]], 1),
        torch.stack([scale * aspect * sin, scale / aspect * cos, centres[:, 1] + shift[1]], 1),
    ]
    return torch.stack(rows, 1)


def _cut(picture: Tensor, frames: Tensor, homography: Tensor | None) -> Tensor:
    """Patches of SIDE x SIDE: each pixel is looked up where its frame, and then the homography, puts it."""
    step = torch.linspace(-1, 1, SIDE, dtype=torch.float32)
    y, x = torch.meshgrid(step, step, indexing="ij")
    square = torch.stack([x, y, torch.ones_like(x)]).flatten(1)
    at = torch.cat([frames @ square, square.new_ones(len(frames), 1, SIDE * SIDE)], 1)
    if homography is not None:
        at = homography @ at
        at = at / at[:, 2:]
    patches = _look_up(picture, at[:, :2].view(len(frames), 2, SIDE, SIDE))
    return patches.clamp(0, 1).mul(255).round().byte()


def _look_up(picture: Tensor, at: Tensor) -> Tensor:
    """Bilinear values of (1, H, W) at pixel positions (N, 2, h, w), beyond the border those of the border."""
    size = torch.tensor([picture.shape[2], picture.shape[1]]).view(1, 2, 1, 1)
    grid = ((2 * at + 1) / size - 1).permute(0, 2, 3, 1)
    # all patches below one another are one look-up in one picture
    values = F.grid_sample(picture[None], grid.flatten(0, 1)[None], padding_mode="border", align_corners=False)
    return values.view(len(at), 1, *at.shape[2:])


def _homography(shape: torch.Size, strength: float, draw: torch.Generator) -> Tensor:
    """Reference pixels -> target pixels: the corners of the picture move by up to ``strength`` of its sides."""
    from kornia.geometry import get_perspective_transform

    height, width = shape[1:]
    corners = torch.tensor([[0, 0], [width, 0], [width, height], [0, height]], dtype=torch.float32)
    unit = 2 * torch.rand(4, 2, generator=draw, dtype=torch.float32) - 1
    moved = corners + strength * unit * torch.tensor([width, height])
    return get_perspective_transform(corners[None].double(), moved[None].double())[0].float()


def _warp(picture: Tensor, homography: Tensor) -> Tensor:
    """The target photograph: pixel p shows what the reference has at ``H^-1 p``."""
    height, width = picture.shape[1:]
    y, x = torch.meshgrid(torch.arange(height).float(), torch.arange(width).float(), indexing="ij")
    at = torch.linalg.inv(homography) @ torch.stack([x, y, torch.ones_like(x)]).flatten(1)
    return _look_up(picture, (at[:2] / at[2:]).view(1, 2, height, width))[0]


def _new_light(picture: Tensor, strength: float, draw: torch.Generator) -> Tensor:
    """Another exposure, tone curve and a slope of brightness across the picture; a little sensor noise."""
    u = 2 * torch.rand(4, generator=draw, dtype=torch.float32) - 1
    down, across = (torch.linspace(-1, 1, side, dtype=torch.float32) for side in picture.shape[1:])
    slope = across * u[2] + down[:, None] * u[3]
    tone = picture.clamp(1e-4, 1) ** torch.exp(strength * u[0])
    lit = tone * torch.exp(0.6 * strength * u[1] + 0.5 * strength * slope)
    return (lit + 0.01 * torch.randn(picture.shape, generator=draw, dtype=torch.float32)).clamp(0, 1)
