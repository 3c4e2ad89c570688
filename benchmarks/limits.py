"""What this machine reaches at its best, measured between the rounds of a benchmark, so that shares can be given.

A ratio to a peer depends on the processor; the share says how much of it is used. Seconds are of CPU time, which does
not count what else the machine does.
"""

import time
from collections.abc import Callable
from statistics import median

import torch
from torch import nn

DTYPES = {"no": torch.float32, "bf16": torch.bfloat16, "fp16": torch.float16}


class Limit:
    """Products and copies of the largest size that is worth its time.

    Args:
        precision: ``no`` | ``bf16`` | ``fp16``, of the products.
    """

    def __init__(self, precision: str = "no"):
        dtype = DTYPES[precision]
        self.precision = precision
        a = torch.rand(1024, 1024).to(dtype)
        x = torch.rand(16, 64, 40, 40).to(dtype, memory_format=torch.channels_last)
        conv = nn.Conv2d(64, 64, 3, padding=1, bias=False).to(dtype, memory_format=torch.channels_last)
        numbers, copied = torch.rand(2**22), torch.empty(2**22)
        # what to do, and how many operations or bytes it is
        self.work: dict[str, tuple[Callable, float]] = {
            "matrix product": (lambda: a @ a, 2 * 1024**3),
            "convolution": (lambda: conv(x), 2 * 9 * 64 * 64 * 16 * 40 * 40),
            "copy": (lambda: copied.copy_(numbers), 4 * 2**22),
        }
        self.rates: dict[str, list[float]] = {name: [] for name in self.work}
        self.measure()
        self.rates = {name: [] for name in self.work}  # the first call chooses kernels

    @torch.no_grad()
    def measure(self) -> None:
        """Once more, to be called in every round."""
        for name, (work, amount) in self.work.items():
            self.rates[name].append(amount / seconds(work))

    def best_product(self) -> tuple[str, float]:
        """The faster of the two kinds of products, and its operations a second."""
        name = max(("matrix product", "convolution"), key=lambda name: median(self.rates[name]))
        return name, median(self.rates[name])

    def share_of_products(self, flops: float, spent: float) -> float:
        """``flops`` in ``spent`` seconds as a share of the best product."""
        return flops / spent / self.best_product()[1]

    def of_products(self, flops: float, spent: float) -> str:
        """`share_of_products` in words."""
        (name, best), share = self.best_product(), self.share_of_products(flops, spent)
        return (
            f"{flops / spent / 1e9:.0f} GFLOP/s, {100 * share:.0f} % of the {best / 1e9:.0f} "
            f"of a {name} here ({self.precision})"
        )

    def of_copies(self, amount: float, spent: float) -> str:
        """``amount`` bytes written in ``spent`` seconds as a share of copying memory."""
        best, own = median(self.rates["copy"]), amount / spent
        return f"{own / 1e9:.2f} GB/s, {100 * own / best:.0f} % of the {best / 1e9:.1f} of a copy here"


def seconds(work: Callable[[], object]) -> float:
    """CPU seconds of one call."""
    began = time.process_time()
    work()
    return time.process_time() - began
