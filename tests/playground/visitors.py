"""The files that visitors bring: one picture in all the forms in which it may come."""

import io

import numpy as np
from PIL import Image

UPRIGHT = Image.Exif()
UPRIGHT[0x0112] = 6  # the camera was turned: the top of the picture is on the right
RAMP = np.tile(np.linspace(0, 255, 64, dtype=np.uint8), (48, 1))  # 48 rows, dark on the left


def stored(picture, kind, **options) -> bytes:
    file = io.BytesIO()
    picture.save(file, kind, **options)
    return file.getvalue()


def kinds() -> dict[str, bytes]:
    """A ramp in all the forms in which it may come."""
    grey, deep = Image.fromarray(RAMP), Image.fromarray(RAMP.astype(np.uint16) * 257)
    frames = [grey.convert("P"), Image.new("P", grey.size)]
    return {
        "jpeg": stored(grey, "JPEG", quality=95),
        "turned jpeg": stored(grey.rotate(90, expand=True), "JPEG", exif=UPRIGHT),
        "cmyk jpeg": stored(grey.convert("CMYK"), "JPEG", quality=95),
        "grey png": stored(grey, "PNG"),
        "rgba png": stored(grey.convert("RGBA"), "PNG"),
        "16 bit png": stored(deep, "PNG"),
        "palette png": stored(grey.convert("P"), "PNG"),
        "gif": stored(frames[0], "GIF", save_all=True, append_images=frames[1:]),
        "tiff": stored(grey.convert("RGB"), "TIFF", compression="tiff_lzw"),
        "16 bit tiff": stored(deep, "TIFF"),
        "float tiff": stored(Image.fromarray(RAMP.astype(np.float32) / 255), "TIFF"),
        "webp": stored(grey.convert("RGB"), "WEBP", quality=95),
        "bmp": stored(grey, "BMP"),
    }
