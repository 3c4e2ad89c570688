"""The embedded photographs, against scikit-image's own reading of them, with the network closed."""

import socket

import numpy as np
import pytest
import torch

from course_lib import data
from course_lib.data.embedded import BY_NAME, HELD_OUT, PHOTOGRAPHS


@pytest.fixture(autouse=True)
def closed_network(monkeypatch):
    def refuse(*_, **__):
        raise AssertionError("a photograph must not need the network")

    monkeypatch.setattr(socket, "socket", refuse)
    monkeypatch.setattr(socket, "create_connection", refuse)


def test_every_photograph_is_in_the_wheel():
    for name, picture in data.photographs(names=[*PHOTOGRAPHS, *BY_NAME]).items():
        assert picture.dtype == torch.float32 and picture.shape[0] == 1, name
        assert 0 <= picture.min() < picture.max() <= 1, name


@pytest.mark.parametrize("name", ["chelsea", "coffee", "rocket", "retina"])
def test_colour_is_scikit_image_s(name):
    import skimage.data

    expected = getattr(skimage.data, name)() / 255
    picture = data.photographs(names=[name], grey=False)[name]
    np.testing.assert_allclose(picture.permute(1, 2, 0).numpy(), expected, atol=1 / 255)


def test_grey_is_the_luminance_of_colour():
    colour, grey = (data.photographs(grey=grey, names="coffee")["coffee"] for grey in (False, True))
    weights = torch.tensor([0.299, 0.587, 0.114]).view(3, 1, 1)
    torch.testing.assert_close(grey, (weights * colour).sum(0, keepdim=True), atol=1 / 255, rtol=0)


def test_nobody_is_shown_by_default():
    assert not {"astronaut", "camera", "lfw_subset"} & data.photographs(size=16).keys()


@pytest.mark.parametrize("grey, channels", [(True, 1), (False, 3)])
def test_size_gives_squares_of_the_whole_middle(grey, channels):
    for name, picture in data.photographs(size=64, grey=grey).items():
        assert picture.shape == (channels, 64, 64)
        whole = data.photographs(grey=grey, names=[name])[name]
        side = min(whole.shape[1:])
        top, left = (whole.shape[1] - side) // 2, (whole.shape[2] - side) // 2
        middle = whole[:, top : top + side, left : left + side].mean((1, 2))
        torch.testing.assert_close(picture.mean((1, 2)), middle, atol=0.01, rtol=0)


def test_photographs_are_never_enlarged():
    with pytest.raises(ValueError, match="size must be in 1..300, the shorter side of 'chelsea', got 301"):
        data.photographs(size=301, names=["chelsea"])


def test_an_unknown_photograph_lists_the_names():
    with pytest.raises(ValueError, match="no photograph 'lenna'; choose from chelsea"):
        data.photographs(names=["lenna"])


def test_a_photograph_missing_in_the_wheel_is_an_error_not_a_download(monkeypatch):
    monkeypatch.setitem(PHOTOGRAPHS, "eagle", ("eagle.png", "an eagle"))
    with pytest.raises(data.DataError, match=r"eagle.*pip install -U scikit-image"):
        data.photographs(names=["eagle"])


def test_changing_a_photograph_does_not_change_the_next_one():
    data.photographs(names=["moon"])["moon"].zero_()
    assert data.photographs(names=["moon"])["moon"].max() > 0.5


def test_tiles_have_the_form_of_bsd400_and_come_from_no_held_out_photograph():
    tiles = data.photograph_tiles(180)
    assert tiles.dtype == torch.uint8 and tiles.shape[1:] == (1, 180, 180) and len(tiles) >= 40
    first = next(name for name in PHOTOGRAPHS if name not in HELD_OUT)
    whole = data.photographs(names=[first])[first]
    assert torch.equal(tiles[0].float() / 255, whole[:, :180, :180])
    assert torch.equal(tiles[1].float() / 255, whole[:, :180, 180:360]), "side by side"
    assert torch.equal(tiles, data.photograph_tiles(180))
    for held in data.photographs(names=HELD_OUT).values():
        corner = (held[:, :180, :180] * 255).round().byte()
        assert not (tiles == corner).flatten(1).all(1).any()


def test_held_out_photographs_have_the_form_of_bsd68():
    pictures = data.held_out_photographs(size=96)
    assert [tuple(picture.shape) for picture in pictures] == [(1, 96, 96)] * 3
    assert all(picture.dtype == torch.float32 for picture in pictures)


def test_smoke_has_what_a_denoiser_needs():
    batch = data.Patches(data.photograph_tiles(), batch=4)(torch.Generator().manual_seed(0))
    assert batch.shape == (4, 1, 40, 40)
