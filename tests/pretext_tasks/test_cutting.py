"""Cutting against plain slices."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from course_lib.pretext_tasks.cutting import cut


@settings(max_examples=50, deadline=None)
@given(st.integers(0, 10_000), st.integers(1, 5), st.sampled_from([1, 3]))
def test_every_square_is_the_slice(seed, size, channels):
    g = torch.Generator().manual_seed(seed)
    images = torch.randint(0, 256, (4, channels, 9, 7), generator=g, dtype=torch.uint8)
    which = torch.randint(4, (6,), generator=g)
    top, left = (torch.randint(n - size + 1, (6, 2), generator=g) for n in (9, 7))
    squares = cut(images, which, top, left, size)
    assert squares.shape == (6, 2, channels, size, size) and squares.dtype == torch.float32
    for b in range(6):
        for p in range(2):
            i, j = top[b, p], left[b, p]
            assert torch.equal(squares[b, p], images[which[b], :, i : i + size, j : j + size].float() / 255)


def test_float_images_stay_as_they_are_also_where_they_do_not_lie_in_one_piece():
    images = torch.rand(2, 5, 5, 3).permute(0, 3, 1, 2)
    square = cut(images, torch.tensor([1]), torch.tensor([[2]]), torch.tensor([[3]]), 2)
    assert torch.equal(square[0, 0], images[1, :, 2:4, 3:5])


def test_bad_shapes_are_named():
    images, one = torch.rand(1, 3, 5, 5), torch.tensor([[0]])
    with pytest.raises(ValueError, match=r"\(3, 5, 5\)"):
        cut(images[0], torch.tensor([0]), one, one, 2)
    with pytest.raises(ValueError, match="top and left"):
        cut(images, torch.tensor([0, 0]), one, one, 2)
