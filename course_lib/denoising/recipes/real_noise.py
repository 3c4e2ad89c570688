"""CBDNet trained through a simulated camera, and the same network trained on Gaussian noise.

Chapter: book/denoising/real_noise.ipynb
"""

from functools import partial

import torch

from ... import data, training
from ...data.embedded import HELD_OUT, PHOTOGRAPHS
from ...observation import Camera, Gaussian
from ...reference.recipe import Recipe, Scale
from ..cbdnet import CBDNet, cbdnet_loss
from ..evaluation import evaluate

PAPER = "Guo et al., CVPR 2019 (arXiv:1807.04686)"


def camera_patches(device, scale: Scale, camera: Camera | None):
    """``generator -> (z, level, y)``: colour patches as the camera records them, or with Gaussian noise."""
    names = [name for name in PHOTOGRAPHS if name not in HELD_OUT]
    pictures = list(data.photographs(grey=False, names=names).values())
    patches = data.Patches(pictures, size=scale.patch, batch=scale.batch, device=device)

    def batch(generator):
        y = patches(generator)
        if camera:
            return *camera.record(y, generator), y
        sigma = 55 / 255 * torch.rand(len(y), 1, 1, 1, generator=generator, device=y.device)
        z = y + sigma * torch.randn(y.shape, generator=generator, device=y.device)
        return z, sigma.expand_as(y), y

    return batch


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


RECIPES = {
    "cbdnet": _recipe("CBDNet, camera noise", Camera(), "camera noise, shot 0 to 0.16, read 0 to 0.06"),
    "cbdnet-gaussian": _recipe("CBDNet, Gaussian noise", None, "Gaussian noise, sigma 0 to 55"),
}
