"""Make the picture of the front page: one photograph in strips of growing noise, denoised by one network.

python book/_tools/hero.py
"""

from pathlib import Path

import torch
from PIL import Image

from course_lib import data, reference
from course_lib.denoising import denoise
from course_lib.observation import Gaussian

LEVELS = (10, 25, 40, 55, 75)  # grey levels; the network knows 25


def main() -> None:
    """Write ``book/_static/hero.webp``."""
    y = data.photographs(names=["chelsea"])["chelsea"][:, :280, 30:430]
    width = y.shape[2] // len(LEVELS)
    model, noisy, clean = reference.load("dncnn-s25"), torch.empty_like(y), torch.empty_like(y)
    for i, level in enumerate(LEVELS):
        z = Gaussian(level / 255)(y[None], torch.Generator().manual_seed(0))[0]
        strip = slice(i * width, (i + 1) * width)
        noisy[..., strip], clean[..., strip] = z[..., strip], denoise(model, z)[..., strip]
    pair = torch.cat([noisy, torch.ones_like(y[:, :6]), clean], dim=1).clamp(0, 1)
    pixels = (255 * pair[0]).round().byte().numpy()
    Image.fromarray(pixels).save(Path(__file__).parents[1] / "_static" / "hero.webp", quality=85, method=6)


if __name__ == "__main__":
    main()
