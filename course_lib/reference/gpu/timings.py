"""How fast, and which share of what this device can do: measured in one run, so that the two are comparable."""

import time
from collections.abc import Callable

import torch
from torch import Tensor, nn


def seconds(work: Callable[[], object], device: torch.device, budget: float = 1.0) -> float:
    """Median seconds of one call, after one that chooses kernels; at least three calls, then as the budget allows."""
    times, ends = [], None
    while ends is None or len(times) < 3 or (time.perf_counter() < ends and len(times) < 50):
        if device.type == "cuda":
            torch.cuda.synchronize()
        began = time.perf_counter()
        work()
        if device.type == "cuda":
            torch.cuda.synchronize()
        if ends is None:
            ends = time.perf_counter() + budget
        else:
            times.append(time.perf_counter() - began)
    return sorted(times)[len(times) // 2]


def peaks(device: torch.device, precision: str, budget: float = 5.0) -> dict[str, float]:
    """GFLOP/s of the best matrix product and the best 64 -> 64 convolution of 3 x 3 that this device reaches now."""
    dtype = {"no": torch.float32, "bf16": torch.bfloat16, "fp16": torch.float16}[precision]
    large = device.type != "cpu"
    found = {"matrix product": 0.0, "convolution": 0.0}
    for n in (1024, 2048) if not large else (4096, 8192):
        a = torch.rand(n, n, device=device, dtype=dtype)
        spent = seconds(lambda a=a: a @ a, device, budget / 5)
        found["matrix product"] = max(found["matrix product"], 2e-9 * n**3 / spent)
    for batch, side in ((64, 40), (4, 240), (1, 256)) if not large else ((128, 50), (64, 256)):
        conv = nn.Conv2d(64, 64, 3, padding=1, bias=False).to(device, dtype, memory_format=torch.channels_last)
        x = torch.rand(batch, 64, side, side, device=device, dtype=dtype).to(memory_format=torch.channels_last)
        with torch.no_grad():
            spent = seconds(lambda conv=conv, x=x: conv(x), device, budget / 5)
        found["convolution"] = max(found["convolution"], 2e-9 * 9 * 64 * 64 * batch * side * side / spent)
    return found


def convolution_flops(network: nn.Module, work: Callable[[], object]) -> float:
    """Floating-point operations of the network's convolutions in ``work()``: 2 per multiplication and addition."""
    total, hooks = [0.0], []

    def count(layer: nn.Conv2d, inputs: tuple, output: Tensor) -> None:
        total[0] += 2 * output.numel() * layer.in_channels // layer.groups * layer.kernel_size[0] * layer.kernel_size[1]

    for layer in network.modules():
        if isinstance(layer, nn.Conv2d):
            hooks.append(layer.register_forward_hook(count))
    with torch.no_grad():
        work()
    for hook in hooks:
        hook.remove()
    return total[0]
