"""CBDNet trained through a simulated camera, and the same network trained on Gaussian noise.

Chapter: book/denoising/real_noise.ipynb
"""

from functools import partial

import torch
from torch import Tensor

from ... import data, training
from ...data.embedded import HELD_OUT, PHOTOGRAPHS
from ...metrics import psnr
from ...observation import Camera, Gaussian
from ...observation._ranges import draw, pair
from ...observation.camera import blur
from ...reference.recipe import Recipe, Scale
from ..cbdnet import CBDNet, cbdnet_loss
from ..evaluation import denoise, evaluate

PAPER = "Guo et al., CVPR 2019 (arXiv:1807.04686)"


# Noise of the strength that photographs have at ISO 1600 to 6400, 3 to 9 grey levels, and less. That their software
# softens it, and smears its colours over 1 to 2.5 pixels, was measured in the flat parts of noisy photographs.
CAMERAS = Camera(
    shot=(0.0, 0.08),
    read=(0.0, 0.02),
    vivid=(1.0, 2.5),
    smear=(1.0, 2.5),
    soften=(0.0, 0.8),
    contrast=(1.0, 1.6),
    jpeg=(90, 100),
)
# The blur's width is such that a small photograph becomes as soft as a large one.
SECOND_ATTEMPT = {"pictures": data.cbsd68, "top": 15, "soft": (0.6, 2.0), "recolour": True}


def eight_photographs() -> list[Tensor]:
    """Those of scikit-image that are not held out."""
    names = [name for name in PHOTOGRAPHS if name not in HELD_OUT]
    return list(data.photographs(grey=False, names=names).values())


def camera_patches(
    device, scale: Scale, camera: Camera | None, pictures=eight_photographs, top=55, soft=0.0, recolour=False
):
    """``generator -> (z, level, y)``: colour patches as the camera records them, or with Gaussian noise.

    A photograph of 36 million pixels has no detail as fine as a pixel; one of 0.15 million, made smaller, has. ``soft``
    is the width, in pixels, of a blur that takes it away, and with it the grain that the small photograph came with.
    """
    patches = data.Patches(pictures(), size=scale.patch, batch=scale.batch, device=device)

    def batch(generator):
        y = patches(generator)
        if pair(soft) != (0, 0):
            y = blur(y, draw(soft, y, generator))
        if recolour:
            y = other_colours(y, generator)
        if camera:
            return *camera.record(y, generator), y
        sigma = top / 255 * torch.rand(len(y), 1, 1, 1, generator=generator, device=y.device)
        z = y + sigma * torch.randn(y.shape, generator=generator, device=y.device)
        return z, sigma.expand_as(y), y

    return batch


def other_colours(y: Tensor, generator: torch.Generator) -> Tensor:
    """The colour channels of every patch in another order, each dimmed to between half and all of its light.

    A network that has seen few colours takes the others for coloured noise.
    """
    order = torch.rand(*y.shape[:2], generator=generator, device=y.device).argsort(dim=1)
    dimmed = 1 - 0.5 * torch.rand(*y.shape[:2], 1, 1, generator=generator, device=y.device)
    return y.gather(1, order[:, :, None, None].expand_as(y)) * dimmed


def loss(model, batch):
    """`cbdnet_loss` of a (z, level, y) batch."""
    return cbdnet_loss(model, *batch)


def psnr_on_photographs(model) -> dict[str, float]:
    """Mean PSNR on CBSD68, recorded by the camera and with Gaussian noise."""
    images = data.cbsd68()
    worlds = {"the camera": Camera(shot=0.08, read=0.03, jpeg=80), "Gaussian, sigma 25": Gaussian(25 / 255)}
    metrics = {}
    for name, world in worlds.items():
        metrics[f"CBSD68, {name}: noisy PSNR (dB)"] = evaluate(lambda z: z, images, world).mean().item()
        metrics[f"CBSD68, {name}: denoised PSNR (dB)"] = evaluate(model, images, world).mean().item()
    return metrics


def psnr_on_cc(model) -> dict[str, float]:
    """Mean PSNR on the 15 photographs of CC, as they come and denoised."""
    scenes = data.cc15().values()
    found = {"noisy": [psnr(s.z, s.y[None]) for s in scenes]}
    found["denoised"] = [psnr(denoise(model, s.z), s.y[None]) for s in scenes]
    return {f"CC, {name} PSNR (dB)": torch.cat(values).mean().item() for name, values in found.items()}


def _recipe(title: str, camera: Camera | None, what: str) -> Recipe:
    return Recipe(
        title=title,
        chapter="denoising/real_noise",
        build=CBDNet,
        batches=partial(camera_patches, camera=camera),
        loss=loss,
        evaluate=psnr_on_photographs,
        scales={
            "gpu": Scale(steps=20_000, batch=32, patch=128, lr=5e-4),
            "cpu": Scale(steps=2_500, batch=8, patch=64, lr=2e-3, model={"width": 24}),
        },
        paper={},  # the paper tests on photographs of real cameras (NC12, DND, Nam), which this course does not have
        headline="CBSD68, the camera: denoised PSNR (dB)",
        source=PAPER,
        fit={"optimizer": training.Muon},
        data=f"{what}; trained on eight photographs of scikit-image, tested on CBSD68",
    )


def _for_photographs(title: str, camera: Camera | None, what: str) -> Recipe:
    """Trained on more pictures and more colours, at the strength of real noise, and tested on real photographs."""
    return Recipe(
        title=title,
        chapter="denoising/real_noise",
        build=CBDNet,
        batches=partial(camera_patches, camera=camera, **SECOND_ATTEMPT),
        loss=loss,
        evaluate=psnr_on_cc,
        scales={
            "gpu": Scale(steps=20_000, batch=32, patch=128, lr=5e-4),
            "cpu": Scale(steps=2_000, batch=8, patch=64, lr=2e-3, model={"width": 24}),
        },
        paper={},
        headline="CC, denoised PSNR (dB)",
        source=PAPER,
        fit={"optimizer": training.Muon},
        data=f"{what}; trained on CBSD68, softened, in changed colours, tested on CC's 15 photographs",
    )


RECIPES = {
    "cbdnet": _recipe("CBDNet, camera noise", Camera(), "camera noise, shot 0 to 0.16, read 0 to 0.06"),
    "cbdnet-gaussian": _recipe("CBDNet, Gaussian noise", None, "Gaussian noise, sigma 0 to 55"),
    "cbdnet-photographs": _for_photographs(
        "CBDNet, noise as weak as cameras have it",
        CAMERAS,
        "camera noise, shot 0 to 0.08, read 0 to 0.02, colours smeared",
    ),
    "cbdnet-photographs-gaussian": _for_photographs(
        "CBDNet, Gaussian noise as weak", None, "Gaussian noise, sigma 0 to 15"
    ),
}
