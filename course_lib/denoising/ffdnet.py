"""FFDNet: tell the network how noisy each pixel is.

Zhang et al., "FFDNet: Toward a Fast and Flexible Solution for CNN-Based Image Denoising", IEEE TIP 2018,
https://doi.org/10.1109/TIP.2018.2839891
Chapter: book/denoising/noise_levels.ipynb
"""

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from .._checks import check_images, extremes


class FFDNet(nn.Module):
    """Denoiser with a knob: ``y_hat = S^-1 f(S z, M)``, where ``M`` is the map of noise levels.

    ``S`` (pixel-unshuffle) deals the pixels of every 2 x 2 square out to four images of half the size. The network
    works on those: a quarter of the pixels to compute, and twice the view, ``4 * depth + 2`` pixels a side. The map is
    one more input channel, so that one network serves every noise level, and levels that change over the image. The
    paper trains with batch norm and merges it into the convolutions; here, as in the weights that its authors publish,
    there is none.

    Args:
        depth: number of convolutions; the paper's 15 for grey images, 12 for colour.
        width: filters per layer; 64 for grey images, 96 for colour.
        channels: 1 for grey images, 3 for colour. ``FFDNet.colour()`` has the paper's numbers for it.

    Shape:
        z: (B, channels, H, W), float in [0, 1] plus noise, any size -> (B, channels, H, W)
        sigma: noise level in [0, 1] (25 grey levels are 25 / 255): a number, (B,), or a map (B, 1, H, W)

    Raises:
        ValueError: on ``depth < 2``, what is no image batch, a sigma outside [0, 1] or of another shape.

    Example:
        >>> FFDNet(depth=3, width=8)(torch.zeros(1, 1, 5, 7), 25 / 255).shape
        torch.Size([1, 1, 5, 7])
    """

    def __init__(self, depth: int = 15, width: int = 64, channels: int = 1):
        super().__init__()
        if depth < 2:
            raise ValueError(f"depth must be at least 2 (the first and the last layer), got {depth}")
        self.channels = channels
        layers = [nn.Conv2d(4 * channels + 1, width, 3, padding=1), nn.ReLU(inplace=True)]
        for _ in range(depth - 2):
            layers += [nn.Conv2d(width, width, 3, padding=1), nn.ReLU(inplace=True)]
        self.body = nn.Sequential(*layers, nn.Conv2d(width, 4 * channels, 3, padding=1))
        for layer in self.body:
            if isinstance(layer, nn.Conv2d):
                nn.init.kaiming_normal_(layer.weight, nonlinearity="relu")
                nn.init.zeros_(layer.bias)

    @classmethod
    def colour(cls) -> "FFDNet":
        """The paper's network for colour images: 12 layers of 96 filters."""
        return cls(depth=12, width=96, channels=3)

    def forward(self, z: Tensor, sigma: float | Tensor) -> Tensor:
        check_images(z, "z", channels=self.channels)
        noise_map = level_map(sigma, z)
        if not z.numel():
            return z.clone()  # pixel_unshuffle forgets that an empty batch has a shape
        height, width = z.shape[-2:]
        odd = (0, width % 2, 0, height % 2)
        z, noise_map = (F.pad(x, odd, mode="replicate") for x in (z, noise_map))
        x = torch.cat([F.pixel_unshuffle(z, 2), F.avg_pool2d(noise_map, 2)], dim=1)
        return F.pixel_shuffle(self.body(x), 2)[..., :height, :width]


def level_map(sigma: float | Tensor, z: Tensor) -> Tensor:
    """``sigma`` as a map (B, 1, H, W) that fits the images ``z`` (B, C, H, W).

    Raises ``ValueError`` for a level outside [0, 1] (on the CPU, where looking is free) or of another shape.
    """
    levels = torch.as_tensor(sigma, dtype=z.dtype, device=z.device)
    batch, _, height, width = z.shape
    if levels.ndim == 0 or (levels.ndim == 1 and len(levels) in (1, batch)):
        levels = levels.reshape(-1, 1, 1, 1).expand(batch, 1, height, width)
    if levels.shape != (batch, 1, height, width):
        raise ValueError(
            f"sigma must be a number, one number for each image ({batch},) or a map ({batch}, 1, {height}, {width}), "
            f"got shape {tuple(levels.shape)}"
        )
    if known := extremes(levels):
        low, high = known
        if not (low >= 0 and high <= 1):  # false for NaN too
            hint = "; for grey levels of 255 divide by 255" if high > 1 else ""
            raise ValueError(f"sigma must be in [0, 1], the unit of the image, got [{low:g}, {high:g}]{hint}")
    return levels
