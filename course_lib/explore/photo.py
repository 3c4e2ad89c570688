"""A denoiser of the course on the reader's own photograph: in the page of the book, without a kernel.

What runs there is book/_static/live/: a convolution in WebAssembly, and what reads the course's weights.
"""

from html import escape
from typing import NamedTuple

from ..plotting import pixels
from ..plotting._display import check_alt, publish
from ..reference import WEIGHTS
from ._element import element


class Offered(NamedTuple):
    """A reference run that a page can compute.

    title: what the reader chooses. kind: the name of its architecture in book/_static/live/architectures.js.
    told: whether it is told the noise level, and so gets a second slider.
    """

    title: str
    kind: str = "dncnn"
    told: bool = False


# All of them for grey images. A line here is all that another network of these kinds needs; another kind (a U-Net
# pools, enlarges and puts volumes side by side) first needs its steps in architectures.js and worker.js.
NETWORKS = {
    "dncnn-s15": Offered("DnCNN for σ = 15"),
    "dncnn-s25": Offered("DnCNN for σ = 25"),
    "dncnn-s50": Offered("DnCNN for σ = 50"),
    "dncnn-blind": Offered("DnCNN, blind: σ up to 55"),
    "dncnn-10": Offered("DnCNN that saw σ up to 10"),
    "bf-cnn-10": Offered("the same without biases"),
    "ffdnet-grey": Offered("FFDNet, told σ", kind="ffdnet", told=True),
    "noise2void-dncnn": Offered("Noise2Void: saw no clean picture, σ = 25"),
}


def your_photograph(networks: list[str], still, *, alt: str, titles: list[str] | None = None, zoom: int = 1) -> None:
    """Display pictures, and under them a button that starts ``networks`` on a photograph of the reader's.

        your_photograph(["dncnn-s25", "ffdnet-grey"], [z, y_hat], titles=["noisy", "denoised"], alt="...")

    Nothing is loaded before the click, and nothing is uploaded after it. The button is there in the pages of the book
    alone; in a notebook, on paper and without JavaScript the pictures stay.

    Args:
        networks: names of reference runs, of those in ``photo.NETWORKS``; the first one runs first.
        still: an image or a list of images as in ``plotting.images``.
        alt: one sentence that says what can be seen in them.
        titles: one string per image.
        zoom: every pixel becomes a square of so many screen pixels.

    Raises:
        ValueError: a network that a page cannot compute or whose weights are not stored; else as ``plotting.images``.
    """
    alt = check_alt(alt)
    publish(alt, "text/html", static(networks, pixels.grid(pixels.as_list(still), alt, titles, zoom=zoom), alt))


def static(networks: list[str], still: str, alt: str) -> str:
    """The element as HTML, with the HTML of what is seen before the click."""
    if not networks:
        raise ValueError("networks must name at least one reference run, got none")
    offers = []
    for name in networks:
        weights = WEIGHTS / f"{name}.safetensors"
        if name not in NETWORKS or not weights.exists():
            raise ValueError(f"networks must be of {', '.join(NETWORKS)} with stored weights, got {name!r}")
        offers.append({"name": name, **NETWORKS[name]._asdict(), "bytes": weights.stat().st_size})
    megabytes = offers[0]["bytes"] / 1e6
    # what the book copies beside the page is read off data-weights (book/_ext/course_live.py)
    body = (
        f'<div data-weights="{escape(" ".join(networks))}">{still}</div>'
        f'<p class="cl-caption"><button type="button" hidden>Try it on your own photograph '
        f"({megabytes:.1f}\N{NO-BREAK SPACE}MB; nothing is uploaded)</button></p>"
        '<p class="cl-caption" role="status"></p>'
    )
    return element("photo", alt, body, {"networks": offers})
