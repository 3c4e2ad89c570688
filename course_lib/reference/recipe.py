"""What a reference run consists of."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from torch import nn


@dataclass(frozen=True)
class Recipe:
    """How to build, train and measure one reference model.

    Attributes:
        title: one line for the Results page. chapter: path of the chapter it belongs to.
        build: the untrained model.
        batches: ``(device, scale) -> (generator -> batch)``. loss: ``(model, batch) -> scalar``.
        evaluate: trained model -> ``{metric: value}``.
        scales: per kind of machine (``gpu``, ``cpu``) the settings that `fit` and ``batches`` get. The GPU's is the
            paper's scale; the CPU's is what two cores do in about an hour, and the result says so. With ``start``, the
            name of another run, training starts from that run's weights instead of from random ones; with
            ``restart_at`` the learning rate rises once more at that step; ``model`` holds options of ``build`` for a
            network smaller than the paper's. With 0 ``steps`` it is a measurement, and nothing is trained.
        paper: the published value of each metric. source: where they are published.
        data: what it is trained and tested on, or a function that says so where it depends on what is at hand.
        keep_weights: whether they are small enough to be stored.
    """

    title: str
    chapter: str
    build: Callable[..., nn.Module]
    batches: Callable[..., Callable]
    loss: Callable[[nn.Module, Any], Any]
    evaluate: Callable[[nn.Module], dict[str, float]]
    scales: dict[str, dict[str, Any]]
    paper: dict[str, float]
    source: str
    data: str | Callable[[], str]
    seed: int = 0
    fit: dict[str, Any] = field(default_factory=dict)
    keep_weights: bool = True
