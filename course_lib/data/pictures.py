"""Files of pictures as pixels of 8 bits, read rightly or refused by name: never cut to white, never painted over.

Chapter: book/getting_started.md
"""

from pathlib import Path
from typing import BinaryIO

import numpy as np

# Kinds whose pixels have 8 bits or fewer; I;16 and its like, I (32 bits) and F (float) have more.
EIGHT_BITS = ("1", "L", "LA", "La", "P", "PA", "RGB", "RGBA", "RGBa", "RGBX", "CMYK", "YCbCr", "LAB", "HSV")


def read_picture(file: str | Path | BinaryIO, mode: str) -> np.ndarray:
    """The picture as ``mode`` ``L`` or ``RGB``: uint8 (H, W) or (H, W, 3).

    Colours become luminance, palettes the colours that they stand for.

    Raises: ``ValueError`` for pixels of more than 8 bits, whose range nobody has said, and for transparent ones, which
        have no colour until something lies below; ``OSError`` for what is no picture, as Pillow.
    """
    from PIL import Image

    with Image.open(file) as picture:
        if picture.mode not in EIGHT_BITS:
            raise ValueError(f"its pixels have more than 8 bits (Pillow's mode {picture.mode}): save it with 8")
        see_through = {"A", "a"} & set(picture.getbands()) or "transparency" in picture.info
        if see_through and picture.convert("RGBA").getchannel("A").getextrema()[0] < 255:
            raise ValueError(f"some of its pixels are transparent (Pillow's mode {picture.mode}): flatten it first")
        return np.array(picture.convert(mode))
