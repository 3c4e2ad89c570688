"""FFDNet against its paper: counts, the map, odd sizes, and weights of another implementation."""

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from course_lib import data
from course_lib.denoising import FFDNet, level_map
from course_lib.denoising.dncnn import count_parameters
from course_lib.metrics import psnr
from course_lib.receptive_fields import receptive_field


class Elsewhere(nn.Module):
    """FFDNet as public implementations write it: one list ``model``, sub-images by slicing."""

    def __init__(self):
        super().__init__()
        layers = [nn.Conv2d(5, 64, 3, 1, 1), nn.ReLU()]
        for _ in range(13):
            layers += [nn.Conv2d(64, 64, 3, 1, 1), nn.ReLU()]
        self.model = nn.Sequential(*layers, nn.Conv2d(64, 4, 3, 1, 1))

    def forward(self, x, sigma):
        small = torch.cat([x[..., i::2, j::2] for i in (0, 1) for j in (0, 1)], 1)
        small = torch.cat([small, torch.full_like(small[:, :1], sigma)], 1)
        small = self.model(small)
        y = torch.empty_like(x)
        for c, (i, j) in enumerate([(0, 0), (0, 1), (1, 0), (1, 1)]):
            y[..., i::2, j::2] = small[:, c : c + 1]
        return y


@torch.no_grad()
def test_weights_of_another_implementation_give_its_psnr():
    torch.manual_seed(0)
    other, ours = Elsewhere().eval(), FFDNet().eval()
    ours.load_state_dict({k.replace("model.", "body."): v for k, v in other.state_dict().items()})
    y = data.photographs(size=64, names="camera")["camera"][None]
    z = y + 0.1 * torch.randn(y.shape, generator=torch.Generator().manual_seed(0))
    assert psnr(ours(z, 0.1), y).item() == pytest.approx(psnr(other(z, 0.1), y).item(), abs=0.01)
    torch.testing.assert_close(ours(z, 0.1), other(z, 0.1))


def test_the_networks_are_those_of_the_paper():
    grey = 3 * 3 * (5 * 64 + 13 * 64 * 64 + 64 * 4) + 14 * 64 + 4
    colour = 3 * 3 * (13 * 96 + 10 * 96 * 96 + 96 * 12) + 11 * 96 + 12
    assert count_parameters(FFDNet()) == grey and count_parameters(FFDNet.colour()) == colour


def test_it_sees_twice_as_far_as_dncnn_with_as_many_layers():
    field = receptive_field(FFDNet(width=4), torch.zeros(1, 1, 80, 80), torch.zeros(1))
    assert field.size == (62, 62)  # 4 x 15 + 2


@pytest.mark.parametrize("shape", [(1, 1, 7, 9), (2, 1, 8, 5), (1, 1, 1, 1)])
@pytest.mark.parametrize("precision", [torch.float32, torch.bfloat16])
def test_any_size_forward_and_backward(shape, precision):
    net = FFDNet(depth=3, width=4)
    with torch.autocast("cpu", torch.bfloat16, enabled=precision == torch.bfloat16):
        y_hat = net(torch.rand(shape), 0.1)
    y_hat.float().square().sum().backward()
    assert y_hat.shape == shape and all(p.grad.isfinite().all() for p in net.parameters())


@torch.no_grad()
def test_a_number_numbers_and_a_flat_map_mean_the_same():
    net, z = FFDNet(depth=3, width=4), torch.rand(2, 1, 9, 7)
    expected = net(z, 0.2)
    for sigma in (torch.tensor(0.2), torch.tensor([0.2, 0.2]), torch.full((2, 1, 9, 7), 0.2)):
        torch.testing.assert_close(net(z, sigma), expected)
    one_each = net(z, torch.tensor([0.2, 0.3]))
    torch.testing.assert_close(one_each[:1], expected[:1])
    torch.testing.assert_close(one_each[1:], net(z[1:], 0.3))


@torch.no_grad()
def test_the_map_acts_where_it_changes():
    net, z = FFDNet(depth=3, width=4), torch.rand(1, 1, 40, 40)
    flat, half = torch.full((1, 1, 40, 40), 0.1), torch.full((1, 1, 40, 40), 0.1)
    half[..., 20:] = 0.5
    changed = (net(z, flat) - net(z, half)).abs()
    assert changed[..., :14].max() == 0 and changed[..., 20:].max() > 0  # 3 layers reach 6 pixels and a square


@pytest.mark.parametrize("sigma", [25.0, -0.1, float("nan"), torch.full((1, 1, 8, 8), 25.0)])
def test_levels_outside_of_0_1_are_refused(sigma):
    with pytest.raises(ValueError, match=r"sigma must be in \[0, 1\]"):
        FFDNet(depth=2, width=2)(torch.rand(1, 1, 8, 8), sigma)


@pytest.mark.parametrize("sigma", [torch.rand(3), torch.rand(2, 1, 8, 9), torch.rand(8, 8)])
def test_levels_of_another_shape_are_refused(sigma):
    with pytest.raises(ValueError, match="sigma must be a number"):
        level_map(sigma, torch.rand(2, 1, 8, 8))


def test_grey_levels_and_wrong_channels_are_refused():
    net = FFDNet(depth=2, width=2)
    with pytest.raises(ValueError, match="grey levels"):
        net(torch.full((1, 1, 8, 8), 128.0), 0.1)
    with pytest.raises(ValueError, match="channel"):
        net(torch.rand(1, 3, 8, 8), 0.1)
    with pytest.raises(ValueError, match="depth"):
        FFDNet(depth=1)


@torch.no_grad()
def test_it_exports_to_onnx_like_graphs():
    """torch.export is what the ONNX exporter starts from; the graph must hold for another image."""
    net = FFDNet(depth=3, width=4).eval()
    exported = torch.export.export(net, (torch.rand(1, 1, 8, 8), torch.rand(1, 1, 8, 8)))
    z, sigma = torch.rand(1, 1, 8, 8), torch.rand(1, 1, 8, 8)
    torch.testing.assert_close(exported.module()(z, sigma), net(z, sigma))


def test_pixel_unshuffle_is_the_paper_s_order():
    x = torch.arange(16.0).view(1, 1, 4, 4)
    expected = torch.cat([x[..., i::2, j::2] for i in (0, 1) for j in (0, 1)], 1)
    assert torch.equal(F.pixel_unshuffle(x, 2), expected)
