"""CBDNet: its parts, and the properties of its losses."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

from course_lib.denoising import CBDNet, asymmetric_loss, cbdnet_loss, total_variation
from course_lib.denoising.recipes.real_noise import camera_patches, other_colours
from course_lib.observation import Camera
from course_lib.receptive_fields import receptive_field
from course_lib.reference.recipe import Scale


def test_five_and_sixteen_convolutions():
    net = CBDNet()
    assert sum(isinstance(m, nn.Conv2d) for m in net.estimator) == 5
    rest = [m for name, m in net.named_modules() if isinstance(m, nn.Conv2d) and "estimator" not in name]
    assert len([m for m in rest if m.kernel_size == (3, 3)]) == 16
    assert {m.out_channels for m in rest} == {64, 128, 256, 3}


@pytest.mark.parametrize("shape", [(1, 3, 8, 8), (2, 3, 7, 9), (1, 3, 2, 2), (1, 3, 5, 18)])
@pytest.mark.parametrize("precision", [torch.float32, torch.bfloat16])
def test_any_size_forward_and_backward(shape, precision):
    net = CBDNet(width=4)
    z, y = torch.rand(shape), torch.rand(shape)
    with torch.autocast("cpu", torch.bfloat16, enabled=precision == torch.bfloat16):
        loss = cbdnet_loss(net, z, torch.full(shape, 0.1), y)
    loss.backward()
    assert loss.isfinite() and all(p.grad is not None and p.grad.isfinite().all() for p in net.parameters())


@torch.no_grad()
def test_training_starts_from_the_noisy_image_and_the_level_is_a_knob():
    torch.manual_seed(0)
    net, z = CBDNet(width=4), torch.rand(1, 3, 8, 8)
    assert torch.equal(net(z), z)
    nn.init.normal_(net.last.weight)
    assert torch.equal(net(z), net(z, net.level(z)))
    assert not torch.allclose(net(z), net(z, net.level(z) + 1))
    assert net.level(z).min() >= 0


def test_the_estimator_does_not_start_dead():
    """It once began at 0 everywhere, which is where ReLU lets no gradient through."""
    for seed in range(5):
        torch.manual_seed(seed)
        net, z = CBDNet(width=4), torch.rand(2, 3, 8, 8)
        asymmetric_loss(net.level(z), torch.full_like(z, 0.01)).backward()
        assert net.level(z).min() > 0 and net.estimator[-2].weight.grad.abs().max() > 0


def test_it_sees_the_neighbourhood_that_its_paths_add_up_to():
    # 2 + 2*3 + 4*6 + 2*3 + 2 convolutions' reach each side, at strides 1, 2, 4, plus the estimator's 5
    side = receptive_field(CBDNet(width=2), torch.zeros(1, 3, 128, 128)).size
    assert 80 <= side[0] <= 100 and side[0] == side[1]


@given(st.floats(0.01, 1), st.floats(0.001, 0.5), st.floats(0.05, 0.45))
def test_underestimation_costs_more_by_the_ratio(level, error, alpha):
    s = torch.full((1, 1, 2, 2), level, dtype=torch.float64)
    over, under = asymmetric_loss(s + error, s, alpha), asymmetric_loss(s - error, s, alpha)
    assert under > over
    assert (under / over).item() == pytest.approx((1 - alpha) / alpha, rel=1e-3)


def test_other_colours_keep_each_channel_and_only_dim_it():
    y = torch.rand(6, 3, 5, 5, generator=torch.Generator().manual_seed(0))
    changed = other_colours(y, torch.Generator().manual_seed(1))
    share = changed[:, :, None] / y[:, None]  # (B, after, before, H, W): constant where the channel is the same
    flat = share.flatten(3)
    same = (flat.amax(3) - flat.amin(3)) < 1e-4
    assert same.sum(1).eq(1).all() and same.sum(2).eq(1).all()
    factor = flat.mean(3)[same]
    assert factor.min() >= 0.5 and factor.max() <= 1 and factor.std() > 0.05
    assert len({tuple(m.flatten().tolist()) for m in same}) > 1  # every patch in an order of its own


def test_soft_pictures_have_less_detail_under_noise_as_strong():
    """The picture is softened before the camera, not with its noise."""
    grain = [0.4 + 0.2 * torch.rand(3, 80, 80, generator=torch.Generator().manual_seed(0))]
    camera = Camera(shot=0, read=0.03, jpeg=None)

    def patches(soft):
        made = camera_patches("cpu", Scale(steps=1, batch=4, patch=32, lr=1), camera, lambda: grain, soft=soft)
        z, _, y = made(torch.Generator().manual_seed(1))
        return y.diff(dim=-1).std().item(), (z - y).diff(dim=-1).std().item()

    (sharp, noise), (soft, same) = patches(0.0), patches((1.0, 2.0))
    assert soft < 0.2 * sharp and same == pytest.approx(noise, rel=0.1)


def test_a_perfect_estimate_costs_nothing():
    s = torch.rand(2, 3, 4, 5)
    assert asymmetric_loss(s, s) == 0


@given(st.floats(-2, 2), st.floats(-2, 2))
def test_total_variation_of_a_plane(a, b):
    plane = a * torch.arange(6.0).view(-1, 1) + b * torch.arange(7.0)
    assert total_variation(plane[None, None]).item() == pytest.approx(a * a + b * b, abs=1e-4)


def test_bad_input_is_named():
    net = CBDNet(width=2)
    with pytest.raises(ValueError, match="channel"):
        net(torch.rand(1, 1, 8, 8))
    with pytest.raises(ValueError, match="same shape"):
        net(torch.rand(1, 3, 8, 8), torch.rand(1, 3, 8, 9))
    with pytest.raises(ValueError, match="alpha"):
        asymmetric_loss(torch.rand(1, 1, 2, 2), torch.rand(1, 1, 2, 2), alpha=0.5)
    with pytest.raises(ValueError, match="grey levels"):
        net(torch.full((1, 3, 8, 8), 200.0))
