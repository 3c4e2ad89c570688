"""Denoisers from before learning: what is known about each, and the choice of the knob."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from course_lib.denoising import (
    gaussian_filter,
    median_filter,
    non_local_means,
    total_variation_filter,
    tune,
    wavelet_shrinkage,
)
from course_lib.metrics import psnr

FILTERS = {
    gaussian_filter: 1.0,
    median_filter: 3,
    non_local_means: 0.1,
    total_variation_filter: 0.1,
    wavelet_shrinkage: 0.1,
}


def noisy(sides=(24, 32), seed=0, sigma=0.1):
    y = torch.rand(2, 1, 3, 4, generator=torch.Generator().manual_seed(seed))
    y = torch.nn.functional.interpolate(y, size=sides)
    return y + sigma * torch.randn(y.shape, generator=torch.Generator().manual_seed(seed + 1)), y


@pytest.mark.parametrize("denoiser", FILTERS, ids=lambda f: f.__name__)
@settings(max_examples=5, deadline=None)
@given(sides=st.tuples(st.integers(12, 40), st.integers(12, 40)), grey=st.floats(0, 1))
def test_a_flat_picture_stays_as_it_is(denoiser, sides, grey):
    z = torch.full((2, 1, *sides), grey)
    torch.testing.assert_close(denoiser(z, FILTERS[denoiser]), z, atol=1e-4, rtol=0)


@pytest.mark.parametrize("denoiser", FILTERS, ids=lambda f: f.__name__)
def test_flat_patches_under_noise_come_out_better_each_picture_for_itself(denoiser):
    z, y = noisy()
    y_hat = denoiser(z, FILTERS[denoiser])
    assert y_hat.shape == z.shape and y_hat.dtype == z.dtype
    assert (psnr(y_hat, y) > psnr(z, y) + 1).all()
    torch.testing.assert_close(denoiser(z[1:], FILTERS[denoiser]), y_hat[1:])


@pytest.mark.parametrize("denoiser", FILTERS, ids=lambda f: f.__name__)
def test_colour_is_refused_and_so_is_no_batch(denoiser):
    for wrong in (torch.rand(1, 3, 16, 16), torch.rand(16, 16)):
        with pytest.raises(ValueError, match="z must have"):
            denoiser(wrong, FILTERS[denoiser])


def test_the_median_forgets_a_speck_and_the_blur_spreads_it():
    z = torch.zeros(1, 1, 9, 9)
    z[..., 4, 4] = 1
    assert median_filter(z, 3).max() == 0
    blurred = gaussian_filter(z, 1.0)
    assert 0 < blurred.max() < 0.2 and abs(blurred.sum() - 1) < 1e-4


def test_bayes_shrink_takes_white_noise_away_and_leaves_strong_texture():
    """Its threshold sigma^2 / s is large where the band holds little but noise, small where it holds a texture."""
    generator = torch.Generator().manual_seed(0)
    noise = 0.1 * torch.randn(1, 1, 64, 64, generator=generator)
    board = torch.tensor(np.indices((64, 64)).sum(0) % 2, dtype=torch.float32)[None, None]
    flat = wavelet_shrinkage(0.5 + noise, 0.1) - 0.5
    kept = wavelet_shrinkage(board + noise, 0.1) - board
    assert flat.std() < 0.05
    assert kept.std() < 0.12  # a board that was shrunk like the flat picture would be gone: an error of 0.5


def test_tune_measures_every_position():
    z, y = noisy()
    curve = tune(gaussian_filter, [0.3, 1.0, 8.0], z, y)
    assert len(curve) == 3 and max(curve) == curve[1]
    assert curve[1] == pytest.approx(psnr(gaussian_filter(z, 1.0), y).mean().item())
