"""Rotations: exact where pixels only move, SciPy's elsewhere, and no corner that gives the answer away."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from scipy import ndimage

from course_lib.pretext_tasks.rotation import EIGHTHS, QUARTERS, inner_side, rotate, rotation_loss, rotations


def test_quarter_turns_only_move_pixels():
    x = torch.rand(3, 2, 5, 5)
    turned, labels = rotations(x)
    assert labels.tolist() == [0] * 3 + [1] * 3 + [2] * 3 + [3] * 3
    for k in range(4):
        np.testing.assert_array_equal(turned[3 * k].numpy(), np.rot90(x[0].numpy(), k, axes=(1, 2)))


@given(st.floats(1, 359), st.integers(15, 40))
def test_other_angles_are_scipy_s_away_from_the_border(degrees, side):
    x = torch.rand(1, 1, side, side, generator=torch.Generator().manual_seed(side))
    ours = rotate(x, degrees)[0, 0].numpy()
    theirs = ndimage.rotate(x[0, 0].numpy(), degrees, reshape=False, order=1)
    start = (side - inner_side(side)) // 2
    inside = slice(start, side - start)
    np.testing.assert_allclose(ours[inside, inside], theirs[inside, inside], atol=1e-4)


@given(st.integers(8, 80), st.floats(0, 360))
def test_no_angle_brings_black_into_the_crop(side, degrees):
    turned, _ = rotations(torch.ones(1, 1, side, side), (0, degrees))
    assert turned.min() > 1 - 1e-5


def test_with_corners_the_sum_of_a_white_picture_tells_the_angle_and_cropped_it_does_not():
    white = torch.ones(1, 1, 32, 32)
    with_corners = rotations(white, EIGHTHS, crop=False)[0].mean((1, 2, 3))
    assert with_corners[1::2].max() < 0.9 < with_corners[::2].min()
    assert rotations(white, EIGHTHS)[0].mean((1, 2, 3)).std() < 1e-6


def test_eight_rotations_have_one_size_and_four_keep_theirs():
    x = torch.rand(2, 3, 32, 32)
    assert rotations(x, EIGHTHS)[0].shape == (16, 3, 20, 20) and rotations(x, QUARTERS)[0].shape == (8, 3, 32, 32)


def test_the_loss_is_the_mean_of_minus_log_probability():
    logits = torch.tensor([[2.0, 0.0], [0.0, 1.0]])
    loss = rotation_loss(lambda x: logits, (torch.zeros(2), torch.tensor([0, 0])))
    assert loss.item() == pytest.approx((np.log(1 + np.exp(-2)) + np.log(1 + np.exp(1))) / 2, abs=1e-6)


@pytest.mark.parametrize("x, degrees", [(torch.rand(1, 3, 8, 9), (0,)), (torch.rand(1, 3, 8, 8), ())])
def test_what_cannot_be_turned_is_refused(x, degrees):
    with pytest.raises(ValueError, match="square"):
        rotations(x, degrees)
