"""The plainest networks there are: n convolutions of 3 x 3 in a chain, and how fast their view grows with n.

Luo et al., "Understanding the Effective Receptive Field in Deep Convolutional Neural Networks", NeurIPS 2016,
https://arxiv.org/abs/1701.04128
Chapter: book/receptive_fields/effective_receptive_field.ipynb
"""

import math

import torch
from torch import Tensor, nn

KINDS = ("uniform", "random", "random + ReLU")


def chain(depth: int, kind: str = "random", width: int = 8) -> nn.Sequential:
    """``depth`` convolutions of 3 x 3 with zero padding and no bias: 1 channel in, ``width`` in between.

    Args:
        kind: ``uniform``: all weights equal, one channel; ``random``: He's normal weights; ``random + ReLU``: the same
            with a ReLU after each but the last. The weights are drawn from torch's global generator.

    Shape: (B, 1, H, W) -> (B, 1 or width, H, W)
    Raises: ``ValueError`` for ``depth < 1`` or an unknown kind.
    """
    if depth < 1 or kind not in KINDS:
        raise ValueError(f"depth must be at least 1 and kind one of {', '.join(KINDS)}, got {depth} and {kind!r}")
    width = 1 if kind == "uniform" else width
    layers = []
    for i in range(depth):
        conv = nn.Conv2d(width if i else 1, width, 3, padding=1, bias=False)
        if kind == "uniform":
            nn.init.constant_(conv.weight, 1 / 9)
        else:
            nn.init.kaiming_normal_(conv.weight, nonlinearity="relu" if "ReLU" in kind else "linear")
        layers += [conv, nn.ReLU()] if "ReLU" in kind and i < depth - 1 else [conv]
    return nn.Sequential(*layers)


def walk(steps: int) -> Tensor:
    """Where a walker may end after ``steps`` steps of -1, 0 or 1, each with probability 1/3.

    That is the field of a uniform chain along one axis: its variance is ``2/3 steps``.

    Shape: -> (2 steps + 1,), float64, the probabilities of ``-steps ... steps``
    Raises: ``ValueError`` for less than no step.
    """
    if steps < 0:
        raise ValueError(f"steps must be 0 or more, got {steps}")
    p = torch.ones(1, dtype=torch.float64)
    for _ in range(steps):
        wider = nn.functional.pad(p, (2, 2))
        p = (wider[:-2] + wider[1:-1] + wider[2:]) / 3
    return p


def growth_exponent(depths: list[int], radii: list[float]) -> tuple[float, float]:
    """The ``a`` of ``radius ~ depth^a`` and its standard error: a straight line through the logarithms.

    Raises: ``ValueError`` for fewer than three points, a number that is not positive, or one depth only.

    Example:
        >>> growth_exponent([1, 4, 16], [2.0, 4.0, 8.0])
        (0.5, 0.0)
    """
    if len(depths) != len(radii) or len(depths) < 3 or min(*depths, *radii) <= 0 or len(set(depths)) < 2:
        raise ValueError(
            f"growth_exponent needs three or more positive pairs of at least two depths, got {depths} and {radii}"
        )
    from scipy.stats import linregress

    line = linregress([math.log(d) for d in depths], [math.log(r) for r in radii])
    return round(float(line.slope), 10), round(float(line.stderr), 10)
