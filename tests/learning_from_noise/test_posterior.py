"""Bayes' rule against worlds in which the truth can be drawn."""

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from course_lib.learning_from_noise import (
    DilatedNetwork,
    GaussianLevel,
    PoissonLevel,
    WithPosterior,
    blind_spot_loss,
    negative_log_likelihood,
    posterior_mean,
)

variances = st.floats(1e-4, 1.0)


@given(st.floats(0, 1), variances, variances)
@settings(deadline=None)
def test_it_is_the_best_weight_for_gaussians(mean, variance, noise):
    """Least squares over many draws finds the same weight of the recording."""
    generator = torch.Generator().manual_seed(0)
    y = mean + variance**0.5 * torch.randn(1, 1, 200, 200, generator=generator, dtype=torch.float64)
    z = y + noise**0.5 * torch.randn(y.shape, generator=generator, dtype=torch.float64)
    best = ((y - mean) * (z - mean)).sum() / (z - mean).square().sum()
    ours = posterior_mean(z, torch.full_like(z, mean), torch.full_like(z, variance), noise)
    assert ((ours - mean) / (z - mean)).mean().item() == pytest.approx(best.item(), abs=0.02)


@given(variances, variances)
@settings(deadline=None)
def test_the_error_is_that_of_resistors_in_parallel(variance, noise):
    """1 / error = 1 / variance + 1 / noise: smaller than either."""
    generator = torch.Generator().manual_seed(1)
    y = variance**0.5 * torch.randn(1, 1, 300, 300, generator=generator, dtype=torch.float64)
    z = y + noise**0.5 * torch.randn(y.shape, generator=generator, dtype=torch.float64)
    error = (posterior_mean(z, 0 * z, torch.full_like(z, variance), noise) - y).square().mean().item()
    assert error == pytest.approx(1 / (1 / variance + 1 / noise), rel=0.05)


def test_its_ends():
    z, mean = torch.tensor([[[[2.0, 3.0, 4.0]]]]), torch.tensor([[[[0.0, 1.0, 2.0]]]])
    assert torch.equal(posterior_mean(z, mean, torch.zeros_like(z), 1.0), mean)
    assert torch.equal(posterior_mean(z, mean, torch.ones_like(z), 0.0), z)
    assert torch.equal(posterior_mean(z, mean, torch.zeros_like(z), 0.0), z)
    assert torch.equal(posterior_mean(z, mean, torch.ones_like(z), 1.0), (z + mean) / 2)


@given(st.floats(-1, 1), st.floats(0.01, 1))
@settings(deadline=None)
def test_the_likelihood_is_torchs(mean, variance):
    z = torch.rand(2, 1, 3, 4, dtype=torch.float64)
    theirs = torch.distributions.Normal(torch.full_like(z, mean), variance**0.5).log_prob(z).mean()
    ours = negative_log_likelihood(z, torch.full_like(z, mean), torch.full_like(z, variance))
    torch.testing.assert_close(-theirs - 0.5 * math.log(2 * math.pi), ours)


def test_the_likelihood_asks_for_the_true_mean_and_variance():
    z = 0.3 + 0.2 * torch.randn(1, 1, 300, 300, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    mean = torch.zeros(1, dtype=torch.float64, requires_grad=True)
    log_variance = torch.zeros(1, dtype=torch.float64, requires_grad=True)
    optimizer = torch.optim.LBFGS([mean, log_variance], max_iter=100, line_search_fn="strong_wolfe")

    def closure():
        optimizer.zero_grad()
        loss = negative_log_likelihood(z, mean.expand_as(z), log_variance.exp().expand_as(z))
        loss.backward()
        return loss

    optimizer.step(closure)
    assert mean.item() == pytest.approx(0.3, abs=0.003)
    assert log_variance.exp().sqrt().item() == pytest.approx(0.2, abs=0.003)


@given(st.floats(0.02, 0.3), st.floats(0.1, 0.9))
@settings(deadline=None)
def test_an_unknown_sigma_is_read_off_the_smooth_parts(sigma, smooth):
    """A perfect network: in the smooth share of a picture, all that is left open is the noise."""
    total = torch.full((2, 1, 40, 40), sigma**2)
    textured = torch.rand(total.shape, generator=torch.Generator().manual_seed(0)) > smooth
    total = torch.where(textured, total + 0.02, total)
    found = GaussianLevel()(torch.full_like(total, 0.5), total).sqrt()
    assert found.shape == (2, 1, 1, 1) and found.flatten().tolist() == pytest.approx([sigma, sigma], rel=1e-4)


@given(st.floats(5, 200))
@settings(deadline=None)
def test_an_unknown_peak_is_read_off_the_smooth_parts(peak):
    mean = torch.rand(1, 1, 40, 40, generator=torch.Generator().manual_seed(0)) * 0.9 + 0.1
    total = mean / peak
    total[..., :20] += 0.02
    torch.testing.assert_close(PoissonLevel()(mean, total), mean / peak)
    torch.testing.assert_close(PoissonLevel(peak)(mean, total), mean / peak)


def test_with_posterior_needs_the_pixel_that_the_network_does_not_see():
    torch.manual_seed(0)
    network, z = DilatedNetwork(width=4, blocks=1), torch.rand(1, 1, 8, 8, requires_grad=True)
    (gradient,) = torch.autograd.grad(WithPosterior(network, GaussianLevel(0.05))(z)[0, 0, 4, 4], z)
    assert 0 < gradient[0, 0, 4, 4] < 1
    mean, total = network.prior(z)
    torch.testing.assert_close(
        WithPosterior(network, GaussianLevel(0.05))(z), posterior_mean(z, mean, total - 0.0025, 0.0025)
    )


def test_where_the_network_claims_less_than_the_noise_its_mean_is_taken():
    network, z = DilatedNetwork(width=4, blocks=1), torch.rand(1, 1, 8, 8)
    torch.testing.assert_close(WithPosterior(network, GaussianLevel(0.9))(z), network(z))


def test_the_loss_never_looks_at_anything_clean():
    torch.manual_seed(0)
    network, z = DilatedNetwork(width=4, blocks=1), torch.rand(1, 1, 8, 8)
    assert blind_spot_loss(network, z) == negative_log_likelihood(z, *network.prior(z))


@pytest.mark.parametrize(
    "wrong",
    [
        lambda z: posterior_mean(z, z, z[:, :1, :2], 0.1),
        lambda z: posterior_mean(z, z, -z, 0.1),
        lambda z: posterior_mean(z, z, z, -0.1),
        lambda z: negative_log_likelihood(z, z[..., :2], z),
        lambda z: GaussianLevel(25.0),
        lambda z: PoissonLevel(0.0),
    ],
)
def test_what_cannot_be_is_refused(wrong):
    with pytest.raises(ValueError, match="got"):
        wrong(torch.rand(1, 1, 4, 4) + 0.1)
