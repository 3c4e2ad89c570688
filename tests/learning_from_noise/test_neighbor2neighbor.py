"""Two half pictures out of one: which pixels, how often, and that the second term takes their difference out."""

import numpy as np
import pytest
import torch
from scipy import stats

from course_lib.learning_from_noise import neighbor2neighbor_loss, neighbour_choice, subsample


def generator(seed=0):
    return torch.Generator().manual_seed(seed)


@pytest.mark.parametrize("height, width", [(8, 8), (9, 6), (2, 3)])
def test_the_two_come_from_adjacent_pixels_of_one_cell(height, width):
    z = torch.arange(2.0 * height * width).view(1, 2, height, width) / 20
    first, second = subsample(z, neighbour_choice(z, generator()))
    assert first.shape == (1, 2, height // 2, width // 2)
    for half in (first, second):
        torch.testing.assert_close(half[:, 1], half[:, 0] + height * width / 20)  # all channels of one pixel
    at = [(20 * half[0, 0]).round().long() for half in (first, second)]
    for row in range(height // 2):
        for column in range(width // 2):
            (y1, x1), (y2, x2) = (divmod(which[row, column].item(), width) for which in at)
            assert {y1 // 2, y2 // 2} == {row} and {x1 // 2, x2 // 2} == {column}
            assert abs(y1 - y2) + abs(x1 - x2) == 1


def test_all_eight_pairs_are_equally_likely():
    first, second = neighbour_choice(torch.zeros(1, 1, 400, 400), generator())
    found = np.bincount((4 * first + second).flatten().numpy(), minlength=16)
    assert (found > 0).sum() == 8
    assert stats.chisquare(found[found > 0]).pvalue > 0.001


def test_a_perfect_denoiser_is_punished_by_the_first_term_alone():
    """On a noiseless picture the neighbours differ, though there is nothing to remove; the second term knows."""
    z = torch.rand(2, 1, 16, 16, generator=generator())
    plain = neighbor2neighbor_loss(torch.nn.Identity(), z, generator(), weight=0.0)
    first, second = subsample(z, neighbour_choice(z, generator()))
    torch.testing.assert_close(plain, (first - second).square().mean())
    torch.testing.assert_close(neighbor2neighbor_loss(torch.nn.Identity(), z, generator(), weight=3.0), plain)


def test_what_is_refused():
    with pytest.raises(ValueError, match="at least 2 x 2"):
        neighbour_choice(torch.zeros(1, 1, 1, 8))
