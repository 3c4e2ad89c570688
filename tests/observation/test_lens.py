"""The lens against pictures whose shift is known."""

import pytest
import torch

from course_lib.observation import LateralAberration


def test_green_moves_towards_the_middle_in_proportion_to_the_way_from_it():
    size = 64
    # brightness = row / 100: what green shows at a place says which row it came from
    row = (torch.arange(size) / 100)[:, None].expand(size, size)
    y = torch.stack([row, row, row])[None]
    z = LateralAberration(0.1)(y)
    assert torch.equal(z[:, 0], y[:, 0]) and torch.equal(z[:, 2], y[:, 2])
    middle = (size - 1) / 2
    place = torch.arange(4, 60)
    came_from = 100 * z[0, 1, 4:60, 20]
    torch.testing.assert_close(came_from, middle + (place - middle) / 0.9, atol=1e-3, rtol=0)


def test_no_aberration_changes_nothing_and_grey_in_the_middle_stays_grey():
    y = torch.rand(2, 3, 17, 17)
    torch.testing.assert_close(LateralAberration(0)(y), y)
    assert torch.allclose(LateralAberration(0.2)(y)[:, :, 8, 8], y[:, :, 8, 8], atol=1e-6)


def test_bad_input_is_named():
    with pytest.raises(ValueError, match="shrink"):
        LateralAberration(0.5)
    with pytest.raises(ValueError, match="channel"):
        LateralAberration()(torch.rand(1, 1, 8, 8))
