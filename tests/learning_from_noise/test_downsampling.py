"""Downsampling by dealing out pixels, and its inverse."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.nn import functional as F

from course_lib.learning_from_noise import downsample, noise_correlation, upsample
from course_lib.observation import Correlated


@given(st.integers(1, 3), st.integers(1, 3), st.integers(1, 23), st.integers(1, 23), st.integers(1, 9))
@settings(deadline=None)
def test_the_inverse_is_exact_for_any_size(batch, channels, height, width, stride):
    z = torch.randn(batch, channels, height, width)
    small = downsample(z, stride)
    assert small.shape == (batch * stride**2, channels, -(-height // stride), -(-width // stride))
    assert torch.equal(upsample(small, stride, (height, width)), z)


@given(st.integers(1, 4), st.integers(1, 5), st.integers(1, 5))
@settings(deadline=None)
def test_it_is_pixel_unshuffle_with_a_batch_in_the_place_of_channels(stride, rows, columns):
    z = torch.randn(2, 3, rows * stride, columns * stride)
    theirs = F.pixel_unshuffle(z, stride).unflatten(1, (3, stride**2)).transpose(1, 2).flatten(0, 1)
    assert torch.equal(downsample(z, stride), theirs)


@given(st.integers(1, 13), st.integers(1, 13), st.integers(1, 6))
@settings(deadline=None)
def test_a_copy_is_never_in_the_picture_of_its_pixel(height, width, stride):
    numbers = torch.arange(height * width, dtype=torch.float32).view(1, 1, height, width) / (height * width)
    for small in downsample(numbers, stride):
        assert len(small.unique()) == small.numel()


def test_noise_that_reaches_two_pixels_is_white_from_stride_three_on():
    noise = Correlated(0.1, 1)(torch.full((1, 1, 300, 300), 0.5), torch.Generator().manual_seed(0)) - 0.5
    neighbour = [noise_correlation(downsample(noise, stride), 1)[1, 2].item() for stride in (1, 2, 3)]
    assert neighbour == pytest.approx([2 / 3, 1 / 3, 0], abs=0.02)


@pytest.mark.parametrize(
    "wrong",
    [
        lambda: downsample(torch.rand(1, 1, 4, 4), 0),
        lambda: downsample(torch.rand(1, 4, 4), 2),
        lambda: upsample(torch.rand(3, 1, 2, 2), 2, (4, 4)),
        lambda: upsample(torch.rand(4, 1, 2, 2), 2, (4, 5)),
    ],
)
def test_what_does_not_fit_is_refused(wrong):
    with pytest.raises(ValueError, match="got"):
        wrong()
