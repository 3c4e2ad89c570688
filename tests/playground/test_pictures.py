"""What visitors have is read, or refused in words."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image
from visitors import RAMP, kinds, stored

from course_lib.playground import read_picture


@pytest.mark.parametrize("kind", kinds())
@pytest.mark.parametrize("colour", [True, False])
def test_the_same_picture_comes_out_of_every_kind_of_file(kind, colour):
    x = read_picture(kinds()[kind], colour=colour)
    assert x.dtype == torch.float32 and x.shape == (1, 3 if colour else 1, 48, 64)
    assert (x - torch.from_numpy(RAMP / 255)).abs().mean() < 0.02, "the ramp, upright"


def test_what_is_transparent_is_white():
    picture = Image.new("RGBA", (20, 20), (255, 0, 0, 0))
    assert read_picture(stored(picture, "PNG")).min() == 1


@pytest.mark.parametrize("kind", kinds())
def test_a_large_picture_is_scaled_down(kind):
    assert max(read_picture(kinds()[kind], longest=32).shape) == 32


REFUSED = {
    "empty": (b"", "not a picture"),
    "no picture": (b"GIF89a but not really", "not a picture|damaged"),
    "cut off": (stored(Image.fromarray(np.tile(RAMP, (9, 9))), "JPEG")[:2000], "damaged"),
    "63 megapixels": (stored(Image.new("1", (9000, 7000)), "PNG"), "63 megapixels; 60 is the most"),
    "400 megapixels": (stored(Image.new("1", (20_000, 20_000)), "PNG"), "huge; 60 megapixels are the most"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_cannot_be_read_is_refused_in_words(name):
    file, message = REFUSED[name]
    with pytest.raises(ValueError, match=message):
        read_picture(file)


def test_too_many_bytes_are_refused():
    with pytest.raises(ValueError, match="61 MB; 60 MB is the most"):
        read_picture(bytes(61_000_000))


def test_a_file_of_200_mb_is_refused_before_it_is_read(tmp_path):
    path = tmp_path / "huge.png"
    with path.open("wb") as file:
        file.truncate(200_000_000)
    with pytest.raises(ValueError, match="200 MB"):
        read_picture(path)


@given(st.sampled_from(sorted(kinds())), st.data())
def test_a_damaged_file_is_a_picture_or_refused(kind, draw):
    file = bytearray(kinds()[kind])
    for _ in range(draw.draw(st.integers(1, 8))):
        file[draw.draw(st.integers(0, len(file) - 1))] = draw.draw(st.integers(0, 255))
    try:
        x = read_picture(bytes(file[: draw.draw(st.integers(1, len(file)))]))
    except ValueError:
        return
    assert x.isfinite().all() and x.min() >= 0 and x.max() <= 1
