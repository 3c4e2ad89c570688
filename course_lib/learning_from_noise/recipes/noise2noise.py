"""Noisy targets against clean ones, three losses, and noise that is not zero-mean.

Chapter: book/learning_from_noise/noise2noise.ipynb
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import torch
from torch import Generator, Tensor

from ... import data, session, training
from ...denoising.evaluation import denoise
from ...metrics import psnr
from ...observation import Bernoulli, Gaussian, Poisson, Specks
from ...reference.recipe import Measurement, Recipe, Scale
from ...reference.seeds import over_seeds
from ..losses import Annealed, l0_loss, l1_loss, l2_loss
from ..pairs import NoisyPatches, record_once, two_recordings
from ..unet import UNet
from .common import exam, on, score, trained

CHAPTER = "learning_from_noise/noise2noise"
LEHTINEN = "Lehtinen et al., ICML 2018 (arXiv:1803.04189)"
REPORT = "a student report of the lecture's course; which pictures it used is not known"
PATCH, BATCH = 64, 8
SIGMA = Gaussian(25 / 255)
NOISES = {"gaussian": SIGMA, "poisson": Poisson(30), "bernoulli": Bernoulli(0.5)}
STEPS = {"gaussian": 800, "poisson": 500, "bernoulli": 500}
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


def known_pixels(y_hat: Tensor, target: Tensor) -> Tensor:
    """The L2 loss over the pixels that the target has; a lost one is exactly 0."""
    known = target != 0
    return ((y_hat.float() - target.float()).square() * known).sum() / known.sum()


def against_clean(noise: str) -> dict[str, float]:
    """Noisy and clean targets: the same seeds, weights at the start, patches, inputs and number of steps."""
    observe, pictures = NOISES[noise], exam(every=4)
    scale = Scale(steps=STEPS[noise] if on() == "cpu" else 20_000, batch=BATCH, lr=5e-3, patch=PATCH)

    def once(seed: int) -> dict[str, float]:
        scores = {"input: PSNR (dB)": score(lambda z: z, pictures, observe)}
        for targets in ("clean", "noisy"):
            error = known_pixels if (noise, targets) == ("bernoulli", "noisy") else l2_loss
            batches = pairs(session.pick_device(), scale, observe, clean=targets == "clean")
            model = trained(partial(loss_of, error), batches, scale.steps, seed)
            scores[f"{targets} targets: PSNR (dB)"] = score(model, pictures, observe)
        noisy, clean = (scores[f"{targets} targets: PSNR (dB)"] for targets in ("noisy", "clean"))
        return scores | {"noisy minus clean targets (dB)": noisy - clean}

    return over_seeds(once)


def psnr_on_bsd68(model) -> dict[str, float]:
    """Mean PSNR on BSD68, sigma 25."""
    return {"BSD68 PSNR, sigma 25 (dB)": score(model, exam(), SIGMA)}


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


def _compared(noise: str, title: str) -> Measurement:
    return Measurement(
        title=f"noisy against clean targets, {title}, 3 seeds",
        chapter=CHAPTER,
        measure=partial(against_clean, noise),
        headline="noisy targets: PSNR (dB)",
        source=LEHTINEN,
        data="trained on BSD400 (180x180), tested on every fourth picture of BSD68; noise not clipped",
    )


RECIPES = {
    "noise2noise": Recipe(
        title="Noise2Noise, sigma 25",
        chapter=CHAPTER,
        build=UNet,
        batches=partial(pairs, observe=SIGMA),
        loss=partial(loss_of, l2_loss),
        evaluate=psnr_on_bsd68,
        scales={
            "gpu": Scale(steps=40_000, batch=32, patch=64, lr=2e-3),
            "cpu": Scale(steps=5_000, batch=BATCH, patch=PATCH, lr=5e-3, model={"depth": 3, "width": 24}),
        },
        paper={"BSD68 PSNR, sigma 25 (dB)": 28.86},
        source="Krull et al., CVPR 2019 (arXiv:1811.10980), who train Noise2Noise beside Noise2Void",
        fit={"optimizer": training.Muon},
        data="trained on pairs of BSD400 (180x180), tested on BSD68; noise not clipped",
        urgency=60,
    ),
    "noise2noise-gaussian": _compared("gaussian", "Gaussian, sigma 25"),
    "noise2noise-poisson": _compared("poisson", "Poisson, 30 photons"),
    "noise2noise-bernoulli": _compared("bernoulli", "half of the pixels lost"),
    "noise2noise-losses": Measurement(
        title="three losses on pairs of 32x32",
        chapter=CHAPTER,
        measure=three_losses,
        paper={
            "input: PSNR (dB)": 19.62,
            "L2: PSNR (dB)": 24.50,
            "L1: PSNR (dB)": 23.65,
            "L0: PSNR (dB)": 24.50,
        },
        headline="L2: PSNR (dB)",
        source=REPORT,
        data=f"{REPORT_PAIRS:,} pairs of 32x32 from BSD400, {REPORT_EPOCHS} epochs, tested on 1,000 of BSD68",
    ),
    "noise2noise-averages": Measurement(
        title="which average each loss finds, 3 seeds",
        chapter=CHAPTER,
        measure=averages,
        headline="L2: added to a grey patch (grey levels)",
        source=LEHTINEN,
        data="specks on BSD400, tested on grey patches",
    ),
    "noise2noise-clipped": Measurement(
        title="noise that was clipped, sigma 50, 3 seeds",
        chapter=CHAPTER,
        measure=clipping,
        headline="clipped targets: PSNR (dB)",
        source=LEHTINEN,
        data="trained on BSD400, tested on every fourth picture of BSD68; inputs clipped to [0, 1]",
    ),
}
