"""Optimisers as functions ``(parameters, lr) -> Optimizer``, the form that `fit` takes.

``parameters`` are tensors, or groups of them with options of their own, ``{"params": ..., "lr": ...}``, as in torch.
Muon is the one that torch does not have for convolutions (``torch.optim.Muon`` takes matrices only).
"""

from collections.abc import Callable, Iterable
from typing import Any

import torch
from torch import Tensor


def adam(parameters, lr: float) -> torch.optim.Optimizer:
    """Adam with a shorter memory of the squared gradient (0.99), which suits short one-cycle runs."""
    groups = as_groups(parameters)
    fused = all(p.device.type in {"cpu", "cuda"} for group in groups for p in group["params"])
    return torch.optim.Adam(groups, lr, betas=(0.9, 0.99), fused=fused)


def sgd(parameters, lr: float) -> torch.optim.Optimizer:
    """SGD with Nesterov momentum 0.9."""
    return torch.optim.SGD(parameters, lr, momentum=0.9, nesterov=True)


def as_groups(parameters: Iterable) -> list[dict[str, Any]]:
    """Tensors as one group; groups as they are, with lists that can be gone through more than once."""
    parameters = list(parameters)
    if not any(isinstance(p, dict) for p in parameters):
        return [{"params": parameters}]
    return [g | {"params": [g["params"]] if isinstance(g["params"], Tensor) else list(g["params"])} for g in parameters]


class Muon(torch.optim.Optimizer):
    """Momentum whose every update is made orthogonal: ``W <- W - lr c U V^T``, where ``M = U S V^T``.

    Gradients of a convolution are dominated by a few directions; setting all singular values to 1 lets the rest
    learn too. A few Newton-Schulz iterations replace the SVD. ``c = 0.2 sqrt(max(shape))`` gives the update the
    size of one of Adam. Convolution kernels between two stacks of feature maps are treated as (out, in * kh * kw)
    matrices; everything else is left to Adam at ``lr_rest``: biases, batch norm, dense layers unless asked for, and
    kernels that have three channels or fewer on one side (what reads or writes an image, and depthwise ones).

    Args:
        parameters: tensors or groups of them; a group with a rate of its own has the same share of ``lr_rest``.
        lr: learning rate of the kernels.
        lr_rest: of all else.
        momentum: decay of the averaged gradient.
        dense: whether the weights of dense layers are turned too; with thousands of units on both sides that costs
            more than the rest of a step.

    Jordan et al., https://kellerjordan.github.io/posts/muon/ (2024); scaling from Liu et al.,
    arXiv:2502.16982.
    """

    def __init__(self, parameters, lr: float, lr_rest: float = 3e-3, momentum: float = 0.95, dense: bool = False):
        self.ranks = (2, 4) if dense else (4,)
        groups = []
        for group in as_groups(parameters):
            share = group.get("lr", lr) / lr if lr else 0.0
            hidden = [p for p in group["params"] if self._is_turned(p)]
            rest = [p for p in group["params"] if not self._is_turned(p)]
            groups += [group | {"params": hidden, "lr": lr * share}] * bool(hidden)
            groups += [group | {"params": rest, "lr": lr_rest * share}] * bool(rest)
        super().__init__(groups, {"lr": lr, "momentum": momentum})

    @torch.no_grad()
    def step(self, closure: Callable[[], Tensor] | None = None) -> Tensor | None:
        """One update of every parameter with a gradient; ``closure``, if any, computes them and returns the loss."""
        loss = None
        if closure is not None:
            with torch.enable_grad():
                loss = closure()
        for group in self.param_groups:
            alike: dict[tuple, list[Tensor]] = {}  # kernels of one shape: one product for all of them suits a GPU
            for p in group["params"]:
                if p.grad is None:
                    continue
                if self._is_turned(p):
                    alike.setdefault((p.shape, p.device, p.dtype), []).append(p)
                else:
                    _adam_step(p, p.grad, self.state[p], group["lr"])
            for kernels in alike.values():
                updates = self._orthogonal_momenta(kernels, group["momentum"])
                torch._foreach_add_(kernels, updates, alpha=-group["lr"])
        return loss

    def _is_turned(self, parameter: Tensor) -> bool:
        return parameter.ndim in self.ranks and min(parameter.shape[:2]) > 3

    def _orthogonal_momenta(self, kernels: list[Tensor], momentum: float) -> list[Tensor]:
        gradients = [p.grad for p in kernels]
        averages = [self.state[p].setdefault("momentum", torch.zeros_like(p)) for p in kernels]
        torch._foreach_lerp_(averages, gradients, 1 - momentum)
        updates = torch.stack(torch._foreach_lerp(gradients, averages, momentum)).flatten(2)
        size = 0.2 * max(updates.shape[1:]) ** 0.5
        # a GPU is faster with all of them in one product, a CPU with one after another
        turned = orthogonalize(updates) if updates.is_cuda else map(orthogonalize, updates)
        return [(size * u).view_as(p) for u, p in zip(turned, kernels, strict=True)]


def orthogonalize(matrix: Tensor, steps: int = 5) -> Tensor:
    """The nearest matrix with all singular values near 1, by Newton-Schulz iteration.

    Shape: (..., m, n) -> (..., m, n), singular values in about [0.7, 1.2]: good enough, and only matrix products.
    """
    a, b, c = 3.4445, -4.7750, 2.0315  # chosen by Jordan to grow small singular values fastest
    x = matrix / (matrix.norm(dim=(-2, -1), keepdim=True) + 1e-7)
    x = x.mT if (tall := x.shape[-2] > x.shape[-1]) else x
    for _ in range(steps):
        gram = x @ x.mT
        x = a * x + (b * gram + c * gram @ gram) @ x
    return x.mT if tall else x


def _adam_step(p: Tensor, gradient: Tensor, state: dict, lr: float, beta1: float = 0.9, beta2: float = 0.99) -> None:
    if not state:
        state.update(step=0, mean=torch.zeros_like(gradient), square=torch.zeros_like(gradient))
    state["step"] += 1
    # In place: for a dense layer of 25 million weights, temporaries would cost more than the training itself.
    mean = state["mean"].lerp_(gradient, 1 - beta1)
    square = state["square"].mul_(beta2).addcmul_(gradient, gradient, value=1 - beta2)
    root = square.sqrt().mul_((1 - beta2 ** state["step"]) ** -0.5).add_(1e-8)
    p.addcdiv_(mean, root, value=-lr / (1 - beta1 ** state["step"]))
