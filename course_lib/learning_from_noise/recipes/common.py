"""What the runs of this part share: a U-Net for a CPU, the exam with clean pictures, and BM3D at its best.

Chapters: book/learning_from_noise/
"""

from collections.abc import Callable, Sequence
from functools import cache

import torch
from torch import Tensor

from ... import data, session, training
from ...denoising.evaluation import evaluate
from ...metrics import psnr
from ..unet import UNet

# the paper's network on a GPU; what a CPU trains in minutes has a tenth of its work
SIZES = {"cpu": {"depth": 3, "width": 24}, "gpu": {}}
MULTIPLES = (0.75, 1.0, 1.5, 2.0)  # of the estimated level: BM3D is told the one that scores best on each picture
WIDE = (*MULTIPLES, 3.0, 4.0, 6.0, 11.0)  # where neighbours share their noise: the estimate is far too low there


def on() -> str:
    """``cpu`` or ``gpu``: the scale of this machine."""
    return "cpu" if session.pick_device().type == "cpu" else "gpu"


def trained(loss: Callable, batches: Callable, steps: int, seed: int, lr: float = 5e-3, network: Callable = UNet):
    """A U-Net for this machine after a short training; the same seed has the same weights at the start."""
    session.seed_everything(seed)
    model = network(**SIZES[on()]).to(session.pick_device())
    training.fit(model, loss, batches, steps=steps, lr=lr, seed=seed, optimizer=training.Muon, progress=False)
    return model


@cache
def exam(every: int = 1, side: int | None = None) -> Sequence[Tensor]:
    """Every so many of the pictures of BSD68, whole or the middle of them."""
    pictures = data.bsd68()[::every]
    return pictures if side is None else [middle(y, side) for y in pictures]


def middle(y: Tensor, side: int) -> Tensor:
    """The square of that side in the middle of (..., H, W)."""
    top, left = (y.shape[-2] - side) // 2, (y.shape[-1] - side) // 2
    return y[..., top : top + side, left : left + side]


def score(denoiser: Callable, pictures: Sequence[Tensor], observe: Callable) -> float:
    """Mean PSNR in dB."""
    return evaluate(denoiser, pictures, observe).mean().item()


def bm3d(z: Tensor, sigma: float) -> Tensor:
    """BM3D of its authors (``pip install bm3d``), each channel for itself: (B, C, H, W) -> the same."""
    from bm3d import bm3d as authors

    planes = [torch.from_numpy(authors(plane.numpy(), sigma)) for plane in z.cpu().float().flatten(0, 1)]
    return torch.stack(planes).view_as(z).to(z)


def bm3d_at_its_best(z: Tensor, y: Tensor, multiples: Sequence[float] = MULTIPLES) -> tuple[float, float]:
    """PSNR and level of BM3D when somebody who knows ``y`` chooses its level: more than any user can have.

    Shape: (1, C, H, W), (1, C, H, W) -> the PSNR in dB, and the best of ``multiples`` times the estimated level
    """
    from skimage.restoration import estimate_sigma

    level = max(float(estimate_sigma(z[0].numpy(), channel_axis=0, average_sigmas=True)), 1e-3)
    return max((psnr(bm3d(z, m * level), y).item(), m * level) for m in multiples)
