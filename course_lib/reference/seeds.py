"""Several seeds of one experiment: their mean and how far they lie apart."""

import statistics
from collections.abc import Callable, Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Spread:
    """One metric of the same run with several seeds.

    Attributes:
        values: one a seed.
    """

    values: tuple[float, ...]

    @property
    def mean(self) -> float:
        """Their mean."""
        return statistics.mean(self.values)

    @property
    def deviation(self) -> float | None:
        """Their standard deviation; None for a single seed."""
        return statistics.stdev(self.values) if len(self.values) > 1 else None

    def __str__(self) -> str:
        return f"{self.mean:.1f}" + (f" ± {self.deviation:.1f}" if self.deviation is not None else "")


def over_seeds(once: Callable[[int], dict[str, float]], seeds: Sequence[int] = (0, 1, 2)) -> dict[str, float]:
    """Each metric of ``once(seed)``: its mean over the seeds and, where there are several, its standard deviation."""
    runs = [once(seed) for seed in seeds]
    metrics = {}
    for name in runs[0]:
        spread = Spread(tuple(run[name] for run in runs))
        metrics[name] = spread.mean
        if spread.deviation is not None:
            metrics[f"{name}, standard deviation"] = spread.deviation
    return metrics
