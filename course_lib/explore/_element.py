"""A piece of a page that carries its own style, script and pixels, and so works anywhere."""

import hashlib
import json
import os
from html import escape
from pathlib import Path

from ..plotting import pixels

LIMIT = 1_000_000  # bytes in one output; a whole chapter aims at half of it


def element(kind: str, alt: str, body: str, data: dict) -> str:
    """HTML: ``body`` with the style of its kind, brought to life by ``KIND.js``, which gets ``(root, data)``.

    The element is found by a hash of its content, never by a counter: a re-run gives the same bytes. If one
    page shows the same content twice, each script finds what is not yet alive.

    Raises:
        ValueError: larger than ``LIMIT``.
    """
    here = Path(__file__).parent
    style = pixels.css() + "\n" + here.joinpath("explore.css").read_text(encoding="utf-8").strip()
    script = here.joinpath(f"{kind}.js").read_text(encoding="utf-8").strip().rstrip(";")
    stored = json.dumps(data, ensure_ascii=False).replace("<", "\\u003c")
    key = hashlib.sha256(f"{alt}{body}{stored}".encode()).hexdigest()[:12]
    selector = f'[data-cl="{key}"]:not([data-ready])'
    html = (
        f'<div class="cl-w cl-{kind}" data-cl="{key}" role="group" aria-label="{escape(alt)}">'
        f"<style>{style}</style>{body}"
        f"<script>for (const root of document.querySelectorAll('{selector}')) {{\n"
        f"({script})(root, {stored});\nroot.dataset.ready = 1;\n}}</script></div>"
    )
    size = len(html.encode())
    if size > LIMIT:
        raise ValueError(
            f"the stored output would take {size / 1e6:.1f} MB, the limit is {LIMIT / 1e6:.1f} MB: "
            "show fewer values, fewer images or a smaller crop"
        )
    return html


def is_live() -> bool:
    """True where a person runs the cell in a kernel; ``COURSE_STATIC=1`` says that outputs will be stored."""
    from IPython import get_ipython

    return os.environ.get("COURSE_STATIC") != "1" and hasattr(get_ipython(), "kernel")
