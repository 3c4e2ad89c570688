"""explore and compare as text and as widgets; tests/browser moves them in a real browser."""

import json
import re
from html.parser import HTMLParser
from types import SimpleNamespace

import pytest
import torch

from course_lib.explore import compare, explore

RAMP = torch.linspace(0, 1, 256).reshape(16, 16)


@pytest.fixture
def shown(monkeypatch):
    """What was displayed: a list of mime bundles or widgets."""
    displayed = []
    # as in a notebook, whose kernel has a shell; a plain script gets the description alone
    monkeypatch.setattr("IPython.core.interactiveshell.InteractiveShell.initialized", lambda: True)
    monkeypatch.setattr("IPython.display.display", lambda thing, raw=False: displayed.append(thing))
    return displayed


@pytest.fixture
def kernel(monkeypatch):
    """A session with a kernel, as in Jupyter or Colab."""
    import ipywidgets  # noqa: F401 (version 7 would register itself with the kernel below)

    monkeypatch.setattr("IPython.get_ipython", lambda: SimpleNamespace(kernel=object()))
    monkeypatch.delenv("COURSE_STATIC", raising=False)


class Elements(HTMLParser):
    def __init__(self, html):
        super().__init__()
        self.all = []
        self.feed(html)

    def handle_starttag(self, tag, attrs):
        self.all.append((tag, dict(attrs)))

    def of(self, tag):
        return [attrs for name, attrs in self.all if name == tag]


def stored(html: str) -> dict:
    """What the script gets."""
    return json.loads(re.search(r"\}\)\(root, (\{.*\})\);\nroot", html, re.S)[1])


def power(value):
    return RAMP**value


def test_stored_frames_need_nothing_from_outside(shown):
    explore(power, [1, 2, 3.5], label="gamma", alt="A ramp & its <powers>")
    compare(RAMP, 1 - RAMP, alt="A ramp and its negative")
    for bundle in shown:
        assert set(bundle) == {"text/html", "text/plain"}
        assert not re.search(r"(?:https?:)?//\w", bundle["text/html"]), "an address"
        assert "@import" not in bundle["text/html"] and "url(" not in bundle["text/html"]
    assert shown[0]["text/plain"] == "A ramp & its <powers>"
    assert 'aria-label="A ramp &amp; its &lt;powers&gt;"' in shown[0]["text/html"]


def test_the_same_call_gives_the_same_bytes_and_another_one_another_id(shown):
    for values in ([1, 2], [1, 2], [1, 3]):
        explore(power, values, alt="A ramp")
    assert shown[0] == shown[1]
    ids = [Elements(bundle["text/html"]).of("div")[0]["data-cl"] for bundle in shown]
    assert ids[0] == ids[1] != ids[2]


def test_the_slider_says_what_it_is_and_where_it_stands(shown):
    explore(power, [1, 2, 3.5], label="gamma", start=2, alt="A ramp")
    page = Elements(shown[0]["text/html"])
    (slider,) = page.of("input")
    assert slider["type"] == "range" and slider["aria-label"] == "gamma"
    assert (slider["min"], slider["max"], slider["value"], slider["aria-valuetext"]) == ("0", "2", "1", "2")
    assert stored(shown[0]["text/html"])["labels"] == ["1", "2", "3.5"]


def test_an_image_that_frames_share_is_stored_once(shown):
    explore(lambda g: [RAMP, power(g)], [2, 3, 4], titles=["y", "z"], alt="A ramp and its power")
    data = stored(shown[0]["text/html"])
    assert data["frames"] == [[0, 1], [0, 2], [0, 3]]
    assert data["pool"][:2] == [None, None] and all(data["pool"][2:]), "shown frames are in the page already"
    assert [img["alt"] for img in Elements(shown[0]["text/html"]).of("img")] == ["y", "z"]


def test_a_quality_holds_for_every_frame(shown):
    noise = torch.rand(3, 64, 64, generator=torch.Generator().manual_seed(0))
    for quality in (None, 30):
        explore(lambda g: noise**g, [1, 2, 3], alt="Noise", quality=quality)
    exact, coarse = (bundle["text/html"] for bundle in shown)
    assert len(coarse) < len(exact) / 2 and all(stored(coarse)["pool"][1:])
    assert stored(coarse)["pool"][0] is None, "the first frame is in the page already"


def test_a_caption_comes_with_the_image_and_cannot_break_out_of_the_script(shown):
    explore(lambda g: (power(g), f"</script><b>{g}</b>"), [1, 2], labels=["</script>", "two"], alt="A ramp")
    html = shown[0]["text/html"]
    assert html.count("</script>") == 1 and html.endswith("</script></div>")
    assert stored(html)["captions"][1] == "</script><b>2</b>"
    assert stored(html)["labels"][0] == "</script>"


def test_five_noisy_frames_stay_small(shown):
    noise = torch.randn(128, 128, generator=torch.Generator().manual_seed(0))
    explore(lambda s: 0.5 + s * noise, [0.02, 0.06, 0.1, 0.2, 0.3], alt="Noise")
    assert len(shown[0]["text/html"]) < 130_000  # 5 frames of 16,384 pixels in base64 are 109,000


def test_frames_beyond_a_megabyte_are_refused():
    noise = torch.rand(5, 3, 256, 256, generator=torch.Generator().manual_seed(0))
    with pytest.raises(ValueError, match=r"1\.\d MB.*fewer values"):
        explore(lambda i: noise[i], range(5), alt="Noise")


@pytest.mark.parametrize(
    ("fn", "values", "options", "message"),
    [
        (power, [], {}, "at least one value"),
        (RAMP, [1], {}, "fn must be a function"),
        (power, [1, 2], {"labels": ["one"]}, "1 labels for 2 values"),
        (power, [1, 2], {"start": 5}, r"start must be one of the values \[1, 2\], got 5"),
        (power, [1, 2], {"titles": ["a", "b"]}, "2 titles for 1 images"),
        (power, [1], {"alt": ""}, "alt"),
        (lambda v: [RAMP] * v, [1, 2], {}, r"equally many images for every value, got \[1, 2\]"),
        (lambda v: RAMP[None, None], [1], {}, r"got \(1, 1, 16, 16\)"),
        (lambda v: RAMP * float("nan"), [1], {}, "NaN"),
        (lambda v: [], [1], {}, "empty list"),
    ],
)
def test_explore_names_what_is_wrong(fn, values, options, message):
    with pytest.raises(ValueError, match=message):
        explore(fn, values, **{"alt": "A ramp", **options})


def test_compare_shows_both_images_and_names_them(shown):
    compare(RAMP, 1 - RAMP, alt="A ramp", before_label="as it was", after_label='"negative"')
    page = Elements(shown[0]["text/html"])
    assert [img["alt"] for img in page.of("img")] == ['A ramp: "negative"', "A ramp: as it was"]
    (slider,) = page.of("input")
    assert slider["aria-valuetext"] == '50 % as it was, 50 % "negative"'


def test_compare_needs_two_images_of_one_size():
    with pytest.raises(ValueError, match=r"same size, got \(16, 16\) and \(8, 16\)"):
        compare(RAMP, RAMP[:8], alt="A ramp")
    with pytest.raises(ValueError, match="after contains NaN"):
        compare(RAMP, RAMP * float("nan"), alt="A ramp")


# --- live --------------------------------------------------------------------------------------------------


def test_in_a_kernel_a_slider_calls_the_function_once_per_value(shown, kernel):
    import ipywidgets

    calls = []
    explore(lambda g: calls.append(g) or (power(g), f"to the {g}"), [1, 2, 3], label="gamma", start=2, alt="A ramp")
    (box,) = shown
    slider, view = box.children
    assert isinstance(box, ipywidgets.VBox) and isinstance(slider, ipywidgets.SelectionSlider)
    assert calls == [2] and slider.description == "gamma" and "to the 2" in view.value
    before = view.value
    slider.value = 2  # the third position
    assert calls == [2, 3] and "to the 3" in view.value and 'alt="A ramp, gamma 3"' in view.value
    slider.value = 1
    assert calls == [2, 3] and view.value == before


def test_a_slow_function_waits_until_the_slider_is_let_go(shown, kernel, monkeypatch):
    clock = iter([0.0, 0.01, 10.0, 12.0])
    monkeypatch.setattr("time.perf_counter", lambda: next(clock))
    explore(power, [1, 2], alt="A ramp")
    explore(power, [1, 2], alt="A ramp")
    assert [box.children[0].continuous_update for box in shown] == [True, False]


def test_an_error_while_sliding_is_shown_to_the_student(shown, kernel):
    explore(lambda g: power(g) if g < 2 else 1 / 0, [1, 2], alt="A ramp")
    slider, view = shown[0].children
    slider.value = 1
    assert "ZeroDivisionError: division by zero" in view.value


def test_the_runner_stores_html_although_it_has_a_kernel(shown, kernel, monkeypatch):
    monkeypatch.setenv("COURSE_STATIC", "1")
    explore(power, torch.tensor([0.5, 2]), alt="A ramp")
    assert stored(shown[0]["text/html"])["labels"] == ["0.5", "2"]
