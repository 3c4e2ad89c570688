"""Several processes that train one network on one batch: two GPUs, two machines, or two processes on a CPU.

The usual way gives each process a batch of its own. Then a loss over pairs (triplets, NT-Xent) sees only the pairs of
one process, batch norm only its statistics, and the result depends on how many processes there were. Here every process
draws the *same* batch and takes its share of it through the network; what comes out is gathered, so that each sees the
whole and computes the whole loss. What is divided is the network's work, which is nearly all of it, and the result is
that of one process, up to rounding. (But for dropout: each share draws its own.)

If process r passes on n times the gradient of the rows that it has computed itself, the mean of the gradients over n
processes is the gradient of the loss: of what was shared, and of what every process did by itself.

Chapter: book/denoising/dncnn.ipynb
"""

import atexit
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from functools import partial
from typing import Any

import torch
from torch import Tensor, distributed, nn
from torch.utils._pytree import tree_leaves, tree_map

from .devices import SingleDevice

NORM = nn.modules.batchnorm._BatchNorm
DROPOUT = nn.modules.dropout._DropoutNd


class SeveralProcesses(SingleDevice):
    """The processes that ``accelerate launch`` or ``torchrun`` has started, as `fit` takes them.

    Args: as `SingleDevice`.
    """

    def __init__(self, device: torch.device, precision: str):
        super().__init__(device, precision)
        if not distributed.is_initialized():
            if device.type == "cuda":
                torch.cuda.set_device(device)
            distributed.init_process_group("nccl" if device.type == "cuda" else "gloo")
            atexit.register(distributed.destroy_process_group)
        self.num_processes, self.process_index = distributed.get_world_size(), distributed.get_rank()
        self.is_main_process = self.process_index == 0
        self.depth = 0

    def prepare(self, model: nn.Module, optimizer: torch.optim.Optimizer, compiled: bool = False):
        """`SingleDevice.prepare`, with the weights of process 0 for all, and never compiled: each step hooks anew."""
        for value in model.state_dict().values():
            distributed.broadcast(value, 0)
        self.model = model
        return super().prepare(model, optimizer)

    @contextmanager
    def autocast(self) -> Iterator[None]:
        """The context of the forward pass: mixed precision, and every call of the network is shared."""
        with ExitStack() as stack:
            stack.enter_context(super().autocast())
            for module in self.model.modules():
                enter = module.register_forward_pre_hook(self._enter, prepend=True, with_kwargs=True)
                leave = module.register_forward_hook(self._leave, always_call=True)
                stack.callback(enter.remove)
                stack.callback(leave.remove)
                if isinstance(module, NORM) and "forward" not in vars(module):
                    module.forward = partial(batch_norm, module)
                    stack.callback(delattr, module, "forward")
            self.depth = 0
            yield

    def backward(self, loss: Tensor) -> None:
        """Gradients of the loss, the same in every process."""
        super().backward(loss)
        gradients = [p.grad for p in self.model.parameters() if p.grad is not None]
        together = torch.cat([gradient.reshape(-1) for gradient in gradients])
        distributed.all_reduce(together)
        parts = (together / self.num_processes).split([gradient.numel() for gradient in gradients])
        for gradient, part in zip(gradients, parts, strict=True):
            gradient.copy_(part.view_as(gradient))

    def agree(self, value: Any) -> Any:
        """What process 0 says."""
        box = [value]
        distributed.broadcast_object_list(box, 0)
        return box[0]

    def _enter(self, module: nn.Module, args: tuple, kwargs: dict) -> tuple[tuple, dict] | None:
        """Of the outermost call, the share of this process of all that has a row for each sample."""
        self.depth += 1
        if self.depth > 1:
            return None
        first = next((x for x in tree_leaves((args, kwargs)) if isinstance(x, Tensor) and x.ndim), None)
        if first is None or len(first) < self.num_processes:
            raise ValueError(
                f"{self.num_processes} processes need a batch of at least as many samples, got "
                f"{'no tensor' if first is None else tuple(first.shape)}"
            )
        n, r, self.rows = self.num_processes, self.process_index, len(first)
        self.share = slice(self.rows * r // n, self.rows * (r + 1) // n)
        self.own_draws = ExitStack()
        if any(isinstance(layer, DROPOUT) for layer in module.modules()):
            self.own_draws.enter_context(torch.random.fork_rng())
            torch.manual_seed(torch.initial_seed() + 1 + r)
        return tree_map(lambda x: x[self.share] if self._is_rows(x, self.rows) else x, (args, kwargs))

    def _leave(self, module: nn.Module, args: tuple, output: Any) -> Any:
        self.depth -= 1
        if self.depth:
            return None
        self.own_draws.close()
        return tree_map(self._gathered, output)

    def _gathered(self, x: Any) -> Any:
        if not isinstance(x, Tensor):
            return x
        if not self._is_rows(x, self.share.stop - self.share.start):
            raise ValueError(f"several processes need a network with one row for each sample, got {tuple(x.shape)}")
        return _Gathered.apply(x, self.share, self.rows)

    @staticmethod
    def _is_rows(x: Any, rows: int) -> bool:
        return isinstance(x, Tensor) and x.ndim > 0 and len(x) == rows


class _Gathered(torch.autograd.Function):
    """Everybody's rows in one tensor. Each process has written its own into zeros; the sum has them all."""

    @staticmethod
    def forward(ctx, x: Tensor, share: slice, rows: int) -> Tensor:
        ctx.share = share
        # half precision is for the network: not every backend adds it up
        wide = torch.promote_types(x.dtype, torch.float32) if x.is_floating_point() else x.dtype
        full = torch.zeros(rows, *x.shape[1:], dtype=wide, device=x.device)
        full[share] = x
        distributed.all_reduce(full)
        return full.to(x.dtype)

    @staticmethod
    def backward(ctx, gradient: Tensor) -> tuple[Tensor, None, None]:
        return distributed.get_world_size() * gradient[ctx.share], None, None


class _Sum(torch.autograd.Function):
    """The sum over all processes."""

    @staticmethod
    def forward(ctx, x: Tensor) -> Tensor:
        total = x.clone()
        distributed.all_reduce(total)
        return total

    @staticmethod
    def backward(ctx, gradient: Tensor) -> Tensor:
        total = gradient.clone()
        distributed.all_reduce(total)
        return total


def batch_norm(layer: NORM, x: Tensor) -> Tensor:
    """``layer(x)`` with mean and variance over the whole batch. (torch's SyncBatchNorm has no code for a CPU.)"""
    if not layer.training:
        return type(layer).forward(layer, x)
    layer._check_input_dim(x)
    dims = [0, *range(2, x.ndim)]
    shape = [1, -1] + [1] * (x.ndim - 2)
    wide = x.to(torch.promote_types(x.dtype, torch.float32))
    count = torch.full((1,), x.numel() // x.shape[1], dtype=wide.dtype, device=x.device)
    total, count = _Sum.apply(torch.cat([wide.sum(dims), count])).split([x.shape[1], 1])
    mean = total / count
    centred = wide - mean.view(shape)
    var = _Sum.apply(centred.square().sum(dims)) / count
    if layer.track_running_stats:
        with torch.no_grad():
            layer.num_batches_tracked += 1
            weight = layer.momentum if layer.momentum is not None else 1 / layer.num_batches_tracked
            layer.running_mean.lerp_(mean.to(layer.running_mean), weight)
            layer.running_var.lerp_((var * count / (count - 1)).to(layer.running_var), weight)
    y = centred * (var + layer.eps).rsqrt().view(shape)
    if layer.affine:
        y = y * layer.weight.view(shape) + layer.bias.view(shape)
    return y.to(x.dtype)
