"""The shallow U-Net against its count and against a plain reading of its five layers."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.nn import functional as F

from course_lib.denoising import ShallowUNet
from course_lib.denoising.dncnn import count_parameters


def test_the_count_of_the_coursework():
    assert count_parameters(ShallowUNet()) == 160 + 4_640 + 8_256 + 46_144 + 577 == 59_777


def test_an_even_image_by_hand():
    """Loops over pixels where the layout is in doubt: repeating, and which four pixels the 2x2 kernel reads."""
    model, z = ShallowUNet().double(), torch.rand(1, 1, 6, 8, dtype=torch.double)
    with torch.no_grad():
        a = F.conv2d(z, model.a.weight, model.a.bias, padding=1).clamp(min=0)
        pooled = torch.stack([a[:, :, i::2, j::2] for i in (0, 1) for j in (0, 1)]).amax(0)
        b = F.conv2d(pooled, model.b.weight, model.b.bias, padding=1).clamp(min=0)
        up = torch.zeros(1, 64, 6, 8, dtype=torch.double)
        for i in range(6):
            for j in range(8):
                for di in (0, 1):
                    for dj in (0, 1):
                        if i + di < 6 and j + dj < 8:
                            pixel = b[0, :, (i + di) // 2, (j + dj) // 2]
                            up[0, :, i, j] += model.up.weight[:, :, di, dj] @ pixel
        up = (up + model.up.bias.view(1, -1, 1, 1)).clamp(min=0)
        merged = F.conv2d(torch.cat([a, up], 1), model.merge.weight, model.merge.bias, padding=1).clamp(min=0)
        expected = F.conv2d(merged, model.last.weight, model.last.bias, padding=1)
        torch.testing.assert_close(model(z), expected)


@settings(max_examples=12, deadline=None)
@given(height=st.integers(1, 13), width=st.integers(1, 13), channels=st.sampled_from([1, 3]), bf16=st.booleans())
def test_any_size_goes_through_forward_and_backward(height, width, channels, bf16):
    model = ShallowUNet(channels)
    z = torch.rand(1, channels, height, width)
    with torch.autocast("cpu", torch.bfloat16, enabled=bf16):
        y_hat = model(z)
    assert y_hat.shape == z.shape
    y_hat.float().square().mean().backward()
    assert all(p.grad is not None and p.grad.isfinite().all() for p in model.parameters())


def test_far_from_the_border_an_odd_image_is_an_even_one_cut():
    model, z = ShallowUNet(), torch.rand(1, 1, 24, 24)
    torch.testing.assert_close(model(z[..., :23, :21])[..., :14, :14], model(z)[..., :14, :14])


def test_bad_input_is_named():
    with pytest.raises(ValueError, match=r"1 channel\(s\), got 3"):
        ShallowUNet()(torch.rand(1, 3, 8, 8))
    with pytest.raises(ValueError, match="4 dimensions"):
        ShallowUNet()(torch.rand(8, 8))
