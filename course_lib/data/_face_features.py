"""What is painted onto a procedural head, in the head's own frame: eyes, brows, nose, mouth, hair, glasses."""

import torch
from torch import Tensor

from ._face_paint import inside, mix, over, rgb


def features(n: dict, point: dict, soft: float, skin: Tensor, hair: Tensor) -> Tensor:
    """The face unrolled: everything that is painted onto the skin, in the head's own frame."""
    u, v, s = point["u"], point["v"], 1.8 * soft  # the frame is shorter than the picture
    side = u.abs() - n["eye_distance"]
    face = skin.expand(-1, -1, *u.shape[1:])
    cheek = torch.exp(-(side / 0.22).square() - ((v - 0.25) / 0.2).square())
    face = face * (1 + rgb(0.05 * cheek, -0.06 * cheek, -0.06 * cheek))

    socket = torch.exp(-(side / 0.24).square() - ((v - n["eye_height"] + 0.02) / 0.16).square())
    face = face * (1 - 0.18 * socket).unsqueeze(1)
    chin = torch.maximum(n["mouth_height"] - 0.02 - v, u.abs() - 0.95)
    cheekbones = torch.maximum(0.68 - u.abs() - 0.5 * (v - 0.15), 0.1 - v)
    stubble = 0.9 + 0.1 * torch.cos(31 * u) * torch.cos(37 * v)
    density = n["beard"].clamp(min=0) * stubble
    face = over(face, hair * 0.9, 0.85 * density * inside(torch.minimum(chin, cheekbones), 3 * s))
    above = (v - n["mouth_height"] + 0.10).abs() - 0.045
    moustache = torch.maximum(above, u.abs() - n["mouth_width"])
    face = over(face, hair * 0.9, 0.9 * n["moustache"].clamp(min=0) * inside(moustache, s))

    height = n["eye_opening"] * n["eyes_open"]
    lens = (side / n["eye_width"]).square() + ((v - n["eye_height"]) / height).square() - 1
    eye = inside(lens * height, s)
    centre = n["eye_distance"] * u.sign() + 0.05 * n["gaze"]
    across = ((u - centre).square() + (v - n["eye_height"]).square()).sqrt()
    iris = mix([(0.50, 0.66, 0.80), (0.36, 0.50, 0.36), (0.40, 0.26, 0.12), (0.14, 0.08, 0.05)], n["eye_colour"])
    face = over(face, torch.full_like(iris, 0.93), eye)
    face = over(face, iris, eye * inside(across - 0.082, s))
    face = over(face, torch.full_like(iris, 0.04), eye * inside(across - 0.034, s))
    lid = inside((lens.abs() - 0.30) * height, s) * (v < n["eye_height"] + 0.01)
    face = over(face, torch.full_like(iris, 0.12), 0.8 * lid * (side.abs() < 1.2 * n["eye_width"]))

    arch = n["eye_height"] - n["brow_height"] - n["brow_raise"] + n["brow_tilt"] * side + 1.2 * side.square()
    brow = torch.maximum((v - arch).abs() - n["brow_thickness"], side.abs() - 1.25 * n["eye_width"])
    face = over(face, hair * 0.8, inside(brow, s))

    tip = n["eye_height"] + n["nose_length"]
    nostril = ((u.abs() - 0.55 * n["nose_width"]) / 0.038).square() + ((v - tip - 0.03) / 0.024).square() - 1
    face = over(face, 0.35 * skin, 0.9 * inside(nostril * 0.03, s))

    bend = n["mouth_height"] - 0.30 * n["smile"] * (u.square() - 0.4 * n["mouth_width"].square())
    half = n["mouth_width"] * (1 + 0.12 * n["smile"])
    taper = (1 - (u / half).square()).clamp(min=0).sqrt()
    gape = 0.10 * n["mouth_open"].clamp(min=0)
    lips = (v - bend).abs() - (n["lips"] + gape) * taper
    red = torch.lerp(
        0.72 * skin,
        skin * rgb(*(torch.full_like(n["skin"], k) for k in (0.85, 0.42, 0.45))),
        n["lip_colour"].unsqueeze(1),
    )
    mouth = inside(torch.maximum(lips, u.abs() - half), s)
    face = over(face, red, mouth)
    inner = inside((v - bend).abs() - (gape * taper).clamp(min=0.008), s) * inside(u.abs() - 0.92 * half, s)
    face = over(face, torch.full_like(iris, 0.14), inner)
    teeth = inside((v - bend + 0.5 * gape).abs() - 0.45 * gape * taper, s) * (gape > 0.03)
    face = over(face, torch.full_like(iris, 0.90), teeth * inside(u.abs() - 0.7 * half, s))

    mole = ((u - n["mole_x"]).square() + (v - n["mole_y"]).square()).sqrt() - 0.03
    face = over(face, 0.4 * skin, 0.85 * inside(mole, s))
    line = n["hairline"] + n["hair_arch"] * (u - 0.3 * n["parting"]).square()
    line = line + 0.05 * torch.cos(9 * (u - n["parting"]))
    fringe = torch.maximum(v - line, torch.full_like(v, -9.0))
    temples = torch.maximum(0.84 - u.abs() + 0.15 * (v - n["hair_length"]).clamp(min=0), v - n["hair_length"])
    strands = 0.93 + 0.07 * torch.cos(40 * (u - 0.4 * n["parting"] * v))
    face = over(face, hair * strands.unsqueeze(1), inside(torch.minimum(fringe, temples), 1.5 * s))
    return _glasses(n, face, u, v, side, s)


def _glasses(n, face, u, v, side, s) -> Tensor:
    frame = ((side / 0.27).square() + ((v - n["eye_height"] - 0.02) / 0.20).square()).sqrt() - 1
    rim = frame.abs() * 0.22 - 0.022
    bridge = torch.maximum((v - n["eye_height"]).abs() - 0.018, side + 0.25)
    arms = torch.maximum((v - n["eye_height"] + 0.03).abs() - 0.02, 0.27 - side)
    worn = (n["glasses"] > 0).float()
    dark = torch.full_like(face[:, :, :1, :1], 0.10)
    face = over(face, 1.12 * face + 0.04, 0.5 * worn * inside(0.2 * frame, s))
    return over(face, dark, worn * inside(torch.minimum(torch.minimum(rim, bridge), arms), s))
