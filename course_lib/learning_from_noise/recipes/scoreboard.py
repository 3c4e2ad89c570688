"""Every method on every noise: four that are simulated, photographs and fluorescence.

Chapter: book/learning_from_noise/scoreboard.ipynb
"""

from collections.abc import Callable
from dataclasses import replace
from functools import partial

import torch
from torch import Tensor, nn

from ... import data, reference, session, training
from ...denoising import denoise, with_sigma
from ...metrics import psnr, ssim
from ...observation import Bernoulli, Gaussian, Poisson
from ...reference.recipe import Measurement, Scale
from ..ap_bsn import APBSN, ap_bsn_loss
from ..blind_spot import BlindSpotNetwork, DilatedNetwork
from ..losses import known_pixels_loss, l2_loss
from ..one_image import denoise_one
from ..pairs import NoisyPatches, record_once
from ..posterior import GaussianLevel, PoissonLevel, WithPosterior, blind_spot_loss
from ..unet import UNet
from .ap_bsn import SHARED, photographs
from .averages import loss_of, pairs
from .blind_spot_networks import fluorescence, recorded_patches
from .common import MULTIPLES, SIZES, WIDE, bm3d, bm3d_at_its_best, exam, middle, on
from .rivals import MASKERS, RATE, hidden_pixels, noise2void_loss

CHAPTER = "learning_from_noise/scoreboard"
SIDE = 160  # of the squares that are denoised: BM3D and Zero-Shot Noise2Noise take seconds for each
WORLDS = {"gaussian": Gaussian(25 / 255), "poisson": Poisson(30), "bernoulli": Bernoulli(0.5), "shared": SHARED}
SCALES = {
    "cpu": Scale(steps=400, batch=8, patch=64, lr=5e-3),
    "gpu": Scale(steps=10_000, batch=32, patch=64, lr=2e-3),
}
BLIND = {"cpu": {"width": 48, "blocks": 6}, "gpu": {}}
ZERO_SHOT = {"steps": 400}
Pairs = list[tuple[Tensor, Tensor]]  # (z, y), each (1, C, H, W)


def simulated(world: str) -> dict[str, float]:
    """All methods on 8 squares of BSD68; every network is trained here, for as many steps, on BSD400."""
    observe, scale, device = WORLDS[world], SCALES[on()], session.pick_device()
    exam_pairs = [
        (observe(y[None], torch.Generator().manual_seed(i)), y[None]) for i, y in enumerate(exam(every=9, side=SIDE))
    ]
    # a lost pixel is exactly 0, and says nothing
    error = known_pixels_loss if world == "bernoulli" else l2_loss
    draw = NoisyPatches(record_once(data.bsd400(), observe, seed=0), scale.patch, scale.batch, device)
    blind = partial(recorded_patches, device, replace(scale, batch=scale.batch // 2), observe)
    methods = {
        "clean targets": _fit(UNet, partial(loss_of, l2_loss), pairs(device, scale, observe, clean=True)),
        "Noise2Noise": _fit(UNet, partial(loss_of, error), pairs(device, scale, observe)),
        "Noise2Void": _fit(UNet, _masked(world), hidden_pixels(draw, MASKERS["random neighbour"]), RATE),
    }
    if world == "bernoulli":
        methods["blind spot"] = _fit(DilatedNetwork, _blind_known_pixels, blind())
    else:
        methods["blind spot"] = network = _fit(DilatedNetwork, blind_spot_loss, blind())
        level = PoissonLevel() if world == "poisson" else GaussianLevel()
        methods["blind spot, with the pixel"] = WithPosterior(network, level)
        large = recorded_patches(device, replace(scale, batch=1, patch=120), observe)
        methods["AP-BSN"] = _fit(_strided, ap_bsn_loss, large)
    return _table(exam_pairs, methods, WIDE if world == "shared" else MULTIPLES)


def on_photographs() -> dict[str, float]:
    """CC, the middle of each picture; what is trained without clean pictures is trained on these 15 alone."""
    scale, device = SCALES[on()], session.pick_device()
    draw = NoisyPatches([scene.z for scene in data.cc15().values()], scale.patch, scale.batch, device)
    network = partial(UNet, channels=3)
    patches = photographs(device, replace(scale, batch=scale.batch // 2))
    blind = _fit(partial(DilatedNetwork, channels=3), blind_spot_loss, patches)
    methods = {
        "Noise2Void": _fit(network, noise2void_loss, hidden_pixels(draw, MASKERS["random neighbour"]), RATE),
        "blind spot": blind,
        "blind spot, with the pixel": WithPosterior(blind, PoissonLevel()),
        "AP-BSN": reference.load("ap-bsn-photographs", device),
        "clean targets: CBDNet, camera": reference.load("cbdnet-photographs", device),
        "clean targets: CBDNet, Gaussian": reference.load("cbdnet-photographs-gaussian", device),
    }
    exam_pairs = [(middle(scene.z, SIDE), middle(scene.y[None], SIDE)) for scene in data.cc15().values()]
    return _table(exam_pairs, methods | _grey_networks(device), WIDE[1:])


def on_fluorescence() -> dict[str, float]:
    """FMD, the middle of the first shot of each scene; nothing but its noisy shots is trained on."""
    scale, device = SCALES[on()], session.pick_device()
    shots = [shot[None] for scene in data.fluorescence().values() for shot in scene.z]
    draw = NoisyPatches(shots, scale.patch, scale.batch, device)
    several = [scene.z[:2] for scene in data.fluorescence().values()]
    two = NoisyPatches(several, scale.patch, scale.batch, device)
    blind = _fit(DilatedNetwork, blind_spot_loss, fluorescence(device, replace(scale, batch=scale.batch // 2)))
    methods = {
        "Noise2Noise": _fit(UNet, partial(loss_of, l2_loss), two),
        "Noise2Void": _fit(UNet, noise2void_loss, hidden_pixels(draw, MASKERS["random neighbour"]), RATE),
        "blind spot": blind,
        "blind spot, with the pixel": WithPosterior(blind, PoissonLevel()),
        "AP-BSN": _fit(_strided, ap_bsn_loss, fluorescence(device, replace(scale, batch=1, patch=120))),
    }
    exam_pairs = [(middle(s.z[:1], SIDE), middle(s.y[None], SIDE)) for s in data.fluorescence().values()]
    return _table(exam_pairs, methods | _grey_networks(device), WIDE[:-1])


def _grey_networks(device) -> dict[str, Callable]:
    """The course's denoisers for grey pictures, trained with clean targets and Gaussian noise."""
    return {
        "clean targets: DnCNN, blind": reference.load("dncnn-blind", device),
        "clean targets: FFDNet": partial(_told, reference.load("ffdnet-grey", device)),
    }


def _told(network: nn.Module, z: Tensor, y: Tensor) -> Tensor:
    """FFDNet, told the level that scores best: `WIDE` times the estimated one, as far as it was trained."""
    from skimage.restoration import estimate_sigma

    level = max(float(estimate_sigma(z[0].numpy(), channel_axis=0, average_sigmas=True)), 1e-3)
    tried = [denoise(with_sigma(network, min(m * level, 75 / 255)), z) for m in WIDE]
    return max(tried, key=lambda y_hat: psnr(y_hat, y).item())


def _fit(build: Callable, loss: Callable, batches: Callable, lr: float | None = None) -> nn.Module:
    scale = SCALES[on()]
    session.seed_everything(0)
    sizes = SIZES if getattr(build, "func", build) is UNet else BLIND
    model = build(**sizes[on()]).to(session.pick_device())
    rate = lr or scale.lr
    training.fit(model, loss, batches, steps=scale.steps, lr=rate, optimizer=training.Muon, progress=False)
    return model


def _strided(**size) -> APBSN:
    return APBSN(DilatedNetwork(**size))


def _masked(world: str) -> Callable:
    return _masked_known_pixels if world == "bernoulli" else noise2void_loss


def _masked_known_pixels(model: nn.Module, batch) -> Tensor:
    """The squared error of the pixels that were hidden and are known."""
    hidden, mask, z = batch
    counted = mask & (z != 0)
    return ((model(hidden).float() - z).square() * counted).sum() / counted.sum().clamp(min=1)


def _blind_known_pixels(model: BlindSpotNetwork, z: Tensor) -> Tensor:
    return known_pixels_loss(model(z), z)


def _table(exam_pairs: Pairs, methods: dict[str, Callable], multiples=MULTIPLES) -> dict[str, float]:
    """Mean PSNR and SSIM of the input, of ``methods`` and of those that need no training set."""
    found: dict[str, list[tuple[float, float]]] = {}
    for z, y in exam_pairs:
        level = bm3d_at_its_best(z, y, multiples)[1]
        estimates = {"input": z, "BM3D at its best": bm3d(z, level)}
        estimates["Zero-Shot Noise2Noise"] = denoise_one(z, **ZERO_SHOT)
        for name, method in methods.items():
            estimates[name] = method(z, y) if isinstance(method, partial) else denoise(method, z)
        for name, y_hat in estimates.items():
            found.setdefault(name, []).append((psnr(y_hat, y).item(), ssim(y_hat, y).item()))
    metrics = {}
    for name, values in found.items():
        for what, numbers in zip(("PSNR (dB)", "SSIM"), zip(*values, strict=True), strict=True):
            metrics[f"{name}: {what}"] = sum(numbers) / len(numbers)
    return metrics


def _board(title: str, measure: Callable, what: str) -> Measurement:
    return Measurement(
        title=f"scoreboard: {title}",
        chapter=CHAPTER,
        measure=measure,
        headline="blind spot: PSNR (dB)",
        source="the papers of the methods, which share no test set",
        data=what,
    )


SQUARES = f"trained on BSD400, tested on 8 squares of {SIDE}x{SIDE} of BSD68"
OWN = f"trained on the noisy pictures alone, tested on the middle {SIDE}x{SIDE} of each"
RECIPES = {
    "scoreboard-photographs": _board("photographs (CC)", on_photographs, OWN),
    "scoreboard-fluorescence": _board("fluorescence (FMD)", on_fluorescence, OWN),
    "scoreboard-shared": _board("noise that neighbours share", partial(simulated, "shared"), SQUARES),
    "scoreboard-gaussian": _board("Gaussian, sigma 25", partial(simulated, "gaussian"), SQUARES),
    "scoreboard-poisson": _board("Poisson, 30 photons", partial(simulated, "poisson"), SQUARES),
    "scoreboard-bernoulli": _board("half of the pixels lost", partial(simulated, "bernoulli"), SQUARES),
}
