"""Learning-rate schedules: pure functions, so that a resumed run needs no state to be on course.

A schedule is called with ``progress`` in [0, 1], the share of the steps done, and ``scores``, the validation
scores so far (higher is better); it returns the factor on the peak learning rate.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

Schedule = Callable[[float, Sequence[float]], float]


def constant(progress: float, scores: Sequence[float] = ()) -> float:
    """Always 1."""
    return 1.0


def one_cycle(progress: float, scores: Sequence[float] = ()) -> float:
    """Cosine up from 1/25 over the first 30 %, cosine down to 1e-4 over the rest (Smith, arXiv:1708.07120).

    >>> [round(one_cycle(p), 3) for p in (0, 0.3, 1)]
    [0.04, 1.0, 0.0]
    """
    warm_up, start, end = 0.3, 1 / 25, 1e-4
    if progress < warm_up:
        return start + (1 - start) * _cosine(progress / warm_up)
    return 1 - (1 - end) * _cosine((progress - warm_up) / (1 - warm_up))


def ramp_down(progress: float, scores: Sequence[float] = ()) -> float:
    """1, then a cosine to 0 over the last 30 % (Lehtinen et al., Noise2Noise, arXiv:1803.04189).

    >>> ramp_down(0.5), round(ramp_down(0.85), 2), ramp_down(1.0)
    (1.0, 0.5, 0.0)
    """
    return 1 - _cosine(max(0.0, (progress - 0.7) / 0.3))


def warm_restart(at: float, height: float = 0.5) -> Schedule:
    """`one_cycle` until ``at``, then down once more from ``height`` (Loshchilov and Hutter, arXiv:1608.03983).

    A run that had ended at ``at`` goes on from its checkpoint as if it had been planned this way.

    >>> [round(warm_restart(0.8)(p, ()), 3) for p in (0.24, 0.79, 0.8, 0.9, 1.0)]
    [1.0, 0.001, 0.5, 0.25, 0.0]
    """
    if not 0 < at < 1:
        raise ValueError(f"at must be a share of the steps in (0, 1), got {at}")

    def schedule(progress: float, scores: Sequence[float] = ()) -> float:
        if progress < at:
            return one_cycle(progress / at)
        return height * (1 - _cosine((progress - at) / (1 - at)))

    return schedule


def step_decay(*milestones: float, factor: float = 0.1) -> Schedule:
    """Multiply by ``factor`` at each milestone, a share of the steps in (0, 1).

    >>> [round(step_decay(0.6, 0.9)(p, ()), 2) for p in (0.5, 0.7, 0.95)]
    [1.0, 0.1, 0.01]
    """
    if not milestones or not all(0 < m < 1 for m in milestones):
        raise ValueError(f"milestones must be shares of the steps in (0, 1), got {milestones}")
    return lambda progress, scores: factor ** sum(progress >= m for m in milestones)


@dataclass(frozen=True)
class Plateau:
    """Multiply by ``factor`` each time ``patience`` validations in a row brought no new best score.

    >>> Plateau(factor=0.5, patience=2)(0.0, [1.0, 2.0, 1.5, 1.9, 1.8, 1.7])
    0.25
    """

    factor: float = 0.1
    patience: int = 3

    def __call__(self, progress: float, scores: Sequence[float]) -> float:
        drops, waited, best = 0, 0, -math.inf
        for score in scores:
            waited = 0 if score > best else waited + 1
            best = max(best, score)
            if waited == self.patience:
                drops, waited = drops + 1, 0
        return self.factor**drops


def _cosine(share: float) -> float:
    """0 -> 1 along half a cosine."""
    return 0.5 - 0.5 * math.cos(math.pi * min(1.0, share))
