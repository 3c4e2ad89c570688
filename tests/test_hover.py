"""hover as text and as a widget; tests/browser moves it in a real browser."""

import json
import re
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from course_lib.explore import hover
from course_lib.explore.pointer import view

IMAGE = torch.linspace(0, 1, 20 * 30).reshape(20, 30)


def cross(row, column):
    weights = torch.zeros(20, 30)
    weights[row], weights[:, column] = 1, 1
    return weights, f"row {row}, column {column}"


@pytest.fixture
def shown(monkeypatch):
    displayed = []
    # as in a notebook, whose kernel has a shell; a plain script gets the description alone
    monkeypatch.setattr("IPython.core.interactiveshell.InteractiveShell.initialized", lambda: True)
    monkeypatch.setattr("IPython.display.display", lambda thing, raw=False: displayed.append(thing))
    return displayed


def test_stored_it_holds_a_view_for_every_step(shown):
    calls = []
    hover(IMAGE, lambda r, c: calls.append((r, c)) or cross(r, c), alt="A ramp & <more>", step=8)
    html = shown[0]["text/html"]
    data = json.loads(re.search(r"\}\)\(root, (\{.*\})\);\nroot", html, re.S)[1])
    assert calls == [(r, c) for r in (4, 12) for c in (4, 12, 20, 28)]
    assert data["rows"] == [4, 12] and data["columns"] == [4, 12, 20, 28]
    assert data["captions"][1][3] == "row 12, column 28"
    assert not re.search(r"https?:|@import", html) and "A ramp &amp; &lt;more&gt;" in html
    assert shown[0]["text/plain"] == "A ramp & <more>"


def test_the_same_call_gives_the_same_bytes(shown):
    for _ in range(2):
        hover(IMAGE, cross, alt="A ramp")
    assert shown[0] == shown[1]


def test_the_overlay_is_transparent_where_nothing_is_seen():
    weights = np.array([[0, 1.0], [0.25, 0]])
    cover, caption = view(weights, 2, 2)
    assert cover[..., 3].tolist() == [[0, 192], [96, 0]] and caption == ""  # the square root of a quarter is a half
    half, _ = view(torch.from_numpy(weights).bfloat16(), 2, 2)
    assert np.array_equal(half, cover), "also in the precision of a GPU"


def test_in_a_kernel_two_sliders_choose_any_pixel(shown, monkeypatch):
    import ipywidgets  # noqa: F401 (version 7 would register itself with the kernel below)

    monkeypatch.setattr("IPython.get_ipython", lambda: SimpleNamespace(kernel=object()))
    monkeypatch.delenv("COURSE_STATIC", raising=False)
    calls = []

    def see(row, column):
        calls.append((row, column))
        return cross(row, column) if row else 1 / 0

    hover(IMAGE, see, alt="A ramp")
    row, column, seen = shown[0].children
    assert calls == [(10, 15)] and "row 10, column 15" in seen.value
    column.value = 7
    assert calls[-1] == (10, 7) and 'alt="A ramp, row 10, column 7"' in seen.value
    column.value = 15
    assert len(calls) == 2, "what was seen is kept"
    row.value = 0
    assert "ZeroDivisionError" in seen.value


@pytest.mark.parametrize(
    ("image", "see", "options", "message"),
    [
        (IMAGE, 3, {}, "see must be a function"),
        (IMAGE, lambda r, c: torch.zeros(3, 3), {}, r"shape \(20, 30\), got \(3, 3\)"),
        (IMAGE, lambda r, c: -cross(r, c)[0], {}, "not negative"),
        (IMAGE, lambda r, c: cross(r, c)[0] * float("nan"), {}, "finite"),
        (IMAGE * 255, cross, {}, "grey levels"),
        (IMAGE, cross, {"alt": " "}, "alt"),
        (IMAGE, cross, {"step": 0}, "step must be a whole number"),
    ],
)
def test_what_is_wrong_is_named(image, see, options, message):
    with pytest.raises(ValueError, match=message):
        hover(image, see, **{"alt": "A ramp", **options})
