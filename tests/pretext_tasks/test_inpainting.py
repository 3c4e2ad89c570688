"""Holes and losses against loops and cases worked by hand."""

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from course_lib.pretext_tasks import NIN
from course_lib.pretext_tasks.filling import biharmonic, hole_psnr, mean_colour, membrane
from course_lib.pretext_tasks.inpainting import (
    GREY,
    ChannelwiseDense,
    ContextEncoder,
    Critic,
    PaintedAndJudged,
    adversarial_loss,
    centre_hole,
    cut_out,
    hole_loss,
    random_holes,
)


def test_the_hole_in_the_middle_is_a_quarter_of_the_picture():
    mask = centre_hole(32)
    assert mask.shape == (1, 1, 32, 32) and mask.sum() == 256
    assert torch.equal(mask, mask.flip(2)) and torch.equal(mask, mask.flip(3))
    with pytest.raises(ValueError, match="border"):
        centre_hole(32, 1.0)


@settings(max_examples=30, deadline=None)
@given(st.integers(1, 8), st.integers(1, 4), st.integers(0, 1000))
def test_random_holes_are_unions_of_squares(side, holes, seed):
    masks = random_holes(5, 12, side, holes, torch.Generator().manual_seed(seed))
    assert masks.shape == (5, 1, 12, 12) and masks.dtype == torch.bool
    for mask in masks[:, 0]:
        assert side**2 <= mask.sum() <= holes * side**2
        corners = [(i, j) for i in range(13 - side) for j in range(13 - side) if mask[i : i + side, j : j + side].all()]
        covered = torch.zeros(12, 12, dtype=torch.bool)
        for i, j in corners:
            covered[i : i + side, j : j + side] = True
        assert torch.equal(covered, mask)


def test_holes_lie_everywhere_and_are_checked():
    one = random_holes(2000, 6, 1, 1, torch.Generator().manual_seed(0))
    assert one.float().mean(0).min() > 0.01
    with pytest.raises(ValueError, match="side 7"):
        random_holes(1, 6, 7, 1, torch.Generator())


def test_only_the_hole_is_cut_out_and_only_the_hole_counts():
    x = torch.rand(2, 3, 8, 8)
    mask = centre_hole(8)
    z = cut_out(x, mask)
    assert torch.equal(z[..., :2, :], x[..., :2, :]) and (z[..., 2:6, 2:6] == GREY).all()
    painted = torch.where(mask, x + 0.1, x + 5)
    assert hole_loss(painted, x, mask).item() == pytest.approx(0.01, rel=1e-4)
    masks = random_holes(2, 8, 3, 1, torch.Generator().manual_seed(0))
    assert hole_loss(x + 0.2, x, masks).item() == pytest.approx(0.04, rel=1e-4)


def test_the_dense_layer_is_one_matrix_a_map():
    torch.manual_seed(0)
    layer = ChannelwiseDense(3, 4)
    x = torch.randn(2, 3, 4, 4)
    y = layer(x)
    for c in range(3):
        torch.testing.assert_close(y[:, c].flatten(1), x[:, c].flatten(1) @ layer.weight[c].T + layer.bias[c])


def test_every_pixel_of_the_border_reaches_the_middle():
    net = ContextEncoder(NIN(blocks=2, width=8), size=32).eval()
    nn.init.normal_(net.paint[-1].weight)
    x = torch.rand(1, 3, 32, 32, requires_grad=True)
    net(x)[0, :, 16, 16].sum().backward()
    assert (x.grad[0].abs().sum(0)[0] > 0).float().mean() > 0.9
    with pytest.raises(ValueError, match="32 pixels"):
        net(torch.rand(1, 3, 16, 16))


def test_filling_leaves_the_rest_alone():
    net = ContextEncoder(NIN(blocks=2, width=8), size=16).eval()
    nn.init.normal_(net.paint[-1].weight)
    x, mask = torch.rand(3, 3, 16, 16), centre_hole(16)
    y = net.fill(x, mask)
    assert torch.equal(y[~mask.expand_as(y)], x[~mask.expand_as(x)]) and y.min() >= 0 and y.max() <= 1
    # what was in the hole is not looked at
    torch.testing.assert_close(net.fill(torch.where(mask, 1 - x, x), mask), y * mask + x * ~mask)


def test_painter_and_critic_get_the_gradient_of_their_own_loss():
    torch.manual_seed(0)
    critic, real, painted = Critic(4), torch.rand(2, 3, 16, 16), torch.rand(2, 3, 16, 16, requires_grad=True)
    painter_loss, critic_loss = adversarial_loss(critic, painted, real)
    d_real, d_painted = critic(real).sigmoid(), critic(painted).sigmoid()
    torch.testing.assert_close(painter_loss, -d_painted.log().mean())
    torch.testing.assert_close(critic_loss, -d_real.log().mean() - (1 - d_painted).log().mean())
    painter_loss.backward()
    assert all(p.grad is None for p in critic.parameters()) and painted.grad.abs().sum() > 0
    before = painted.grad.clone()
    critic_loss.backward()
    assert torch.equal(painted.grad, before) and all(p.grad is not None for p in critic.parameters())


def test_a_critic_that_cannot_tell_costs_two_coins():
    critic = Critic(4)
    nn.init.zeros_(critic.head.weight)
    nn.init.zeros_(critic.head.bias)
    x = torch.rand(2, 3, 16, 16)
    painter, mistakes = adversarial_loss(critic, x, x)
    assert painter.item() == pytest.approx(math.log(2)) and mistakes.item() == pytest.approx(2 * math.log(2))


def test_one_optimiser_trains_painter_and_critic():
    torch.manual_seed(0)
    model = PaintedAndJudged(ContextEncoder(NIN(blocks=2, width=8), size=16), Critic(4), share=0.25)
    x, mask = torch.rand(4, 3, 16, 16), centre_hole(16)
    model.eval()
    painted = model(cut_out(x, mask))
    painter, critic = adversarial_loss(model.critic, torch.where(mask, painted, x), x)
    torch.testing.assert_close(model.loss(x, mask), 0.75 * hole_loss(painted, x, mask) + 0.25 * painter + critic)
    model.loss(x, mask).backward()
    expected = torch.autograd.grad(critic, list(model.critic.parameters()))
    for p, gradient in zip(model.critic.parameters(), expected, strict=True):
        torch.testing.assert_close(p.grad, gradient)


def test_a_flat_picture_is_filled_without_an_error_by_all_that_needs_no_training():
    x = torch.tensor([0.2, 0.5, 0.8]).view(1, 3, 1, 1).expand(2, 3, 16, 16).contiguous()
    mask = random_holes(2, 16, 5, 2, torch.Generator().manual_seed(0))
    damaged = torch.where(mask, 0.0, x)
    for fill in (mean_colour, membrane, biharmonic):
        torch.testing.assert_close(fill(damaged, mask), x, atol=1e-4, rtol=0)


def test_biharmonic_continues_a_slope_and_the_mean_does_not():
    x = torch.linspace(0.1, 0.9, 16).expand(1, 3, 16, 16).contiguous()
    mask = centre_hole(16)
    torch.testing.assert_close(biharmonic(torch.where(mask, 0.0, x), mask), x, atol=1e-3, rtol=0)
    assert hole_psnr(mean_colour(x, mask), x, mask).item() < 25


def test_the_membrane_solves_laplace_s_equation():
    torch.manual_seed(0)
    x, mask = torch.rand(1, 1, 16, 16), centre_hole(16)
    y = membrane(x, mask, sweeps=200)
    assert torch.equal(y[~mask], x[~mask])
    # the same by a dense system: 4 y - the four neighbours = 0 for every unknown pixel
    inside = mask[0, 0].nonzero().tolist()
    number = {tuple(place): k for k, place in enumerate(inside)}
    system, right = torch.zeros(len(inside), len(inside)), torch.zeros(len(inside))
    for k, (i, j) in enumerate(inside):
        system[k, k] = 4
        for place in ((i - 1, j), (i + 1, j), (i, j - 1), (i, j + 1)):
            if place in number:
                system[k, number[place]] = -1
            else:
                right[k] += x[0, 0, place[0], place[1]]
    torch.testing.assert_close(y[mask], torch.linalg.solve(system, right), atol=1e-3, rtol=0)
    # the coarse levels have done most of it
    torch.testing.assert_close(membrane(x, mask), y, atol=0.03, rtol=0)


def test_a_membrane_lies_between_the_values_of_its_border_whatever_the_mask():
    x = torch.rand(3, 3, 13, 10)
    mask = random_holes(3, 10, 3, 4, torch.Generator().manual_seed(1))
    mask = torch.cat([mask, torch.zeros(3, 1, 3, 10, dtype=torch.bool)], dim=2)
    y = membrane(torch.where(mask, torch.nan_to_num(torch.tensor(float("inf")), posinf=9.0), x), mask)
    assert y.min() >= x.min() and y.max() <= x.max()


def test_an_untrained_network_leaves_the_surface_that_it_starts_from():
    net = ContextEncoder(NIN(blocks=2, width=8), size=16, start=membrane).eval()
    x, mask = torch.rand(2, 3, 16, 16), centre_hole(16)
    torch.testing.assert_close(net.fill(x, mask), membrane(x, mask))


def test_the_psnr_of_a_hole_looks_at_the_hole():
    x, mask = torch.rand(2, 3, 8, 8), centre_hole(8)
    y = torch.where(mask, x + torch.tensor([0.1, 0.01]).view(2, 1, 1, 1), x + 0.5)
    torch.testing.assert_close(hole_psnr(y, x, mask), torch.tensor([20.0, 40.0]), atol=1e-2, rtol=0)
