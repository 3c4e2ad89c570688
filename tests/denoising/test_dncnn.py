"""DnCNN against its paper: layer order, counts, receptive field, and weights of another implementation."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from course_lib.denoising import DnCNN, denoise, evaluate, residual_loss
from course_lib.denoising.dncnn import count_parameters
from course_lib.metrics import psnr
from course_lib.observation import Gaussian


def published_layout(depth: int, width: int, channels: int) -> nn.Sequential:
    """How other implementations publish DnCNN: one flat list, conv + ReLU, (conv, BN, ReLU) x (d-2), conv."""
    layers = [nn.Conv2d(channels, width, 3, padding=1), nn.ReLU()]
    for _ in range(depth - 2):
        layers += [nn.Conv2d(width, width, 3, padding=1, bias=False), nn.BatchNorm2d(width), nn.ReLU()]
    return nn.Sequential(*layers, nn.Conv2d(width, channels, 3, padding=1))


def keys(depth: int) -> dict[str, str]:
    """Flat layer numbers -> names of `DnCNN`, written out: this is the plain key mapping a user would use."""
    mapping = {"0": "first.0", str(3 * (depth - 2) + 2): "last"}
    for block in range(depth - 2):
        mapping |= {str(2 + 3 * block): f"middle.{block}.0", str(3 + 3 * block): f"middle.{block}.1"}
    return mapping


@pytest.mark.parametrize(("depth", "channels"), [(17, 1), (20, 3), (2, 1)])
def test_weights_of_another_implementation_give_its_output(depth, channels):
    torch.manual_seed(0)
    theirs = published_layout(depth, 64, channels)
    for module in theirs:
        if isinstance(module, nn.BatchNorm2d):
            module.running_mean.normal_(0, 0.1)
            module.running_var.uniform_(0.5, 2)
    ours = DnCNN(depth, 64, channels)
    mapping = keys(depth)
    ours.load_state_dict(
        {f"{mapping[key.split('.')[0]]}.{key.split('.')[1]}": value for key, value in theirs.state_dict().items()}
    )
    y = torch.rand(2, channels, 24, 31)
    z = Gaussian(25 / 255)(y, torch.Generator().manual_seed(0))
    with torch.no_grad():
        expected = z - theirs.eval()(z)
    torch.testing.assert_close(denoise(ours, z), expected, atol=1e-5, rtol=1e-5)
    assert (psnr(denoise(ours, z), y) - psnr(expected, y)).abs().max() < 0.01


def test_parameter_counts_worked_by_hand():
    # first 9*64 + 64; 15 x (9*64*64 conv + 2*64 batch norm); last 9*64 + 1
    assert count_parameters(DnCNN(depth=17)) == 640 + 15 * (36_864 + 128) + 577 == 556_097
    assert count_parameters(DnCNN(depth=20)) == 640 + 18 * (36_864 + 128) + 577


@settings(max_examples=10, deadline=None)
@given(depth=st.integers(2, 6), height=st.integers(1, 9), width=st.integers(1, 9), batch=st.integers(1, 2))
def test_any_size_goes_through_forward_and_backward(depth, height, width, batch):
    model = DnCNN(depth, width=4)
    z = torch.rand(batch, 1, height, width)
    if batch * height * width == 1:
        model.eval()  # batch norm needs two values to train on
    y_hat = model(z)
    assert y_hat.shape == z.shape
    residual_loss(y_hat, torch.zeros_like(z)).backward()
    assert all(p.grad is not None for p in model.parameters())


def test_an_untrained_network_returns_its_input():
    z = torch.rand(1, 1, 8, 8)
    torch.testing.assert_close(denoise(DnCNN(depth=5), z), z)


@pytest.mark.parametrize("depth", [2, 5, 17])
def test_receptive_field_is_2d_plus_1(depth):
    model = DnCNN(depth, width=4).double().eval()
    for parameter in model.parameters():  # positive everywhere, so that no ReLU hides a path
        nn.init.uniform_(parameter, 0.1, 0.2)
    z = torch.rand(1, 1, 41, 41, dtype=torch.double, requires_grad=True)
    model.noise(z)[0, 0, 20, 20].backward()
    seen = z.grad[0, 0].nonzero()
    extent = (seen.max(0).values - seen.min(0).values + 1).tolist()
    assert extent == [2 * depth + 1] * 2


def test_loss_is_the_papers_on_a_case_worked_by_hand():
    y_hat = torch.tensor([[[[1.0, 2.0]]], [[[0.0, 3.0]]]])
    y = torch.tensor([[[[0.0, 0.0]]], [[[0.0, 1.0]]]])
    assert residual_loss(y_hat, y).item() == pytest.approx((1 + 4 + 0 + 4) / (2 * 2))


def test_forward_features_are_the_layers_of_the_forward_pass():
    model, z = DnCNN(depth=5, width=4).eval(), torch.rand(1, 1, 6, 6)
    features = model.forward_features(z)
    assert len(features) == 4 and {f.shape for f in features} == {(1, 4, 6, 6)}
    torch.testing.assert_close(z - model.last(features[-1]), model(z))


def test_bf16_autocast_and_a_captured_graph_are_accepted():
    model, z = DnCNN(depth=3, width=4), torch.rand(1, 1, 7, 5)
    with torch.autocast("cpu", torch.bfloat16):
        assert model(z).shape == z.shape
    captured = torch.export.export(model.eval(), (z,)).module()
    torch.testing.assert_close(captured(z), model(z))


def test_a_single_image_and_the_mode_survive_denoise():
    model = DnCNN(depth=3, width=4).train()
    assert denoise(model, torch.rand(1, 5, 6)).shape == (1, 5, 6)
    assert model.training


def test_evaluate_is_the_convention_by_hand_and_does_not_depend_on_the_order_of_calls():
    images = [torch.rand(1, 8, 9), torch.rand(1, 12, 7)]
    noise = Gaussian(0.1)
    scores = evaluate(lambda z: z, images, noise, seed=3)
    z = images[1] + 0.1 * torch.randn(1, 1, 12, 7, generator=torch.Generator().manual_seed(4))[0]
    by_hand = -10 * torch.log10((z.clamp(0, 1) - images[1]).square().mean())
    torch.testing.assert_close(scores[1], by_hand)
    torch.testing.assert_close(evaluate(lambda z: z, images, noise, seed=3), scores)


@pytest.mark.parametrize(
    ("z", "message"),
    [
        (torch.rand(8, 8), r"4 dimensions \(B, C, H, W\), got shape \(8, 8\)"),
        (torch.zeros(1, 1, 8, 8, dtype=torch.uint8), r"floating point in \[0, 1\], got torch.uint8"),
        (torch.rand(1, 3, 8, 8), r"1 channel\(s\), got 3"),
        (255 * torch.rand(1, 1, 8, 8) + 1, r"grey levels: divide by 255"),
        (torch.full((1, 1, 8, 8), float("nan")), "NaN or infinite"),
        ([[0.0]], "torch.Tensor"),
    ],
)
def test_bad_input_is_named(z, message):
    with pytest.raises(ValueError, match=message):
        DnCNN(depth=3, width=4)(z)


def test_bad_settings_are_named():
    with pytest.raises(ValueError, match="depth must be at least 2"):
        DnCNN(depth=1)
    with pytest.raises(ValueError, match=r"same shape, got \(1, 1, 2, 2\) and \(1, 1, 1, 2\)"):
        residual_loss(torch.zeros(1, 1, 2, 2), torch.zeros(1, 1, 1, 2))
    with pytest.raises(ValueError, match=r"write 25 / 255"):
        Gaussian(25)
