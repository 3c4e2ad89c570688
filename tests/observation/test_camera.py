"""The camera: what it leaves alone, and the statistics of what it adds."""

import pytest
import torch

from course_lib import data
from course_lib.observation import Jpeg
from course_lib.observation.camera import Camera, bayer, blur, demosaic, s_curve, to_light, to_picture


@pytest.fixture(scope="module")
def coffee():
    return data.photographs(size=61, grey=False, names="coffee")["coffee"][None]


def seeded(seed=0):
    return torch.Generator().manual_seed(seed)


@pytest.mark.parametrize("mosaic", [True, False])
def test_without_noise_it_is_the_identity_up_to_jpeg(coffee, mosaic):
    silent = Camera(shot=0, read=0, mosaic=mosaic, vivid=2, smear=1, soften=1, contrast=1.5, jpeg=None)
    torch.testing.assert_close(silent(coffee), coffee, atol=1e-5, rtol=0)
    compressed = Camera(shot=0, read=0, mosaic=mosaic, jpeg=75)(coffee)
    assert (compressed - Jpeg(75)(coffee)).abs().mean() < 1 / 255


def test_tone_curve_and_its_inverse():
    x = torch.linspace(0, 1, 101)
    torch.testing.assert_close(to_picture(to_light(x)), x, atol=1e-5, rtol=0)
    assert to_light(torch.tensor(0.5)).item() == pytest.approx(0.2140, abs=1e-4)  # the standard's value for mid grey


def test_the_variance_grows_linearly_with_light():
    """Far from the ends of the range, before the tone curve."""
    levels = torch.tensor([0.55, 0.65, 0.75, 0.85]).view(-1, 1, 1, 1)
    y = levels.expand(-1, 3, 200, 200)
    z, level = Camera(shot=0.05, read=0.02, mosaic=False, jpeg=None).record(y, seeded())
    light = to_light(levels)
    variance = (to_light(z) - light).var(dim=(1, 2, 3))
    torch.testing.assert_close(variance, (0.05**2 * light + 0.02**2).flatten(), rtol=0.03, atol=0)
    torch.testing.assert_close(level.square().mean(dim=(1, 2, 3)), (0.05**2 * light + 0.02**2).flatten())


def test_the_mosaic_correlates_neighbours():
    y = torch.full((1, 3, 200, 200), 0.7)

    def correlation(mosaic):
        noise = Camera(shot=0, read=0.03, mosaic=mosaic, jpeg=None)(y, seeded()) - y
        left, right = noise[..., :-1].flatten(), noise[..., 1:].flatten()
        return torch.corrcoef(torch.stack([left, right]))[0, 1].item()

    assert abs(correlation(False)) < 0.02 and correlation(True) > 0.3


def test_the_software_smears_the_colours_of_the_noise_and_leaves_its_brightness():
    y = torch.full((1, 3, 200, 200), 0.7)

    def noise(**colours):
        """The noise on the light, apart into brightness and what is left."""
        camera = Camera(shot=0, read=0.03, jpeg=None, **colours)
        error = to_light(camera(y, seeded())) - to_light(y)
        grey = (error * torch.tensor([0.299, 0.587, 0.114]).view(3, 1, 1)).sum(1, keepdim=True)
        return grey, error - grey

    def reach(x):
        return torch.corrcoef(torch.stack([x[..., :-3].flatten(), x[..., 3:].flatten()]))[0, 1].item()

    (grey, colour), (same, smeared), (_, vivid) = noise(), noise(smear=2.0), noise(smear=2.0, vivid=2.0)
    torch.testing.assert_close(same, grey, atol=1e-5, rtol=0)
    assert abs(reach(colour)) < 0.05 and reach(smeared) > 0.4
    assert smeared.std() < 0.6 * colour.std()
    torch.testing.assert_close(vivid, 2 * smeared, atol=1e-5, rtol=0)
    assert torch.equal(Camera(smear=(0, 0), vivid=(1, 1), contrast=(1, 1))(y, seeded()), Camera()(y, seeded()))


def test_softened_noise_is_weaker_and_reaches_further():
    y = torch.full((1, 3, 200, 200), 0.7)

    def noise(soften):
        error = Camera(shot=0, read=0.03, soften=soften, jpeg=None)(y, seeded()) - y
        far = torch.corrcoef(torch.stack([error[..., :-2].flatten(), error[..., 2:].flatten()]))[0, 1].item()
        return error.std().item(), far

    (plain, near), (soft, far) = noise(0.0), noise(1.0)
    assert soft < 0.7 * plain and far > near + 0.2
    assert torch.equal(Camera(soften=(0, 0))(y, seeded()), Camera()(y, seeded()))


@pytest.mark.parametrize("contrast", [1.0, 1.3, 2.0])
def test_the_s_keeps_its_ends_and_its_middle_and_the_inverse_undoes_it(contrast):
    x = torch.linspace(0, 1, 101)
    curve = s_curve(x, contrast)
    torch.testing.assert_close(curve[[0, 50, 100]], x[[0, 50, 100]])
    torch.testing.assert_close(s_curve(curve, 1 / contrast), x, atol=1e-5, rtol=0)
    assert (curve.diff() >= 0).all()


def test_contrast_takes_noise_out_of_the_shadows():
    y = torch.tensor([0.1, 0.4]).view(2, 1, 1, 1).expand(-1, 3, 100, 100)

    def dark_over_bright(contrast):
        dark, bright = (Camera(shot=0.03, read=0.0, contrast=contrast, jpeg=None)(y, seeded()) - y).std((1, 2, 3))
        return (dark / bright).item()

    assert dark_over_bright(1.6) < 0.7 * dark_over_bright(1.0)


def test_blur_agrees_with_scipy_and_every_image_has_its_own_width(coffee):
    from scipy import ndimage

    both = blur(coffee.expand(2, -1, -1, -1), torch.tensor([0.7, 2.0]).view(2, 1, 1, 1))
    for mine, width in zip(both, (0.7, 2.0), strict=True):
        theirs = ndimage.gaussian_filter(coffee[0].numpy(), (0, width, width), mode="nearest", radius=(0, 6, 6))
        torch.testing.assert_close(mine, torch.from_numpy(theirs), atol=1e-5, rtol=0)
    torch.testing.assert_close(blur(coffee, torch.zeros(1, 1, 1, 1)), coffee)


@pytest.mark.parametrize("size", [(8, 8), (7, 9)])
def test_demosaicking_is_exact_for_planes(size):
    height, width = size
    plane = 0.2 + 0.01 * torch.arange(height).view(-1, 1) + 0.02 * torch.arange(width)
    y = torch.stack([plane, 1 - plane, 0.5 * plane])[None]
    measured = y * bayer(y)
    assert (measured != 0).sum(dim=1).eq(1).all()  # one colour a pixel
    torch.testing.assert_close(demosaic(measured)[..., 1:-1, 1:-1], y[..., 1:-1, 1:-1])


def test_images_draw_their_own_levels_and_the_seed_decides(coffee):
    y = coffee.expand(4, -1, -1, -1)
    z, level = Camera().record(y, seeded(1))
    assert len({round(v, 5) for v in level.mean(dim=(1, 2, 3)).tolist()}) == 4
    assert torch.equal(z, Camera()(y, seeded(1))) and not torch.equal(z, Camera()(y, seeded(2)))
    assert z.shape == y.shape and z.min() >= 0 and z.max() <= 1


@pytest.mark.parametrize(
    "options",
    [
        {"shot": -0.1}, {"read": 2}, {"shot": (0.2, 0.1)}, {"jpeg": 0}, {"vivid": 5},
        {"smear": 4}, {"soften": 4}, {"contrast": 0.5},
    ],
)  # fmt: skip
def test_parameters_out_of_range_are_refused(options):
    with pytest.raises(ValueError, match="must be in"):
        Camera(**options)


def test_grey_images_and_grey_levels_are_refused(coffee):
    with pytest.raises(ValueError, match="channel"):
        Camera()(coffee[:, :1])
    with pytest.raises(ValueError, match=r"\[0, 1\]"):
        Camera()(255 * coffee)
