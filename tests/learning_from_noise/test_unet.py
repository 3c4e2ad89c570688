"""Noise2Noise's U-Net: its size by hand, any picture, and what an output pixel sees."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from course_lib.learning_from_noise import UNet


def test_parameters_counted_by_hand():
    """Depth 2 and width 6: every convolution has 9 weights for each pair of channels, and a bias for each output."""
    layers = [(1, 6), (6, 6), (6, 6), (6, 6), (12, 12), (12, 12), (13, 8), (8, 4), (4, 1)]
    assert sum(p.numel() for p in UNet(2, 6).parameters()) == sum(9 * a * b + b for a, b in layers)


def test_the_paper_s_widths():
    """Table 1 of the paper: 48 on the way down, 96 on the way up, 64 and 32 before the output; five poolings."""
    network = UNet(channels=3)
    widths = [layer.out_channels for layer in network.modules() if isinstance(layer, torch.nn.Conv2d)]
    assert widths == [48, 48, 48, 48, 48, 48, 48, *[96] * 8, 64, 32, 3]


@settings(max_examples=15, deadline=None)
@given(st.integers(1, 40), st.integers(1, 40), st.integers(1, 4), st.sampled_from([1, 3]))
def test_any_size_goes_through(height, width, depth, channels):
    z = torch.rand(2, channels, height, width)
    assert UNet(depth, 3, channels)(z).shape == z.shape


def test_an_output_depends_on_what_its_docstring_says():
    torch.manual_seed(0)
    network, z = UNet(depth=2, width=6), torch.rand(1, 1, 96, 96, requires_grad=True)
    network(z)[0, 0, 48, 48].backward()
    rows = z.grad[0, 0].abs().sum(1).nonzero()
    assert 16 < rows.max() - rows.min() + 1 <= 2 ** (2 + 3) + 8


def test_every_scale_is_used():
    torch.manual_seed(0)
    network = UNet(depth=3, width=6)
    network(torch.rand(1, 1, 32, 32)).square().sum().backward()
    assert all(p.grad.abs().sum() > 0 for name, p in network.named_parameters() if name.endswith("weight"))


def test_what_is_refused():
    with pytest.raises(ValueError, match="depth must be at least 1 and width at least 3, got 0 and 48"):
        UNet(depth=0)
    with pytest.raises(ValueError, match="z must have 1 channel"):
        UNet(1, 3)(torch.zeros(1, 3, 8, 8))
