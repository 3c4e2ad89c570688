"""Operation by operation: the wires against one poisoned pixel at a time, which spreads to whatever depends on it."""

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from course_lib.receptive_fields import receptive_field

HEIGHT, WIDTH = 11, 14


class Net(nn.Module):
    """``function(layer, x)`` with one layer of its own."""

    def __init__(self, function, layer=None):
        super().__init__()
        self.function, self.layer = function, layer or nn.Conv2d(2, 2, 3, padding=1)

    def forward(self, x):
        return self.function(self.layer, x)


def dependence(net):
    """(h, w, H, W), true where output pixel (h, w) becomes NaN with the input pixel (H, W)."""
    x = torch.rand(HEIGHT * WIDTH, 2, HEIGHT, WIDTH, dtype=torch.float64) + 0.5
    for i in range(len(x)):
        x[i, :, i // WIDTH, i % WIDTH] = float("nan")
    with torch.no_grad():
        poisoned = net.double().eval()(x).isnan().any(1)
    return poisoned.permute(1, 2, 0).unflatten(-1, (HEIGHT, WIDTH))


def corners_border_and_middle(height, width):
    return {(r, c) for r in (0, height // 2, height - 1) for c in (0, width // 2, width - 1)}


def add_and_drop_the_result(conv, x):
    y = conv(x)
    y.add_(F.conv2d(y, torch.ones(2, 2, 5, 5).to(conv.weight), padding=2))
    return y


def write_into_a_part(conv, x):
    y = conv(x)
    y[:, :, :1].mul_(y[:, :, 5:6])
    return y


def without_gradients(conv, x):
    with torch.no_grad():
        return conv(x) + x


def dealt_by_hand(conv, x):
    deal = x[:, :, :10].reshape(len(x), 2, 5, 2, 7, 2).permute(0, 1, 3, 5, 2, 4).flip(-1)
    return conv(deal.reshape(len(x), 8, 5, 7)).transpose(2, 3)


NETWORKS = {
    "uneven convolution": nn.Conv2d(2, 3, (2, 5), (2, 1), (0, 3), (3, 2)),
    "padding same, even kernel": nn.Conv2d(2, 3, (4, 2), padding="same", dilation=(1, 3)),
    "circular border": nn.Conv2d(2, 3, 3, padding=(2, 1), padding_mode="circular"),
    "groups, transposed": nn.ConvTranspose2d(2, 4, (3, 4), (3, 2), (0, 2), (2, 1), groups=2, dilation=(2, 1)),
    "maximum, ceil": nn.MaxPool2d(4, 3, ceil_mode=True),
    "maximum, ceil, padding": nn.MaxPool2d(3, 2, 1, ceil_mode=True),
    "maximum, ceil, pairs": nn.MaxPool2d((3, 2), (2, 3), (1, 0), ceil_mode=True),
    "maximum, ceil, gaps": nn.MaxPool2d(2, 3, ceil_mode=True),
    "maximum, dilation": nn.MaxPool2d(3, 2, 1, 2),
    "mean, ceil": nn.AvgPool2d((3, 2), (2, 3), (1, 0), ceil_mode=True),
    "area": Net(lambda _, x: F.interpolate(x, (4, 5), mode="area")),
    "nearest, odd size": Net(lambda c, x: F.interpolate(c(x)[..., ::2, ::3], x.shape[-2:])),
    "all kinds of padding": Net(
        lambda c, x: c(F.pad(F.pad(F.pad(x, (1, 2, 0, 3), "reflect"), (2, 0, 1, 1), "circular"), (-1, 2, -3, 0)))
    ),
    "named arguments": Net(
        lambda c, x: torch.add(F.conv2d(weight=torch.ones(2, 2, 5, 5).to(c.weight), input=x, padding=2), other=c(x))
    ),
    "added in place": Net(add_and_drop_the_result),
    "added in place, to a part": Net(write_into_a_part),
    "a bound that depends on the image": Net(lambda c, x: x.clamp(min=c(x))),
    "detached": Net(lambda c, x: x + c(x.detach()) + x.data),
    "no_grad": Net(without_gradients),
    "one row for all": Net(lambda c, x: c(x)[:, :, 2:3] * torch.ones(9, 1)),
    "channels for one": Net(lambda c, x: c(x[:, :1] * torch.ones(2, 1, 1))),
    "a quotient": Net(lambda c, x: 1 / (2 + c(x) ** 2)),
    "dealt by hand": Net(dealt_by_hand, nn.Conv2d(8, 2, 3, padding=1)),
    "with zeros beside": Net(lambda c, x: c(torch.cat([x, torch.zeros_like(x)], 1)), nn.Conv2d(4, 2, 3)),
    "activations": nn.Sequential(nn.Hardswish(), nn.Mish(), nn.LogSigmoid(), nn.Threshold(-9, 0), nn.PReLU()),
}  # fmt: skip


@pytest.mark.filterwarnings("ignore:Using padding='same' with even kernel")  # torch's, about its own speed
@pytest.mark.parametrize("name", NETWORKS)
def test_the_wires_lead_where_a_poisoned_pixel_spreads(name):
    net = NETWORKS[name]
    truth = dependence(net)
    for at in corners_border_and_middle(*truth.shape[:2]):
        assert torch.equal(receptive_field(net, torch.zeros(1, 2, HEIGHT, WIDTH), at=at).mask, truth[at]), at


class BlindSpot(nn.Conv2d):
    """A 3 x 3 convolution without its centre."""

    def __init__(self):
        super().__init__(1, 1, 3, padding=1)
        self.register_buffer("mask", torch.tensor([1.0, 1, 1, 1, 0, 1, 1, 1, 1]).view(1, 1, 3, 3))

    def forward(self, x):
        return F.conv2d(x, self.weight * self.mask, self.bias, padding=1)


@pytest.mark.parametrize("begin", [nn.init.zeros_, nn.init.ones_])
def test_a_mask_cuts_wires_and_a_weight_that_begins_at_zero_does_not(begin):
    net = BlindSpot()
    begin(net.weight)
    mask = receptive_field(net, torch.zeros(1, 1, 7, 7)).mask
    assert mask.sum() == 8 and not mask[3, 3]
    assert (net.weight == begin(torch.empty(1, 1, 3, 3))).all(), "the network keeps its weights"
    plain = nn.Conv2d(1, 1, 3, padding=1)
    begin(plain.weight)
    assert receptive_field(plain, torch.zeros(1, 1, 7, 7)).mask.sum() == 9


def test_a_fixed_filter_keeps_its_zeros():
    slope = torch.tensor([[-1.0, 0, 1]] * 3).view(1, 1, 3, 3)
    net = Net(lambda _, x: F.conv2d(x, slope.to(x)))
    assert receptive_field(net, torch.zeros(1, 1, 3, 3)).mask.all(0).tolist() == [True, False, True]


def test_standardised_weights_are_weights():
    net = Net(lambda c, x: F.conv2d(x, c.weight - c.weight.mean((1, 2, 3), keepdim=True)))
    assert receptive_field(net, torch.zeros(1, 2, 5, 5)).size == (3, 3)


def test_it_leaves_no_trace():
    net = nn.Sequential(nn.Conv2d(1, 1, 3), nn.BatchNorm2d(1), nn.ReLU())
    net[1].eval()  # frozen, in a network that is being trained
    before = {k: v.clone() for k, v in net.state_dict().items()}
    with torch.inference_mode():
        assert receptive_field(net, torch.zeros(1, 1, 5, 5)).size == (3, 3)
    assert [m.training for m in net] == [True, False, True] and net.training
    assert all(torch.equal(v, before[k]) for k, v in net.state_dict().items())
    assert all(p.grad is None and p.requires_grad for p in net.parameters())


@pytest.mark.parametrize(
    ("function", "message"),
    [
        (lambda _, x: (x, x), r"one volume \(B, C, H, W\), got tuple"),
        (lambda _, x: x.reshape(1, -1), r"one volume \(B, C, H, W\), got shape \(1, 308\)"),
        (lambda _, x: x.softmax(1), "softmax"),
        (lambda _, x: x - x.mean((2, 3), keepdim=True), "mean"),
        (lambda _, x: F.linear(x.reshape(1, -1), torch.ones(3, 308)), "linear"),
        (lambda _, x: F.scaled_dot_product_attention(x, x, x), "scaled_dot_product_attention"),
        (lambda _, x: torch.zeros(x.shape).add_(x), "add_"),
        (lambda _, x: torch.where(x > 0, x, 0), "gt"),
        (lambda _, x: F.max_pool2d(x, 2, return_indices=True)[0], "max_pool2d_with_indices"),
    ],
)
def test_what_has_no_wires_is_named(function, message):
    with pytest.raises(ValueError, match=message):
        receptive_field(Net(function), torch.zeros(1, 2, HEIGHT, WIDTH))
