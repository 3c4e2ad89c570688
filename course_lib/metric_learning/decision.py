"""What a gallery decides about a query. Chapter: book/metric_learning/siamese_networks.ipynb"""

from dataclasses import dataclass

from torch import Tensor


@dataclass(frozen=True)
class Identification:
    """What `TemplateGallery.identify` answers, query by query.

    Attributes:
        names: the nearest person, or None for "no identification".
        nearest: the same without rejection.
        distances: to the nearest person, (Q,).
    """

    names: list[str | None]
    nearest: list[str]
    distances: Tensor
