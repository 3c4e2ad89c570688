"""A slider over the values of one parameter: move it and see what the function makes of it."""

import time
from html import escape

from ..plotting import pixels
from ..plotting._display import check_alt, publish
from ._element import element, is_live


def explore(fn, values, label="sigma", labels=None, *, alt, titles=None, start=None, zoom=1, quality=None) -> None:
    """Display ``fn(value)`` for the value a slider points at.

        explore(lambda sigma: Gaussian(sigma)(y, generator), [0, 15 / 255, 50 / 255], "sigma", alt="...")

    In a kernel ``fn`` is called when a value is first visited; for stored outputs it is called for all.

    Args:
        fn: value -> an image, or a list of images shown side by side, or ``(image or list, caption)``.
            Images are as in ``plotting.images``, clipped to [0, 1] for display; equally many for every value.
        values: the positions of the slider, at least one.
        label: what the slider changes.
        labels: how to write each value; by default the number itself.
        alt: one sentence that says what can be seen, and what changes.
        titles: one string per image, the same for all values.
        start: the value shown first; by default ``values[0]``. It is all that a printed page shows.
        zoom: every pixel becomes a square of so many screen pixels.
        quality: None stores the pixels as they are; 1 to 100 as ``plotting.images``.

    Raises:
        ValueError: nothing to show, wrong number of labels or titles, ``start`` not among the values,
            no image (as ``plotting.images``), or stored frames beyond 1 MB.
    """
    alt, values = check_alt(alt), list(values)
    if not callable(fn):
        raise ValueError(f"fn must be a function of one value, got {type(fn).__name__}")
    if not values:
        raise ValueError("values must hold at least one value, got none")
    labels = (
        [f"{v:g}" if hasattr(v, "__float__") else str(v) for v in values]
        if labels is None
        else [str(name) for name in labels]
    )
    if len(labels) != len(values):
        raise ValueError(f"labels must name every value: got {len(labels)} labels for {len(values)} values")
    if start is not None and start not in values:
        raise ValueError(f"start must be one of the values {values}, got {start!r}")
    first = values.index(start) if start is not None else 0

    if is_live():
        from IPython.display import display

        display(live(fn, values, label, labels, alt, titles, first, zoom, quality))
    else:
        publish(alt, "text/html", static(fn, values, label, labels, alt, titles, first, zoom, quality))


def static(fn, values, label, labels, alt, titles, first, zoom, quality) -> str:
    """All frames in one piece of HTML; an image that several frames share is stored once."""
    frames = [frame(fn(value)) for value in values]
    counts = {len(images) for images, _ in frames}
    if len(counts) > 1:
        raise ValueError(f"fn must return equally many images for every value, got {sorted(counts)}")
    uris = [[pixels.data_uri(image, quality) for image in images] for images, _ in frames]
    pool = list(dict.fromkeys(uri for row in uris for uri in row))
    images, caption = frames[first]
    last = len(values) - 1
    body = (
        f'<label class="cl-control"><span>{escape(label)}</span>'
        f'<input type="range" min="0" max="{last}" step="1" value="{first}" '
        f'aria-label="{escape(label)}" aria-valuetext="{escape(labels[first])}">'
        f"<output>{escape(labels[first])}</output></label>"
        f"{pixels.grid(images, alt, titles, zoom=zoom, quality=quality)}"
        f'<p class="cl-caption"{"" if caption else " hidden"}>{escape(caption)}</p>'
    )
    data = {
        "label": label,
        "labels": labels,
        "captions": [caption for _, caption in frames],
        "frames": [[pool.index(uri) for uri in row] for row in uris],
        # What the page already shows is not stored again: the script takes it from there.
        "pool": [None if uri in uris[first] else uri for uri in pool],
    }
    return element("player", alt, body, data)


def live(fn, values, label, labels, alt, titles, first, zoom, quality):
    """The same as ipywidgets: ``fn`` is called once per value at most, and while dragging only if quick."""
    import ipywidgets

    cache = {}

    def picture(i: int) -> str:
        if i not in cache:
            images, caption = frame(fn(values[i]))
            grid = pixels.grid(images, f"{alt}, {label} {labels[i]}", titles, zoom=zoom, quality=quality)
            cache[i] = (
                f'<div class="cl-w" role="group" aria-label="{escape(alt)}"><style>{pixels.css()}</style>'
                f"{grid}{f'<p>{escape(caption)}</p>' if caption else ''}</div>"
            )
        return cache[i]

    began = time.perf_counter()
    view = ipywidgets.HTML(picture(first))
    quick = time.perf_counter() - began < 0.15
    slider = ipywidgets.SelectionSlider(
        options=[(text, i) for i, text in enumerate(labels)],
        value=first,
        description=label,
        continuous_update=quick,
        style={"description_width": "initial"},
        layout={"width": "100%", "max_width": "30em"},
    )

    def update(change):
        try:
            view.value = picture(change["new"])
        except Exception as error:  # otherwise it would end in a log that nobody sees
            view.value = f"<pre>{escape(type(error).__name__)}: {escape(str(error))}</pre>"

    slider.observe(update, "value")
    return ipywidgets.VBox([slider, view])


def frame(result) -> tuple[list, str]:
    """What ``fn`` returned -> (list of uint8 images, caption)."""
    if isinstance(result, tuple) and len(result) == 2 and isinstance(result[1], str):
        return pixels.as_list(result[0]), result[1]
    return pixels.as_list(result), ""
