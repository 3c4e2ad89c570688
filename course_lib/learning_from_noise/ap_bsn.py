"""AP-BSN: a blind-spot network for noise that neighbours share.

Lee, Son, Lee, "AP-BSN: Self-Supervised Denoising for Real-World Images via Asymmetric PD and Blind-Spot Network",
CVPR 2022, https://arxiv.org/abs/2203.11799
Chapter: book/learning_from_noise/blind_spot_networks.ipynb
"""

import torch
from torch import Tensor, nn

from .downsampling import downsample, upsample


class APBSN(nn.Module):
    """``y_hat = U_s f(D_s z)``, then refined: a blind-spot network f on downsampled pictures.

    In training the stride is large, so that nothing of a pixel's noise is in its neighbours. To denoise, it is small,
    so that detail is still there: a network that has learned what pictures look like no longer needs the noise to be
    perfectly white. What the small stride leaves behind goes in the refinement (`refine`).

    Args:
        network: a blind-spot network, (B, C, H, W) -> (B, C, H, W).
        train_stride: the paper's 5, as far as a camera's noise reaches.
        stride: to denoise; the paper's 2.
        refinements: rounds of random replacement; the paper's 8; 0 for none.
        replaced: share of pixels that are replaced in each round; the paper's 0.16.

    Shape: z (B, C, H, W), in [0, 1] plus noise, any size -> the same.
    Raises: ``ValueError`` for strides below 1, a share outside [0, 1], a negative number of refinements.
    """

    def __init__(
        self, network: nn.Module, train_stride: int = 5, stride: int = 2, refinements: int = 8, replaced: float = 0.16
    ):
        super().__init__()
        if min(train_stride, stride) < 1:
            raise ValueError(f"strides must be at least 1, got {train_stride} and {stride}")
        if not 0 <= replaced <= 1 or refinements < 0:
            raise ValueError(f"replaced must be in [0, 1] and refinements >= 0, got {replaced} and {refinements}")
        self.network, self.channels = network, getattr(network, "channels", None)
        self.train_stride, self.stride, self.refinements, self.replaced = train_stride, stride, refinements, replaced

    def forward(self, z: Tensor) -> Tensor:
        y_hat = upsample(self.network(downsample(z, self.stride)), self.stride, z.shape[2:])
        if not self.refinements:
            return y_hat
        return refine(self.network, z, y_hat, self.refinements, self.replaced)


def ap_bsn_loss(model: APBSN, z: Tensor) -> Tensor:
    """``mean |f(D z) - D z|`` with the training stride: each small picture is its own target.

    Shape: noisy (B, C, H, W) -> scalar.
    """
    small = downsample(z, model.train_stride)
    return (model.network(small) - small).abs().mean()


def refine(network: nn.Module, z: Tensor, y_hat: Tensor, rounds: int = 8, replaced: float = 0.16) -> Tensor:
    """Random-replacement refinement: ``mean_t f(M_t z + (1 - M_t) y_hat)``, without downsampling.

    A first estimate from small pictures has lost fine structure and shows the grid. The network sees it at full size,
    with some of its pixels, others in each round, replaced by the recording. Few of them are neighbours, so that their
    noise is no longer shared, and the detail that they carry is. The draws are the same in every call and on every
    device.

    Args:
        replaced: the share of ones in M, per pixel and channel.

    Shape: z and y_hat (B, C, H, W) -> the same.
    """
    generator = torch.Generator().manual_seed(0)
    total = torch.zeros_like(z)
    for _ in range(rounds):
        mask = (torch.rand(z.shape, generator=generator) < replaced).to(z.device, non_blocking=True)
        total = total + network(torch.where(mask, z, y_hat))
    return total / rounds
