"""Procedural pictures: the same for one seed, of the promised form, and what their formulas say."""

import pytest
import torch

from course_lib.projects import julia, stained_glass, strokes, waves

STYLES = {"strokes": strokes, "stained_glass": stained_glass, "waves": waves, "julia": julia}


@pytest.mark.parametrize("name", STYLES)
@pytest.mark.parametrize("size", [32, 65])
def test_a_picture_of_the_promised_form_the_same_every_time(name, size):
    picture = STYLES[name](size)
    assert picture.shape == (1, 3, size, size) and picture.dtype == torch.float32 and picture.is_contiguous()
    assert picture.min() >= 0 and picture.max() <= 1 and picture.std() > 0.05
    assert torch.equal(picture, STYLES[name](size))
    with pytest.raises(ValueError, match="size must be at least 16, got 15"):
        STYLES[name](15)


@pytest.mark.parametrize("style", [strokes, stained_glass])
def test_another_seed_is_another_picture(style):
    assert not torch.equal(style(32, seed=0), style(32, seed=1))


def test_waves_repeat_after_two_radii_across_and_one_down():
    picture = waves(120, radius=20)
    torch.testing.assert_close(picture[..., 30:50, 2:78], picture[..., 30:50, 42:118])
    torch.testing.assert_close(picture[..., 30:70, 4:-4], picture[..., 50:90, 4:-4])


def test_a_julia_set_is_the_same_upside_down():
    picture = julia(48)
    torch.testing.assert_close(picture, picture.flip(2, 3), rtol=0, atol=1e-5)  # z and -z have the same square


def test_what_cannot_be_drawn_is_refused():
    for call in (
        lambda: strokes(32, count=0), lambda: stained_glass(32, pane=9), lambda: waves(32, radius=6),
        lambda: julia(32, steps=0), lambda: julia(32, colours="mud"),
    ):  # fmt: skip
        with pytest.raises(ValueError, match="must be"):
            call()
