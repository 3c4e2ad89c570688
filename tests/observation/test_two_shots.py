"""The noise of a camera from two shots: a formula by hand, and the camera found again."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from course_lib.observation import PoissonGaussian, noise_curve, noise_variance


@settings(max_examples=10, deadline=None)
@given(sigma=st.floats(0.01, 0.3), seed=st.integers(0, 99))
def test_the_mean_is_the_variance_whatever_the_scene(sigma, seed):
    generator = torch.Generator().manual_seed(seed)
    y = torch.rand(1, 1, 128, 128, generator=generator)
    z1, z2 = (y + sigma * torch.randn(y.shape, generator=generator) for _ in range(2))
    assert noise_variance(z1, z2).mean().item() == pytest.approx(sigma**2, rel=0.06)


@pytest.mark.parametrize(("peak", "sigma"), [(20, 0.02), (100, 0.05)])
def test_the_curve_is_the_straight_line_of_the_sensor(peak, sigma):
    y = torch.linspace(0.1, 0.9, 256).expand(4, 1, 256, 256)
    camera = PoissonGaussian(peak, sigma)
    z1, z2 = (camera(y, torch.Generator().manual_seed(seed)) for seed in (1, 2))
    level, variance, count = noise_curve(z1, z2)
    torch.testing.assert_close(variance, level / peak + sigma**2, rtol=0.06, atol=0)
    assert count.sum() <= 4 * 252 * 252 and (count >= 1000).all()


def test_classes_with_few_pixels_are_left_out():
    z = torch.full((1, 1, 40, 40), 0.5)
    z[..., :8, :8] = 0.9
    level, _, count = noise_curve(z, z, bins=4, least=500)
    assert len(level) == 1 and abs(level.item() - 0.5) < 0.05 and count.item() > 500


def test_shots_of_different_size_are_refused():
    with pytest.raises(ValueError, match="z1 and z2"):
        noise_variance(torch.rand(1, 1, 8, 8), torch.rand(1, 1, 8, 9))
