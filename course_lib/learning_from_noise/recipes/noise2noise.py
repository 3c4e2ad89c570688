"""Noisy targets against clean ones, three losses, and noise that is not zero-mean.

Chapter: book/learning_from_noise/noise2noise.ipynb
"""

from functools import partial

from ... import session, training
from ...observation import Bernoulli, Gaussian, Poisson
from ...reference.recipe import Measurement, Recipe, Scale
from ...reference.seeds import over_seeds
from ..losses import known_pixels_loss, l2_loss
from ..unet import UNet
from .averages import BATCH, PATCH, REPORT_EPOCHS, REPORT_PAIRS, averages, clipping, loss_of, pairs, three_losses
from .common import exam, on, score, trained

CHAPTER = "learning_from_noise/noise2noise"
LEHTINEN = "Lehtinen et al., ICML 2018 (arXiv:1803.04189)"
REPORT = "a student report of the lecture's course; which pictures it used is not known"
SIGMA = Gaussian(25 / 255)
NOISES = {"gaussian": SIGMA, "poisson": Poisson(30), "bernoulli": Bernoulli(0.5)}
STEPS = {"gaussian": 600, "poisson": 400, "bernoulli": 400}


def against_clean(noise: str) -> dict[str, float]:
    """Noisy and clean targets: the same seeds, weights at the start, patches, inputs and number of steps."""
    observe, pictures = NOISES[noise], exam(every=4)
    scale = Scale(steps=STEPS[noise] if on() == "cpu" else 20_000, batch=BATCH, lr=5e-3, patch=PATCH)

    def once(seed: int) -> dict[str, float]:
        scores = {"input: PSNR (dB)": score(lambda z: z, pictures, observe)}
        for targets in ("clean", "noisy"):
            error = known_pixels_loss if (noise, targets) == ("bernoulli", "noisy") else l2_loss
            batches = pairs(session.pick_device(), scale, observe, clean=targets == "clean")
            model = trained(partial(loss_of, error), batches, scale.steps, seed)
            scores[f"{targets} targets: PSNR (dB)"] = score(model, pictures, observe)
        noisy, clean = (scores[f"{targets} targets: PSNR (dB)"] for targets in ("noisy", "clean"))
        return scores | {"noisy minus clean targets (dB)": noisy - clean}

    return over_seeds(once)


def psnr_on_bsd68(model) -> dict[str, float]:
    """Mean PSNR on BSD68, sigma 25."""
    return {"BSD68 PSNR, sigma 25 (dB)": score(model, exam(), SIGMA)}


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
            "cpu": Scale(steps=3_000, batch=BATCH, patch=PATCH, lr=5e-3, model={"depth": 3, "width": 24}),
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
