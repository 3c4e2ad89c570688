"""Each loss is smallest at its average of the targets; the annealing counts, survives, and costs nothing."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from course_lib.learning_from_noise import Annealed, known_pixels_loss, l0_loss, l1_loss, l2_loss
from course_lib.observation import Specks


@pytest.fixture(scope="module")
def targets():
    """One grey value, recorded ninety thousand times."""
    y = torch.full((1, 1, 300, 300), 0.2)
    return Specks(0.7, 0.3)(y, torch.Generator().manual_seed(0)).flatten()


def best(loss, targets, low=0.1, high=0.5):
    """The number that a loss likes best, on a grid."""
    grid = torch.linspace(low, high, 201)
    return grid[torch.stack([loss(value.expand_as(targets), targets) for value in grid]).argmin()].item()


def test_l2_finds_the_mean_l1_the_median_l0_the_mode(targets):
    truth = Specks(0.7, 0.3)
    assert best(l2_loss, targets) == pytest.approx(0.2 + truth.mean, abs=0.006)
    assert best(l1_loss, targets) == pytest.approx(0.2 + truth.median, abs=0.006)
    assert best(lambda a, b: l0_loss(a, b, 0.1), targets) == pytest.approx(0.2 + truth.mode, abs=1e-4)


@given(st.floats(0.05, 2), st.integers(0, 99))
def test_l0_is_the_mean_power(gamma, seed):
    rng = np.random.default_rng(seed)
    a, b = rng.normal(size=(2, 3, 1, 4, 4))
    expected = np.mean((np.abs(a - b) + 1e-8) ** gamma)
    assert l0_loss(torch.tensor(a), torch.tensor(b), gamma).item() == pytest.approx(expected, rel=1e-4)


def test_l0_begins_as_l2_and_its_gradient_is_finite_where_it_hits():
    a, b = torch.rand(2, 1, 1, 8, 8, generator=torch.Generator().manual_seed(0))
    torch.testing.assert_close(l0_loss(a, b, 2.0), l2_loss(a, b))
    y_hat = b.clone().requires_grad_()
    l0_loss(y_hat, b, 0.01).backward()
    assert y_hat.grad.isfinite().all()


def test_lost_pixels_do_not_count():
    target = torch.tensor([[[[0.0, 0.5], [0.0, 1.0]]]])
    y_hat = torch.tensor([[[[9.0, 0.6], [9.0, 0.7]]]])
    assert known_pixels_loss(y_hat, target).item() == pytest.approx((0.1**2 + 0.3**2) / 2)
    assert known_pixels_loss(y_hat, torch.zeros_like(target)) == 0


def test_gamma_falls_from_2_to_0_and_evaluation_does_not_count():
    model = Annealed(torch.nn.Identity(), steps=10)
    seen = []
    for _ in range(11):
        model.train()(torch.zeros(1))
        seen.append(model.gamma.item())
        model.eval()(torch.zeros(1))
    assert seen == pytest.approx(np.linspace(2, 0, 11))
    again = Annealed(torch.nn.Identity(), steps=10)
    again.load_state_dict(model.state_dict())
    assert again.gamma == model.gamma, "an interrupted training goes on with its gamma"


@pytest.mark.parametrize("loss", [l2_loss, l1_loss, known_pixels_loss, lambda a, b: l0_loss(a, b, 1.0)])
def test_shapes_that_would_broadcast_are_refused(loss):
    with pytest.raises(ValueError, match="same shape"):
        loss(torch.zeros(2, 1, 4, 4), torch.zeros(1, 1, 4, 4))
    with pytest.raises(ValueError, match="steps must be at least 1"):
        Annealed(torch.nn.Identity(), steps=0)
