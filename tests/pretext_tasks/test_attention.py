"""Attention maps, filters and neighbours against cases worked by hand and NumPy."""

import numpy as np
import pytest
import torch
from torch import nn

from course_lib.pretext_tasks import NIN
from course_lib.pretext_tasks.attention import attention_map, first_filters, neighbours


def test_attention_of_a_case_worked_by_hand():
    maps = torch.tensor([[[[3.0, 0.0], [1.0, 0.0]], [[4.0, 1.0], [0.0, 0.0]]]])
    torch.testing.assert_close(attention_map(maps), torch.tensor([[[1.0, 1 / 25], [1 / 25, 0.0]]]))
    torch.testing.assert_close(attention_map(maps, power=1), torch.tensor([[[1.0, 1 / 7], [1 / 7, 0.0]]]))


def test_attention_of_a_flat_map_is_zero_and_not_nan():
    assert attention_map(torch.ones(1, 2, 3, 3)).abs().max() == 0


def test_filters_are_pictures_about_grey_in_order_of_strength():
    net = NIN(3, 12)
    filters = first_filters(net)
    assert filters.shape == (12, 3, 5, 5) and filters.min() >= 0 and filters.max() <= 1
    weight = net.blocks[0][0].weight.detach()
    strongest = weight[weight.flatten(1).norm(dim=1).argmax()]
    assert torch.corrcoef(torch.stack([filters[0].flatten(), strongest.flatten()]))[0, 1] == pytest.approx(1, abs=1e-5)
    with pytest.raises(ValueError, match="no convolution"):
        first_filters(nn.Linear(2, 2))


def test_neighbours_are_those_of_numpy_s_correlation():
    generator = torch.Generator().manual_seed(0)
    queries, features = torch.randn(4, 9, generator=generator), torch.randn(30, 9, generator=generator)
    index, correlation = neighbours(queries * 5 + 2, features, count=3)
    table = np.corrcoef(queries.numpy(), features.numpy())[:4, 4:]
    np.testing.assert_array_equal(index.numpy(), np.argsort(-table, axis=1)[:, :3])
    np.testing.assert_allclose(correlation.numpy(), -np.sort(-table, axis=1)[:, :3], atol=1e-5)
    with pytest.raises(ValueError, match="count"):
        neighbours(queries, features, count=31)
