"""The correlation of noise, shift by shift against numpy, and of models of noise whose correlation is known."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from course_lib.learning_from_noise import noise_correlation
from course_lib.observation import Correlated, Gaussian


def generator(seed=0):
    return torch.Generator().manual_seed(seed)


@given(st.integers(0, 3), st.integers(4, 9), st.integers(4, 9), st.integers(0, 99))
def test_every_shift_is_the_correlation_of_the_pixels_that_far_apart(reach, height, width, seed):
    noise = torch.randn(2, 3, height, width, generator=generator(seed))
    found = noise_correlation(noise, reach)
    n = (noise - noise.mean((2, 3), keepdim=True)).double().numpy()
    for dy in range(-reach, reach + 1):
        for dx in range(-reach, reach + 1):
            pairs = [
                (n[..., i, j], n[..., i + dy, j + dx])
                for i in range(height)
                for j in range(width)
                if 0 <= i + dy < height and 0 <= j + dx < width
            ]
            a, b = (np.stack(side) for side in zip(*pairs, strict=True))
            expected = (a * b).sum() / np.sqrt((a**2).sum() * (b**2).sum())
            assert found[reach + dy, reach + dx].item() == pytest.approx(expected, abs=1e-4)


def test_white_noise_is_not_correlated_and_averaged_noise_as_its_formula_says():
    y = torch.full((4, 1, 256, 256), 0.5)
    white = noise_correlation(Gaussian(0.1)(y, generator()) - y, reach=3)
    assert white[3, 3] == pytest.approx(1, abs=1e-5)
    white[3, 3] = 0
    assert white.abs().max() < 5 / y.numel() ** 0.5
    smooth = noise_correlation(Correlated(0.1, radius=1)(y, generator()) - y, reach=3)
    tent = torch.tensor([0, 1, 2, 3, 2, 1, 0]) / 3
    torch.testing.assert_close(smooth, tent[:, None] * tent, atol=0.02, rtol=0)


def test_level_and_offset_do_not_matter():
    noise = torch.randn(1, 1, 32, 32, generator=generator())
    torch.testing.assert_close(noise_correlation(noise), noise_correlation(noise / 9 + 1), atol=1e-5, rtol=0)


def test_what_is_refused():
    with pytest.raises(ValueError, match="noise must have 4 dimensions"):
        noise_correlation(torch.zeros(8, 8))
    with pytest.raises(ValueError, match="reach must be from 0 to 7, got 8"):
        noise_correlation(torch.zeros(1, 1, 8, 9), reach=8)
