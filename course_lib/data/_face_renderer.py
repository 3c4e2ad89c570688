"""How a procedural face is painted: a solid head under a lamp, with features painted onto its surface.

Every pixel finds the point of an egg-shaped head that it sees, turns that point back into the head's own upright
frame ``(u, v)`` and asks there for skin, eyes, brows, nose, mouth, hair. So a turned head hides one cheek, its nose
moves against its eyes, and its shading follows its shape. All people at once, no loop over pixels or pictures.
"""

import torch
from torch import Tensor

from ._face_features import features
from ._face_paint import hair_colour, hue, inside, over, skin_colour


def render(numbers: dict[str, Tensor], size: int, grey: bool) -> Tensor:
    """Numbers (N,) by the names of ``faces.IDENTITY`` and ``faces.SHOT`` -> uint8 (N, 1 or 3, size, size)."""
    n = {name: value.view(-1, 1, 1) for name, value in numbers.items()}
    soft = 3.0 / size  # edges are about a pixel wide
    step = (torch.arange(size, device=n["yaw"].device, dtype=torch.float32) + 0.5) * 2 / size - 1
    x, y = step.view(1, 1, -1), step.view(1, -1, 1)
    # into the frame of the head in the picture: undo shift, zoom and tilt
    x, y = (x - n["shift_x"]) / n["zoom"], (y - n["shift_y"]) / n["zoom"]
    cos, sin = n["roll"].cos(), n["roll"].sin()
    x, y = cos * x + sin * y, cos * y - sin * x + 0.02

    point = _surface(n, x, y)
    skin = skin_colour(n)
    hair = hair_colour(n)
    canvas = _background(n, step)
    canvas = _behind_the_head(n, canvas, x, y, soft, skin, hair, point)
    face = features(n, point, soft, skin, hair)
    face = face * _light(n, point).unsqueeze(1)
    canvas = over(canvas, face, inside(point["rim"], soft))
    canvas = _hat(n, canvas, point, x, y, soft)
    warm = torch.stack([0.08 * n["warmth"], 0 * n["warmth"], -0.10 * n["warmth"]], 1)
    picture = canvas * n["exposure"].unsqueeze(1) * (1 + warm)
    picture = picture + n["noise"].unsqueeze(1) * _grain(n, picture.shape)
    if grey:  # ITU-R 601, as everywhere in the course
        weights = picture.new_tensor([0.299, 0.587, 0.114]).view(1, 3, 1, 1)
        picture = (picture * weights).sum(1, keepdim=True)
    return picture.clamp(0, 1).mul(255).round().byte()


def _surface(n: dict, x: Tensor, y: Tensor) -> dict[str, Tensor]:
    """Where on the head each pixel looks: the point in the head's own frame, the normal, the distance to the rim."""
    narrow = 1 - n["jaw"] * (y / n["face_height"]).clamp(0, 1.2).square()
    p, q = x / (n["face_width"] * narrow), y / n["face_height"]
    radius = p.square() + q.square()
    z = (1 - radius).clamp(min=0).sqrt()
    yaw, pitch = n["yaw"], n["pitch"]
    u, depth = p * yaw.cos() - z * yaw.sin(), p * yaw.sin() + z * yaw.cos()
    v = q * pitch.cos() - depth * pitch.sin()
    return {"u": u, "v": v, "p": p, "q": q, "z": z, "rim": radius.clamp(min=1e-6).sqrt() - 1}


def _background(n: dict, step: Tensor) -> Tensor:
    slope = n["background_slope"] * step.view(1, 1, -1) + 0.08 * torch.cos(3 * step.view(1, -1, 1) + 9 * n["clothes"])
    return (n["background"] + slope).clamp(0.02, 1).unsqueeze(1) * hue(n["background_hue"], 0.15)


def _behind_the_head(n, canvas, x, y, soft, skin, hair, point) -> Tensor:
    """Shoulders, neck, the hair around the head, the ears: from back to front."""
    jaw = n["face_height"]
    turn = 0.10 * n["yaw"].sin()
    clothes = n["clothes_light"].unsqueeze(1) * hue(n["clothes"], 0.35)
    shoulders = (x / 0.95).square() + ((y - jaw - 0.42) / 0.38).square() - 1
    around = 1 + n["hair_volume"]
    crown = ((x + turn) / (n["face_width"] * around)).square() + ((y + 0.04) / (jaw * around)).square() - 1
    fall = torch.maximum((x + turn).abs() - n["face_width"] * (around + 0.04), (y - n["hair_length"] * jaw).abs() - jaw)
    long_hair = torch.maximum(fall, -y - 0.1) + 9 * (n["hair_length"] < 0.25)
    short_hair = torch.maximum(crown, y - (n["hair_length"].clamp(max=0.25) + 0.1) * jaw)
    shadow = 0.88 + 0.12 * torch.cos(14 * x)
    canvas = over(canvas, hair * shadow.unsqueeze(1), inside(long_hair, soft))
    canvas = over(canvas, clothes, inside(shoulders, soft))
    neck = torch.maximum(x.abs() - 0.55 * n["face_width"] - 0.1 * (y - jaw).clamp(min=0), (y - jaw).abs() - 0.25)
    canvas = over(canvas, 0.72 * skin, inside(neck, soft))
    canvas = over(canvas, hair, inside(short_hair, soft))
    side = n["face_width"] * (0.98 + 0.06 * n["yaw"].cos())
    for sign in (-1, 1):
        ear = ((x + sign * (side + 0.1 * sign * n["yaw"])) / 0.09).square() + ((y - 0.03) / 0.15).square() - 1
        shown = inside(ear, soft) * (n["hair_length"] < 0.3)
        canvas = over(canvas, 0.85 * skin, shown)
    return canvas


def _light(n: dict, point: dict) -> Tensor:
    """Lambert's law, ``ambient + (1 - ambient) max(0, normal . light)``, on the egg with a nose on it."""
    lamp = torch.stack([n["light_x"], n["light_y"], torch.full_like(n["light_x"], 1.2)])
    lamp = lamp / lamp.square().sum(0).sqrt()
    u, v = point["u"], point["v"]
    tip, width = n["eye_height"] + n["nose_length"], n["nose_width"]
    ridge = ((v - n["eye_height"]) / n["nose_length"]).clamp(0, 1) * torch.sigmoid((tip + 0.04 - v) / 0.03)
    bump = n["nose_relief"] * ridge * torch.exp(-(u / width).square())
    slope_u = -2 * u / width.square() * bump
    slope_v = n["nose_relief"] * torch.exp(-(u / width).square() - ((v - tip - 0.03) / 0.06).square()) * -6
    normal = torch.stack([point["p"] - slope_u, point["q"] - slope_v, point["z"] + 0.25])
    facing = (normal * lamp).sum(0) / normal.square().sum(0).sqrt()
    return n["ambient"] + (1.15 - n["ambient"]) * facing.clamp(min=0)


def _hat(n, canvas, point, x, y, soft) -> Tensor:
    worn = (n["cap"] > 0).float()
    top = -0.42 * n["face_height"]
    dome = (x / (1.14 * n["face_width"])).square() + ((y - top) / (0.72 * n["face_height"])).square() - 1
    colour = (1.05 - n["clothes_light"]).unsqueeze(1) * hue(n["clothes"] + 0.4, 0.4)
    shade = 0.6 + 0.4 * point["z"].clamp(min=0.3)
    canvas = over(canvas, colour * shade.unsqueeze(1), worn * inside(torch.maximum(dome, y - top), soft))
    brim = torch.maximum((y - top).abs() - 0.05, x.abs() - 1.18 * n["face_width"])
    return over(canvas, 0.7 * colour, worn * inside(brim, soft))


def _grain(n: dict, shape: torch.Size) -> Tensor:
    """Noise that depends on the numbers of its own picture alone: the same on every device and in every batch."""
    seeds = sum(value.cpu().double().flatten() for value in n.values()).mul(2**32).long().tolist()
    grain, generator = torch.empty(shape, dtype=torch.float32), torch.Generator()
    for seed, picture in zip(seeds, grain, strict=True):
        torch.randn(picture.shape, generator=generator.manual_seed(seed % 2**63), out=picture, dtype=torch.float32)
    return grain.to(n["noise"].device)
