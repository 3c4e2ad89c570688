"""Pictures to paint with that belong to nobody: four styles drawn by a few lines of arithmetic.

Chapters: book/projects/style_transfer.ipynb, book/projects/deep_dream.ipynb
"""

import numpy as np
import torch
from torch import Tensor

NIGHT = ((16, 32, 84), (30, 66, 140), (58, 110, 180), (120, 170, 205), (196, 206, 160), (240, 200, 70), (232, 150, 40))
GLASS = ((217, 31, 26), (242, 166, 26), (26, 77, 191), (13, 140, 115), (140, 26, 128), (242, 217, 128), (26, 153, 217))
INDIGO = ((15, 41, 92), (237, 230, 204), (41, 92, 153), (237, 230, 204), (115, 166, 199), (237, 230, 204), (15, 41, 92))


def strokes(size: int = 257, count: int = 9_000, seed: int = 0) -> Tensor:
    """Brush strokes along a swirling flow, blue to orange.

    The flow is the curl of smooth noise, so that it turns and never ends; each stroke follows it for 26 steps.

    Args:
        size: side in pixels, at least 16. count: how many strokes.

    Shape: -> (1, 3, size, size), float in [0, 1]
    Raises: ``ValueError`` for a smaller picture or no stroke.
    """
    from PIL import Image, ImageDraw

    _check_size(size)
    if count < 1:
        raise ValueError(f"count must be at least 1, got {count}")
    draw, side = np.random.default_rng(seed), 2 * size  # drawn twice as large, for smooth edges
    down, across = np.gradient(_smooth_noise(draw, side, side / 9))
    length = np.hypot(down, across) + 1e-9
    flow_x, flow_y = -down / length, across / length
    tone = _smooth_noise(draw, side, side / 10)
    canvas = Image.new("RGB", (side, side), (20, 40, 100))
    brush = ImageDraw.Draw(canvas)
    for _ in range(count):
        x, y = draw.uniform(0, side, 2)
        at = np.clip((tone[int(y), int(x)] + 2) / 4 + draw.normal(0, 0.13), 0, 0.999) * (len(NIGHT) - 1)
        colour = (1 - at % 1) * np.array(NIGHT[int(at)]) + at % 1 * np.array(NIGHT[int(at) + 1])
        points = []
        for _ in range(26):
            points.append((x, y))
            row, column = int(y) % side, int(x) % side
            x, y = x + 1.5 * flow_x[row, column], y + 1.5 * flow_y[row, column]
        brush.line(
            points,
            fill=tuple(np.clip(colour + draw.normal(0, 12, 3), 0, 255).astype(int).tolist()),
            width=int(3 * draw.uniform(0.7, 1.5)),
        )
    return _picture(np.asarray(canvas.resize((size, size), Image.Resampling.LANCZOS)) / 255)


def stained_glass(size: int = 257, pane: float = 27, seed: int = 0) -> Tensor:
    """Panes of coloured glass in lead: the cells of points at random, dark where the two nearest are equally near.

    Args:
        pane: mean width of a pane in pixels.

    Shape: -> (1, 3, size, size), float in [0, 1]
    Raises: ``ValueError`` for a size below 16 or panes narrower than 10 pixels, as the lead is 4.
    """
    from scipy.spatial import cKDTree

    _check_size(size)
    if pane < 10:
        raise ValueError(f"pane must be at least 10 pixels, got {pane}")
    draw, panes = np.random.default_rng(seed), max(2, round((1.1 * size / pane) ** 2))
    centres = draw.uniform(-0.05, 1.05, (panes, 2)) * size
    y, x = np.mgrid[:size, :size]
    distance, nearest = cKDTree(centres).query(np.stack([y, x], -1), k=2)
    colours = np.array(GLASS)[draw.integers(0, len(GLASS), panes)] / 255 * draw.uniform(0.75, 1.1, (panes, 1))
    glass = colours[nearest[..., 0]] * (1 + 0.08 * _smooth_noise(draw, size, 3))[..., None]
    lead = 1 / (1 + np.exp(-1.2 * (distance[..., 1] - distance[..., 0] - 4.4)))
    return _picture(glass * lead[..., None])


def waves(size: int = 257, radius: int = 22) -> Tensor:
    """Seigaiha, the Japanese pattern of waves: rows of rings in indigo and cream, each row over the one before.

    Shape: -> (1, 3, size, size), float in [0, 1]
    Raises: ``ValueError`` for a size below 16 or a radius below 7 pixels, one for each ring.
    """
    from scipy.ndimage import gaussian_filter

    _check_size(size)
    if radius < len(INDIGO):
        raise ValueError(f"radius must be at least {len(INDIGO)}, got {radius}")
    y, x = np.mgrid[:size, :size]
    painted = np.ones((size, size, 3))
    for row in range(-2, 2 * size // radius + 3):
        # of all rings in a row only the nearest can cover a pixel: they are two radii apart
        sideways = (x - row % 2 * radius + radius) % (2 * radius) - radius
        distance = np.hypot(y - row * radius / 2, sideways)
        inside = distance < radius
        ring = (distance[inside] / radius * len(INDIGO)).astype(int)
        painted[inside] = np.array(INDIGO)[ring] / 255
    return _picture(gaussian_filter(painted, (0.6, 0.6, 0)))


def julia(size: int = 257, c: complex = -0.4 + 0.6j, colours: str = "inferno", steps: int = 160) -> Tensor:
    """A Julia set: how long ``z <- z^2 + c`` takes from each point of the plane to leave a circle, in colours.

    Args:
        c: which set; -0.4 + 0.6i is a dragon, 0.285 + 0.01i a flower.
        colours: a colour map of matplotlib. steps: after so many a point counts as one that never leaves.

    Shape: -> (1, 3, size, size), float in [0, 1]
    Raises: ``ValueError`` for a size below 16, fewer than one step, a colour map that matplotlib has not.
    """
    import matplotlib

    _check_size(size)
    if steps < 1:
        raise ValueError(f"steps must be at least 1, got {steps}")
    if colours not in matplotlib.colormaps:
        raise ValueError(f"colours must be a colour map of matplotlib, got {colours!r}")
    side = 2 * size
    y, x = np.mgrid[-1.35 : 1.35 : side * 1j, -1.35 : 1.35 : side * 1j]
    z, left_at = x + 1j * y, np.full((side, side), float(steps))
    inside = np.ones((side, side), bool)
    for step in range(steps):
        z[inside] = z[inside] ** 2 + c
        leaves = inside & (np.abs(z) > 8)
        left_at[leaves] = step + 1 - np.log2(np.log(np.abs(z[leaves])))  # between two steps, so that no bands are seen
        inside &= ~leaves
    tone = np.sqrt(np.clip(left_at / steps, 0, 1))
    tone = (tone - tone.min()) / max(tone.max() - tone.min(), 1e-9)
    painted = matplotlib.colormaps[colours](tone)[..., :3]
    return _picture(painted.reshape(size, 2, size, 2, 3).mean((1, 3)))


def _smooth_noise(draw: np.random.Generator, size: int, sigma: float) -> np.ndarray:
    """Gaussian noise (size, size) blurred by ``sigma`` pixels around the edges, with standard deviation 1."""
    from scipy.ndimage import gaussian_filter

    noise = gaussian_filter(draw.standard_normal((size, size)), sigma, mode="wrap")
    return noise / noise.std()


def _picture(painted: np.ndarray) -> Tensor:
    return torch.from_numpy(painted.clip(0, 1)).permute(2, 0, 1)[None].float().contiguous()


def _check_size(size: int) -> None:
    if size < 16:
        raise ValueError(f"size must be at least 16, got {size}")
