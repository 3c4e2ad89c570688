"""A visitor's picture, whatever it is, as a tensor."""

import io
from pathlib import Path

import numpy as np
import torch
from PIL import Image, ImageOps, UnidentifiedImageError
from torch import Tensor

MEGABYTES, MEGAPIXELS = 60, 60


def read_picture(file: bytes | Path, longest: int | None = 1024, colour: bool = True) -> Tensor:
    """The picture as a camera or a browser would show it: upright, its first frame, on white where transparent.

    Args:
        file: a path, or the bytes, of a JPEG, PNG, WebP, GIF, TIFF or BMP file; grey, colour, CMYK or a palette, 8
            bits or, if it is grey, more.
        longest: a larger picture is scaled down to so many pixels on its longer side; None keeps it.
        colour: three channels; otherwise luminance (ITU-R 601).

    Shape: -> (1, 3, H, W) or (1, 1, H, W), float32 in [0, 1]
    Raises: ``ValueError``, in words for the visitor, for what is no picture, damaged or too large.
    """
    size = len(file) if isinstance(file, bytes) else file.stat().st_size
    if size > MEGABYTES * 1_000_000:
        raise ValueError(f"The file has {size / 1e6:.0f} MB; {MEGABYTES} MB is the most.")
    try:
        picture = Image.open(io.BytesIO(file) if isinstance(file, bytes) else file)  # reads the header only
        megapixels = picture.width * picture.height / 1e6
        if megapixels > MEGAPIXELS:
            raise ValueError(f"The picture has {megapixels:.0f} megapixels; {MEGAPIXELS} is the most.")
        if longest:
            picture.draft(None, (longest, longest))  # a JPEG can be decoded at an eighth of its size: many times faster
        picture.load()
        picture = ImageOps.exif_transpose(picture)
    except Image.DecompressionBombError:  # Pillow's own limit, about 180 megapixels
        raise ValueError(f"The picture is huge; {MEGAPIXELS} megapixels are the most.") from None
    except UnidentifiedImageError:
        raise ValueError("This is not a picture that we can read: JPEG, PNG, WebP, GIF, TIFF or BMP.") from None
    except (OSError, SyntaxError):  # what Pillow raises for a damaged file
        raise ValueError("The file is damaged: it cannot be read to its end.") from None
    deep = picture.mode[0] in "IF"  # more than 8 bits, and grey
    if deep:
        picture = picture.convert("F")
    elif picture.mode in {"RGBA", "LA", "PA"} or "transparency" in picture.info:
        picture = picture.convert("RGBA")
        picture = Image.alpha_composite(Image.new("RGBA", picture.size, "white"), picture)
    if not deep:
        picture = picture.convert("RGB" if colour else "L")
    if longest and max(picture.size) > longest:
        picture.thumbnail((longest, longest), Image.Resampling.LANCZOS)
    values = np.nan_to_num(np.asarray(picture, dtype=np.float32), posinf=0, neginf=0)
    values = values / (full_scale(values.max()) if deep else 255)
    x = torch.from_numpy(values).view(picture.height, picture.width, -1).permute(2, 0, 1)[None].clamp(0, 1)
    return x.expand(-1, 3, -1, -1).contiguous() if colour and x.shape[1] == 1 else x.contiguous()


def full_scale(largest: float) -> float:
    """What is white where this is the largest number: 1 for floats, 65535 for 16 bits, or the number itself."""
    return 1 if largest <= 1 else max(65535.0, float(largest))
