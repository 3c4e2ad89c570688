"""Inpainting: holes of several kinds, with and without a critic, and the restoration that needs no training.

Chapter: book/pretext_tasks/inpainting.ipynb
"""

from collections.abc import Callable
from functools import cache, partial

import torch
from torch import Tensor

from ... import data, metrics, session, training
from ...reference.recipe import Measurement, Recipe, Scale
from ...reference.seeds import over_seeds
from ..backbone import NIN
from ..filling import biharmonic, hole_psnr, mean_colour, membrane
from ..inpainting import (
    ContextEncoder,
    Critic,
    PaintedAndJudged,
    centre_hole,
    cut_out,
    hole_loss,
    random_holes,
)
from ..trials import named_blocks, probe_blocks

CHAPTER = "pretext_tasks/inpainting"
PATHAK = "Pathak et al., CVPR 2016 (arXiv:1604.07379)"
# side of the pictures, and how much is trained
SIZES = {"cpu": 32, "cuda": 64}
SHORT = {"cpu": {"width": 32, "steps": 200, "batch": 64}, "cuda": {"width": 192, "steps": 10_000, "batch": 128}}
KINDS = ("centre", "blocks", "pixels")


@cache
def pictures(size: int) -> data.TinyImagenet:
    """The data scaled down to ``size``, read once for several runs."""
    return data.tiny_imagenet().resized(size)


def holes(kind: str, batch: int, size: int, generator: torch.Generator) -> Tensor:
    """A quarter of the picture is missing: its middle, about three blocks, or single pixels: (batch or 1, 1, H, W).

    Raises: ``ValueError`` for another kind.
    """
    if kind == "centre":
        return centre_hole(size).to(generator.device)
    if kind == "blocks":
        return random_holes(batch, size, 5 * size // 16, 3, generator)
    if kind == "pixels":
        # some are drawn twice
        return random_holes(batch, size, 1, round(0.29 * size * size), generator)
    raise ValueError(f"kind must be one of {', '.join(KINDS)}, got {kind!r}")


class HoleBatches:
    """``batches(generator) -> (pictures (B, 3, size, size), masks)``, pictures mirrored at random."""

    def __init__(self, images: Tensor, kind: str, batch: int, device):
        self.images, self.kind, self.batch = images.to(device), kind, batch

    def __call__(self, generator: torch.Generator) -> tuple[Tensor, Tensor]:
        draw, device = {"generator": generator, "device": generator.device}, self.images.device
        x = self.images[torch.randint(len(self.images), (self.batch,), **draw).to(device)].float() / 255
        flip = torch.rand(self.batch, 1, 1, 1, **draw).to(device) < 0.5
        mask = holes(self.kind, self.batch, x.shape[-1], generator).to(device)
        return torch.where(flip, x.flip(-1), x), mask


def reconstruction_loss(model, batch) -> Tensor:
    """`hole_loss` of what the model paints."""
    x, mask = batch
    return hole_loss(model(model.start(x, mask)), x, mask)


def judged_loss(model, batch) -> Tensor:
    """Reconstruction and critic."""
    return model.loss(*batch)


def hole_scores(fill: Callable[[Tensor, Tensor], Tensor], kind: str, size: int, count: int = 200) -> dict[str, float]:
    """PSNR in the hole and SSIM of the whole picture, on the first ``count`` test pictures, always the same holes."""
    x = pictures(size).val[0][:count].float() / 255
    mask = holes(kind, len(x), size, torch.Generator().manual_seed(0)).expand(len(x), 1, size, size)
    y = fill(x, mask)
    return {
        f"{kind}: PSNR in the hole (dB)": hole_psnr(y, x, mask).mean().item(),
        f"{kind}: SSIM": metrics.ssim(y, x).mean().item(),
    }


def fill_with(model) -> Callable[[Tensor, Tensor], Tensor]:
    """``fill`` of a model, from and to the CPU."""
    device = next(model.parameters()).device
    model.eval()
    return lambda x, mask: model.fill(x.to(device), mask.to(device)).cpu()


def all_holes(fill: Callable[[Tensor, Tensor], Tensor], size: int, count: int = 200) -> dict[str, float]:
    """`hole_scores` for every kind of hole."""
    scores = {}
    for kind in KINDS:
        scores |= hole_scores(fill, kind, size, count)
    return scores


def build(size: int = 64, width: int = 192, judged: bool = False, start=cut_out):
    """A context encoder on the backbone of this part, with a critic if it is to be judged."""
    painter = ContextEncoder(NIN(3, width), size, start)
    return PaintedAndJudged(painter, Critic()) if judged else painter


def measure(kind: str | None) -> dict[str, float]:
    """Three seeds of a short training with one kind of holes: restoration of every kind, and probes of the trunk."""
    device = session.pick_device()
    scale, size = (table["cpu" if device.type == "cpu" else "cuda"] for table in (SHORT, SIZES))
    pics = pictures(size)

    def once(seed: int) -> dict[str, float]:
        session.seed_everything(seed)
        model = build(size, scale["width"]).to(device)
        scores = {}
        if kind:
            batches = HoleBatches(pics.train[0], kind, scale["batch"], device)
            training.fit(
                model,
                reconstruction_loss,
                batches,
                steps=scale["steps"],
                lr=0.02,
                seed=seed,
                optimizer=training.Muon,
                progress=False,
            )
            scores = all_holes(fill_with(model), size)
        return scores | named_blocks(probe_blocks(model.trunk, pics.train, pics.val, labels=1_500))

    return over_seeds(once)


def measure_classical(count: int = 100) -> dict[str, float]:
    """What needs no training, for every kind of hole."""
    size = SIZES["cpu"]
    scores = {}
    for name, fill in (("biharmonic", biharmonic), ("membrane", membrane), ("mean colour", mean_colour)):
        scores |= {f"{name}, {key}": value for key, value in all_holes(fill, size, count).items()}
    return scores


def source_of_data() -> str:
    """What the runs of this chapter were measured on."""
    return f"{data.tiny_imagenet_source()}, scaled to {SIZES['cpu']}x{SIZES['cpu']} on a CPU; a quarter is missing"


def _training(title: str, loss, judged: bool = False, start=cut_out) -> Recipe:
    def batches(device, scale: Scale):
        size = scale.model.get("size", SIZES["cuda"])
        return HoleBatches(pictures(size).train[0], "centre", scale.batch, device)

    def evaluate(model) -> dict[str, float]:
        painter = model.painter if isinstance(model, PaintedAndJudged) else model
        return all_holes(fill_with(model), painter.size)

    return Recipe(
        title=title,
        chapter=CHAPTER,
        build=partial(build, judged=judged, start=start),
        batches=batches,
        loss=loss,
        evaluate=evaluate,
        scales={
            "gpu": Scale(steps=20_000, batch=128, lr=0.02),
            "cpu": Scale(steps=1_000, batch=64, lr=0.02, model={"width": 32, "size": 32}),
        },
        source=PATHAK,
        data=source_of_data,
        fit={"optimizer": training.Muon},
    )


def _short(title: str, measured) -> Measurement:
    return Measurement(title=title, chapter=CHAPTER, measure=measured, source=PATHAK, data=source_of_data)


RECIPES = {
    "inpainting": _training("inpainting, centre hole, on a membrane", reconstruction_loss, start=membrane),
    "inpainting-adversarial": _training("inpainting, centre hole, with a critic", judged_loss, judged=True),
    "inpainting-classical": _short("inpainting without training", measure_classical),
    "inpainting-untrained": _short("32-pixel pictures: untrained backbone, 3 seeds", partial(measure, None)),
    **{
        f"inpainting-{kind}-seeds": _short(f"inpainting, {kind}, short training, 3 seeds", partial(measure, kind))
        for kind in KINDS
    },
}
