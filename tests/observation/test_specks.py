"""Specks: mean, median and mode as stated, and a picture that is never darker."""

import pytest
import torch

from course_lib.observation import Specks


@pytest.mark.parametrize("p, scale", [(0.7, 0.3), (0.9, 0.1), (0.3, 0.5), (0.0, 0.2)])
def test_mean_median_and_mode(p, scale):
    noise = Specks(p, scale)
    y = torch.full((1, 1, 600, 600), 0.25)
    z = noise(y, torch.Generator().manual_seed(0))
    assert (z - y).mean().item() == pytest.approx(noise.mean, abs=0.004)
    assert (z - y).median().item() == pytest.approx(noise.median, abs=0.004)
    assert (z == y).float().mean().item() == pytest.approx(1 - p, abs=0.004)
    assert (z >= y).all() and noise.mode == 0


def test_a_speck_is_white():
    z = Specks()(torch.rand(1, 3, 8, 8), torch.Generator().manual_seed(0))
    again = Specks()(torch.zeros(1, 3, 8, 8), torch.Generator().manual_seed(0))
    assert z.dtype == torch.float32 and torch.equal(again[:, 0], again[:, 2])


@pytest.mark.parametrize("p, scale", [(1.0, 0.3), (-0.1, 0.3), (0.5, 0.0), (0.5, 25)])
def test_what_is_refused(p, scale):
    with pytest.raises(ValueError, match="p must be in"):
        Specks(p, scale)
