"""What happened during a training run, and the picture of it."""

import math
import warnings
from dataclasses import dataclass, field


@dataclass
class History:
    """Record of one run of `fit`.

    Attributes:
        loss: training loss of every step.
        lr: learning rate of every step.
        metrics: per name, a list of (step, value) from the validations; the first name is the one monitored.
        seconds: training time, over all the pieces of an interrupted run.
        finished: False if the run was stopped by its time limit and can be continued.
    """

    loss: list[float] = field(default_factory=list)
    lr: list[float] = field(default_factory=list)
    metrics: dict[str, list[tuple[int, float]]] = field(default_factory=dict)
    seconds: float = 0.0
    finished: bool = False

    @property
    def steps(self) -> int:
        """Steps done so far."""
        return len(self.loss)

    @property
    def scores(self) -> list[float]:
        """The monitored metric at each validation."""
        first = next(iter(self.metrics.values()), [])
        return [value for _, value in first]

    @property
    def waited(self) -> int:
        """Validations since the best score, 0 if the last one reached it; NaN is no score, infinity a perfect one."""
        real = [-math.inf if math.isnan(score) else score for score in self.scores]
        if all(map(math.isnan, self.scores)):
            return len(real)
        return real[::-1].index(max(real))

    def record(self, metrics: dict[str, float]) -> None:
        """Append the metrics of a validation made after the current step; one that is NaN is reported at once."""
        for name, value in metrics.items():
            self.metrics.setdefault(name, []).append((self.steps, float(value)))
            if math.isnan(value):
                warnings.warn(
                    f"validation after step {self.steps:,}: {name} is NaN, which counts as no score. Look for a "
                    "division by zero or an empty mean in validate, and for NaN in the weights.",
                    stacklevel=3,
                )

    def plot(self, alt: str = "", smooth: int = 50):
        """Loss (log scale, running mean over ``smooth`` steps) and, beside it, each metric over the steps."""
        import numpy as np

        from .. import plotting

        fig, axes = plotting.subplots(1, 1 + len(self.metrics), figsize=(4.2 * (1 + len(self.metrics)), 2.8))
        axes = np.atleast_1d(axes)
        window = max(1, min(smooth, self.steps // 4))
        mean = np.convolve(self.loss, np.ones(window) / window, mode="valid")
        axes[0].semilogy(np.arange(len(mean)) + window, mean)
        axes[0].set(xlabel="step", ylabel="training loss")
        for ax, (name, points) in zip(axes[1:], self.metrics.items(), strict=True):
            ax.plot(*zip(*points, strict=True), marker="o")
            ax.set(xlabel="step", ylabel=name)
        last = f"the training loss falls from {mean[0]:.3g} to {mean[-1]:.3g} in {self.steps} steps"
        return plotting.show(fig, alt=alt or f"Training curves: {last}")
