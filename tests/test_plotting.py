"""plotting: what reaches the page. Pixels are decoded again with Pillow, colours measured in CIELAB."""

import base64
import io
import itertools
import re
from xml.etree import ElementTree

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays
from markdown_it import MarkdownIt
from PIL import Image
from skimage.color import rgb2lab

from course_lib import plotting
from course_lib.plotting import pixels
from course_lib.plotting.figures import svg

DARK_PAGE = "#14181e"
TEXT = "#767b82"


@pytest.fixture
def shown(monkeypatch):
    """What was displayed: a list of mime bundles."""
    bundles = []
    # as in a notebook, whose kernel has a shell; a plain script gets the description alone
    monkeypatch.setattr("IPython.core.interactiveshell.InteractiveShell.initialized", lambda: True)
    monkeypatch.setattr("IPython.display.display", lambda bundle, raw: bundles.append(bundle))
    return bundles


def decode(html: str) -> list[np.ndarray]:
    uris = re.findall(r'src="data:image/(?:png|webp);base64,([^"]+)"', html)
    return [np.asarray(Image.open(io.BytesIO(base64.b64decode(uri)))) for uri in uris]


def curve():
    fig, ax = plotting.subplots()
    ax.plot([0, 1, 2], [1, 0.5, 0.2], label=r"$\sigma = 25$")
    ax.legend()
    return fig


# --- figures -----------------------------------------------------------------------------------------------


def test_a_figure_is_svg_with_its_description(shown):
    plotting.show(curve(), alt="The loss falls: 5 < 6 & more")
    (bundle,) = shown
    assert set(bundle) == {"image/svg+xml", "text/plain"}
    assert bundle["text/plain"] == "The loss falls: 5 < 6 & more"
    root = ElementTree.fromstring(bundle["image/svg+xml"])
    space = "{http://www.w3.org/2000/svg}"
    assert root.find(f"{space}title").text == "The loss falls: 5 < 6 & more"
    assert any("σ" in "".join(text.itertext()) for text in root.iter(f"{space}text")), "text stays text"


def test_the_same_figure_gives_the_same_bytes(shown):
    plotting.show(curve(), alt="A curve")
    plotting.show(curve(), alt="A curve")
    assert shown[0] == shown[1]
    assert "date" not in shown[0]["image/svg+xml"].lower()


def test_nothing_in_a_figure_paints_black_or_white():
    drawing = svg(curve(), title="A curve")
    colours = set(re.findall(r"(?:fill|stroke): ?(#[0-9a-f]{6})", drawing))
    assert TEXT in colours
    assert colours <= {TEXT, *plotting.palette}


def test_show_closes_the_figure(shown):
    import matplotlib.pyplot as plt

    fig = curve()
    plotting.show(fig, alt="A curve")
    assert fig.number not in plt.get_fignums()


def test_show_refuses_axes():
    with pytest.raises(ValueError, match="Figure, got Axes"):
        plotting.show(curve().axes[0], alt="A curve")


def linear(colour: str) -> np.ndarray:
    c = np.array([int(colour[i : i + 2], 16) for i in (1, 3, 5)]) / 255
    return np.where(c <= 0.04045, c / 12.92, ((c + 0.055) / 1.055) ** 2.4)


def contrast(one: str, other: str) -> float:
    """WCAG 2.1 contrast ratio."""
    low, high = sorted(linear(c) @ [0.2126, 0.7152, 0.0722] for c in (one, other))
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("page", ["#ffffff", DARK_PAGE])
def test_colours_can_be_seen_on_a_white_and_on_a_dark_page(page):
    assert contrast(TEXT, page) > 4.1
    assert all(contrast(colour, page) > 3.3 for colour in plotting.palette)


# Machado, Oliveira, Fernandes 2009, severity 1.
BLINDNESS = {
    "none": np.eye(3),
    "protan": [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]],
    "deutan": [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.011820, 0.042940, 0.968881]],
    "tritan": [[1.255528, -0.076749, -0.178779], [-0.078411, 0.930809, 0.147602], [0.004733, 0.691367, 0.303900]],
}


@pytest.mark.parametrize("kind", BLINDNESS)
def test_colours_stay_apart_for_colour_blind_readers(kind):
    seen = np.clip([np.array(BLINDNESS[kind]) @ linear(colour) for colour in plotting.palette], 0, 1)
    srgb = np.where(seen <= 0.0031308, 12.92 * seen, 1.055 * seen ** (1 / 2.4) - 0.055)
    labs = rgb2lab(srgb)
    assert min(np.linalg.norm(a - b) for a, b in itertools.combinations(labs, 2)) > 25


# --- pixels ------------------------------------------------------------------------------------------------


@settings(max_examples=30, deadline=None)
@given(arrays(np.uint8, array_shapes(min_dims=2, max_dims=2, max_side=12) | st.just((5, 7, 3))))
def test_pixels_survive_the_page_exactly(image):
    html = pixels.grid(pixels.as_list(image / 255), "An image")
    (got,) = decode(html)
    if image.ndim == 2 and got.ndim == 3:  # WebP has no grey images: three equal channels
        assert (got == got[..., :1]).all()
        got = got[..., 0]
    np.testing.assert_array_equal(got, image)


@pytest.mark.parametrize("shape", [(6, 7), (1, 6, 7), (6, 7, 1), (3, 6, 7), (6, 7, 3)])
@pytest.mark.parametrize("kind", [np.asarray, torch.as_tensor])
def test_layouts_agree(shape, kind):
    image = np.random.default_rng(0).random(shape, dtype=np.float32)
    got = pixels.as_pixels(kind(image))
    assert got.shape in [(6, 7), (6, 7, 3)] and got.dtype == np.uint8
    first_pixel = image.reshape(-1)[0] if shape[0] != 3 else image[0, 0, 0]
    assert got.reshape(6, 7, -1)[0, 0, 0] == round(first_pixel * 255)


def test_low_precision_masks_and_gradients_are_shown():
    half = torch.full((4, 4), 0.5, dtype=torch.bfloat16, requires_grad=True)
    assert (pixels.as_pixels(half) == 128).all()
    assert (pixels.as_pixels(torch.eye(3, dtype=torch.bool)) == 255 * np.eye(3)).all()


def test_values_outside_the_range_are_clipped_for_display():
    np.testing.assert_array_equal(pixels.as_pixels(np.array([[-0.3, 0.5, 1.7]])), [[0, 128, 255]])


def test_every_image_has_a_description_and_titles_are_escaped(shown):
    plotting.images([np.zeros((4, 4))] * 3, ["a < b", 'say "y"', "c"], alt="Three <black> squares")
    plotting.images([np.zeros((4, 4))] * 2, alt="Two squares")
    html = shown[0]["text/html"]
    assert html.count("<img") == 3 and html.count("<figcaption>") == 3
    assert 'alt="a &lt; b"' in html and 'alt="say &quot;y&quot;"' in html
    assert 'aria-label="Three &lt;black&gt; squares"' in html
    assert shown[0]["text/plain"] == "Three <black> squares"
    assert 'alt="Two squares (2 of 2)"' in shown[1]["text/html"]


def test_zoom_changes_the_size_on_the_page_and_not_the_pixels(shown):
    plotting.images(np.random.default_rng(0).random((5, 9)), alt="Noise", zoom=4)
    html = shown[0]["text/html"]
    assert 'width="36" height="20"' in html and "image-rendering: pixelated" in html
    assert decode(html)[0].shape[:2] == (5, 9)


def test_a_quality_stores_nearly_the_same_picture_in_far_fewer_bytes(shown):
    ramp = np.linspace(0, 1, 128)
    picture = np.stack(np.broadcast_arrays(ramp, ramp[:, None], np.sin(40 * ramp) / 4 + 0.5), -1)
    picture = picture + np.random.default_rng(0).normal(0, 0.02, picture.shape)
    for quality in (None, 80, 20):
        plotting.images(picture, alt="Colours", quality=quality)
    exact, good, coarse = (decode(bundle["text/html"])[0] / 255 for bundle in shown)
    assert [good.shape, coarse.shape] == 2 * [(128, 128, 3)]
    assert 0 < np.square(good - exact).mean() < np.square(coarse - exact).mean() < 0.05**2
    exact, good, coarse = (len(bundle["text/html"]) for bundle in shown)
    assert coarse < good < exact / 3
    for quality in (0, 101, 80.0):
        with pytest.raises(ValueError, match="quality must be a whole number of at least 1 and at most 100"):
            plotting.images(picture, alt="Colours", quality=quality)


def test_images_give_the_same_bytes_and_load_nothing(shown):
    for _ in range(2):
        plotting.images([torch.linspace(0, 1, 48).reshape(3, 4, 4)], alt="A ramp")
    assert shown[0] == shown[1]
    assert not re.search(r"(?:https?:)?//", shown[0]["text/html"])


@pytest.mark.parametrize(
    ("image", "message"),
    [
        (np.zeros((2, 3, 4, 5)), r"shape .* got \(2, 3, 4, 5\)"),
        (np.zeros(5), r"got \(5,\)"),
        (np.zeros((4, 4, 2)), r"got \(4, 4, 2\)"),
        (np.zeros((0, 4)), r"got \(0, 4\)"),
        (np.zeros((4, 4), np.uint8), "uint8.*divide by 255"),
        (np.full((4, 4), np.nan), "NaN"),
        (np.full((4, 4), 128.0), "grey levels"),
        ([], "empty list"),
        (["a photo"], "must have shape"),
    ],
)
def test_what_is_no_image_is_refused_by_name(image, message):
    with pytest.raises(ValueError, match=message):
        plotting.images(image, alt="An image")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"titles": ["one", "two"]}, "2 titles for 1 images"),
        ({"zoom": 1.5}, "zoom.*1.5"),
        ({"columns": 0}, "columns.*0"),
        ({"alt": "  "}, "alt"),
        ({"alt": None}, "alt"),
    ],
)
def test_options_that_make_no_sense_are_refused(options, message):
    with pytest.raises(ValueError, match=message):
        plotting.images(np.zeros((4, 4)), **{"alt": "An image", **options})


def test_show_needs_a_description():
    with pytest.raises(ValueError, match="alt"):
        plotting.show(curve(), alt="")


# --- tables ------------------------------------------------------------------------------------------------


def test_a_table_is_markdown_whose_cells_survive(shown):
    plotting.table(["loss", "rank-1 (%)"], [("a | b", "14.3"), ("triplet", 34)])
    html = MarkdownIt().enable("table").render(shown[0]["text/markdown"])
    assert re.findall(r"<td.*?>(.*?)</td>", html) == ["a | b", "14.3", "triplet", "34"]
    assert html.count("text-align:right") == 3


def test_a_table_refuses_a_row_of_another_length():
    with pytest.raises(ValueError, match="2 cells"):
        plotting.table(["a", "b"], [("only one",)])


# --- source ------------------------------------------------------------------------------------------------


def test_source_is_a_foldable_highlighted_block(shown):
    plotting.source(pixels.as_pixels)
    text = shown[0]["text/markdown"]
    assert text.startswith("<details><summary>Source of <code>course_lib.plotting.pixels.as_pixels</code>")
    assert "````python\ndef as_pixels(" in text and text.rstrip().endswith("````\n\n</details>")


def test_source_of_a_method_loses_its_indentation_and_a_module_is_shown_whole(shown):
    plotting.source(Image.Image.copy)
    plotting.source(pixels)
    assert "python\ndef copy(" in shown[0]["text/markdown"]
    assert '"""Pixel images as they are' in shown[1]["text/markdown"]


@pytest.mark.parametrize("thing", [len, 3, torch.nn.Identity()])
def test_source_refuses_what_has_none(thing):
    with pytest.raises(ValueError, match="written in Python"):
        plotting.source(thing)
