"""Two versions of one image under a line that can be dragged."""

from html import escape

from ..plotting import pixels
from ..plotting._display import check_alt, publish
from ._element import element

HALF = ' class="cl-over" style="clip-path:inset(0 50% 0 0)"'  # where the line stands at first


def compare(before, after, alt, before_label="noisy", after_label="denoised", zoom=1) -> None:
    """Display two images on top of each other: left of a movable line ``before``, right of it ``after``.

    The same element live and stored: there is nothing to compute, so no kernel is needed.

    Args:
        before: image as in ``plotting.images`` (clipped to [0, 1] for display).
        after: image of the same size.
        alt: one sentence that says what can be seen.
        before_label: written at the left end of the slider.
        after_label: written at the right end.
        zoom: every pixel becomes a square of so many screen pixels.

    Raises:
        ValueError: not an image, two different sizes, empty ``alt``, or more than 1 MB.
    """
    publish(check_alt(alt), "text/html", static(before, after, check_alt(alt), before_label, after_label, zoom))


def static(before, after, alt, before_label, after_label, zoom) -> str:
    """The element as HTML; without its script it stands still with the line in the middle."""
    before, after = pixels.as_pixels(before, "before"), pixels.as_pixels(after, "after")
    if before.shape[:2] != after.shape[:2]:
        raise ValueError(f"before and after must have the same size, got {before.shape[:2]} and {after.shape[:2]}")
    pixels.check_whole(zoom, "zoom")
    h, w = before.shape[0] * zoom, before.shape[1] * zoom

    def img(image, label: str, attributes: str) -> str:
        name, size = escape(f"{alt}: {label}"), f'width="{w}" height="{h}"'
        return f'<img src="{pixels.data_uri(image)}" alt="{name}" {size} draggable="false"{attributes}>'

    left, right = escape(before_label), escape(after_label)
    body = (
        f'<div class="cl-stack" style="width:{w}px">'
        f"{img(after, after_label, '')}"
        f"{img(before, before_label, HALF)}"
        f'<div class="cl-line" style="left:50%"></div></div>'
        f'<label class="cl-control" style="max-width:{w}px"><span>{left}</span>'
        f'<input type="range" min="0" max="100" step="1" value="50" '
        f'aria-label="{left} or {right}: position of the dividing line" '
        f'aria-valuetext="50 % {left}, 50 % {right}"><span>{right}</span></label>'
    )
    return element("split", alt, body, {"before": before_label, "after": after_label})
