"""Zero-Shot Noise2Noise: one noisy picture is all the data there is.

Mansour, Heckel, "Zero-Shot Noise2Noise: Efficient Image Denoising without any Data", CVPR 2023,
https://arxiv.org/abs/2303.11253
Chapter: book/learning_from_noise/one_image.ipynb
"""

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from .. import training
from .._checks import check_images
from ..denoising import denoise


def diagonal_pair(z: Tensor) -> tuple[Tensor, Tensor]:
    """Two pictures of half the size from one: the means of the two diagonals of every 2 x 2 square.

    They show nearly the same and share no pixel, so that with independent noise they are a Noise2Noise pair. A last odd
    row or column is left out.

    Shape: (B, C, H, W), sides at least 2 -> two (B, C, H // 2, W // 2)
    Raises: ``ValueError`` for what is no image batch, or a side of 1.
    """
    check_images(z, "z")
    if min(z.shape[2:]) < 2:
        raise ValueError(f"z must be at least 2 x 2, got {tuple(z.shape)}")
    z = z[..., : z.shape[2] // 2 * 2, : z.shape[3] // 2 * 2]
    a, b, c, d = z[..., ::2, ::2], z[..., ::2, 1::2], z[..., 1::2, ::2], z[..., 1::2, 1::2]
    return (a + d) / 2, (b + c) / 2


class TinyDenoiser(nn.Module):
    """``y_hat = z - f(z)``, with f two 3 x 3 convolutions and one of 1 x 1: too small to memorise a picture's noise.

    The last layer starts at zero, so that training starts from ``y_hat = z``.

    Args:
        channels: of the picture. width: filters; the paper's 48.

    Shape: (B, channels, H, W), in [0, 1] plus noise -> the same.
    Raises: ``ValueError`` for what is no image batch or has another number of channels.

    Example:
        >>> sum(p.numel() for p in TinyDenoiser(channels=3).parameters())
        22275
    """

    def __init__(self, channels: int = 1, width: int = 48):
        super().__init__()
        self.channels = channels
        self.noise = nn.Sequential(
            nn.Conv2d(channels, width, 3, padding=1),
            nn.LeakyReLU(0.2),
            nn.Conv2d(width, width, 3, padding=1),
            nn.LeakyReLU(0.2),
            nn.Conv2d(width, channels, 1),
        )
        nn.init.zeros_(self.noise[-1].weight)
        nn.init.zeros_(self.noise[-1].bias)

    def forward(self, z: Tensor) -> Tensor:
        check_images(z, "z", channels=self.channels)
        return z - self.noise(z)


def zero_shot_loss(model: nn.Module, z: Tensor) -> Tensor:
    """Each half predicts the other, and halving commutes with denoising.

    ``1/2 [|f(d1) - d2|^2 + |f(d2) - d1|^2] + 1/2 [|f(d1) - D1 f(z)|^2 + |f(d2) - D2 f(z)|^2]``, means over pixels, with
    ``d1, d2 = D1 z, D2 z`` from `diagonal_pair`. The second half ties what is learned on small pictures to the large.

    Shape: noisy (B, C, H, W) -> scalar.
    """
    first, second = diagonal_pair(z)
    first_hat, second_hat = model(torch.cat([first, second])).chunk(2)
    residual = F.mse_loss(first_hat, second) + F.mse_loss(second_hat, first)
    large = diagonal_pair(model(z))
    consistency = F.mse_loss(first_hat, large[0]) + F.mse_loss(second_hat, large[1])
    return (residual + consistency) / 2


def denoise_one(z: Tensor, steps: int = 800, lr: float = 1e-2, crop: int | None = None, seed: int = 0) -> Tensor:
    """Train a `TinyDenoiser` on the noisy picture alone, and denoise the picture with it.

    The paper takes 2000 steps of Adam; with Muon and one cycle of the learning rate under half of them are enough.

    Args:
        lr: the peak learning rate.
        crop: side of a random square that each step looks at, which is faster for a large picture; None for all of it.
        seed: of the weights and the crops; the state of the global generator is left as it was.

    Shape: (C, H, W) or (1, C, H, W), in [0, 1] plus noise -> the same.
    Raises: ``ValueError`` for what is no picture, or a side below 2.
    """
    picture = z[None] if z.ndim == 3 else z
    check_images(picture, "z")
    if len(picture) != 1:
        raise ValueError(f"z must be one picture, got {len(picture)}")
    height, width = picture.shape[2:]
    rows, columns = (min(crop or side, side) for side in (height, width))

    def somewhere(generator: torch.Generator) -> Tensor:
        room = torch.rand(2, generator=generator, device=generator.device).tolist()
        top, left = int(room[0] * (height - rows + 1)), int(room[1] * (width - columns + 1))
        return picture[..., top : top + rows, left : left + columns]

    with torch.random.fork_rng():
        torch.manual_seed(seed)
        model = TinyDenoiser(picture.shape[1]).to(z.device)
        rest = {"optimizer": training.Muon, "seed": seed, "progress": False}
        training.fit(model, zero_shot_loss, somewhere, steps=steps, lr=lr, **rest)
    return denoise(model, z)
