"""Stored reference runs side by side, over their seeds.

Chapter: book/pretext_tasks/scoreboard.ipynb
"""

import statistics
from dataclasses import dataclass

from .. import reference


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


def spread_of(name: str, metric: str) -> Spread:
    """``metric`` of ``name`` and of those of ``name-2``, ``name-3``, ... that have been run.

    Raises: ``KeyError`` for an unknown run or metric, ``FileNotFoundError`` where not even the first has been run.
    """
    values = [reference.result(name)["metrics"][metric]]
    for seed in range(2, 10):
        if (reference.RESULTS / f"{name}-{seed}.json").exists():
            values.append(reference.result(f"{name}-{seed}")["metrics"][metric])
    return Spread(tuple(values))
