"""The traced field against the support of a real gradient, on random architectures."""

import pytest
import torch
from hypothesis import HealthCheck, given, reject, settings
from hypothesis import strategies as st
from torch import nn
from torch.nn import functional as F

from course_lib.denoising import DnCNN, FFDNet, ShallowUNet
from course_lib.receptive_fields import receptive_field

SIZE = 24


class Skip(nn.Module):
    def __init__(self, body, how):
        super().__init__()
        self.body, self.how = body, how

    def forward(self, x):
        if self.how == "add":
            return x + self.body(x)
        if self.how == "subtract":
            return x - self.body(x)
        return torch.cat([x, self.body(x)], dim=1)


def layer(draw, channels):
    """A random layer and its output channels; returns (module, channels, scale)."""
    kind = draw(
        st.sampled_from(["conv", "conv", "strided", "depthwise", "pool", "avg", "up", "shuffle", "skip", "transposed"])
    )
    k, d = draw(st.sampled_from([1, 2, 3, 5])), draw(st.integers(1, 3))
    pad = draw(st.integers(0, 3))
    mode = draw(st.sampled_from(["zeros", "reflect", "replicate", "circular"]))
    if kind == "conv":
        return nn.Conv2d(channels, 2, k, padding=min(pad, 2), dilation=d, padding_mode=mode), 2
    if kind == "strided":
        return nn.Conv2d(channels, 3, k, stride=2, padding=min(pad, k // 2)), 3
    if kind == "depthwise":
        return nn.Conv2d(channels, channels, 3, padding=1, groups=channels), channels
    if kind == "pool":
        return nn.MaxPool2d(2, stride=draw(st.sampled_from([1, 2]))), channels
    if kind == "avg":
        return nn.AvgPool2d(3, stride=2, padding=1), channels
    if kind == "up":
        return nn.Upsample(scale_factor=2, mode=draw(st.sampled_from(["nearest", "bilinear"]))), channels
    if kind == "shuffle":
        return nn.Sequential(nn.PixelUnshuffle(2), nn.Conv2d(4 * channels, 4, 3, padding=1), nn.PixelShuffle(2)), 1
    if kind == "transposed":
        return nn.ConvTranspose2d(channels, 2, 3, stride=2, padding=1, output_padding=1), 2
    body = nn.Sequential(nn.Conv2d(channels, channels, 3, padding=d, dilation=d), nn.BatchNorm2d(channels), nn.ELU())
    how = draw(st.sampled_from(["add", "subtract", "concatenate"]))
    return Skip(body, how), channels * (2 if how == "concatenate" else 1)


@st.composite
def architectures(draw):
    channels, layers = draw(st.integers(1, 2)), []
    first = channels
    for _ in range(draw(st.integers(1, 5))):
        module, channels = layer(draw, channels)
        layers += [module, nn.Softplus()]
    return nn.Sequential(*layers), first


# of the output pixel, from one border to the other; the borders themselves come often
places = st.one_of(st.sampled_from([0.0, 1.0]), st.floats(0, 1))


def gradient_support(net, channels, at):
    """Pixels whose gradient is not zero for random positive weights, in float64; Softplus never saturates."""
    net = net.double().eval()
    for p in net.parameters():
        p.data.uniform_(0.1, 1.0).mul_(1 / p[0].numel())
    x = torch.rand(1, channels, SIZE, SIZE, dtype=torch.float64, requires_grad=True)
    y = net(x)
    (gradient,) = torch.autograd.grad(y[..., at[0], at[1]].sum(), x)
    return (gradient != 0).any(dim=1)[0]


@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.filter_too_much])
@given(architectures(), places, places)
def test_it_is_the_support_of_the_gradient(architecture, u, v):
    net, channels = architecture
    try:
        with torch.no_grad():
            height, width = net.eval()(torch.zeros(1, channels, SIZE, SIZE)).shape[-2:]
    except RuntimeError:  # the image shrank to nothing, or is smaller than its reflected border
        reject()  # does not count among the 200
    at = (round(u * (height - 1)), round(v * (width - 1)))
    mask = receptive_field(net, torch.zeros(1, channels, SIZE, SIZE), at=at).mask
    # A maximum's gradient goes to the winner alone: to see who may win, let every one of the window win its share.
    soft = nn.Sequential(*(_soften(m) for m in net))
    assert torch.equal(mask, gradient_support(soft, channels, at))


def _soften(module):
    return nn.AvgPool2d(module.kernel_size, module.stride) if isinstance(module, nn.MaxPool2d) else module


@pytest.mark.parametrize(("depth", "side"), [(5, 11), (10, 21), (20, 41), (40, 81)])
def test_a_chain_of_3x3_convolutions_sees_two_pixels_more_each(depth, side):
    chain = nn.Sequential(*(nn.Conv2d(1, 1, 3, padding=1) for _ in range(depth)))
    assert receptive_field(chain, torch.zeros(1, 1, 99, 99)).size == (side, side)


def test_dncnn_17_sees_35_pixels_and_each_block_two_more():
    z = torch.zeros(1, 1, 45, 45)
    net = DnCNN(depth=17, width=4)
    assert receptive_field(net, z).size == (35, 35)
    assert receptive_field(net, z, layer="first").size == (3, 3)
    assert receptive_field(net, z, layer="middle.3").size == (11, 11)


def test_ffdnet_sees_twice_as_far_as_its_layers_say():
    """15 layers of 3 x 3 see 31 pixels of the images of half the size: 2 x 31 of the picture."""
    field = receptive_field(FFDNet(15, 1), torch.zeros(1, 1, 80, 80), 25 / 255)
    assert field.size == (62, 62) and field.mask.sum() == 62**2


def test_at_the_border_it_is_cut_off():
    field = receptive_field(DnCNN(depth=4, width=2), torch.zeros(1, 1, 30, 40), at=(0, 39))
    assert field.box == (0, 35, 5, 40)


def test_dilation_leaves_holes():
    field = receptive_field(nn.Conv2d(1, 1, 3, dilation=4), torch.zeros(1, 1, 9, 9), at=(0, 0))
    assert field.size == (9, 9) and field.mask.sum() == 9


@pytest.mark.parametrize(
    ("module", "name"),
    [
        (nn.Sequential(nn.Flatten(), nn.Linear(64, 4)), "flatten"),
        (nn.GroupNorm(1, 1), "group_norm"),
        (nn.AdaptiveAvgPool2d(1), "adaptive_avg_pool2d"),
        (nn.Upsample(scale_factor=2, mode="bicubic"), "bicubic"),
    ],
)
def test_what_it_cannot_look_through_is_named(module, name):
    with pytest.raises(ValueError, match=name):
        receptive_field(nn.Sequential(module), torch.zeros(1, 1, 8, 8))


def test_unknown_layers_and_places_are_refused():
    net, z = DnCNN(depth=3, width=2), torch.zeros(1, 1, 8, 8)
    with pytest.raises(ValueError, match="no layer 'nose'"):
        receptive_field(net, z, layer="nose")
    with pytest.raises(ValueError, match="at must lie in the output of 8 x 8"):
        receptive_field(net, z, at=(8, 0))


def test_functions_in_forward_are_followed():
    class Net(nn.Module):
        def forward(self, x):
            half = F.max_pool2d(F.pad(x, (1, 1, 1, 1), mode="reflect"), 2)
            return F.interpolate(half, scale_factor=2.0)[..., 1:-1, 1:-1] - x

    assert receptive_field(Net(), torch.zeros(1, 1, 8, 8), at=(3, 3)).size == (2, 2)


def test_a_last_window_that_sticks_out_sees_what_is_left():
    pool = nn.MaxPool2d(2, ceil_mode=True)
    net, z = nn.Sequential(pool), torch.zeros(1, 1, 7, 8)
    assert receptive_field(net, z, at=(3, 3)).box == (6, 6, 7, 8)
    assert receptive_field(net, z, at=(0, 0)).size == (2, 2)
    assert receptive_field(ShallowUNet(), torch.zeros(1, 1, 33, 33)).size[0] > 5
