"""What a task of the playground is. It knows nothing of any interface: whoever runs it shows what it yields."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from torch import Tensor


@dataclass(frozen=True)
class View:
    """How far a task is, and what there is to see.

    Attributes:
        fraction: of the work, in [0, 1]; 1 is the end.
        words: what it is doing, in the end what came out.
        pictures: title -> (C, H, W) or (1, C, H, W), in [0, 1] or near it; empty while there is nothing new to see.
    """

    fraction: float
    words: str
    pictures: dict[str, Tensor] = field(default_factory=dict)


@dataclass(frozen=True)
class Choice:
    """One of several. options: what the visitor reads -> what the task gets; the first one is chosen at first."""

    label: str
    options: dict[str, object]


@dataclass(frozen=True)
class Level:
    """A number between ``low`` and ``high``, at first ``start``."""

    label: str
    low: float
    high: float
    start: float
    step: float = 1


@dataclass(frozen=True)
class Task:
    """Something to do with a picture.

    Attributes:
        title: what the visitor chooses. about: a sentence about it.
        run: ``(picture, **values) -> iterator of View``, one value for each control, the picture (1, C, H, W) in
            [0, 1]. It is stopped between two views. What it refuses is a ``ValueError`` in words for the visitor.
        controls: name of an argument of ``run`` -> what sets it.
        longest: the picture is scaled down to so many pixels on its longer side.
        colour: whether the picture is in colour, C = 3, or grey, C = 1.
    """

    title: str
    about: str
    run: Callable[..., Iterator[View]]
    controls: dict[str, Choice | Level]
    longest: int = 512
    colour: bool = True
