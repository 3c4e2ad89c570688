"""Zero-Shot Noise2Noise: the pair, the loss, and a picture that gets better."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from course_lib.learning_from_noise import TinyDenoiser, denoise_one, diagonal_pair, zero_shot_loss
from course_lib.metrics import psnr


@given(st.integers(1, 3), st.integers(2, 15), st.integers(2, 15))
@settings(deadline=None)
def test_the_pair_is_a_convolution_with_the_papers_kernels(channels, height, width):
    z = torch.rand(2, channels, height, width)
    kernels = torch.tensor([[[[0.5, 0.0], [0.0, 0.5]]], [[[0.0, 0.5], [0.5, 0.0]]]])
    for ours, kernel in zip(diagonal_pair(z), kernels, strict=True):
        theirs = nn.functional.conv2d(z, kernel.expand(channels, 1, 2, 2), stride=2, groups=channels)
        torch.testing.assert_close(ours, theirs)


def test_the_two_share_no_pixel_and_their_noise_is_independent():
    noise = torch.randn(1, 1, 400, 400, generator=torch.Generator().manual_seed(0))
    first, second = diagonal_pair(noise)
    assert torch.corrcoef(torch.stack([first.flatten(), second.flatten()]))[0, 1].abs() < 0.02
    assert first.var().item() == pytest.approx(0.5, abs=0.02)


def test_the_paper_s_size():
    assert sum(p.numel() for p in TinyDenoiser(channels=3).parameters()) == 22_275


def test_the_loss_by_hand():
    """For ``f(z) = z / 2``, which commutes with halving: only the residual part is left."""

    class Half(nn.Module):
        def forward(self, z):
            return z / 2

    z = torch.tensor([[[[1.0, 2.0], [4.0, 7.0]]]])  # d1 = 4, d2 = 3
    assert zero_shot_loss(Half(), z).item() == pytest.approx(((2 - 3) ** 2 + (1.5 - 4) ** 2) / 2)


@given(st.integers(2, 11), st.integers(2, 11), st.sampled_from([1, 3]), st.sampled_from([None, 4]))
@settings(max_examples=10, deadline=None)
def test_any_picture_goes_through(height, width, channels, crop):
    z = torch.rand(channels, height, width)
    assert denoise_one(z, steps=2, crop=crop).shape == z.shape


def test_a_picture_gets_better_without_any_data():
    ramp = torch.linspace(0.2, 0.8, 64)
    y = (ramp.view(-1, 1) * ramp).expand(1, 64, 64)
    z = y + 0.1 * torch.randn(y.shape, generator=torch.Generator().manual_seed(0))
    state = torch.random.get_rng_state()
    y_hat = denoise_one(z, steps=80)
    assert torch.equal(state, torch.random.get_rng_state())
    assert psnr(y_hat[None], y[None]) > psnr(z[None], y[None]) + 4
    assert torch.equal(y_hat, denoise_one(z, steps=80))


@pytest.mark.parametrize(
    "wrong",
    [
        lambda: diagonal_pair(torch.rand(1, 1, 1, 5)),
        lambda: denoise_one(torch.rand(2, 1, 8, 8)),
        lambda: denoise_one(torch.full((1, 8, 8), 100.0)),
    ],
)
def test_what_is_no_picture_is_refused(wrong):
    with pytest.raises(ValueError, match="got"):
        wrong()
