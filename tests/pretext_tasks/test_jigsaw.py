"""Puzzles: the greedy rule against plain Python, and the pieces against the picture."""

from itertools import combinations, permutations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from course_lib.pretext_tasks.jigsaw import Jigsaw, choose_permutations, hamming_distances, normalise_patches


def distance(a, b):
    return sum(x != y for x, y in zip(a, b, strict=True))


@settings(max_examples=25, deadline=None)
@given(st.integers(2, 5), st.integers(1, 12), st.integers(0, 1000))
def test_each_order_is_as_far_from_those_before_as_any_could_be(pieces, count, seed):
    everything = list(permutations(range(pieces)))
    count = min(count, len(everything))
    chosen = [tuple(row) for row in choose_permutations(count, pieces, seed).tolist()]
    assert len(set(chosen)) == count and set(chosen) <= set(everything)
    for k in range(1, count):

        def worth(order, before=chosen[:k]):
            distances = [distance(order, other) for other in before]
            return min(distances), sum(distances)

        assert worth(chosen[k]) == max(map(worth, everything))


@pytest.mark.parametrize("pieces", [4, 6, 9])
def test_as_many_orders_as_pieces_differ_everywhere_and_one_more_cannot(pieces):
    orders = choose_permutations(pieces + 1, pieces, seed=3)
    d = hamming_distances(orders, orders)
    first = d[:pieces, :pieces]
    # Hall's theorem: rows that differ everywhere can be continued up to a Latin square
    assert (first + pieces * torch.eye(pieces) == pieces).all()
    # pigeonhole: two of pieces + 1 orders begin alike
    assert d[pieces, :pieces].min() < pieces


def test_beyond_nine_pieces_random_orders_are_compared():
    orders = choose_permutations(20, 16, seed=1)
    assert torch.equal(orders.sort(1).values, torch.arange(16).expand(20, -1))
    smallest = min(distance(a, b) for a, b in combinations(orders.tolist(), 2))
    drawn = torch.stack([torch.randperm(16, generator=torch.Generator().manual_seed(k)) for k in range(20)])
    assert smallest > min(distance(a, b) for a, b in combinations(drawn.tolist(), 2))


def test_seeds_give_other_sets_and_counts_are_checked():
    assert torch.equal(choose_permutations(5, 6, seed=1), choose_permutations(5, 6, seed=1))
    assert not torch.equal(choose_permutations(5, 6, seed=1), choose_permutations(5, 6, seed=2))
    assert len(choose_permutations(2, 2)) == 2
    for count, pieces in ((3, 2), (0, 4), (1, 1)):
        with pytest.raises(ValueError, match="orders can be chosen"):
            choose_permutations(count, pieces)


def numbered_cells(rows, columns, side):
    """A picture whose pixels say which cell they lie in."""
    cell = torch.arange(rows * columns, dtype=torch.uint8).view(rows, 1, columns, 1)
    return cell.expand(rows, side, columns, side).reshape(1, 1, rows * side, columns * side)


@settings(max_examples=25, deadline=None)
@given(st.integers(1, 2), st.integers(2, 3), st.integers(1, 5), st.integers(0, 1000))
def test_the_answer_restores_the_picture(rows, columns, size, seed):
    orders = choose_permutations(2, rows * columns, seed)
    puzzles = Jigsaw(numbered_cells(rows, columns, 5), orders, (rows, columns), size, batch=16, normalise=False)
    pieces, answers = puzzles(torch.Generator().manual_seed(seed))
    assert pieces.shape == (16, rows * columns, 1, size, size)
    number = (255 * pieces).round().long()
    assert torch.equal(number, number[..., :1, :1].expand_as(number))  # no piece crosses the border of its cell
    assert torch.equal(number[:, :, 0, 0, 0], orders[answers])


def test_a_piece_lies_anywhere_in_its_cell():
    row = torch.arange(12, dtype=torch.uint8)
    image = (row[:, None] + torch.zeros(12, dtype=torch.uint8))[None, None]
    puzzles = Jigsaw(image, choose_permutations(1, 4), (2, 2), size=4, batch=500, normalise=False)
    top = (255 * puzzles.pieces(torch.zeros(500, dtype=torch.long), torch.Generator().manual_seed(0)))[:, :, 0, 0, 0]
    assert top[:, 0].round().unique().tolist() == [0, 1, 2] and top[:, 2].round().unique().tolist() == [6, 7, 8]


def test_normalised_pieces_keep_no_brightness_or_contrast():
    x = torch.rand(5, 9, 3, 6, 6)
    y = normalise_patches(x)
    torch.testing.assert_close(y.mean((2, 3, 4)), torch.zeros(5, 9), atol=1e-5, rtol=0)
    torch.testing.assert_close(y.std((2, 3, 4)), torch.ones(5, 9))
    torch.testing.assert_close(normalise_patches(0.3 * x + 0.5), y, atol=1e-4, rtol=1e-4)
    assert torch.equal(normalise_patches(torch.full((2, 3, 4, 4), 0.5)), torch.zeros(2, 3, 4, 4))


def test_pieces_larger_than_a_cell_and_other_orders_are_refused():
    images, orders = torch.zeros(1, 3, 64, 64, dtype=torch.uint8), choose_permutations(4, 9)
    with pytest.raises(ValueError, match="21 pixels"):
        Jigsaw(images, orders, size=22)
    with pytest.raises(ValueError, match=r"\(K, 4\)"):
        Jigsaw(images, orders, grid=(2, 2))
