"""Gradual denoisers: estimates that add up, and experts that are asked only for their own images."""

import pytest
import torch

from course_lib.denoising import ClassAwareDenoiser, GradualDenoiser, MultiBranchDnCNN
from course_lib.denoising.dncnn import count_parameters
from course_lib.denoising.recipes.multi_branch import RIVALS
from course_lib.receptive_fields import receptive_field


def restless(net):
    """The same network with no weight at zero."""
    torch.manual_seed(0)
    for p in net.parameters():
        torch.nn.init.normal_(p, std=0.05)
    return net.eval()


@torch.no_grad()
def test_the_estimates_add_up_to_the_output():
    net, z = restless(GradualDenoiser(depth=5, width=8, channels=3)), torch.rand(2, 3, 7, 9)
    steps, estimates = net.steps(z), net.estimates(z)
    assert len(steps) == len(estimates) == 5
    torch.testing.assert_close(steps[-1], net(z))
    torch.testing.assert_close(steps[2], z + estimates[0] + estimates[1] + estimates[2])
    assert torch.equal(GradualDenoiser(depth=3, width=4)(z[:, :1]), z[:, :1])  # a new network changes nothing


def test_each_layer_sees_two_pixels_more():
    net = restless(GradualDenoiser(depth=6, width=4))
    assert receptive_field(net, torch.zeros(1, 1, 21, 21)).size == (13, 13)


def test_the_paper_s_size():
    first, middle, last = 9 * 64 + 64, 9 * 63 * 64 + 64, 9 * 63 + 1
    assert count_parameters(GradualDenoiser()) == first + 18 * middle + last


@torch.no_grad()
def test_every_image_goes_to_its_expert():
    net, z = restless(ClassAwareDenoiser(3, depth=3, width=6)), torch.rand(5, 3, 8, 9)
    label = torch.tensor([2, 0, 1, 0, 2])
    y_hat = net(z, label)
    for i, c in enumerate(label):
        torch.testing.assert_close(y_hat[i : i + 1], net.experts[c](z[i : i + 1]))
    torch.testing.assert_close(net(z), net(z, net.router(z).argmax(1)))
    assert net.router(z).shape == (5, 3)


@torch.no_grad()
def test_branches_work_one_after_another():
    net, z = restless(MultiBranchDnCNN(width=4)), torch.rand(1, 1, 12, 11)
    first = z - net.branches[0](z)
    second = first - net.branches[1](first)
    torch.testing.assert_close(net.steps(z)[1], second)
    torch.testing.assert_close(net(z), second - net.branches[2](second))


def test_the_report_s_count_within_one_percent():
    assert count_parameters(MultiBranchDnCNN()) == pytest.approx(5_805_057, rel=0.01)


@pytest.mark.parametrize("name", [name for name in RIVALS if name != "one subtraction"])
def test_the_rivals_of_a_small_relay_have_its_view_and_its_arithmetic(name):
    relay, rival = RIVALS["three subtractions"](), RIVALS[name]()
    weights = [sum(p.numel() for p in net.parameters() if p.ndim == 4) for net in (relay, rival)]
    assert weights[1] == pytest.approx(weights[0], rel=0.06)
    sides = [receptive_field(net, torch.zeros(1, 1, 99, 99)).size for net in (relay, rival)]
    assert sides[0] == sides[1]
    z = torch.rand(1, 1, 12, 11)
    assert torch.equal(rival(z), z)  # all start from the noisy image


@pytest.mark.parametrize("precision", [torch.float32, torch.bfloat16])
@pytest.mark.parametrize("build", [lambda: GradualDenoiser(4, 6), lambda: MultiBranchDnCNN(width=4)])
def test_odd_sizes_forward_and_backward(build, precision):
    net = build().train()
    with torch.autocast("cpu", torch.bfloat16, enabled=precision == torch.bfloat16):
        loss = (net(torch.rand(1, 1, 7, 11)) - 0.5).square().mean()
    loss.backward()
    assert all(p.grad is not None and p.grad.isfinite().all() for p in net.parameters())


def test_bad_input_is_named():
    with pytest.raises(ValueError, match="depth"):
        GradualDenoiser(depth=1)
    with pytest.raises(ValueError, match="width must be larger"):
        GradualDenoiser(width=3, channels=3)
    with pytest.raises(ValueError, match="odd kernel"):
        MultiBranchDnCNN(kernels=(4, 5, 3))
    with pytest.raises(ValueError, match="channel"):
        GradualDenoiser(3, 4)(torch.rand(1, 3, 8, 8))
    with pytest.raises(ValueError, match="one number for each image"):
        ClassAwareDenoiser(2, 3, 6)(torch.rand(2, 3, 8, 8), torch.tensor([0]))
