"""Procedural faces: as many people as you like, each as often as you like, and nobody's face.

A *person* is a row of numbers (proportions, colours, hair); a *shot* is another row (pose, light, expression,
accessories, camera). The same person looks different in every shot, and on purpose by more than two people differ in
the same shot: that is what defeats the distance of pixels on photographs too. ``datasheet()`` lists every number.

Chapter: book/metric_learning/identification.ipynb
"""

from dataclasses import dataclass

import torch
from torch import Tensor

from . import _face_renderer

# name -> (lowest, highest, what it is). A person's numbers are uniform in their range; units: half the picture is 1.
IDENTITY = {
    "skin": (0.0, 1.0, "skin, from light to dark"),
    "skin_hue": (-1.0, 1.0, "skin, from rosy to olive"),
    "face_width": (0.44, 0.60, "half the width of the head"),
    "face_height": (0.62, 0.76, "half the height of the head"),
    "jaw": (0.05, 0.42, "how much the head narrows towards the chin"),
    "eye_distance": (0.32, 0.46, "from the middle of the face to an eye"),
    "eye_height": (-0.22, -0.04, "height of the eyes (negative is up)"),
    "eye_width": (0.13, 0.21, "half the width of an eye"),
    "eye_opening": (0.055, 0.10, "half the height of an open eye"),
    "eye_colour": (0.0, 1.0, "iris, from light blue to dark brown"),
    "brow_height": (0.11, 0.20, "from an eye to its brow"),
    "brow_thickness": (0.018, 0.055, "half the thickness of a brow"),
    "brow_tilt": (-0.25, 0.35, "slope of the brows, outwards down"),
    "nose_length": (0.20, 0.38, "from the eyes to the tip of the nose"),
    "nose_width": (0.08, 0.17, "width of the nose"),
    "nose_relief": (0.10, 0.28, "how far the nose stands out"),
    "mouth_height": (0.42, 0.58, "height of the mouth"),
    "mouth_width": (0.18, 0.34, "half the width of the mouth"),
    "lips": (0.025, 0.075, "thickness of the lips"),
    "lip_colour": (0.0, 1.0, "lips, from pale to red"),
    "hair_tone": (0.0, 1.0, "hair, from black over brown to blond"),
    "hair_grey": (-1.5, 0.8, "share of grey in the hair (negative: none)"),
    "hairline": (-0.78, -0.42, "height of the hairline"),
    "hair_arch": (0.1, 0.9, "how far the hairline comes down at the temples"),
    "parting": (-0.6, 0.6, "where the hair is parted"),
    "hair_volume": (0.02, 0.20, "thickness of the hair around the head"),
    "hair_length": (-0.5, 1.1, "how far the hair comes down at the sides"),
    "beard": (-1.5, 1.0, "how dense the beard is (negative: none)"),
    "moustache": (-1.5, 1.0, "how dense the moustache is (negative: none)"),
    "mole_x": (-0.55, 0.55, "a mole: where, from left to right"),
    "mole_y": (-0.1, 0.6, "a mole: where, from top to bottom"),
}
# The same for a shot; the ranges are those at ``variation=1`` and shrink towards their middle with it.
SHOT = {
    "yaw": (-0.42, 0.42, "the head turned left or right (radians)"),
    "pitch": (-0.16, 0.16, "the head raised or lowered (radians)"),
    "roll": (-0.12, 0.12, "the head tilted (radians)"),
    "zoom": (0.93, 1.07, "size of the head in the picture"),
    "shift_x": (-0.07, 0.07, "the head off the middle, horizontally"),
    "shift_y": (-0.05, 0.05, "the head off the middle, vertically"),
    "light_x": (-1.0, 1.0, "light from the left or the right"),
    "light_y": (-0.9, 0.3, "light from above or below"),
    "ambient": (0.35, 0.70, "share of light that comes from everywhere"),
    "exposure": (0.80, 1.15, "brightness of the picture"),
    "warmth": (-1.0, 1.0, "colour of the light, from cold to warm"),
    "smile": (-0.5, 1.0, "corners of the mouth down or up"),
    "mouth_open": (-0.6, 1.0, "mouth open (negative: closed)"),
    "eyes_open": (0.35, 1.15, "eyelids"),
    "brow_raise": (-0.03, 0.05, "brows lowered or raised"),
    "gaze": (-1.0, 1.0, "where the eyes look"),
    "glasses": (-3.0, 1.0, "glasses where positive: one shot in four"),
    "cap": (-9.0, 1.0, "a cap where positive: one shot in ten"),
    "clothes": (0.0, 0.9, "colour of the clothes"),
    "clothes_light": (0.15, 0.85, "brightness of the clothes"),
    "background": (0.2, 0.8, "brightness of the background"),
    "background_hue": (0.0, 0.9, "colour of the background"),
    "background_slope": (-0.25, 0.25, "the background brighter on one side"),
    "noise": (0.0, 0.03, "standard deviation of the sensor's noise"),
}


@dataclass(frozen=True)
class Faces:
    """Pictures of people: ``images`` uint8 (N, C, size, size), ``labels`` int64 (N,), who it is."""

    images: Tensor
    labels: Tensor

    def __str__(self) -> str:
        return f"{len(self.images):,} pictures of {len(self.labels.unique()):,} people"


def faces(
    people: int,
    shots: int,
    size: int = 48,
    *,
    grey: bool = True,
    variation: float = 1.0,
    seed: int = 0,
    first: int = 0,
    device: torch.device | str = "cpu",
) -> Faces:
    """``shots`` pictures of each of ``people`` procedural people, made on ``device``.

    Person k of a seed has the same face wherever it is asked for, and the shots do not depend on how many are: people
    ``first``, ``first + 1``, ... can be made apart from people ``0``, ``1``, ... and are others.

    Args:
        size: side of the pictures in pixels, at least 16.
        grey: luminance instead of colour, C = 1 instead of 3.
        variation: how much the shots of a person differ; 0 keeps pose, light and all else at the middle.
        seed: another seed is another population.
        first: number of the first person, and label of the first pictures.

    Raises:
        ValueError: fewer than one person or shot, ``size < 16``, ``variation`` outside [0, 1.5].
    """
    if people < 1 or shots < 1:
        raise ValueError(f"people and shots must be at least 1, got people={people}, shots={shots}")
    if not 0 <= variation <= 1.5:
        raise ValueError(f"variation must be in [0, 1.5], got {variation}")
    identity = identities(people, seed, first)
    labels = torch.arange(first, first + people)
    pictures, order = [], []
    for shot in range(shots):  # a loop over shots only: each makes one picture of everyone
        pictures.append(photograph(identity, _shots(people, seed, first, shot, variation), size, grey, device))
        order.append(labels)
    images = torch.stack(pictures, 1).flatten(0, 1)
    return Faces(images, torch.stack(order, 1).flatten().to(device))


def identities(people: int, seed: int = 0, first: int = 0) -> Tensor:
    """The numbers of people ``first``, ``first + 1``, ..., in the order of `IDENTITY`: (people, len(IDENTITY))."""
    return _uniform(IDENTITY, people, seed, first, purpose=0)


def neutral_shots(count: int, **numbers: float | Tensor) -> Tensor:
    """``count`` times the middle of every range of `SHOT`, (count, len(SHOT)), but for the ``numbers`` given by name.

    From the front, in even light, without glasses and cap. Raises: ``ValueError`` for a name that is not in `SHOT`.
    """
    if unknown := sorted(set(numbers) - set(SHOT)):
        raise ValueError(f"a shot has the numbers {', '.join(SHOT)}; got {', '.join(unknown)}")
    middle = [(low + high) / 2 for low, high, _ in SHOT.values()]
    shots = torch.tensor(middle, dtype=torch.float32).expand(count, -1).clone()
    for name, value in numbers.items():
        shots[:, list(SHOT).index(name)] = value
    return shots


def photograph(
    identity: Tensor, shot: Tensor, size: int = 48, grey: bool = True, device: torch.device | str = "cpu"
) -> Tensor:
    """One picture for each pair of rows: what `faces` does with numbers of your own.

    Shape: (N, len(IDENTITY)), (N, len(SHOT)) -> uint8 (N, 1 or 3, size, size)
    Raises: ``ValueError`` on other shapes, ``size < 16``.
    """
    expected = ((len(identity), len(IDENTITY)), (len(identity), len(SHOT)))
    if (tuple(identity.shape), tuple(shot.shape)) != expected:
        raise ValueError(
            f"identity and shot must have shapes {expected[0]} and {expected[1]}, "
            f"got {tuple(identity.shape)} and {tuple(shot.shape)}"
        )
    if size < 16:
        raise ValueError(f"size must be at least 16 pixels, got {size}")
    parts = []
    for who, how in zip(identity.split(256), shot.split(256), strict=True):  # bounds the memory
        numbers = dict(zip(IDENTITY, who.to(device).T, strict=True)) | dict(zip(SHOT, how.to(device).T, strict=True))
        parts.append(_face_renderer.render(numbers, size, grey))
    return torch.cat(parts)


def datasheet() -> str:
    """What varies between people and between shots, with every range, as a Markdown table."""
    rows = ["| number | belongs to | from | to | what it is |", "|---|---|---:|---:|---|"]
    for owner, table in (("person", IDENTITY), ("shot", SHOT)):
        rows += [f"| `{name}` | {owner} | {low:g} | {high:g} | {what} |" for name, (low, high, what) in table.items()]
    return "\n".join(rows)


def _shots(people: int, seed: int, first: int, shot: int, variation: float) -> Tensor:
    middle = neutral_shots(people)
    return middle + variation * (_uniform(SHOT, people, seed, first, purpose=1 + shot) - middle)


def _uniform(table: dict, people: int, seed: int, first: int, purpose: int) -> Tensor:
    """One row a person, from a generator of that person's own, so that no row depends on how many are asked for."""
    low, high = torch.tensor([row[:2] for row in table.values()], dtype=torch.float32).T
    rows = torch.empty(people, len(table), dtype=torch.float32)
    generator = torch.Generator()
    for k, row in enumerate(rows):
        # a large prime keeps the streams of people and purposes apart
        generator.manual_seed(((seed * 1_000_003 + first + k) * 100_003 + purpose) % 2**63)
        torch.rand(len(table), generator=generator, out=row, dtype=torch.float32)
    return low + (high - low) * rows
