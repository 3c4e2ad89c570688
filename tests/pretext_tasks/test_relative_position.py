"""Relative position: labels against places, patches against the picture, colours against hand-worked cases."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from course_lib.pretext_tasks.late_fusion import LateFusion, puzzle_accuracy, puzzle_loss
from course_lib.pretext_tasks.relative_position import RelativePosition, drop_colours, project_colours


def coordinates(size=64):
    """A picture whose pixels say where they are: channel 0 the row, channel 1 the column, channel 2 constant."""
    row = torch.arange(size, dtype=torch.uint8)
    zeros = torch.zeros(size, size, dtype=torch.uint8)
    return torch.stack([row[:, None] + zeros, row[None] + zeros, zeros])[None]


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 10_000), st.integers(4, 16), st.integers(0, 10), st.integers(0, 4))
def test_the_answer_says_where_the_neighbour_lies(seed, size, gap, jitter):
    batches = RelativePosition(coordinates(), size, gap, jitter, batch=64)
    pairs, answers = batches(torch.Generator().manual_seed(seed))
    first, second = (255 * pairs[:, k, :2, 0, 0] for k in (0, 1))  # row and column of the corners
    way = second - first
    # three rows of three around the first patch, read like a page, the middle left out
    page = torch.tensor([0, 1, 2, 3, 5, 6, 7, 8])[answers]
    asked = torch.stack([page // 3 - 1, page % 3 - 1], dim=1) * (size + gap)
    assert (way - asked).abs().max() <= 2 * jitter
    assert torch.equal(255 * pairs[:, :, 0, -1, 0], 255 * pairs[:, :, 0, 0, 0] + size - 1)
    again = batches(torch.Generator().manual_seed(seed))
    assert torch.equal(again[0], pairs) and torch.equal(again[1], answers)


def test_directions_places_and_jitters_are_all_used():
    batches = RelativePosition(coordinates(24), size=8, gap=2, jitter=1, batch=40_000)
    places, answers = batches.places(torch.Generator().manual_seed(0))
    counts = answers.bincount(minlength=8)
    assert counts.min() > 4_700 and counts.max() < 5_300
    # above and below itself a patch of 8 with its neighbour and jitters leaves rows 0 to 16, all of them met
    assert places.min() == 0 and places.max() == 24 - 8
    way = (places[:, 1] - places[:, 0])[answers == 4]
    assert way[:, 0].unique().tolist() == [-2, -1, 0, 1, 2] and way[:, 1].unique().tolist() == [8, 9, 10, 11, 12]


def test_pictures_that_are_too_small_and_negative_distances_are_refused():
    with pytest.raises(ValueError, match="36 pixels"):
        RelativePosition(torch.zeros(1, 3, 35, 64, dtype=torch.uint8), size=16, gap=2, jitter=1)
    with pytest.raises(ValueError, match="gap"):
        RelativePosition(coordinates(), gap=-1)


def test_one_colour_stays_and_the_others_tell_nothing():
    patches = torch.rand(600, 3, 8, 8)
    dropped = drop_colours(patches, torch.Generator().manual_seed(0))
    same = (dropped == patches).flatten(2).all(2)
    assert (same.sum(1) == 1).all() and same.sum(0).min() > 150
    kept = patches[same]
    others = dropped[~same].view(600, 2, -1)
    torch.testing.assert_close(others.mean(2), kept.flatten(1).mean(1)[:, None].expand(-1, 2), atol=3e-3, rtol=0)
    ratio = others.std(2) / kept.flatten(1).std(1)[:, None]
    assert ratio.min() > 0.005 and ratio.max() < 0.015


def test_projection_keeps_grey_and_takes_green_against_magenta_away():
    grey, fringe = torch.full((1, 3, 1, 1), 0.7), torch.tensor([-1.0, 2.0, -1.0]).view(1, 3, 1, 1)
    torch.testing.assert_close(project_colours(grey), grey)
    torch.testing.assert_close(project_colours(0.7 + 0.1 * fringe), grey)
    x = torch.rand(4, 3, 5, 5)
    torch.testing.assert_close(project_colours(project_colours(x)), project_colours(x))
    # red against blue is another direction
    y = project_colours(x)
    torch.testing.assert_close(y[:, 0] - y[:, 2], x[:, 0] - x[:, 2])


class Corner(nn.Module):
    """Looks at a patch only: four numbers a cell."""

    widths = [4]

    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(3, 4, 3, padding=1)

    def forward(self, x):
        return self.conv(x)


def test_the_trunk_sees_every_patch_alone():
    net = LateFusion(Corner(), pieces=3, classes=5)
    patches = torch.rand(2, 3, 3, 9, 9)
    logits = net(patches)
    alone = torch.stack([net.describe(patches[:, p]) for p in range(3)], dim=1)
    torch.testing.assert_close(net.head(alone.flatten(1)), logits)
    with pytest.raises(ValueError, match=r"\(B, 3, C, h, w\)"):
        net(patches[:, :2])


def test_it_learns_what_can_be_read_off_a_patch():
    torch.manual_seed(0)
    net = LateFusion(Corner(), pieces=2, classes=8)
    # pixels say where they are, so that single patches betray their place
    batches = RelativePosition(3 * coordinates(), size=16, gap=8, jitter=2, batch=128)
    optimizer = torch.optim.Adam(net.parameters(), lr=3e-3)
    g = torch.Generator().manual_seed(0)
    before = puzzle_accuracy(net, batches, 1000)
    for _ in range(150):
        optimizer.zero_grad()
        puzzle_loss(net, batches(g)).backward()
        optimizer.step()
    assert before < 30 and puzzle_accuracy(net, batches, 1000) > 80 and net.training
