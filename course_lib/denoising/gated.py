"""Convolutions down, transposed convolutions up, and skips whose share is learnt.

Mao et al., "Image Restoration Using Very Deep Convolutional Encoder-Decoder Networks with Symmetric Skip
Connections", NeurIPS 2016, https://arxiv.org/abs/1603.09056; the gates are Zhao's ("Image Denoising with Deep
Convolutional Neural Networks", 2016).
Chapter: book/denoising/autoencoders.ipynb
"""

import torch
from torch import Tensor, nn

from .._checks import check_images


class GatedConvDeconv(nn.Module):
    """Half the layers convolve, half deconvolve, and ``h_k = relu(delta_k c_k + (1 - delta_k) deconv_k(h))``.

    ``c_k`` is the output of the mirror-image convolution: the last but one for the first deconvolution, and so on
    to the first one for the last deconvolution but one. Of ten layers four get a skip. A gate ``delta_k`` is one
    learnt number in (0, 1): 1 takes the early features alone, 0 the deep ones alone. Nothing is pooled, so
    there is no bottleneck and any image size goes through.

    Args:
        depth: number of layers, even and at least 4; half of them are transposed convolutions.
        width: feature maps of all but the last layer.
        channels: 3 for colour.

    Shape:
        z: (B, channels, H, W), float in [0, 1] plus noise -> the same shape

    Raises:
        ValueError: an odd depth or one below 4; a wrong rank, dtype or channel count, NaN, grey levels of 255.

    Example:
        >>> GatedConvDeconv(depth=4, width=8)(torch.zeros(1, 3, 5, 7)).shape
        torch.Size([1, 3, 5, 7])
    """

    def __init__(self, depth: int = 10, width: int = 64, channels: int = 3):
        super().__init__()
        if depth < 4 or depth % 2:
            raise ValueError(f"depth must be even and at least 4, got {depth}")
        half = depth // 2
        self.channels = channels
        self.convs = nn.ModuleList(nn.Conv2d(width if k else channels, width, 3, padding=1) for k in range(half))
        self.deconvs = nn.ModuleList(nn.ConvTranspose2d(width, width, 3, padding=1) for _ in range(half - 1))
        self.last = nn.ConvTranspose2d(width, channels, 3, padding=1)
        self.gates = nn.Parameter(torch.zeros(half - 1))
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Kaiming's normal init, the last layer smaller; gates half open."""
        for layer in (*self.convs, *self.deconvs):
            nn.init.kaiming_normal_(layer.weight, nonlinearity="relu")
            nn.init.zeros_(layer.bias)
        nn.init.normal_(self.last.weight, std=0.01)
        nn.init.zeros_(self.gates)

    @property
    def delta(self) -> Tensor:
        """The share of the skip at each deconvolution, the deepest first: (depth / 2 - 1,), in (0, 1)."""
        return self.gates.sigmoid()

    def forward(self, z: Tensor) -> Tensor:
        check_images(z, "z", channels=self.channels)
        h, early = z, []
        for conv in self.convs:
            h = conv(h).relu()
            early.append(h)
        early.pop()  # the last convolution feeds the first deconvolution and needs no skip
        for deconv, delta in zip(self.deconvs, self.delta, strict=True):
            h = (delta * early.pop() + (1 - delta) * deconv(h)).relu()
        return self.last(h)
