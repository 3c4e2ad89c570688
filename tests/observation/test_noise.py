"""Noise models against their formulas: moments within standard errors, structure, boundaries."""

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from course_lib.observation import noise

MODELS = [
    noise.Gaussian(0.1),
    noise.Gaussian((0.0, 0.2)),
    noise.Poisson(30),
    noise.PoissonGaussian(30, 0.05),
    noise.SignalDependent(0.02, 0.001),
    noise.Correlated(0.1, 2),
    noise.Bernoulli(0.7),
    noise.SaltAndPepper(0.2),
    noise.SaltAndPepper(0.2, per_channel=True),
    noise.Cutout(5, 2, 0.5),
]
ZERO_MEAN = MODELS[:6]
each_model = pytest.mark.parametrize("model", MODELS, ids=repr)


def flat(value, *shape):
    return torch.full(shape, float(value))


def generator(seed=0):
    return torch.Generator().manual_seed(seed)


def assert_moments(x, mean, std):
    """Sample mean and std of independent, not too heavy-tailed values: within 5 standard errors."""
    n = x.numel()
    assert abs(x.mean().item() - mean) < 5 * std / math.sqrt(n)
    assert abs(x.std().item() - std) < 5 * 1.5 * std / math.sqrt(2 * n)


@each_model
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64, torch.bfloat16])
@pytest.mark.parametrize("shape", [(2, 3, 16, 9), (1, 1, 5, 40)])
def test_shape_and_dtype_survive_and_the_clean_image_is_left_alone(model, dtype, shape):
    y = torch.rand(shape, generator=generator()).to(dtype)
    before = y.clone()
    z = model(y, generator(1))
    assert z.shape == y.shape and z.dtype == dtype and z.isfinite().all()
    assert torch.equal(y, before)


@each_model
def test_the_generator_decides(model):
    y = torch.rand(2, 3, 16, 16, generator=generator())
    torch.manual_seed(0)
    first = model(y, generator(1))
    torch.manual_seed(1)  # the global generator has no say
    assert torch.equal(first, model(y, generator(1)))
    assert not torch.equal(first, model(y, generator(2)))
    g = generator(1)
    assert torch.equal(first, model(y, g)) and not torch.equal(first, model(y, g))
    assert not torch.equal(model(y), model(y))  # without one, the global generator moves on


@each_model
def test_images_of_a_batch_get_noise_of_their_own(model):
    z = model(flat(0.4, 2, 1, 32, 32), generator())
    assert not torch.equal(z[0], z[1])


@pytest.mark.parametrize("model", ZERO_MEAN, ids=repr)
@settings(max_examples=10, deadline=None)
@given(level=st.floats(0, 1), seed=st.integers(0, 2**31))
def test_zero_mean_at_every_brightness(model, level, seed):
    z = model(flat(level, 16, 1, 64, 64), generator(seed))
    # A generous bound on the error of the mean: std <= 0.2; the correlated model has 25 times fewer samples.
    assert abs(z.mean().item() - level) < 5.5 * 0.2 * 5 / math.sqrt(z.numel())


@settings(max_examples=20, deadline=None)
@given(sigma=st.floats(0.001, 1), level=st.floats(0, 1), seed=st.integers(0, 2**31))
def test_gaussian_moments(sigma, level, seed):
    z = noise.Gaussian(sigma)(flat(level, 2, 1, 128, 128), generator(seed))
    assert_moments(z - level, 0, sigma)


def test_gaussian_is_not_clipped_and_normal():
    eta = noise.Gaussian(0.2)(flat(1, 1, 1, 256, 256), generator()) - 1
    assert (eta > 0).float().mean() == pytest.approx(0.5, abs=0.01)
    assert (eta.abs() < 0.2).float().mean() == pytest.approx(0.6827, abs=0.01)


def test_sigma_range_is_uniform_over_images():
    eta = noise.Gaussian((0.1, 0.3))(flat(0.5, 2000, 1, 24, 24), generator()) - 0.5
    sigma = eta.flatten(1).std(dim=1)
    assert sigma.min() > 0.085 and sigma.max() < 0.34
    assert sigma.mean().item() == pytest.approx(0.2, abs=0.005)
    assert sigma.std().item() == pytest.approx(0.2 / math.sqrt(12), abs=0.005)


@pytest.mark.parametrize("peak", [1, 10, 255])
@pytest.mark.parametrize("level", [0.05, 0.5, 1.0])
def test_poisson_variance_is_brightness_over_peak(peak, level):
    z = noise.Poisson(peak)(flat(level, 4, 1, 128, 128), generator())
    n, variance = z.numel(), level / peak
    assert abs(z.mean().item() - level) < 5 * math.sqrt(variance / n)
    # Var(s^2) = (kappa + 2) variance^2 / n with the Poisson's excess kurtosis kappa = 1 / rate.
    assert abs(z.var().item() - variance) < 5 * variance * math.sqrt((2 + 1 / (level * peak)) / n)
    counts = z * peak
    torch.testing.assert_close(counts, counts.round(), atol=1e-3, rtol=0)


def test_poisson_leaves_black_black():
    assert (noise.Poisson(5)(flat(0, 1, 1, 8, 8), generator()) == 0).all()


@pytest.mark.parametrize("level", [0.0, 0.3, 1.0])
def test_poisson_gaussian_and_its_gaussian_stand_in_share_two_moments(level):
    y = flat(level, 4, 1, 128, 128)
    std = math.sqrt(level / 40 + 0.03**2)
    assert_moments(noise.PoissonGaussian(40, 0.03)(y, generator()) - level, 0, std)
    assert_moments(noise.SignalDependent(1 / 40, 0.03**2)(y, generator()) - level, 0, std)


@pytest.mark.parametrize("radius", [0, 1, 2])
def test_correlated_has_the_stated_correlation_function(radius):
    sigma, k = 0.1, 2 * radius + 1
    eta = noise.Correlated(sigma, radius)(flat(0.5, 200, 1, 48, 48), generator()) - 0.5
    assert eta.std().item() == pytest.approx(sigma, rel=0.02)
    for dx in range(k + 2):
        for dy in range(k + 2):
            product = eta[..., dy:, dx:] * eta[..., : 48 - dy, : 48 - dx]
            expected = max(0, 1 - dx / k) * max(0, 1 - dy / k)
            assert product.mean().item() / sigma**2 == pytest.approx(expected, abs=0.03)


def test_correlated_std_holds_at_the_border():
    eta = noise.Correlated(0.1, 2)(flat(0.5, 20_000, 1, 6, 6), generator()) - 0.5
    torch.testing.assert_close(eta.std(dim=0), flat(0.1, 1, 6, 6), rtol=0.03, atol=0)


@settings(max_examples=20, deadline=None)
@given(p=st.floats(0, 1), seed=st.integers(0, 2**31))
def test_bernoulli_keeps_a_fraction_p_and_loses_whole_pixels(p, seed):
    y = torch.rand(2, 3, 96, 96, generator=generator()) * 0.9 + 0.1
    kept = noise.Bernoulli(p)(y, generator(seed)) != 0
    assert (kept.all(dim=1) == kept.any(dim=1)).all()
    n = kept[:, 0].numel()
    assert abs(kept[:, 0].float().mean().item() - p) <= 5 * math.sqrt(p * (1 - p) / n) + 1e-4
    z = noise.Bernoulli(p)(y, generator(seed))
    assert torch.equal(z[kept], y[kept])


@settings(max_examples=20, deadline=None)
@given(p=st.floats(0, 1), seed=st.integers(0, 2**31))
def test_salt_and_pepper_come_in_equal_parts(p, seed):
    z = noise.SaltAndPepper(p)(flat(0.4, 2, 1, 128, 128), generator(seed))
    n, slack = z.numel(), 1e-4
    for value in (0.0, 1.0):
        half = p / 2
        assert abs((z == value).float().mean().item() - half) <= 5 * math.sqrt(half * (1 - half) / n) + slack
    assert ((z == 0) | (z == 1) | (z == 0.4)).all()


def test_salt_and_pepper_by_channel_colours_the_specks():
    y = flat(0.4, 1, 3, 128, 128)
    whole = noise.SaltAndPepper(0.3)(y, generator())
    assert (whole == whole[:, :1]).all()
    hit = noise.SaltAndPepper(0.3, per_channel=True)(y, generator()) != 0.4
    assert hit.all(dim=1).float().mean().item() == pytest.approx(0.3**3, abs=0.008)


@settings(max_examples=30, deadline=None)
@given(
    size=st.integers(1, 9), count=st.integers(0, 4), value=st.sampled_from([0.0, 0.25, 1.0]), seed=st.integers(0, 99)
)
def test_cutout_is_a_union_of_whole_squares(size, count, value, seed):
    y = flat(0.5, 5, 2, 9, 17)
    z = noise.Cutout(size, count, value)(y, generator(seed))
    hit = z != 0.5
    assert (z[hit] == value).all() and (hit[:, 0] == hit[:, 1]).all()
    covered = hit[:, 0].flatten(1).sum(1)
    assert (covered <= count * size**2).all() and (covered >= (size**2 if count else 0)).all()
    # Opening by a square (erode, dilate) returns a union of such squares unchanged.
    inside = -torch.nn.functional.max_pool2d(-hit.float(), size, stride=1)
    padded = torch.nn.functional.pad(inside, [size - 1] * 4)
    assert torch.equal(torch.nn.functional.max_pool2d(padded, size, stride=1) > 0, hit)


def test_a_single_cutout_reaches_every_position_equally_often():
    hit = noise.Cutout(2, 1)(flat(1, 20_000, 1, 3, 4), generator())[:, 0] == 0
    corner = hit[:, 0, 0].float().mean().item()  # 1 of the 2 x 3 positions
    assert corner == pytest.approx(1 / 6, abs=0.015) and hit.sum((1, 2)).eq(4).all()


def test_models_that_keep_the_scale_can_be_chained():
    y = torch.rand(2, 3, 24, 24, generator=generator())
    z = noise.SaltAndPepper(0.1)(noise.Cutout()(noise.Gaussian(0.3)(y, generator()), generator()), generator())
    assert z.shape == y.shape


@each_model
@pytest.mark.parametrize(
    ("y", "says"),
    [
        (torch.full((1, 1, 8, 8), 200.0), "divide by 255"),
        (torch.full((1, 1, 8, 8), float("nan")), "NaN"),
        (torch.zeros(1, 1, 8, 8, dtype=torch.uint8), "uint8"),
        (torch.zeros(1, 8, 8), "4 dimensions"),
        ([[0.5]], "torch.Tensor"),
    ],
    ids=["grey levels", "nan", "uint8", "rank 3", "list"],
)
def test_what_is_not_an_image_is_refused(model, y, says):
    with pytest.raises(ValueError, match=says):
        model(y)


@pytest.mark.parametrize("model", [noise.Poisson(9), noise.PoissonGaussian(9, 0.1), noise.SignalDependent(0.1, 0.1)])
def test_models_of_an_intensity_refuse_a_noisy_image(model):
    with pytest.raises(ValueError, match=r"must lie in \[0, 1\]"):
        model(flat(-0.5, 1, 1, 4, 4))


@pytest.mark.parametrize(
    ("build", "says"),
    [
        (lambda: noise.Gaussian(25), "25 / 255"),
        (lambda: noise.Gaussian(-0.1), "sigma"),
        (lambda: noise.Gaussian(float("nan")), "sigma"),
        (lambda: noise.Gaussian((0, 55)), "55 / 255"),
        (lambda: noise.Gaussian((0.3, 0.1)), "low <= high"),
        (lambda: noise.Gaussian((0.1, 0.2, 0.3)), "pair"),
        (lambda: noise.Poisson(0), "peak"),
        (lambda: noise.Poisson(float("inf")), "peak"),
        (lambda: noise.PoissonGaussian(-1, 0.1), "peak"),
        (lambda: noise.PoissonGaussian(10, 25), "25 / 255"),
        (lambda: noise.SignalDependent(-0.1, 0), "a must"),
        (lambda: noise.SignalDependent(0.1, 2), "b must"),
        (lambda: noise.Correlated(25, 1), "25 / 255"),
        (lambda: noise.Correlated(0.1, 1.5), "radius"),
        (lambda: noise.Correlated(0.1, -1), "radius"),
        (lambda: noise.Bernoulli(1.2), "p must"),
        (lambda: noise.SaltAndPepper(-0.1), "p must"),
        (lambda: noise.Cutout(size=0), "size"),
        (lambda: noise.Cutout(count=-1), "count"),
        (lambda: noise.Cutout(value=255), "value"),
        (lambda: noise.Cutout(12)(flat(0, 1, 1, 8, 20)), "12 x 12"),
    ],
)
def test_parameters_out_of_range_are_refused_by_name(build, says):
    with pytest.raises(ValueError, match=says):
        build()
