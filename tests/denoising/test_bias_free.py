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


def bias_less_twin(net):
    """The linear part of every layer, worked out: ``x gamma / sqrt(var + eps)``, and convolutions without bias."""

    def run(x):
        for layer in net:
            if isinstance(layer, nn.Conv2d):
                x = nn.functional.conv2d(x, layer.weight, padding=layer.padding)
            elif isinstance(layer, nn.BatchNorm2d):
                gamma = 1 if layer.weight is None else layer.weight.view(1, -1, 1, 1)
                x = x * gamma / (layer.running_var.view(1, -1, 1, 1) + layer.eps).sqrt()
            else:
                x = layer(x)
        return x

    return run


@settings(max_examples=25, deadline=None)
@given(st.floats(1e-6, 0.5), st.booleans(), st.booleans(), st.sampled_from([torch.float32, torch.float64]))
def test_what_was_learnt_survives(eps, affine, training, dtype):
    norm = nn.BatchNorm2d(3, eps=eps, momentum=0.3, affine=affine)
    net = nn.Sequential(nn.Conv2d(1, 3, 3, padding=1), norm, nn.ReLU(), nn.Conv2d(3, 1, 1)).to(dtype)
    norm.running_var.uniform_(0.1, 4)
    norm.running_mean.normal_()
    if affine:
        nn.init.uniform_(norm.weight, 0.5, 3)
    seen = []
    norm.register_forward_hook(lambda layer, args, output: seen.append(output))
    net.train(training)
    x = torch.rand(2, 1, 6, 7, dtype=dtype)
    expected = bias_less_twin(net)(x)
    assert remove_biases(net) is net and net[1] is norm, "whoever else holds the layer has the new one"
    assert norm.training == training and (norm.eps, norm.momentum) == (eps, 0.3)
    assert not [key for key in net.state_dict() if "bias" in key or "mean" in key]
    with torch.no_grad():
        torch.testing.assert_close(net.eval()(x), expected)
        torch.testing.assert_close(net(3 * x), 3 * expected)
    assert len(seen) == 2 and seen[0].dtype == dtype


@torch.no_grad()
def test_one_norm_in_two_places_and_statistics_of_other_kinds():
    shared = nn.BatchNorm2d(2)
    shared.running_var.fill_(9)
    net = remove_biases(nn.Sequential(shared, nn.ReLU(), shared).eval())
    torch.testing.assert_close(net(torch.full((1, 2, 3, 3), 18.0)), torch.full((1, 2, 3, 3), 2.0))
    x = 2 * torch.randn(4, 2, 16, 16)
    each_batch = remove_biases(nn.BatchNorm2d(2, track_running_stats=False).eval())
    torch.testing.assert_close(each_batch(x), x / x.var((0, 2, 3), correction=0).add(1e-5).sqrt().view(1, 2, 1, 1))
    counting = remove_biases(nn.BatchNorm2d(2, momentum=None))
    counting(x), counting(3 * x)
    torch.testing.assert_close(counting.running_var, 5 * x.var((0, 2, 3), correction=0))


class ShiftedNorm(nn.BatchNorm2d):
    def forward(self, x):
        return super().forward(x) + 1


@pytest.mark.parametrize(
    "layer", [ShiftedNorm(3), nn.BatchNorm1d(3, affine=False), nn.BatchNorm3d(3), nn.LayerNorm(3), nn.GRU(3, 3)]
)
def test_what_is_refused_changes_nothing(layer):
    net = nn.Sequential(nn.Conv2d(1, 3, 3), nn.BatchNorm2d(3), layer)
    before = list(net.state_dict())
    with pytest.raises(ValueError, match=type(layer).__name__):
        remove_biases(net)
    assert list(net.state_dict()) == before
