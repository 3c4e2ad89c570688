"""The centre-small initialisation: variance kept, shape as said, and a wider view."""

import pytest
import torch
from torch import nn

from course_lib.receptive_fields import effective_receptive_field, outside_large_


def chain(seed, outside):
    torch.manual_seed(seed)
    layers = nn.Sequential(*(nn.Conv2d(1 if i == 0 else 8, 8, 5, padding=2) for i in range(4)))
    return outside_large_(layers, outside)


def test_the_border_is_larger_by_the_factor_and_the_variance_stays():
    torch.manual_seed(0)
    layer = outside_large_(nn.Conv2d(64, 64, 3), outside=3)
    strength = layer.weight.square().mean((0, 1)).sqrt()
    border = strength.flatten()[[0, 1, 2, 3, 5, 6, 7, 8]]
    assert (border / strength[1, 1]).mean().item() == pytest.approx(3, rel=0.05)
    torch.manual_seed(0)
    before = nn.Conv2d(64, 64, 3).weight.square().mean()
    assert layer.weight.square().mean().item() == pytest.approx(before.item(), rel=0.02)


def test_the_network_looks_further():
    x = torch.rand(1, 1, 31, 31)
    radius = {
        o: effective_receptive_field(lambda s, o=o: chain(s, o), x, initialisations=5).radius for o in (0.25, 1, 4)
    }
    assert radius[0.25] < radius[1] < radius[4]


def test_nothing_else_is_touched():
    net = nn.Sequential(nn.Conv2d(2, 2, 1), nn.Linear(3, 3), nn.Conv2d(2, 2, (1, 3)))
    before = [p.clone() for p in net.parameters()]
    outside_large_(net, 1)
    for p, q in zip(net.parameters(), before, strict=True):
        torch.testing.assert_close(p, q)
    outside_large_(net, 5)
    torch.testing.assert_close(net[0].weight, before[0])
    torch.testing.assert_close(net[1].weight, before[2])
    assert not torch.equal(net[2].weight, before[4])


def test_bad_input_is_named():
    with pytest.raises(ValueError, match="above 0, got -1"):
        outside_large_(nn.Conv2d(1, 1, 3), -1)
