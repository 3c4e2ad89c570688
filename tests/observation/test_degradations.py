"""JPEG against a real encoder; resolution by what must and must not survive."""

import io

import numpy as np
import pytest
import torch
from PIL import Image

from course_lib import data
from course_lib.metrics import psnr
from course_lib.observation import Jpeg, LowResolution


@pytest.fixture(scope="module")
def camera():
    return data.photographs(size=97, names="camera")["camera"][None]  # an odd size: padding is tested too


@pytest.mark.parametrize("quality", [5, 10, 30, 50, 75, 95])
def test_jpeg_is_what_an_encoder_does(camera, quality):
    file = io.BytesIO()
    pixels = (255 * camera[0, 0]).round().byte().numpy()
    Image.fromarray(pixels).save(file, "JPEG", quality=quality)
    encoder = torch.from_numpy(np.array(Image.open(file))).float()
    z = 255 * Jpeg(quality)(camera)[0, 0]
    difference = (z - encoder).abs()
    # Exact but for ties: the encoder's integer cosines fall to the other side of a half in some blocks.
    assert difference.mean() < 0.25 and (difference > 3).float().mean() < 0.02
    assert difference.mean() < 0.25 * (encoder - 255 * camera[0, 0]).abs().mean()


@pytest.mark.parametrize("quality", [10, 50, 90])
def test_jpeg_in_colour_is_what_an_encoder_does(quality):
    y = data.photographs(size=97, grey=False, names="coffee")["coffee"][None]
    file = io.BytesIO()
    pixels = (255 * y[0].permute(1, 2, 0)).round().byte().numpy()
    Image.fromarray(pixels).save(file, "JPEG", quality=quality, subsampling=0)
    encoder = torch.from_numpy(np.array(Image.open(file))).float().permute(2, 0, 1)
    difference = (255 * Jpeg(quality)(y)[0] - encoder).abs()
    assert difference.mean() < 0.75
    assert difference.mean() < 0.3 * (encoder - 255 * y[0]).abs().mean()


def test_jpeg_draws_a_quality_for_each_image(camera):
    y = camera.expand(3, -1, -1, -1)
    z = Jpeg((5, 95))(y, torch.Generator().manual_seed(0))
    assert not torch.equal(z[0], z[1])
    assert torch.equal(z, Jpeg((5, 95))(y, torch.Generator().manual_seed(0)))
    error = [psnr(Jpeg(q)(camera), camera).item() for q in (5, 20, 60, 95)]
    assert error == sorted(error)


def test_jpeg_keeps_a_flat_grey_image():
    y = torch.full((1, 1, 20, 13), 128 / 255)
    torch.testing.assert_close(Jpeg(1)(y), y)


@pytest.mark.parametrize("quality", [0, 101, (50, 10)])
def test_jpeg_refuses_other_qualities(quality):
    with pytest.raises(ValueError, match="quality must be in"):
        Jpeg(quality)


def test_jpeg_is_for_pictures_in_0_1(camera):
    with pytest.raises(ValueError, match="1 or 3 channels"):
        Jpeg(50)(camera.expand(1, 2, -1, -1))
    with pytest.raises(ValueError, match=r"must lie in \[0, 1\]"):
        Jpeg(50)(camera * 255)


@pytest.mark.parametrize("factor", [2, 3, 4])
def test_low_resolution_keeps_slow_waves_and_loses_fast_ones(factor):
    x = torch.arange(96.0)
    slow = (0.5 + 0.4 * torch.sin(2 * torch.pi * x / 48)).expand(1, 1, 96, 96)
    fast = (0.5 + 0.4 * torch.sin(2 * torch.pi * x / 2.5)).expand(1, 1, 96, 96)
    damage = LowResolution(factor)
    assert (damage(slow) - slow)[..., 12:-12].abs().max() < 0.02
    assert damage(fast)[..., 12:-12].std() < 0.25 * fast.std()


def test_low_resolution_keeps_odd_sizes_and_refuses_half_factors():
    assert LowResolution(2)(torch.rand(2, 3, 31, 47)).shape == (2, 3, 31, 47)
    for factor in (1, 2.5):
        with pytest.raises(ValueError, match="factor must be an integer"):
            LowResolution(factor)
