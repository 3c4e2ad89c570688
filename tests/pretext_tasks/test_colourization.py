"""Colours as bins: against scikit-image's Lab, dense encodings and cases worked by hand."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from skimage.color import rgb2lab
from torch.nn import functional as F

from course_lib.pretext_tasks import NIN
from course_lib.pretext_tasks.colourization import (
    Colourizer,
    annealed_mean,
    classification_loss,
    colour_bins,
    colour_counts,
    colour_task,
    rebalance,
    soft_encode,
)


def test_the_bins_are_those_that_the_whole_cube_touches():
    levels = np.arange(0, 256, 3) / 255
    cube = np.stack(np.meshgrid(levels, levels, levels, indexing="ij"), -1).reshape(-1, 1, 3)
    touched = {tuple(pair) for pair in (10 * np.round(rgb2lab(cube)[:, 0, 1:] / 10)).astype(int)}
    bins = [tuple(pair) for pair in colour_bins().int().tolist()]
    assert len(bins) == 261 and bins == sorted(bins) and set(bins) >= touched
    # the faces have all levels, the inside of the cube every third only: a bin may be missed at its corner
    assert len(touched) >= 260


def random_ab(seed, *shape):
    return 120 * torch.rand(*shape, generator=torch.Generator().manual_seed(seed)) - 60


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 10_000), st.integers(1, 6))
def test_shares_are_gaussian_over_the_nearest_bins(seed, neighbours):
    ab = random_ab(seed, 2, 2, 3, 4)
    index, share = soft_encode(ab, neighbours)
    bins = colour_bins()
    for n, i, j in ((0, 0, 0), (1, 2, 3)):
        squared = (bins - ab[n, :, i, j]).square().sum(1)
        nearest = squared.argsort()[:neighbours]
        weight = torch.exp(-squared[nearest] / 50)
        got = torch.zeros(len(bins)).scatter(0, index[n, :, i, j], share[n, :, i, j])
        expected = torch.zeros(len(bins)).scatter(0, nearest, weight / weight.sum())
        torch.testing.assert_close(got, expected, atol=1e-3, rtol=0)
        assert index[n, 0, i, j] == nearest[0]


def test_the_middle_of_a_bin_lies_in_it():
    middle = colour_bins()[[17, 200]].view(2, 2, 1, 1)
    index, share = soft_encode(middle, neighbours=1)
    assert index.flatten().tolist() == [17, 200] and share.flatten().tolist() == [1, 1]


def test_the_loss_is_cross_entropy_with_soft_targets():
    ab, logits = random_ab(0, 2, 2, 3, 4), torch.randn(2, 261, 3, 4)
    index, share = soft_encode(ab)
    dense = torch.zeros_like(logits).scatter(1, index, share)
    each = F.cross_entropy(logits, dense, reduction="none")
    torch.testing.assert_close(classification_loss(logits, ab), each.mean())
    weight = torch.rand(261)
    torch.testing.assert_close(classification_loss(logits, ab, weight), (weight[dense.argmax(1)] * each).mean())


def test_counts_are_shares_and_weights_have_the_mean_one():
    counts = colour_counts(random_ab(1, 4, 2, 8, 8))
    assert counts.sum().item() == pytest.approx(1, abs=1e-5) and counts.min() == 0
    for uniform in (0.1, 0.5, 1.0):
        weight = rebalance(counts, uniform)
        assert (counts * weight).sum().item() == pytest.approx(1, abs=1e-5)
        # the rarer, the heavier, but never more than by (1 - u + u / Q) / (u / Q)
        assert (weight[counts.argsort()].diff() <= 1e-5).all()
    torch.testing.assert_close(rebalance(counts, 1.0), torch.ones(261))
    frequency = torch.tensor([0.75, 0.25])
    torch.testing.assert_close(rebalance(frequency, 0), torch.tensor([2 / 3, 2.0]))
    with pytest.raises(ValueError, match="uniform"):
        rebalance(counts, 0)


def test_annealing_goes_from_the_mean_to_the_mode():
    torch.manual_seed(0)
    logits = torch.randn(1, 261, 2, 2)
    mean = torch.einsum("bqhw,qc->bchw", logits.softmax(1), colour_bins())
    torch.testing.assert_close(annealed_mean(logits, 1.0), mean)
    mode = colour_bins()[logits.argmax(1)].permute(0, 3, 1, 2)
    torch.testing.assert_close(annealed_mean(logits, 1e-3), mode, atol=0.5, rtol=0)
    # by hand: probabilities 0.8 and 0.2 at T = 1/2 become 16/17 and 1/17
    two = torch.full((1, 261, 1, 1), -1e4)
    two[0, [5, 90], 0, 0] = torch.tensor([0.8, 0.2]).log()
    expected = (16 * colour_bins()[5] + colour_bins()[90]) / 17
    torch.testing.assert_close(annealed_mean(two, 0.5).flatten(), expected)
    with pytest.raises(ValueError, match="temperature"):
        annealed_mean(logits, 0)


def test_the_task_separates_lightness_and_colour():
    rgb = torch.rand(2, 3, 8, 12)
    grey, ab = colour_task(rgb)
    lab = torch.from_numpy(np.stack([rgb2lab(x) for x in rgb.permute(0, 2, 3, 1).numpy()])).permute(0, 3, 1, 2)
    torch.testing.assert_close(grey[:, 0], lab[:, 0].float() / 100, atol=1e-4, rtol=0)
    torch.testing.assert_close(ab[1, :, 1, 2], lab[1, 1:, 4:8, 8:12].mean((1, 2)).float(), atol=2e-3, rtol=0)


@pytest.mark.parametrize("outputs", [2, 261])
def test_a_network_paints_pictures_of_any_size(outputs):
    net = Colourizer(NIN(blocks=3, width=12, channels=1), outputs)
    grey = torch.rand(2, 1, 24, 40)
    assert net(grey).shape == (2, outputs, 6, 10)
    assert net.colours(grey).shape == (2, 2, 24, 40)
