"""The effective receptive field against what can be worked out by hand: a chain of box filters."""

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from course_lib.receptive_fields import effective_receptive_field, receptive_field


def uniform_chain(depth):
    chain = nn.Sequential(*(nn.Conv2d(1, 1, 3, padding=1, bias=False) for _ in range(depth)))
    for p in chain.parameters():
        nn.init.constant_(p, 1 / 9)
    return chain


@pytest.mark.parametrize("depth", [1, 5, 20])
def test_the_radius_of_uniform_weights_is_that_of_a_random_walk(depth):
    erf = effective_receptive_field(uniform_chain(depth), torch.rand(1, 1, 63, 63))
    assert erf.map.sum().item() == pytest.approx(1, abs=1e-5)
    assert erf.radius == pytest.approx(math.sqrt(depth * 2 / 3), rel=1e-3)  # a step of -1, 0, 1 has variance 2/3


def test_many_layers_look_like_a_gaussian():
    erf = effective_receptive_field(uniform_chain(20), torch.rand(1, 1, 63, 63))
    assert (erf.map - erf.gaussian).abs().max() < 0.03 * erf.map.max()
    # two sigma: the area of a circle of radius sigma sqrt(2 ln(1 / 0.0455)), up to the grid
    assert erf.area == pytest.approx(math.pi * erf.radius**2 * 2 * math.log(1 / 0.0455), rel=0.1)
    assert erf.side**2 == pytest.approx(erf.area)


def test_it_lies_within_the_theoretical_field():
    torch.manual_seed(0)
    net = nn.Sequential(nn.Conv2d(3, 4, 3, stride=2), nn.ReLU(), nn.Conv2d(4, 2, 3, dilation=2, padding=2))
    x = torch.rand(8, 3, 31, 31)
    erf = effective_receptive_field(net, x)
    assert torch.equal(erf.map > 0, receptive_field(net, x[:1]).mask)


def test_a_batch_and_its_mean_agree():
    torch.manual_seed(0)
    net = nn.Sequential(nn.Conv2d(1, 8, 3, padding=1), nn.ReLU(), nn.Conv2d(8, 1, 3, padding=1))
    x = torch.rand(4, 1, 9, 9)
    together = effective_receptive_field(net, x).map
    one_by_one = []
    for image in x:
        v = image[None].clone().requires_grad_()
        net(v)[0, 0, 4, 4].backward()
        one_by_one.append(v.grad.abs()[0, 0])
    expected = torch.stack(one_by_one).mean(0)
    torch.testing.assert_close(together, expected / expected.sum())


def test_initialisations_are_averaged():
    def build(seed):
        torch.manual_seed(seed)
        return nn.Conv2d(1, 1, 3, padding=1)

    x = torch.rand(1, 1, 7, 7)
    each = torch.stack([effective_receptive_field(build(s), x).map for s in range(3)])
    torch.testing.assert_close(effective_receptive_field(build, x, initialisations=3).map, each.mean(0))


def test_an_intermediate_volume_and_a_strided_centre():
    net = nn.Sequential(nn.AvgPool2d(2), nn.AvgPool2d(2))
    erf = effective_receptive_field(net, torch.rand(1, 1, 8, 8), forward=lambda m, x: m[0](x), at=(1, 2))
    assert erf.at == (2.5, 4.5) and erf.area == 4 and erf.radius == pytest.approx(0.5)


def test_bad_input_is_named():
    net, x = nn.Conv2d(1, 1, 3, padding=1), torch.rand(1, 1, 8, 8)
    with pytest.raises(ValueError, match="4 dimensions"):
        effective_receptive_field(net, x[0])
    with pytest.raises(ValueError, match="at must lie"):
        effective_receptive_field(net, x, at=(0, 8))
    with pytest.raises(ValueError, match="function that builds"):
        effective_receptive_field(net, x, initialisations=2)
    assert net.training, "also after an error"
    with pytest.raises(ValueError, match="initialisations must be at least 1, got 0"):
        effective_receptive_field(lambda seed: net, x, initialisations=0)
    nn.init.zeros_(net.weight)
    with pytest.raises(ValueError, match="nothing to look at"):
        effective_receptive_field(net, x)


def test_a_single_pixel_is_a_gaussian_too():
    net = nn.Sequential(nn.Conv2d(1, 1, 1), nn.BatchNorm2d(1))
    net[1].eval()  # frozen, in a network that is being trained
    for switched_off in (torch.no_grad(), torch.inference_mode()):  # as in a cell that only measures
        with switched_off:
            field = effective_receptive_field(net, torch.rand(1, 1, 5, 5))
        torch.testing.assert_close(field.gaussian, field.map)
        assert field.radius == 0 and field.map[2, 2] == 1 and field.side == 1
    assert [m.training for m in net] == [True, False]


def test_radius_and_gaussian_are_those_of_numpy():
    """The second moment of a lopsided map, and a Gaussian that is fitted to a round one by least squares."""
    import numpy as np

    torch.manual_seed(1)
    net = nn.Sequential(nn.Conv2d(2, 3, (5, 3), 2, 1), nn.Tanh(), nn.Conv2d(3, 2, 3, dilation=2))
    erf = effective_receptive_field(net, torch.rand(3, 2, 24, 30), at=(4, 5))
    share = erf.map.double().numpy()
    # Row 4 of the output sees rows 4 to 8 of the first layer, whose middle row 6 looks at rows 11 to 15; column 5 sees
    # columns 5 to 9, whose middle column 7 looks at columns 13 to 15.
    down, right = np.mgrid[:24, :30] - np.array([13, 14])[:, None, None]
    assert erf.radius == pytest.approx(np.sqrt((share * (down**2 + right**2)).sum() / 2), rel=1e-5)

    share = (erf := effective_receptive_field(uniform_chain(20), torch.rand(1, 1, 63, 63))).map.double().numpy()
    down, right = np.mgrid[-31:32, -31:32]
    sigmas = np.arange(2, 6, 0.005)
    bells = np.exp(-(down**2 + right**2) / (2 * sigmas[:, None, None] ** 2))
    bells /= bells.sum((1, 2), keepdims=True)
    best = ((bells - share) ** 2).sum((1, 2)).argmin()
    assert erf.radius == pytest.approx(sigmas[best], rel=0.02)
    np.testing.assert_allclose(erf.gaussian.numpy(), bells[best], atol=0.03 * share.max())


def box_filters(*layers):
    net = nn.Sequential(*layers)
    for layer in net:
        if isinstance(layer, (nn.Conv2d, nn.ConvTranspose2d)):
            nn.init.constant_(layer.weight, 1 / layer.weight[0].numel())
            nn.init.zeros_(layer.bias)
    return net


@settings(max_examples=25, deadline=None)
@given(st.data())
def test_the_centre_of_equal_weights_is_the_map_s_own(data):
    """Convolutions with equal weights, of any kernel, stride, dilation and border: the map is symmetric about it."""
    layers = []
    for _ in range(data.draw(st.integers(1, 3))):
        k, s, d = data.draw(st.integers(1, 5)), data.draw(st.integers(1, 3)), data.draw(st.integers(1, 2))
        layers.append(nn.Conv2d(1, 1, k, s, data.draw(st.integers(0, k)), d))
    net, x = box_filters(*layers), torch.rand(1, 1, 90, 84)
    height, width = net(x).shape[-2:]
    field = effective_receptive_field(net, x, at=(height // 2, width // 2))
    for axis, n in ((1, 90), (0, 84)):
        centre = (field.map.sum(axis) * torch.arange(float(n))).sum().item()
        assert field.at[1 - axis] == pytest.approx(centre, abs=1e-3)


@pytest.mark.parametrize(
    ("net", "at", "centre"),
    [
        (nn.Conv2d(1, 1, 3, 2, 1), (0, 5), (0, 10)),  # padded strides: a border cuts the field, not the geometry
        (nn.Sequential(*(nn.Conv2d(1, 1, 3, 2, 1) for _ in range(3))), (1, 2), (8, 16)),
        (nn.Conv2d(1, 1, 7), (0, 0), (3, 3)),
        (nn.Sequential(nn.ZeroPad2d((4, 0, 4, 0)), nn.Conv2d(1, 1, 5)), (9, 9), (7, 7)),
        (nn.Sequential(nn.Conv2d(1, 4, 3, padding=1), nn.PixelShuffle(2)), (9, 10), (4.25, 4.75)),
        (nn.Sequential(nn.MaxPool2d(2), nn.Upsample(scale_factor=2)), (7, 8), (7, 8)),
        (nn.Sequential(nn.AvgPool2d(2), nn.AdaptiveAvgPool2d(2)), (0, 1), (7.5, 23.5)),  # no wires: equal shares
    ],
)
def test_centres_by_hand(net, at, centre):
    for parameter in net.parameters():
        nn.init.constant_(parameter, 0.1)
    assert effective_receptive_field(net, torch.rand(1, 1, 32, 32), at=at).at == pytest.approx(centre)


def test_a_field_larger_than_the_image_is_measured_in_a_larger_one():
    net = box_filters(*(nn.Conv2d(1, 1, 9, padding=4) for _ in range(6)))
    assert effective_receptive_field(net, torch.rand(1, 1, 20, 22), at=(0, 21)).at == (0, 21)
