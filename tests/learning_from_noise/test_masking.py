"""The maskers: which pixels are hidden, by what, and that a random neighbour is any neighbour, as often as another."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from course_lib.learning_from_noise import LocalMean, LocalMedian, RandomNeighbour, RandomValue, masked_loss, positions

MASKERS = [RandomNeighbour, LocalMean, LocalMedian, RandomValue]
DRAWS = 40_000


def generator(seed=0):
    return torch.Generator().manual_seed(seed)


def numbered(height, width, batch=1):
    """A picture in which every pixel has a value of its own."""
    return (
        (torch.arange(height * width, dtype=torch.float32) / (height * width))
        .view(1, 1, height, width)
        .expand(batch, -1, -1, -1)
    )


@settings(max_examples=40, deadline=None)
@given(
    st.sampled_from(MASKERS), st.integers(2, 20), st.integers(2, 20), st.integers(1, 9), st.integers(1, 6),
    st.sampled_from([1, 3]),
)  # fmt: skip
def test_one_pixel_in_every_cell_and_no_other_is_changed(kind, height, width, cell, radius, channels):
    z = torch.rand(3, channels, height, width, generator=generator(1))
    before = z.clone()
    hidden, mask = kind(cell, radius)(z, generator())
    assert torch.equal(z, before) and hidden.shape == z.shape and mask.shape == (3, 1, height, width)
    assert torch.equal(torch.where(mask, z, hidden), z)
    for top in range(0, height, cell):
        for left in range(0, width, cell):
            inside = mask[:, 0, top : top + cell, left : left + cell]
            assert torch.equal(inside.sum((1, 2)), torch.ones(3, dtype=torch.int64))


@pytest.mark.parametrize("at", [(0, 0), (0, 4), (4, 4), (3, 8), (8, 8)])
def test_every_neighbour_is_equally_likely_at_the_border_too(at):
    """Chi-square over the neighbourhood, radius 2 in a 9 x 9 picture: 8, 14 or 24 neighbours."""
    z = numbered(9, 9, batch=DRAWS)
    rows, columns = (torch.full((DRAWS, 1), side) for side in at)
    drawn = RandomNeighbour(radius=2).values(z, rows, columns, generator())
    found = np.bincount((81 * drawn.flatten()).round().long().numpy(), minlength=81).reshape(9, 9)
    y, x = np.mgrid[:9, :9]
    near = (abs(y - at[0]) <= 2) & (abs(x - at[1]) <= 2) & ~((y == at[0]) & (x == at[1]))
    assert found[~near].sum() == 0, "neither the pixel itself nor one outside of its neighbourhood"
    assert stats.chisquare(found[near]).pvalue > 0.001


@pytest.mark.parametrize("height, width, cell", [(8, 8, 4), (10, 7, 4), (5, 5, 8)])
def test_every_pixel_of_a_cell_is_equally_likely_in_a_cut_cell_too(height, width, cell):
    rows, columns = positions(torch.zeros(DRAWS, 1, height, width), cell, generator())
    found = np.bincount((rows * width + columns).flatten().numpy(), minlength=height * width).reshape(height, width)
    for top in range(0, height, cell):
        for left in range(0, width, cell):
            assert stats.chisquare(found[top : top + cell, left : left + cell].flatten()).pvalue > 0.001


def test_a_biased_choice_is_noticed_by_the_chi_square():
    """A masker that rounds a uniform shift, as a rival did, misses the centre's row and column and repeats +1."""
    shift = (1 + 2 * torch.rand(DRAWS, 24, generator=generator())).floor()
    found = np.bincount(shift.flatten().long().numpy(), minlength=24)
    assert stats.chisquare(found).pvalue < 1e-6


@settings(max_examples=25, deadline=None)
@given(st.integers(2, 9), st.integers(2, 9), st.integers(1, 3), st.integers(0, 99))
def test_mean_and_median_of_the_neighbours_inside_without_the_pixel(height, width, radius, seed):
    z = torch.rand(2, 2, height, width, generator=generator(seed))
    for kind, average in ((LocalMean, np.mean), (LocalMedian, np.median)):
        hidden, mask = kind(cell=3, radius=radius)(z, generator(seed))
        for b, _, i, j in mask.nonzero().tolist():
            for c in range(2):
                window = z[b, c, max(0, i - radius) : i + radius + 1, max(0, j - radius) : j + radius + 1]
                others = window.flatten().tolist()
                others.remove(z[b, c, i, j].item())
                assert hidden[b, c, i, j].item() == pytest.approx(average(others), abs=1e-5)


def test_a_random_value_is_uniform():
    hidden, mask = RandomValue(cell=2)(torch.full((4, 1, 128, 128), 0.5), generator())
    assert stats.kstest(hidden[mask].numpy(), "uniform").pvalue > 0.001


@pytest.mark.parametrize("kind", MASKERS)
def test_the_hidden_value_says_nothing_of_the_pixel(kind):
    """Change the pixel that is hidden: what the network is shown stays the same."""
    z = torch.rand(9, 1, 16, 16, generator=generator(2))
    hidden, mask = kind(cell=16, radius=2)(z, generator())
    again, same = kind(cell=16, radius=2)(z + mask, generator())
    assert torch.equal(mask, same)
    torch.testing.assert_close(hidden, again)


def test_the_loss_is_that_of_the_hidden_pixels_alone():
    z, y_hat = torch.rand(2, 2, 3, 9, 9, generator=generator()).unbind(0)
    _, mask = RandomNeighbour(cell=3)(z, generator())
    where = mask.expand_as(z)
    expected = ((y_hat[where] - z[where]) ** 2).mean()
    torch.testing.assert_close(masked_loss(y_hat, z, mask), expected)
    torch.testing.assert_close(masked_loss(torch.where(mask, y_hat, 7.0), z, mask), expected)


def test_what_is_refused():
    with pytest.raises(ValueError, match="cell and radius must be at least 1, got 0 and 5"):
        RandomNeighbour(cell=0)
    with pytest.raises(ValueError, match="at least 2 x 2"):
        LocalMean()(torch.zeros(1, 1, 1, 9))
    with pytest.raises(ValueError, match="mask"):
        masked_loss(torch.zeros(1, 1, 4, 4), torch.zeros(1, 1, 4, 4), torch.zeros(1, 4, 4, dtype=torch.bool))
