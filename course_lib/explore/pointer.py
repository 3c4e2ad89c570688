"""Point at a pixel of an image and see something that belongs to this pixel, drawn over the image."""

from html import escape

import numpy as np

from ..plotting import pixels
from ..plotting._display import check_alt, publish
from ._element import element, is_live

COLOUR = (232, 72, 12)  # vermilion, the second of plotting.palette
LEVELS = 24  # shades of the overlay: enough for the eye, and cheap to store


def hover(image, see, *, alt: str, step: int = 8, zoom: int = 4) -> None:
    """Display ``image`` with ``see(row, column)`` laid over it for the pixel that is pointed at.

        hover(cat, lambda row, column: receptive_field(net, z, at=(row, column)).mask, alt="...")

    Mouse, finger and arrow keys move it. In a kernel two sliders choose any pixel, and ``see`` is called for it; stored
    outputs hold the views of every ``step``-th pixel and need nothing else.

    Args:
        image: as in `plotting.images`.
        see: row and column -> non-negative weights (H, W) of the image's size, or ``(weights, caption)``. The overlay
            is as opaque as the square root of the weight's share of the largest one.
        alt: one sentence that says what can be seen, and what changes.
        step: distance of the pixels whose views are stored.
        zoom: every pixel becomes a square of so many screen pixels.

    Raises:
        ValueError: no image, weights that are negative, not finite or of another size, or more than 1 MB to store.
    """
    alt, base = check_alt(alt), pixels.as_pixels(image)
    pixels.check_whole(step, "step")
    pixels.check_whole(zoom, "zoom")
    if not callable(see):
        raise ValueError(f"see must be a function of row and column, got {type(see).__name__}")
    if is_live():
        from IPython.display import display

        display(live(base, see, alt, zoom))
    else:
        publish(alt, "text/html", static(base, see, alt, step, zoom))


def static(base: np.ndarray, see, alt: str, step: int, zoom: int) -> str:
    """The image, and over it a large picture of all views, of which one at a time is in sight."""
    height, width = base.shape[:2]
    rows, columns = (list(range(min(step // 2, n - 1), n, step)) for n in (height, width))
    views = [[view(see(r, c), height, width) for c in columns] for r in rows]
    sheet = np.concatenate([np.concatenate([cover for cover, _ in row], axis=1) for row in views])
    captions = [[caption for _, caption in row] for row in views]
    middle = [len(rows) // 2, len(columns) // 2]
    place = " ".join(
        f"{100 * i / max(1, n - 1):g}%" for i, n in zip(middle[::-1], (len(columns), len(rows)), strict=True)
    )
    w, h = width * zoom, height * zoom
    body = (
        f'<div class="cl-stack" style="width:{w}px" tabindex="0" role="application" '
        f'aria-label="{escape(alt)}; the arrow keys move the pixel">'
        f'<img src="{pixels.data_uri(base)}" alt="{escape(alt)}" width="{w}" height="{h}" draggable="false">'
        f'<div class="cl-over" style="background:url({pixels.data_uri(sheet)}) {place} / '
        f'{100 * len(columns)}% {100 * len(rows)}%"></div>'
        f'<div class="cl-mark" style="width:{100 / width:.4g}%;height:{100 / height:.4g}%;'
        f'left:{100 * columns[middle[1]] / width:.4g}%;top:{100 * rows[middle[0]] / height:.4g}%"></div></div>'
        f'<p class="cl-caption"><output aria-live="polite">{escape(captions[middle[0]][middle[1]])}</output></p>'
    )
    data = {"rows": rows, "columns": columns, "captions": captions, "start": middle, "width": width, "height": height}
    return element("hover", alt, body, data)


def live(base: np.ndarray, see, alt: str, zoom: int):
    """Two sliders and the image: ``see`` is called once for every pixel that is visited."""
    import ipywidgets

    height, width = base.shape[:2]
    colour = base if base.ndim == 3 else np.repeat(base[..., None], 3, axis=2)
    cache = {}

    def picture(row: int, column: int) -> str:
        if (row, column) not in cache:
            cover, caption = view(see(row, column), height, width)
            alpha = cover[..., 3:] / 255
            mixed = np.round((1 - alpha) * colour + alpha * np.array(COLOUR)).astype(np.uint8)
            mixed[row, column] = 255
            grid = pixels.grid([mixed], f"{alt}, row {row}, column {column}", zoom=zoom)
            cache[row, column] = (
                f'<div class="cl-w" role="group" aria-label="{escape(alt)}"><style>{pixels.css()}</style>'
                f"{grid}<p>{escape(caption)}</p></div>"
            )
        return cache[row, column]

    sliders = [
        ipywidgets.IntSlider(n // 2, 0, n - 1, description=name, continuous_update=False)
        for name, n in (("row", height), ("column", width))
    ]
    shown = ipywidgets.HTML(picture(height // 2, width // 2))

    def update(change):
        try:
            shown.value = picture(*(slider.value for slider in sliders))
        except Exception as error:  # otherwise it would end in a log that nobody sees
            shown.value = f"<pre>{escape(type(error).__name__)}: {escape(str(error))}</pre>"

    for slider in sliders:
        slider.observe(update, "value")
    return ipywidgets.VBox([*sliders, shown])


def view(seen, height: int, width: int) -> tuple[np.ndarray, str]:
    """What ``see`` returned -> an overlay, uint8 (H, W, 4), and its caption."""
    weights, caption = seen if isinstance(seen, tuple) else (seen, "")
    if hasattr(weights, "detach"):
        weights = weights.detach().cpu().double().numpy()  # numpy has no bfloat16
    weights = np.asarray(weights, dtype=float)
    if weights.shape != (height, width):
        raise ValueError(f"see must return weights of shape {(height, width)}, got {weights.shape}")
    if not (np.isfinite(weights).all() and weights.min() >= 0):
        raise ValueError("see must return finite weights that are not negative")
    strength = np.sqrt(weights / max(weights.max(), 1e-30))
    cover = np.zeros((height, width, 4), np.uint8)
    cover[..., 3] = np.round(strength * LEVELS) * (200 // LEVELS)
    cover[..., :3] = COLOUR
    return cover, caption
