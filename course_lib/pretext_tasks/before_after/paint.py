"""From a scene to pictures: where every item is at every moment, and how light, rails and camera make it look.

All scenes and all moments are painted at once; the only loop is over the seven sides of a stone.

Chapter: book/pretext_tasks/before_after.ipynb
"""

import torch
from torch import Tensor
from torch.nn import functional as F

from . import shapes
from .kinds import AFTER, BISCUIT, HAND, LEAF, REACHING, STONE, TWIG
from .scene import BISCUITS, Scene

BELT_COLOUR = (0.27, 0.30, 0.33)
GLOVE_COLOUR = (0.80, 0.84, 0.88)
# per station: the colour of its lamp, and that of its rails
LAMPS = ((0.72, 0.78, 0.85), (0.83, 0.78, 0.70))
RAILS = ((0.62, 0.56, 0.20), (0.40, 0.44, 0.50))


def paint(scene: Scene, states: Tensor, stations: Tensor, generator: torch.Generator) -> tuple[Tensor, Tensor]:
    """Pictures of every scene at every moment, and what each pixel shows.

    Shape: scene of N; states (T,); stations (N, T) -> images float (N, T, 3, S, S) in [0, 1], kinds uint8 (N, T, S, S)
    """
    size = scene.texture.shape[-1]
    moments = len(states)
    distance = _distances(scene, moments, size)
    gone = (scene.kind == 0)[:, None] | ((scene.kind > BISCUIT)[:, None] & (states == AFTER)[:, None])
    distance = distance.masked_fill(gone[..., None, None], torch.inf)
    nearest, which = distance.min(2)

    flat = which.flatten(2)
    kinds = scene.kind[:, None].expand(-1, moments, -1).gather(2, flat).view_as(which)
    kinds = torch.where(nearest <= 0, kinds, 0)
    colour = scene.colour[:, None].expand(-1, moments, -1, -1)
    colour = colour.gather(2, flat[..., None].expand(-1, -1, -1, 3)).transpose(2, 3).unflatten(3, (size, size))

    texture = _travelling(scene, moments)
    relief = 0.80 + 0.20 * (-nearest / 3).clamp(0, 1)
    cover = (0.5 - nearest).clamp(0, 1)
    belt = _belt(scene, moments, cover, texture)
    picture = torch.lerp(belt, colour * (relief * (1 + 0.06 * texture))[:, :, None], cover[:, :, None])
    picture = _rails(picture, stations)

    hand = _hand(scene, size)[:, None].masked_fill((states != REACHING)[:, None, None], torch.inf)
    glove = picture.new_tensor(GLOVE_COLOUR)[:, None, None] * (0.75 + 0.25 * (-hand / 4).clamp(0, 1))[:, :, None]
    picture = torch.lerp(picture, glove, (0.5 - hand).clamp(0, 1)[:, :, None])
    kinds = torch.where(hand <= 0, HAND, kinds)
    return _photograph(picture, stations, generator), kinds.byte()


def _distances(scene: Scene, moments: int, size: int) -> Tensor:
    """(N, T, J, S, S): how far each pixel is from each item; the belt is a loop that is one picture long."""
    device = scene.middle.device
    place = torch.arange(size, device=device) + 0.5
    moved = torch.arange(moments, device=device)[:, None] * scene.speed[:, None, None]
    across = place - (scene.middle[:, None, :, 0] + moved)[..., None]
    across = ((across + size / 2) % size - size / 2)[..., None, :]
    down = (place - scene.middle[:, None, :, 1, None])[..., None]
    cos, sin = (f(scene.turn)[:, None, :, None, None] for f in (torch.cos, torch.sin))
    u, v = across * cos + down * sin, down * cos - across * sin
    long, short = (x[:, None, :, None, None] for x in scene.axes.unbind(-1))

    good, bad = slice(None, BISCUITS), slice(BISCUITS, None)
    biscuits = shapes.ellipse(u[:, :, good], v[:, :, good], long[:, :, good], short[:, :, good])
    u, v, long, short = (x[:, :, bad] for x in (u, v, long, short))
    kind = scene.kind[:, None, bad, None, None]
    other = shapes.half_ellipse(u, v, long, short)
    other = torch.where(kind == STONE, shapes.polygon(u, v, scene.sides[:, None, bad]), other)
    other = torch.where(kind == TWIG, shapes.capsule(u, v, long, short), other)
    other = torch.where(kind == LEAF, shapes.lens(u, v, long, short), other)
    return torch.cat([biscuits, other], 2)


def _travelling(scene: Scene, moments: int) -> Tensor:
    """(N, T, S, S): the grain of the belt, moved along with it by whole pixels."""
    size = scene.texture.shape[-1]
    moved = (torch.arange(moments, device=scene.speed.device) * scene.speed[:, None]).round().long()
    column = (torch.arange(size, device=moved.device) - moved[..., None]) % size
    return scene.texture.expand(-1, moments, -1, -1).gather(3, column[:, :, None].expand(-1, -1, size, -1))


def _belt(scene: Scene, moments: int, cover: Tensor, texture: Tensor) -> Tensor:
    """The empty belt with its seams and grain, and on it the shadows of the items, down and to the right."""
    size = cover.shape[-1]
    place = torch.arange(size, device=cover.device) + 0.5
    moved = scene.start[:, None] + torch.arange(moments, device=cover.device) * scene.speed[:, None]
    seam = 1 - 0.25 * ((place - moved[..., None]) % (size / 4) < size / 48)[:, :, None]
    step = max(1, round(size / 40))
    shadow = F.pad(cover, (step, 0, step, 0))[..., :size, :size]
    grey = seam * (1 + 0.08 * texture) * (1 - 0.35 * shadow)
    return cover.new_tensor(BELT_COLOUR)[:, None, None] * grey[:, :, None]


def _rails(picture: Tensor, stations: Tensor) -> Tensor:
    """Both rails, an eighth of the picture each: striped at station 0, plain at station 1."""
    size = picture.shape[-1]
    place = torch.arange(size, device=picture.device)
    rail = (place < size // 8) | (place >= size - size // 8)
    stripe = ((place[:, None] + place) % (size // 8) < size // 16) & (stations == 0)[..., None, None]
    colour = picture.new_tensor(RAILS)[stations][..., None, None] * (1 - 0.5 * stripe)[:, :, None]
    return torch.where(rail[:, None], colour, picture)


def _hand(scene: Scene, size: int) -> Tensor:
    """(N, S, S): distance to a gloved arm that comes from below and ends at the first anomaly."""
    place = torch.arange(size, device=scene.middle.device) + 0.5
    x, y = scene.middle[:, BISCUITS, :, None, None].unbind(1)
    moved = scene.speed[:, None, None]
    return shapes.capsule(
        place[:, None] - y - size, place - (x + moved) % size, torch.as_tensor(float(size)), torch.as_tensor(size / 12)
    )


def _photograph(picture: Tensor, stations: Tensor, generator: torch.Generator) -> Tensor:
    """What the camera makes of it: the colour of the lamp, its unsteady strength, a gradient, and noise."""
    n, moments, _, size, _ = picture.shape

    def uniform(*shape: int) -> Tensor:
        return torch.rand(n, moments, *shape, generator=generator, device=picture.device)

    lamp = picture.new_tensor(LAMPS)[stations][..., None, None]
    strength = (0.92 + 0.16 * uniform(1, 1, 1)) * (0.98 + 0.04 * uniform(3, 1, 1))
    slope = 0.2 * (uniform(1, 1, 1) - 0.5) * torch.linspace(-1, 1, size, device=picture.device)
    noise = torch.randn(picture.shape, generator=generator, device=picture.device)
    return (picture * lamp * strength * (1 + slope) + 0.01 * noise).clamp(0, 1)
