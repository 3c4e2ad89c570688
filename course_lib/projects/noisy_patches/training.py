"""Two ways to train the two networks: as the coursework's baseline, and as its improved solution.

| | coursework | improved |
|---|---|---|
| denoiser | MAE, SGD with Nesterov, 1e-5 | MSE, Adam 1e-3, plateau decay, early stopping |
| descriptor | triplet loss with any other patch, SGD 0.1 | hardest negative of the batch, Adam 1e-3, plateau decay |

Chapter: book/projects/noisy_patches.ipynb
"""

from collections.abc import Callable

import torch
from torch import Tensor, nn

from ...metric_learning.losses import hardest_negative_loss, triplet_loss
from ...metric_learning.patches import PatchPairs
from ...training import History, Plateau, adam, constant, fit, sgd
from .noise import NoisyPairs, NoisyPatches, add_noise
from .pipeline import Pipeline

WAYS = ("coursework", "improved")
STEADY = {"optimizer": sgd, "schedule": constant}


def absolute_error_loss(model: nn.Module, batch: tuple[Tensor, Tensor]) -> Tensor:
    """The coursework's MAE, in grey levels: in [0, 1] its learning rate of 1e-5 would be 255 times smaller."""
    z, y = batch
    return 255 * (model(z).float() - y).abs().mean()


def squared_error_loss(model: nn.Module, batch: tuple[Tensor, Tensor]) -> Tensor:
    """MSE in [0, 1]."""
    z, y = batch
    return (model(z).float() - y).square().mean()


def any_other_loss(model: nn.Module, batch: tuple[Tensor, Tensor]) -> Tensor:
    """The coursework's triplet loss: squared distances, margin 1, and any other point of the batch as the negative."""
    a, p = model(torch.cat(batch)).chunk(2)
    return triplet_loss(a, p, p.roll(1, 0), margin=1.0, squared=True)


def hardest_loss(model: nn.Module, batch: tuple[Tensor, Tensor]) -> Tensor:
    """HardNet's: of all other points of the batch the nearest is the negative."""
    return hardest_negative_loss(*model(torch.cat(batch)).chunk(2))


def train_denoiser(
    model: nn.Module, views: Tensor, way: str = "improved", *, steps: int, batch: int = 24, seed: int = 0, **options
) -> History:
    """Train in place on noisy patches; ``improved`` keeps a twentieth of the points apart and stops early by them.

    Args:
        views: uint8 (N, 16, 1, 32, 32). way: one of `WAYS`. options: of `training.fit`, such as ``checkpoint``.

    Raises: ``ValueError`` for another way, or too few points.
    """
    _check(way, views)
    device = next(model.parameters()).device
    if way == "coursework":
        batches = NoisyPatches(views, batch, device)
        return fit(model, absolute_error_loss, batches, steps=steps, lr=1e-5, seed=seed, **STEADY | options)
    held, views = _apart(views)
    y = held.flatten(0, 1)[:512]
    z = add_noise(y, 30 / 255, torch.Generator().manual_seed(seed)).to(device)

    @torch.no_grad()
    def validate(network: nn.Module) -> dict[str, float]:
        return {"-MSE": -(network(z.float() / 255).float() - y.to(device).float() / 255).square().mean().item()}

    batches = NoisyPatches(views, batch, device)
    return fit(
        model, squared_error_loss, batches, steps=steps, lr=1e-3, seed=seed, **_improved(validate, steps) | options
    )


def train_descriptor(
    model: nn.Module,
    views: Tensor,
    way: str = "improved",
    *,
    steps: int,
    batch: int = 40,
    noisy: bool = False,
    seed: int = 0,
    **options,
) -> History:
    """Train in place on pairs of patches; a `Pipeline` with ``noisy`` is trained through both networks.

    Args:
        noisy: see noisy patches, else clean ones. Others as in `train_denoiser`.
    """
    _check(way, views)
    device = next(model.parameters()).device
    pairs = NoisyPairs if noisy else PatchPairs
    if way == "coursework":
        batches = pairs(views, batch, device)
        return fit(model, any_other_loss, batches, steps=steps, lr=0.1, seed=seed, **STEADY | options)
    held, views = _apart(views)
    exam = pairs(held, min(batch, len(held)), device)(torch.Generator().manual_seed(seed))

    @torch.no_grad()
    def validate(network: nn.Module) -> dict[str, float]:
        return {"-loss": -hardest_loss(network, exam).item()}

    batches = pairs(views, batch, device)
    return fit(model, hardest_loss, batches, steps=steps, lr=1e-3, seed=seed, **_improved(validate, steps) | options)


def frozen(denoiser: nn.Module, descriptor: nn.Module) -> Pipeline:
    """A `Pipeline` whose denoiser stays as it is, in evaluation mode, while the descriptor is trained on its output."""
    return Pipeline(denoiser.eval().requires_grad_(False), descriptor)


def _improved(validate: Callable, steps: int) -> dict:
    """Plateau decay and early stopping; a tenth of the steps between two looks."""
    every = max(1, steps // 10)
    schedule = Plateau(factor=0.3, patience=2)
    return {"optimizer": adam, "schedule": schedule, "validate": validate, "every": every, "patience": 5}


def _apart(views: Tensor) -> tuple[Tensor, Tensor]:
    """A twentieth of the points, at least two, and the rest: whole photographs, as their points stand together."""
    count = max(2, len(views) // 20)
    return views[:count], views[count:]


def _check(way: str, views: Tensor) -> None:
    if way not in WAYS:
        raise ValueError(f"way must be one of {', '.join(WAYS)}, got {way!r}")
    if len(views) < 4:
        raise ValueError(f"views must hold at least 4 points, got {len(views)}")
