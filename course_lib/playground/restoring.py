"""Denoise the picture: with the networks of the course, or with one that has seen nothing but this picture."""

from collections.abc import Callable, Iterator

import torch
from torch import Tensor

from .. import reference
from ..denoising import denoise
from ..denoising.levels import level_name
from ..denoising.tiles import tile_plan
from ..learning_from_noise.one_image import TinyDenoiser, zero_shot_loss
from ..metrics import psnr
from ..observation import Gaussian
from .task import Choice, Level, Task, View

TILE = 160  # pixels; a multiple of every network's period here
CROP = 96  # side of what a step of learning sees
GAIN = 4  # what was taken away is weak
TOPICS = ("denoising/", "learning_from_noise/")


def denoisers() -> dict[str, str]:
    """Title -> name of every reference run of a denoiser whose weights are stored; the plainest first."""
    stored = {path.stem for path in reference.WEIGHTS.glob("*.safetensors")}
    found = {
        r.title: name for name, r in reference.recipes().items() if r.chapter.startswith(TOPICS) and name in stored
    }
    return dict(sorted(found.items(), key=lambda pair: (pair[1] != "dncnn-s25", pair[0])))


def denoising_task() -> Task:
    """Noise is added, a network takes it away; without added noise, whatever noise the picture has itself."""
    controls = {
        "network": Choice("Network", denoisers()),
        "sigma": Level("Noise added, σ of 255", 0, 75, 25),
        "told": Level("σ that the network is told, if it asks", 0, 75, 25),
    }
    about = "Noise is added, and a network of the course takes it away. With σ = 0 it meets the noise that is there."
    return Task("Denoise", about, run_network, controls)


def run_network(picture: Tensor, network: str, sigma: float, told: float, seed: int = 0) -> Iterator[View]:
    """One network on the noisy picture, tile by tile. A network for grey pictures gets a grey one."""
    model = reference.load(network)
    clean = grey(picture) if getattr(model, "channels", 3) == 1 else picture
    z = Gaussian(sigma / 255)(clean, torch.Generator().manual_seed(seed)) if sigma else clean
    noisy = {"noisy" if sigma else "your picture": z}
    yield View(0, "Denoising …", noisy)
    level = told / 255 if asks(model) else None
    y_hat = z.clone()
    for fraction, (rows, columns), piece in in_tiles(model, z, level):
        y_hat[..., rows, columns] = piece
        yield View(0.99 * fraction, "Denoising …", noisy | {"denoised": y_hat})
    yield View(1, report(clean, z, y_hat), results(clean, z, y_hat, bool(sigma)))


def one_image_task() -> Task:
    """A network that has never seen any picture but this one, and that one only with noise."""
    controls = {"sigma": Level("Noise added, σ of 255", 0, 75, 25), "steps": Level("Steps", 100, 2000, 600, 100)}
    about = "A tiny network learns from the noisy picture alone (Zero-Shot Noise2Noise), while you watch."
    return Task("Learn from one image", about, run_one_image, controls, longest=320)


def run_one_image(picture: Tensor, sigma: float, steps: float, seed: int = 0) -> Iterator[View]:
    """`course_lib.learning_from_noise.one_image.denoise_one` step by step, each on a random square of the picture."""
    draw, steps = torch.Generator().manual_seed(seed), int(steps)
    z = Gaussian(sigma / 255)(picture, draw) if sigma else picture
    noisy = {"noisy" if sigma else "your picture": z}
    yield View(0, "Learning …", noisy)
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        model = TinyDenoiser(z.shape[1])
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
    for step in range(1, steps + 1):
        top, left = (torch.randint(max(1, n - CROP + 1), (1,), generator=draw).item() for n in z.shape[-2:])
        with torch.enable_grad():
            loss = zero_shot_loss(model, z[..., top : top + CROP, left : left + CROP])
            optimizer.zero_grad()
            loss.backward()
        optimizer.step()
        if step == steps // 2:
            optimizer.param_groups[0]["lr"] /= 2
        if step % 20 == 0:
            y_hat = denoise(model, z)
            yield View(0.99 * step / steps, f"Step {step} of {steps}.", noisy | {"denoised": y_hat})
    y_hat = denoise(model, z)
    yield View(1, report(picture, z, y_hat), results(picture, z, y_hat, bool(sigma)))


def in_tiles(model, z: Tensor, level: float | None) -> Iterator[tuple[float, tuple[slice, slice], Tensor]]:
    """(fraction done, where, the tile denoised), each with as much around it as the network sees."""
    height, width = z.shape[-2:]
    try:
        forward = None if level is None else (lambda network, x: network(x, level))
        context, _ = tile_plan(model, z.shape[1], forward)
        tile = TILE
    except ValueError:  # it sees everything, or no wires lead through it
        context, tile = 0, max(height, width)
    corners = [(top, left) for top in range(0, height, tile) for left in range(0, width, tile)]
    for done, (top, left) in enumerate(corners, 1):
        up, before = max(0, top - context), max(0, left - context)
        piece = denoise(model, z[..., up : top + tile + context, before : left + tile + context], sigma=level)
        piece = piece[..., top - up : top - up + tile, left - before : left - before + tile]
        yield done / len(corners), (slice(top, top + tile), slice(left, left + tile)), piece


def asks(model: Callable) -> bool:
    """Whether it must be told the noise level."""
    try:
        level_name(model, None)
    except ValueError:
        return True
    return False


def grey(picture: Tensor) -> Tensor:
    """Luminance (ITU-R 601). Shape: (1, 3, H, W) -> (1, 1, H, W)"""
    return (picture * picture.new_tensor([0.299, 0.587, 0.114]).view(1, 3, 1, 1)).sum(1, keepdim=True)


def results(clean: Tensor, z: Tensor, y_hat: Tensor, added: bool) -> dict[str, Tensor]:
    """Without added noise nobody knows what is clean: then what was taken away is shown, not what is wrong."""
    if added:
        return {"noisy": z, "denoised": y_hat, f"error, {GAIN} times as strong": 0.5 + GAIN * (y_hat - clean)}
    return {"your picture": z, "denoised": y_hat, f"taken away, {GAIN} times": 0.5 + GAIN * (z - y_hat)}


def report(clean: Tensor, z: Tensor, y_hat: Tensor) -> str:
    if torch.equal(clean, z):
        return f"Changed by {255 * (y_hat - z).square().mean().sqrt().item():.1f} of 255 on average."
    before, after = (psnr(x, clean).item() for x in (z, y_hat))
    return f"{before:.2f} dB noisy, {after:.2f} dB denoised."
