"""Operation by operation: the wires against one poisoned pixel at a time, which spreads to whatever depends on it."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
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


def without_the_middle(conv, x):
    x = conv(x)
    x[:, :, 5, 7] = 0
    return conv(x)


def into_a_canvas(conv, x):
    canvas = torch.zeros(len(x), 2, 20, 20).to(conv.weight)
    canvas[:, :, 4:15, 3:17] = x
    return conv(canvas)[:, :, 2:, 2:]


def shuffled_by_hand(conv, x):
    x = F.relu6(x).transpose(1, 2).contiguous().view(len(x), 22, WIDTH).unflatten(1, (11, 2)).transpose(1, 2)
    return conv(x.contiguous(memory_format=torch.channels_last).clone())


class OnChannels(nn.Module):
    """As ConvNeXt: the last axis is that of the channels while the norm and the linear layers work."""

    def __init__(self):
        super().__init__()
        self.norm, self.up, self.down = nn.LayerNorm(2), nn.Linear(2, 5), nn.Linear(5, 2)
        self.layer = nn.Conv2d(2, 2, (5, 3), padding=(2, 1), groups=2)

    def forward(self, x):
        y = self.layer(x).permute(0, 2, 3, 1)
        return x + self.down(F.gelu(self.up(self.norm(y)))).permute(0, 3, 1, 2)


NETWORKS |= {
    "set to zero": Net(without_the_middle),
    "into a canvas": Net(into_a_canvas),
    "shuffled by hand": Net(shuffled_by_hand),
    "on channels": OnChannels(),
    "a mean over the channels": Net(lambda c, x: c(x - x.mean(1, keepdim=True))),
    "unit length": Net(lambda c, x: F.normalize(c(x), dim=1)),
    "gated": Net(lambda c, x: F.glu(c(F.relu6(x)), 1), nn.Conv2d(2, 4, 3)),
    "a matrix": Net(lambda c, x: (torch.ones(3, 2).to(x) @ x.flatten(2)).unflatten(2, x.shape[2:])),
    "grouped, transposed, uneven": nn.ConvTranspose2d(2, 6, (2, 3), (2, 1), (0, 1), groups=2),
}


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


CONSTANTS = {
    "factor": lambda x, m: x * m,
    "factor in front": lambda x, m: m * x,
    "in place": lambda x, m: x.clone().mul_(m),
    "operator in place": lambda x, m: x.__imul__(m),
    "boolean": lambda x, m: x * m.bool(),
    "function": lambda x, m: torch.mul(x, other=m),
    "fill": lambda x, m: x.masked_fill(m == 0, 0.5),
    "fill in place": lambda x, m: x.clone().masked_fill_(m == 0, 0.5),
    "choice": lambda x, m: torch.where(m > 0, x, torch.ones(())),
    "choice as a method": lambda x, m: x.where(m > 0, 0),
    "share": lambda x, m: torch.lerp(torch.zeros(1), x, m.to(x)),
    "sum of products": lambda x, m: torch.addcmul(torch.ones(1), x, m.to(x)),
}


@settings(max_examples=60, deadline=None)
@given(st.sampled_from(sorted(CONSTANTS)), st.integers(0, 10_000), st.floats(0, 1))
def test_a_product_with_a_constant_keeps_the_constant_s_zeros(how, seed, share):
    mask = (torch.rand(HEIGHT, WIDTH, generator=torch.Generator().manual_seed(seed)) < share).float()
    net = Net(lambda c, x: c(CONSTANTS[how](x, mask)), nn.Conv2d(2, 2, 99, padding=49))
    assert torch.equal(receptive_field(net, torch.zeros(1, 2, HEIGHT, WIDTH)).mask, mask > 0)


def test_zero_as_a_number_is_a_constant_too():
    x = torch.zeros(1, 2, HEIGHT, WIDTH)
    field = receptive_field(Net(lambda c, x: 0 * c(x) + x * 0.5), x)
    assert field.size == (1, 1)
    with pytest.raises(ValueError, match="does not depend on the input"):
        receptive_field(Net(lambda c, x: x * 0.0), x).box  # noqa: B018


def test_signals_and_solids():
    """By the textbook's sum: r <- r + (k - 1) d j, j <- j s."""
    signal = nn.Sequential(nn.Conv1d(2, 3, 5, 2), nn.MaxPool1d(3), nn.ReLU6(), nn.Conv1d(3, 1, 3, dilation=2))
    assert receptive_field(signal, torch.zeros(1, 2, 99)).size == (1 + 4 + 2 * 2 + 2 * 2 * 6,)
    back = nn.Sequential(nn.Conv1d(1, 1, 2, 2), nn.ConvTranspose1d(1, 1, 2, 2))
    field = receptive_field(back, torch.zeros(1, 1, 10), at=(5,))
    assert field.box == (4, 6) and field.mask.tolist() == [i in (4, 5) for i in range(10)]
    solid = nn.Sequential(nn.Conv3d(1, 2, (1, 3, 5), padding=(0, 1, 2)), nn.AvgPool3d(2), nn.BatchNorm3d(2))
    field = receptive_field(solid, torch.zeros(1, 1, 8, 12, 16))
    assert field.size == (2, 4, 6) and field.mask.shape == (8, 12, 16)
    with pytest.raises(ValueError, match=r"one volume \(B, C, L\)"):
        receptive_field(
            nn.Sequential(nn.Conv1d(1, 1, 3), nn.Flatten(2), nn.Unflatten(2, (2, 4))), torch.zeros(1, 1, 10)
        )


def torchvision_network(name):
    models = pytest.importorskip("torchvision.models")
    if name != "small ConvNeXt":
        return getattr(models, name)(weights=None).eval()
    stages = [models.convnext.CNBlockConfig(8, 16, 2), models.convnext.CNBlockConfig(16, None, 1)]
    return models.ConvNeXt(stages).eval()


@pytest.mark.parametrize(
    ("name", "layer", "size"),
    [
        # the stem of 4 x 4 and stride 4, then 7 x 7 twice: 4 + 2 x 6 x 4
        ("small ConvNeXt", "features.1", (52, 52)),
        # 3 x 3 stride 2, pooling 3 x 3 stride 2: 3 + 2 x 2
        ("shufflenet_v2_x0_5", "maxpool", (7, 7)),
        # and two more of 3 x 3, of which the first has stride 2: 7 + 2 x 4, then three units at stride 8
        ("shufflenet_v2_x0_5", "stage2", (7 + 8 + 3 * 16, 7 + 8 + 3 * 16)),
        ("mobilenet_v2", "features.2", (11, 11)),
    ],
)
def test_networks_of_torchvision(name, layer, size):
    net = torchvision_network(name)
    assert receptive_field(net, torch.zeros(1, 3, 96, 96), layer=layer).size == size


@pytest.mark.parametrize(
    ("name", "where"),
    [
        ("small ConvNeXt", r"in the layer 'avgpool' \(AdaptiveAvgPool2d\).*adaptive_avg_pool2d"),
        ("efficientnet_b0", r"in the layer 'features.1.0.block.1.avgpool' \(AdaptiveAvgPool2d\)"),
        ("shufflenet_v2_x0_5", "in the network's own forward, after the layer 'conv5': .*mean over pixels"),
    ],
)
def test_what_sees_everything_is_named_with_its_layer(name, where):
    net = torchvision_network(name)
    with pytest.raises(ValueError, match=where):
        receptive_field(net, torch.zeros(1, 3, 64, 64))
    assert not any(layer._forward_hooks or layer._forward_pre_hooks for layer in net.modules())


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
