"""Where a step runs: on one device, or in one of several processes that share each batch (`processes`).

Both know the same few words (``prepare``, ``autocast``, ``backward``, ...), so the loop does not ask which it has.
They need no package but torch, which lets a folder with the library train on a machine that has nothing else.

Chapter: book/denoising/dncnn.ipynb
"""

import os
from collections.abc import Iterable
from typing import Any

import torch
from torch import Tensor, nn


class SingleDevice:
    """Mixed precision on one device: the forward pass in half precision, and for ``fp16`` a loss that is scaled up.

    Args:
        device: the kind of device that autocast is for.
        precision: ``no`` | ``bf16`` | ``fp16``; gradients of fp16 would vanish without the scaler.
    """

    num_processes, is_main_process = 1, True

    def __init__(self, device: torch.device, precision: str):
        self.device_type = device.type
        self.dtype = {"no": None, "bf16": torch.bfloat16, "fp16": torch.float16}[precision]
        self.scaler = torch.amp.GradScaler(device.type) if precision == "fp16" else None

    def prepare(self, model: nn.Module, optimizer: torch.optim.Optimizer, compiled: bool = False):
        """The model, compiled or as it is, and an optimiser whose ``step`` heeds the scaler."""
        self.optimizer, model = optimizer, torch.compile(model) if compiled else model
        return model, optimizer if self.scaler is None else _ScaledOptimizer(optimizer, self.scaler)

    def autocast(self):
        """The context of the forward pass."""
        return torch.autocast(self.device_type, self.dtype, enabled=self.dtype is not None)

    def backward(self, loss: Tensor) -> None:
        """Gradients of the loss, scaled where that is needed."""
        (loss if self.scaler is None else self.scaler.scale(loss)).backward()

    def clip_grad_norm_(self, parameters: Iterable[Tensor], max_norm: float) -> Tensor:
        """`torch.nn.utils.clip_grad_norm_` of the gradients in their true size; ``step`` knows that it was done."""
        if self.scaler is not None:
            self.scaler.unscale_(self.optimizer)
        return nn.utils.clip_grad_norm_(parameters, max_norm)

    def agree(self, value: Any) -> Any:
        """What process 0 says, so that all processes stop at the same step."""
        return value


class _ScaledOptimizer:
    """An optimiser that leaves a step out when the scaled gradients have overflowed."""

    def __init__(self, optimizer: torch.optim.Optimizer, scaler: torch.amp.GradScaler):
        self.optimizer, self.scaler = optimizer, scaler

    def __getattr__(self, name: str):
        return getattr(self.optimizer, name)

    def step(self, closure=None) -> None:
        if closure is not None:
            raise ValueError("an optimiser that needs a closure cannot be used with precision='fp16'")
        self.scaler.step(self.optimizer)
        self.scaler.update()


def accelerator(device: torch.device, precision: str) -> SingleDevice:
    """`SingleDevice`, or one of the processes that ``accelerate launch`` has started."""
    if int(os.environ.get("WORLD_SIZE", 1)) == 1:
        return SingleDevice(device, precision)
    from .processes import SeveralProcesses

    return SeveralProcesses(device, precision)
