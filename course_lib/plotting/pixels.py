"""Pixel images as they are: never interpolated, never recoloured, losslessly stored unless one asks for less.

Shown as HTML so that a row of images wraps on a phone and titles are real text.
"""

import base64
import io
from html import escape
from pathlib import Path

import numpy as np

from ._display import check_alt, publish


def images(images, titles=None, *, alt: str, columns: int | None = None, zoom: int = 1, quality=None) -> None:
    """Display one image or a list of images side by side.

    Values outside [0, 1] are clipped **for display only**: a noisy image legitimately leaves the range.

    Args:
        images: float tensors or arrays in [0, 1] (bool masks too), shape (H, W), (1, H, W), (3, H, W) or
            (H, W, 3); a single one or a list. Sizes may differ.
        titles: one string per image, written under it.
        alt: one sentence that says what can be seen.
        columns: at most so many in a row; by default as many as fit. A narrow screen shows fewer.
        zoom: whole number; every pixel becomes a square of so many screen pixels.
        quality: None stores every pixel as it is; 1 to 100 stores a WebP of that quality, an eighth of the size at 80,
            for pictures that are looked at and not measured.

    Raises:
        ValueError: a shape, dtype or value that is no image, NaN, wrong number of titles, empty ``alt``.
    """
    alt = check_alt(alt)
    publish(
        alt,
        "text/html",
        f'<div class="cl-w" role="group" aria-label="{escape(alt)}">'
        f"<style>{css()}</style>{grid(as_list(images), alt, titles, columns, zoom, quality)}</div>",
    )


def as_list(images) -> list[np.ndarray]:
    """One image or a list of images -> a list of uint8 arrays, checked."""
    images = list(images) if isinstance(images, (list, tuple)) else [images]
    if not images:
        raise ValueError("images must hold at least one image, got an empty list")
    several = len(images) > 1
    return [as_pixels(image, f"images[{i}]" if several else "image") for i, image in enumerate(images)]


def as_pixels(image, name: str = "image") -> np.ndarray:
    """A float image in [0, 1] -> uint8 (H, W) or (H, W, 3), clipped; ``ValueError`` if it is no image."""
    if hasattr(image, "detach"):
        image = image.detach().cpu()
        image = (image.float() if image.is_floating_point() else image).numpy()
    image = np.asarray(image)
    shape, dtype = image.shape, image.dtype
    if image.ndim == 3 and shape[0] in (1, 3):
        image = np.moveaxis(image, 0, -1)
    if image.ndim == 3 and image.shape[-1] == 1:
        image = image[..., 0]
    if image.ndim not in (2, 3) or (image.ndim == 3 and image.shape[-1] != 3) or not image.size:
        raise ValueError(f"{name} must have shape (H, W), (1, H, W), (3, H, W) or (H, W, 3), got {shape}")
    if dtype.kind != "b" and not np.issubdtype(dtype, np.floating):
        raise ValueError(f"{name} must be float in [0, 1] (or bool), got {dtype}; for uint8 divide by 255")
    if not np.isfinite(image).all():
        raise ValueError(f"{name} contains NaN or infinite values")
    if np.abs(image).max() > 20:
        raise ValueError(
            f"{name} must be an image in [0, 1], perhaps with noise, got values in "
            f"[{image.min():.3g}, {image.max():.3g}]; grey levels must be divided by 255"
        )
    return np.round(np.clip(image, 0, 1) * 255).astype(np.uint8)


def data_uri(pixels: np.ndarray, quality: int | None = None) -> str:
    """The uint8 image as a ``data:`` address: lossless WebP or PNG, whichever is shorter, or WebP of that quality."""
    from PIL import Image

    picture, made = Image.fromarray(pixels), {}
    if quality is not None:
        check_whole(quality, "quality", at_most=100)
        made["webp"] = io.BytesIO()
        picture.save(made["webp"], "WEBP", quality=quality, method=6)
    else:
        made["png"] = io.BytesIO()
        picture.save(made["png"], "PNG", optimize=True)
        if max(picture.size) <= 16_383:  # WebP has 14 bits for a side
            made["webp"] = io.BytesIO()
            picture.save(made["webp"], "WEBP", lossless=True, quality=75, method=2, exact=True)  # slower is not smaller
    kind, data = min(((kind, file.getvalue()) for kind, file in made.items()), key=lambda pair: len(pair[1]))
    return f"data:image/{kind};base64,{base64.b64encode(data).decode()}"


def grid(pixels: list[np.ndarray], alt: str, titles=None, columns: int | None = None, zoom: int = 1, quality=None):
    """HTML: uint8 images side by side, each a ``<figure>`` with its title; wraps where there is no room."""
    if titles is not None and len(titles) != len(pixels):
        raise ValueError(f"titles must name every image: got {len(titles)} titles for {len(pixels)} images")
    check_whole(zoom, "zoom")
    names = titles or [alt if len(pixels) == 1 else f"{alt} ({i + 1} of {len(pixels)})" for i in range(len(pixels))]
    figures = []
    for image, name in zip(pixels, names, strict=True):
        h, w = image.shape[0] * zoom, image.shape[1] * zoom
        figures.append(
            f'<figure style="width:{_width(w, titles)}">'
            f'<img src="{data_uri(image, quality)}" alt="{escape(name)}" width="{w}" height="{h}">'
            f"{f'<figcaption>{escape(name)}</figcaption>' if titles else ''}</figure>"
        )
    limit = ""
    if columns is not None:
        check_whole(columns, "columns")
        widest = _width(max(image.shape[1] for image in pixels) * zoom, titles)
        limit = f' style="max-width:calc({columns} * ({widest} + .5em))"'
    return f'<div class="cl-row"{limit}>{"".join(figures)}</div>'


def _width(pixels: int, titles) -> str:
    """CSS: as wide as the image, but wide enough for a word where there is a title."""
    return f"max({pixels}px, 5em)" if titles else f"{pixels}px"


def check_whole(number, name: str, at_most: float = float("inf")) -> None:
    """Raise ``ValueError`` unless ``number`` is an int of at least 1, and at most ``at_most``."""
    if isinstance(number, bool) or not isinstance(number, (int, np.integer)) or not 1 <= number <= at_most:
        limit = f" and at most {at_most}" if at_most < float("inf") else ""
        raise ValueError(f"{name} must be a whole number of at least 1{limit}, got {number!r}")


def css() -> str:
    """The style of pixel images, to be put into every output: an output must stand alone."""
    return Path(__file__).with_name("pixels.css").read_text(encoding="utf-8").strip()
