"""The gated network at the two ends of its gates, and between them."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from course_lib.denoising import GatedConvDeconv
from course_lib.denoising.dncnn import count_parameters


def gated(value, **options):
    model = GatedConvDeconv(depth=10, width=4, **options)
    nn.init.constant_(model.gates, value)
    return model


def test_ten_layers_four_gates_and_a_count_worked_by_hand():
    model = GatedConvDeconv()
    layers = [m for m in model.modules() if isinstance(m, (nn.Conv2d, nn.ConvTranspose2d))]
    assert len(layers) == 10 and model.delta.tolist() == [0.5] * 4
    assert count_parameters(model) == (27 * 64 + 64) + 8 * (9 * 64 * 64 + 64) + (27 * 64 + 3) + 4


def test_closed_gates_are_the_plain_stack():
    model, z = gated(-1e4), torch.rand(1, 3, 9, 7)
    h = z
    for layer in (*model.convs, *model.deconvs):
        h = layer(h).relu()
    torch.testing.assert_close(model(z), model.last(h))


def test_open_gates_leave_the_first_and_the_last_layer():
    model, z = gated(1e4), torch.rand(1, 3, 9, 7)
    torch.testing.assert_close(model(z), model.last(model.convs[0](z).relu()))


def test_skips_are_symmetric():
    """The open gate of deconvolution k takes over from everything between it and its mirror image."""
    z = torch.rand(1, 3, 9, 7)
    for k in range(4):
        model = gated(-1e4)
        with torch.no_grad():
            model.gates[k] = 1e4
        model(z).square().sum().backward()
        reached = [conv.weight.grad is not None and conv.weight.grad.any().item() for conv in model.convs]
        assert reached == [i <= 3 - k for i in range(5)]


@settings(max_examples=10, deadline=None)
@given(height=st.integers(1, 9), width=st.integers(1, 9), depth=st.sampled_from([4, 10]), bf16=st.booleans())
def test_any_size_goes_through_forward_and_backward(height, width, depth, bf16):
    model = GatedConvDeconv(depth, width=4, channels=1)
    z = torch.rand(1, 1, height, width)
    with torch.autocast("cpu", torch.bfloat16, enabled=bf16):
        y_hat = model(z)
    assert y_hat.shape == z.shape
    y_hat.float().square().mean().backward()
    assert all(p.grad is not None and p.grad.isfinite().all() for p in model.parameters())


def test_a_gate_is_found_again_from_the_outputs_it_gave():
    torch.manual_seed(0)
    wanted, model = gated(0.0), gated(0.0)
    model.load_state_dict(wanted.state_dict())
    with torch.no_grad():
        wanted.gates[-1] = 2.0
    z = torch.rand(4, 3, 8, 8)
    target = wanted(z).detach()
    optimizer = torch.optim.Adam([model.gates], 0.1)
    for _ in range(100):
        optimizer.zero_grad()
        (1e4 * (model(z) - target).square().mean()).backward()
        model.gates.grad[:-1] = 0
        optimizer.step()
    torch.testing.assert_close(model.delta, wanted.delta, atol=0.05, rtol=0)


def test_bad_settings_and_input_are_named():
    for depth in (2, 5):
        with pytest.raises(ValueError, match=f"depth must be even and at least 4, got {depth}"):
            GatedConvDeconv(depth)
    with pytest.raises(ValueError, match=r"3 channel\(s\), got 1"):
        gated(0.0)(torch.rand(1, 1, 8, 8))
