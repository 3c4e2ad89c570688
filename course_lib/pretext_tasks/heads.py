"""Readers with more freedom than a linear one, trained by gradient descent on frozen features, or together with them.

Gidaris et al., ICLR 2018, arXiv:1803.07728, section 3.1: "RotNet + conv", "RotNet + non-linear", and fine-tuned.
Chapter: book/pretext_tasks/rotation.ipynb
"""

import copy

from torch import Tensor, nn
from torch.nn import functional as F

from .backbone import conv_bn_relu


class Probe(nn.Module):
    """``head(f_block(x))``: a head on one block of a copy of a backbone, which stands still or learns with it.

    Args:
        backbone: copied, so that the original stays as it is.
        head: a network that takes the block's volume.
        block: which output of ``forward_features``; 1 is the second, the paper's choice.
        frozen: the backbone gets no gradients and stays in evaluation mode; otherwise it is fine-tuned.

    Shape: as the backbone's input -> as the head's output
    """

    def __init__(self, backbone: nn.Module, head: nn.Module, block: int = 1, frozen: bool = True):
        super().__init__()
        self.backbone, self.head, self.block, self.frozen = copy.deepcopy(backbone), head, block, frozen
        self.backbone.requires_grad_(not frozen)

    def train(self, mode: bool = True):
        super().train(mode)
        if self.frozen:  # batch norm would otherwise adapt itself to the labelled pictures
            self.backbone.eval()
        return self

    def forward(self, x: Tensor) -> Tensor:
        return self.head(self.backbone.forward_features(x)[self.block])


def nonlinear_head(inputs: int, classes: int, hidden: int = 200) -> nn.Sequential:
    """Three dense layers on the whole volume, batch norm and ReLU between them.

    Shape: (B, C, H, W) with C H W = inputs -> (B, classes)
    """
    return nn.Sequential(
        nn.Flatten(), nn.Linear(inputs, hidden, bias=False), nn.BatchNorm1d(hidden), nn.ReLU(inplace=True),
        nn.Linear(hidden, hidden, bias=False), nn.BatchNorm1d(hidden), nn.ReLU(inplace=True),
        nn.Linear(hidden, classes),
    )  # fmt: skip


def conv_head(channels: int, classes: int, width: int = 192) -> nn.Sequential:
    """One more block of the backbone, the mean of its maps and a dense layer.

    Shape: (B, channels, H, W) -> (B, classes)
    """
    return nn.Sequential(
        *conv_bn_relu(channels, 3, (width,) * 3), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(width, classes)
    )


def classification_loss(model: nn.Module, batch: tuple[Tensor, Tensor]) -> Tensor:
    """Cross entropy of (images, labels)."""
    x, labels = batch
    return F.cross_entropy(model(x), labels)
