"""PSNR, SSIM and MSE against hand-worked cases, scikit-image and Wang's formula written out."""

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from skimage.metrics import mean_squared_error, peak_signal_noise_ratio
from torch.nn.functional import conv2d

from course_lib.metrics import mse, psnr, ssim
from course_lib.observation import Gaussian


def image(seed=0, *shape):
    return torch.rand(shape or (2, 3, 24, 31), generator=torch.Generator().manual_seed(seed))


def test_a_constant_error_by_hand():
    y = torch.full((1, 1, 12, 12), 0.5)
    assert mse(y + 0.1, y).tolist() == pytest.approx([0.01])
    assert psnr(y + 0.1, y).tolist() == pytest.approx([20.0], abs=1e-4)
    half_wrong = y.clone()
    half_wrong[..., :6] += 0.1
    assert psnr(half_wrong, y).item() == pytest.approx(20 + 10 * math.log10(2), abs=1e-4)


def test_psnr_clamps_the_estimate_and_mse_does_not():
    y = torch.ones(1, 1, 12, 12)
    estimate = y.clone()
    estimate[..., 0] = 3.0  # a twelfth of the pixels, 2 too bright: clamped to a perfect white
    assert psnr(estimate, y).item() == math.inf
    assert mse(estimate, y).item() == pytest.approx(4 / 12)


@pytest.mark.parametrize("metric", [psnr, ssim, mse])
def test_one_number_per_image_in_float32(metric):
    y = image()
    y_hat = torch.stack([y[0], 1 - y[1]])
    values = metric(y_hat, y)
    assert values.shape == (2,) and values.dtype == torch.float32
    assert values[0].item() == {psnr: math.inf, ssim: 1.0, mse: 0.0}[metric]
    torch.testing.assert_close(values[1:], metric(y_hat[1:], y[1:]))


@settings(max_examples=15, deadline=None)
@given(sigma=st.floats(0.001, 0.4), seed=st.integers(0, 1000))
def test_equal_to_scikit_image_on_the_clamped_estimate(sigma, seed):
    y = image(seed, 1, 3, 16, 20)
    z = Gaussian(sigma)(y, torch.Generator().manual_seed(seed))
    a, b = z.clamp(0, 1)[0].double().numpy(), y[0].double().numpy()
    assert psnr(z, y).item() == pytest.approx(peak_signal_noise_ratio(b, a, data_range=1), abs=1e-3)
    assert mse(z.clamp(0, 1), y).item() == pytest.approx(mean_squared_error(a, b), rel=1e-4)


def wang_2004(a, b):
    """SSIM of one grey image as the paper writes it, on whole 11 x 11 windows."""
    x = torch.arange(11, dtype=torch.float64) - 5
    g = torch.exp(-(x**2) / (2 * 1.5**2))
    window = torch.outer(g, g)[None, None] / g.sum() ** 2

    def mean(t):
        return conv2d(t, window)

    ma, mb = mean(a), mean(b)
    va, vb, cov = mean(a * a) - ma**2, mean(b * b) - mb**2, mean(a * b) - ma * mb
    c1, c2 = 0.01**2, 0.03**2
    return ((2 * ma * mb + c1) * (2 * cov + c2) / ((ma**2 + mb**2 + c1) * (va + vb + c2))).mean().item()


@settings(max_examples=15, deadline=None)
@given(sigma=st.floats(0.0, 0.5), seed=st.integers(0, 1000))
def test_ssim_is_wang_s(sigma, seed):
    y = image(seed, 1, 1, 27, 19)
    z = Gaussian(sigma)(y, torch.Generator().manual_seed(seed)).clamp(0, 1)
    assert ssim(z, y).item() == pytest.approx(wang_2004(z.double(), y.double()), abs=1e-6)
    torch.testing.assert_close(ssim(z, y), ssim(y, z))


def test_ssim_of_two_constant_images_by_hand():
    a, b = torch.full((1, 1, 16, 16), 0.2), torch.full((1, 1, 16, 16), 0.6)
    assert ssim(a, b).item() == pytest.approx((2 * 0.2 * 0.6 + 1e-4) / (0.2**2 + 0.6**2 + 1e-4), abs=1e-5)


def test_ssim_averages_channels_and_clamps():
    y, z = image(1, 1, 2, 20, 20), image(2, 1, 2, 20, 20)
    by_channel = [ssim(z[:, c : c + 1], y[:, c : c + 1]).item() for c in range(2)]
    assert ssim(z, y).item() == pytest.approx(sum(by_channel) / 2, abs=1e-6)
    outside = torch.where(y > 0.5, 4.0, -4.0)
    torch.testing.assert_close(ssim(outside, y), ssim((y > 0.5).float(), y))


@pytest.mark.parametrize("metric", [psnr, ssim, mse])
@pytest.mark.parametrize(
    ("y_hat", "y", "says"),
    [
        (image(0, 1, 1, 16, 16), image(0, 1, 1, 16, 17), "same shape"),
        (image(0, 1, 1, 16, 16), image(0, 1, 3, 16, 16), "same shape"),
        (image(0, 1, 1, 16, 16) * 255, image(0, 1, 1, 16, 16), "y_hat .* divide by 255"),
        (image(0, 1, 1, 16, 16), image(0, 1, 1, 16, 16) + 1, r"y must lie in \[0, 1\]"),
        (torch.full((1, 1, 16, 16), float("nan")), image(0, 1, 1, 16, 16), "y_hat contains NaN"),
        (torch.zeros(1, 1, 16, 16, dtype=torch.uint8), image(0, 1, 1, 16, 16), "uint8"),
        (image(0, 1, 16, 16), image(0, 1, 16, 16), "4 dimensions"),
    ],
)
def test_bad_input_is_refused_by_name(metric, y_hat, y, says):
    with pytest.raises(ValueError, match=says):
        metric(y_hat, y)


def test_ssim_needs_room_for_its_window():
    with pytest.raises(ValueError, match="11 x 11"):
        ssim(image(0, 1, 1, 10, 30), image(0, 1, 1, 10, 30))
