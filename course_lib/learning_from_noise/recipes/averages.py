"""Targets whose average is not the picture: three losses, specks, and noise that a camera has cut.

Chapter: book/learning_from_noise/noise2noise.ipynb
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import torch
from torch import Generator, Tensor

from ... import data, session
from ...denoising.evaluation import denoise
from ...metrics import psnr
from ...observation import Gaussian, Specks
from ...reference.recipe import Scale
from ...reference.seeds import over_seeds
from ..losses import Annealed, l0_loss, l1_loss, l2_loss
from ..pairs import NoisyPatches, record_once, two_recordings
from ..unet import UNet
from .common import exam, on, score, trained

PATCH, BATCH = 64, 8
FEW = {"cpu": 400, "gpu": 5_000}  # steps where an effect is large
# the report's input has 19.62 dB
REPORT_NOISE = Gaussian(10 ** (-19.62 / 20))
REPORT_PAIRS, REPORT_EPOCHS = 5_000, 5


@dataclass(frozen=True)
class Clipped:
    """What a camera of 8 bits keeps of Gaussian noise: values below 0 and above 1 are cut, so it is not zero-mean."""

    sigma: float

    def __call__(self, y: Tensor, generator: Generator | None = None) -> Tensor:
        return Gaussian(self.sigma)(y, generator).clamp(0, 1)


def pairs(device, scale: Scale, observe: Callable, clean: bool = False):
    """``generator -> (z_1, target)`` of BSD400: the target is a second recording, or the clean picture.

    The second recording is drawn in any case, so that both see the same inputs.
    """
    patches = data.Patches(data.bsd400(), size=scale.patch, batch=scale.batch, device=device)

    def batch(generator):
        y = patches(generator)
        first, second = two_recordings(y, observe, generator)
        return first, y if clean else second

    return batch


def loss_of(error: Callable[[Tensor, Tensor], Tensor], model, batch) -> Tensor:
    """``error(model(z_1), target)``."""
    z, target = batch
    return error(model(z), target)


def losses(steps: int) -> dict[str, tuple[Callable, Callable]]:
    """name -> (loss of a model and a batch, network); L0 anneals over ``steps``."""

    def annealed(**size):
        return Annealed(UNet(**size), steps)

    def l0(model, batch):
        z, target = batch
        return l0_loss(model(z), target, model.gamma)

    return {
        "L2": (partial(loss_of, l2_loss), UNet),
        "L1": (partial(loss_of, l1_loss), UNet),
        "L0": (l0, annealed),
    }


def three_losses() -> dict[str, float]:
    """The report's table: pairs of 32 x 32, made once, and five times through them with each loss."""
    seen = record_once(data.bsd400(), REPORT_NOISE, seed=0, count=2)
    batch = 32
    steps = REPORT_PAIRS * REPORT_EPOCHS // batch
    test = data.Patches(data.bsd68(), size=32, batch=1_000)(torch.Generator().manual_seed(1))
    z = REPORT_NOISE(test, torch.Generator().manual_seed(2))
    metrics = {"input: PSNR (dB)": psnr(z, test).mean().item()}
    draw = NoisyPatches(seen, size=32, batch=batch, device=session.pick_device())
    for name, (loss, network) in losses(steps).items():
        model = trained(loss, draw, steps, seed=0, network=network)
        metrics[f"{name}: PSNR (dB)"] = psnr(denoise(model, z), test).mean().item()
    return metrics


def averages() -> dict[str, float]:
    """Specks, whose mean, median and mode differ: what each loss adds to grey patches on average."""
    observe, steps = Specks(), FEW[on()]
    scale = Scale(steps=steps, batch=4, lr=5e-3, patch=PATCH)
    grey = torch.tensor([0.1, 0.2, 0.3, 0.4]).view(-1, 1, 1, 1).expand(-1, 1, 96, 96)
    z = observe(grey, torch.Generator().manual_seed(0))

    def once(seed: int) -> dict[str, float]:
        added = {}
        for name, (loss, network) in losses(steps).items():
            model = trained(loss, pairs(session.pick_device(), scale, observe), steps, seed, network=network)
            inner = (denoise(model, z) - grey)[..., 16:-16, 16:-16]
            added[f"{name}: added to a grey patch (grey levels)"] = 255 * inner.mean().item()
        return added

    truth = {"mean": observe.mean, "median": observe.median, "mode": observe.mode}
    return {f"true {name} of the specks (grey levels)": 255 * value for name, value in truth.items()} | over_seeds(once)


def clipping() -> dict[str, float]:
    """Sigma 50, clipped by the camera: targets that are clipped, clean, or only noisy."""
    clipped, pictures = Clipped(50 / 255), exam(every=4)
    steps = FEW[on()]
    scale = Scale(steps=steps, batch=BATCH, lr=5e-3, patch=PATCH)
    patches = data.Patches(data.bsd400(), size=scale.patch, batch=scale.batch, device=session.pick_device())

    def batches(generator, target):
        y = patches(generator)
        z = clipped(y, generator)
        return z, target(y, generator)

    targets = {"clipped": clipped, "not clipped": Gaussian(50 / 255), "clean": lambda y, generator: y}

    def once(seed: int) -> dict[str, float]:
        scores = {}
        for name, target in targets.items():
            model = trained(partial(loss_of, l2_loss), partial(batches, target=target), steps, seed)
            scores[f"{name} targets: PSNR (dB)"] = score(model, pictures, clipped)
            seen = [clipped(y[None], torch.Generator().manual_seed(i)) for i, y in enumerate(pictures)]
            errors = [denoise(model, z)[0] - y for z, y in zip(seen, pictures, strict=True)]
            for tone, chosen in {"darkest": lambda y: y < 0.1, "brightest": lambda y: y > 0.9}.items():
                found = torch.cat([error[chosen(y)] for error, y in zip(errors, pictures, strict=True)])
                scores[f"{name} targets: error in the {tone} tenth (grey levels)"] = 255 * found.mean().item()
        return scores

    return over_seeds(once)
