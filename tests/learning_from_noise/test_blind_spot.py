"""No network sees its own pixel: by its wires, by its gradient and by what happens if the pixel is changed."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from course_lib.learning_from_noise import APBSN, DilatedNetwork, HalfPlaneNetwork
from course_lib.learning_from_noise.blind_spot import CentreMaskedConv2d
from course_lib.learning_from_noise.half_planes import HalfPlaneConv2d, HalfPlaneUNet
from course_lib.receptive_fields import receptive_field


@st.composite
def networks(draw, blind: bool = True):
    channels = draw(st.integers(1, 2))
    if draw(st.booleans()):
        return HalfPlaneNetwork(channels, 2, draw(st.integers(0, 4)), blind)
    steps = draw(st.lists(st.integers(2, 5), min_size=1, max_size=3).map(tuple))
    return DilatedNetwork(channels, 2, draw(st.integers(0, 7)), steps, blind)


def random_weights(network: nn.Module, seed: int = 0) -> nn.Module:
    """Nothing is zero as it is when training begins; in double precision, so that nothing is rounded away."""
    generator = torch.Generator().manual_seed(seed)
    for p in network.parameters():
        nn.init.uniform_(p, -0.4, 0.4, generator=generator)
    return network.double()


@st.composite
def pictures_and_places(draw):
    """Sides of a picture, and a pixel in it: half of them on the border."""
    sides = draw(st.tuples(st.integers(1, 19), st.integers(1, 19)))
    return sides, tuple(draw(st.one_of(st.sampled_from([0, n - 1]), st.integers(0, n - 1))) for n in sides)


@given(networks(), pictures_and_places())
@settings(max_examples=50, deadline=None)
def test_the_wires_never_lead_to_the_pixel_itself(network, where):
    (height, width), at = where
    seen = receptive_field(network, torch.zeros(1, network.channels, height, width), at=at).mask
    assert not seen[at]


@given(networks(), pictures_and_places(), st.integers(0, 3))
@settings(max_examples=40, deadline=None)
def test_the_gradient_at_the_pixel_itself_is_zero(network, where, seed):
    (height, width), (i, j) = where
    random_weights(network, seed)
    z = torch.rand(1, network.channels, height, width, dtype=torch.float64, requires_grad=True)
    for out in network.prior(z):
        (gradient,) = torch.autograd.grad(out[0, :, i, j].sum(), z, retain_graph=True)
        assert not gradient[0, :, i, j].any()


@given(networks(), pictures_and_places())
@settings(max_examples=40, deadline=None)
def test_changing_the_pixel_changes_nothing_there(network, where):
    (height, width), (i, j) = where
    random_weights(network)
    z = torch.rand(1, network.channels, height, width, dtype=torch.float64)
    other = z.clone()
    other[..., i, j] += 3
    for before, after in zip(network.prior(z), network.prior(other), strict=True):
        assert torch.equal(before[..., i, j], after[..., i, j])


@given(pictures_and_places(), st.integers(0, 3))
@settings(max_examples=40, deadline=None)
def test_four_half_planes_see_everything_else(where, levels):
    sides, at = where
    seen = receptive_field(HalfPlaneNetwork(width=2, levels=levels), torch.zeros(1, 1, *sides), at=at).mask
    reach = min(5, 2 ** (levels + 1))  # as far as the smallest of these networks looks
    near = torch.ones(sides, dtype=torch.bool)
    near[at] = False
    for axis, (n, place) in enumerate(zip(sides, at, strict=True)):
        far = (torch.arange(n) - place).abs() > min(reach, 1)
        near[far if axis == 0 else (slice(None), far)] = False
    assert (seen >= near).all()


@given(networks(blind=False), pictures_and_places())
@settings(max_examples=20, deadline=None)
def test_the_twin_sees_the_pixel(network, where):
    sides, at = where
    assert receptive_field(network, torch.zeros(1, network.channels, *sides), at=at).mask[at]


@pytest.mark.parametrize("kind", [HalfPlaneNetwork, DilatedNetwork])
def test_the_twin_has_the_same_parameters(kind):
    assert [p.shape for p in kind(width=4).parameters()] == [p.shape for p in kind(width=4, blind=False).parameters()]


@pytest.mark.parametrize("step", [2, 3, 4])
def test_a_branch_does_not_see_the_lattice_of_its_pixel(step):
    seen = receptive_field(DilatedNetwork(width=2, blocks=5, steps=(step,)), torch.zeros(1, 1, 41, 41)).mask
    expected = torch.ones(41, 41, dtype=torch.bool)
    expected[20 % step :: step, 20 % step :: step] = False
    reach = 5 * step + step - 1  # five dilated kernels and the first one
    inner = (slice(max(0, 20 - reach), 21 + reach),) * 2
    assert torch.equal(seen[inner], expected[inner]) and seen.sum() == expected[inner].sum()


def test_both_branches_together_miss_the_common_lattice_alone():
    seen = receptive_field(DilatedNetwork(width=2, blocks=9), torch.zeros(1, 1, 31, 31)).mask
    missing = (~seen).nonzero() - 15
    assert (missing % 6 == 0).all() and len(missing) == 25


@given(st.integers(1, 3), st.sampled_from([1, 3, 5]), st.integers(1, 9), st.integers(1, 9))
@settings(deadline=None)
def test_a_half_plane_is_an_ordinary_convolution_of_a_picture_moved_down(channels, kernel, height, width):
    conv = HalfPlaneConv2d(channels, 2, kernel).double()
    x = torch.rand(1, channels, height, width, dtype=torch.float64)
    moved = torch.zeros(1, channels, height + kernel, width, dtype=torch.float64)
    moved[:, :, kernel // 2 : kernel // 2 + height] = x
    ordinary = nn.functional.conv2d(moved, conv.weight, conv.bias, padding=kernel // 2)
    torch.testing.assert_close(conv(x), ordinary[:, :, :height])


@pytest.mark.parametrize("levels", [0, 1, 2, 3])
def test_the_u_net_never_sees_a_row_below(levels):
    side = 4 * 2**levels
    net = random_weights(HalfPlaneUNet(1, 2, levels))
    x = torch.rand(1, 1, side, side, dtype=torch.float64, requires_grad=True)
    for row in range(side):
        (gradient,) = torch.autograd.grad(net(x)[0, :, row].sum(), x)
        assert not gradient[0, 0, row + 1 :].any() and gradient[0, 0, row].any()


def test_the_centre_stays_out_whatever_is_learned():
    conv = CentreMaskedConv2d(1, 1, 3)
    optimizer = torch.optim.SGD(conv.parameters(), lr=1.0)
    x = torch.rand(1, 1, 8, 8)
    for _ in range(3):
        optimizer.zero_grad()
        (conv(x) - x).square().mean().backward()
        optimizer.step()
    impulse = torch.zeros(1, 1, 5, 5)
    impulse[..., 2, 2] = 1
    assert (conv(impulse) - conv.bias)[..., 2, 2].item() == 0


@given(pictures_and_places(), st.integers(1, 4), st.sampled_from([HalfPlaneNetwork, DilatedNetwork]))
@settings(max_examples=30, deadline=None)
def test_downsampling_keeps_the_pixel_out(where, stride, kind):
    sides, at = where
    net = APBSN(kind(width=2), stride=stride, refinements=0)
    assert not receptive_field(net, torch.zeros(1, 1, *sides), at=at).mask[at]


@pytest.mark.parametrize("kind", [HalfPlaneNetwork, DilatedNetwork])
@pytest.mark.parametrize("precision", [torch.float32, torch.bfloat16])
def test_it_learns_on_noise_in_any_precision(kind, precision):
    torch.manual_seed(0)
    net, z = kind(width=4), torch.rand(2, 1, 9, 12)
    with torch.autocast("cpu", torch.bfloat16, enabled=precision == torch.bfloat16):
        mean, variance = net.prior(z)
    assert mean.dtype == variance.dtype == torch.float32 and variance.min() > 0
    (mean.sum() + variance.sum()).backward()
    assert all(p.grad.isfinite().all() for p in net.parameters())


@pytest.mark.parametrize(
    "wrong",
    [
        lambda: HalfPlaneConv2d(1, 1, 2),
        lambda: CentreMaskedConv2d(1, 1, 4),
        lambda: HalfPlaneNetwork(levels=-1),
        lambda: DilatedNetwork(steps=(1, 2)),
        lambda: HalfPlaneNetwork(width=2)(torch.rand(1, 3, 8, 8)),
        lambda: DilatedNetwork(width=2)(torch.full((1, 1, 8, 8), 128.0)),
    ],
)
def test_what_cannot_be_is_refused(wrong):
    with pytest.raises(ValueError, match="got"):
        wrong()
