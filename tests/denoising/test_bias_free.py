"""Bias-free networks: what homogeneity promises, and what the twin with biases does not keep."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from course_lib.denoising import BiasFreeBatchNorm2d, BiasFreeDnCNN, DnCNN, remove_biases


@pytest.fixture(scope="module")
def trained():
    """A few steps in training mode, so that scales and running variances are not those of a new network."""
    torch.manual_seed(0)
    nets = [BiasFreeDnCNN(depth=5, width=8), DnCNN(depth=5, width=8)]
    for net in nets:
        optimizer = torch.optim.Adam(net.parameters(), 1e-2)
        for _ in range(5):
            y = torch.rand(4, 1, 12, 12)
            optimizer.zero_grad()
            (net(y + 0.1 * torch.randn_like(y)) - y).square().mean().backward()
            optimizer.step()
        net.eval()
    return nets


@settings(max_examples=20, deadline=None)
@given(st.floats(0.0, 15.0), st.integers(0, 10_000))
def test_it_is_homogeneous(trained, a, seed):
    z = torch.rand(1, 1, 9, 11, generator=torch.Generator().manual_seed(seed))
    with torch.no_grad():
        torch.testing.assert_close(trained[0](a * z), a * trained[0](z), atol=1e-4, rtol=1e-4)


@torch.no_grad()
def test_its_twin_with_biases_is_not(trained):
    z = torch.rand(1, 1, 9, 11)
    assert (trained[1](3 * z) - 3 * trained[1](z)).abs().max() > 1e-2


def test_the_output_is_a_linear_map_of_the_input(trained):
    """``f(z) = A_z z``: the Jacobian times the image is the output."""
    z = torch.rand(1, 1, 6, 6)
    jacobian = torch.func.jacrev(trained[0])(z).reshape(36, 36)
    torch.testing.assert_close((jacobian @ z.flatten()), trained[0](z).flatten(), atol=1e-4, rtol=1e-3)


def test_no_additive_constant_is_left():
    net = BiasFreeDnCNN()
    assert not [name for name, _ in net.named_parameters() if "bias" in name]
    assert not [name for name, _ in net.named_buffers() if "mean" in name]
    assert net(torch.zeros(1, 1, 5, 5)).abs().max() == 0


@torch.no_grad()
def test_batch_norm_without_constants_divides_by_the_deviation():
    norm = BiasFreeBatchNorm2d(3, momentum=1.0)
    x = 5 + 2 * torch.randn(8, 3, 16, 16)
    y = norm(x)
    torch.testing.assert_close(y.std(dim=(0, 2, 3)), torch.ones(3), atol=1e-2, rtol=1e-2)
    torch.testing.assert_close(
        y.mean(dim=(0, 2, 3)), (x / x.std(dim=(0, 2, 3)).view(1, 3, 1, 1)).mean((0, 2, 3)), rtol=1e-2, atol=1e-2
    )
    torch.testing.assert_close(norm.eval()(x), y, rtol=1e-3, atol=1e-3)


@pytest.mark.parametrize("precision", [torch.float32, torch.bfloat16])
def test_forward_and_backward(precision):
    net = BiasFreeDnCNN(depth=3, width=4)
    with torch.autocast("cpu", torch.bfloat16, enabled=precision == torch.bfloat16):
        loss = (net(torch.rand(1, 1, 7, 9)) - 0.5).square().mean()
    loss.backward()
    assert all(p.grad is not None and p.grad.isfinite().all() for p in net.parameters())


def test_what_it_cannot_strip_is_refused():
    with pytest.raises(ValueError, match="GroupNorm"):
        remove_biases(nn.Sequential(nn.Conv2d(1, 4, 3), nn.GroupNorm(2, 4)))
