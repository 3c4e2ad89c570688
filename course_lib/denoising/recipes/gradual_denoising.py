"""Gradual denoisers: one for all classes, and one for each with a router.

The paper's classes come from ImageNet and PASCAL; here they are three of CIFAR-10's, at 32 x 32 pixels.
Chapter: book/denoising/gradual_denoising.ipynb
"""

from functools import partial

import torch
from torch.nn import functional as F

from ... import data
from ...features import device_of
from ...metrics import psnr
from ...observation import Gaussian
from ...reference.recipe import Recipe, Scale
from ..dncnn import residual_loss
from ..gradual_denoising import ClassAwareDenoiser, GradualDenoiser
from .dncnn import denoising_loss

CLASSES = {"aeroplane": 0, "deer": 4, "truck": 9}  # sky; fur and leaves; straight edges
SIGMA = 50 / 255


def class_images(train: bool) -> list[torch.Tensor]:
    """uint8 (N, 3, 32, 32) of each class, in the order of `CLASSES`."""
    images, labels = data.cifar10(train)
    return [images[labels == label] for label in CLASSES.values()]


def labelled_batches(device, scale: Scale):
    """``generator -> (z, y, label)``: equally many images of every class.

    All classes in one batch: the router has batch norm, which would subtract what a batch of one class has in common.
    """
    images = [x.to(device) for x in class_images(train=True)]
    label = torch.arange(len(images), device=device).repeat_interleave(scale.batch // len(images))

    def batch(generator):
        draw = {"generator": generator, "device": generator.device}
        chosen = [torch.randint(len(x), (scale.batch // len(images),), **draw).to(device) for x in images]
        y = torch.cat([x[k] for x, k in zip(images, chosen, strict=True)])
        y = y.float() / 255
        return Gaussian(SIGMA)(y, generator), y, label

    return batch


def mixed_batches(device, scale: Scale):
    """``generator -> (z, y)``: images of all classes."""
    images = torch.cat(class_images(train=True)).to(device)

    def batch(generator):
        chosen = torch.randint(len(images), (scale.batch,), generator=generator, device=generator.device)
        y = images[chosen.to(device)].float() / 255
        return Gaussian(SIGMA)(y, generator), y

    return batch


def aware_loss(model, batch):
    """The sum of every expert's `residual_loss` on its class, and the router's cross-entropy."""
    z, y, label = batch
    own = [residual_loss(expert(z[label == c]), y[label == c]) for c, expert in enumerate(model.experts)]
    return sum(own) + F.cross_entropy(model.router(z), label)


@torch.no_grad()
def psnr_by_class(model, count: int = 300) -> dict[str, float]:
    """Mean PSNR on each class's test images; for the class-aware model with the right, the routed, a wrong expert."""
    device = device_of(model)
    metrics, hits = {}, []
    for i, (name, images) in enumerate(zip(CLASSES, class_images(train=False), strict=True)):
        y = images[:count].float() / 255
        z = Gaussian(SIGMA)(y, torch.Generator().manual_seed(i)).to(device)
        if isinstance(model, GradualDenoiser):
            metrics[f"{name} PSNR, sigma 50 (dB)"] = psnr(model(z).cpu(), y).mean().item()
            continue
        routed = model.router(z).argmax(1)
        hits.append((routed == i).float().mean().item())
        for what, label in (("right expert", i), ("wrong expert", (i + 1) % len(CLASSES)), ("routed", None)):
            y_hat = model(z, routed if label is None else torch.full((len(z),), label, device=device))
            metrics[f"{name} PSNR, sigma 50, {what} (dB)"] = psnr(y_hat.cpu(), y).mean().item()
    if hits:
        metrics["router accuracy on noisy images (%)"] = 100 * sum(hits) / len(hits)
    return metrics


def _recipe(title: str, build, batches, loss, classes: int) -> Recipe:
    return Recipe(
        title=title,
        chapter="denoising/gradual_denoising",
        build=build,
        batches=batches,
        loss=loss,
        evaluate=psnr_by_class,
        scales={
            "gpu": Scale(steps=20_000, batch=64 * classes, lr=1e-3),
            "cpu": Scale(steps=800, batch=10 * classes, lr=2e-3, model={"width": 28}),
        },
        paper={},  # the paper's images are others
        source="Remez et al., IEEE TIP 2018 (doi:10.1109/TIP.2018.2859044)",
        data=f"CIFAR-10's {', '.join(CLASSES)} at 32x32, 300 test images of each class; noise not clipped",
    )


RECIPES = {
    "gradual-agnostic": _recipe(
        "gradual denoiser, class-agnostic", partial(GradualDenoiser, channels=3), mixed_batches, denoising_loss, 1
    ),
    # each expert gets as many steps and images as the class-agnostic network
    "gradual-aware": _recipe(
        "gradual denoisers, one for each class, and a router",
        partial(ClassAwareDenoiser, len(CLASSES)),
        labelled_batches,
        aware_loss,
        len(CLASSES),
    ),
}
