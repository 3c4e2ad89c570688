"""What a reference run consists of: a `Recipe` trains a network and measures it, a `Measurement` only measures."""

from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from typing import Any

from torch import nn


@dataclass(frozen=True)
class Scale:
    """How much is trained on a machine of one kind.

    Attributes:
        steps: updates, at least 1.
        batch: samples in each of them.
        lr: the peak learning rate.
        patch: side of the training patches in pixels; None for whole images.
        images: how many training images are used; None for all of them.
        model: options of the recipe's ``build``, for a network smaller than the paper's.
        start: name of another run whose weights the training starts from; None for random ones.
        restart_at: step at which the learning rate rises once more; None for never.
    """

    steps: int
    batch: int
    lr: float
    patch: int | None = None
    images: int | None = None
    model: dict[str, Any] = field(default_factory=dict)
    start: str | None = None
    restart_at: int | None = None

    def settings(self) -> dict[str, Any]:
        """What is set, for the provenance of a result."""
        return {name: value for name, value in asdict(self).items() if value not in (None, {})}


@dataclass(frozen=True)
class Recipe:
    """How to build, train and measure one reference model.

    Attributes:
        title: one line for the Results page.
        chapter: path of the chapter it belongs to, such as ``denoising/dncnn``.
        build: the untrained model; takes the options of ``Scale.model``.
        batches: ``(device, scale) -> (generator -> batch)``.
        loss: ``(model, batch) -> scalar``.
        evaluate: trained model -> ``{metric: value}``.
        scales: ``gpu``, the paper's scale, and ``cpu``, what two cores do in about an hour.
        source: where the method and its numbers are published.
        data: what it is trained and tested on, or a function that says so where it depends on what is at hand.
        paper: the published value of each metric.
        headline: the metric that stands for the run in the picture of the Results page where the paper has none; by
            default the first.
        seed: of the weights and the batches.
        fit: further options of `training.fit`.
        keep_weights: whether they are small enough to be stored.
        urgency: who goes first where a GPU is at hand for minutes; the larger the earlier.
    """

    title: str
    chapter: str
    build: Callable[..., nn.Module]
    batches: Callable[..., Callable]
    loss: Callable[[nn.Module, Any], Any]
    evaluate: Callable[[nn.Module], dict[str, float]]
    scales: dict[str, Scale]
    source: str
    data: str | Callable[[], str]
    paper: dict[str, float] = field(default_factory=dict)
    headline: str | None = None
    seed: int = 0
    fit: dict[str, Any] = field(default_factory=dict)
    keep_weights: bool = True
    urgency: int = 0


@dataclass(frozen=True)
class Measurement:
    """A reference run in which nothing is trained beforehand.

    Attributes:
        title: one line for the Results page.
        chapter: path of the chapter it belongs to.
        measure: ``() -> {metric: value}``.
        source: where the method and its numbers are published.
        data: what is measured, or a function that says so where it depends on what is at hand.
        paper: the published value of each metric.
        headline: the metric that stands for the run in the picture of the Results page where the paper has none; by
            default the first.
        seed: set before it is measured.
    """

    title: str
    chapter: str
    measure: Callable[[], dict[str, float]]
    source: str
    data: str | Callable[[], str]
    paper: dict[str, float] = field(default_factory=dict)
    headline: str | None = None
    seed: int = 0
