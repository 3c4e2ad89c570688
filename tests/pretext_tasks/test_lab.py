"""Lab against scikit-image."""

import warnings

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from skimage.color import lab2rgb, rgb2lab

from course_lib.pretext_tasks.lab import lab_to_rgb, rgb_to_lab

LEVELS = torch.tensor([0.0, 1e-3, 0.003, 0.0404, 0.0405, 0.2, 0.5, 0.9, 1.0])


def as_library(function, x):
    """A function of scikit-image, for batches of channels first."""
    return torch.from_numpy(np.stack([function(image) for image in x.permute(0, 2, 3, 1).double().numpy()])).permute(
        0, 3, 1, 2
    )


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 10_000), st.sampled_from([0.02, 0.3, 1.0]))
def test_random_colours_agree_with_scikit_image_both_ways(seed, brightest):
    rgb = brightest * torch.rand(2, 3, 6, 5, generator=torch.Generator().manual_seed(seed))
    lab = rgb_to_lab(rgb)
    torch.testing.assert_close(lab.double(), as_library(rgb2lab, rgb), atol=2e-3, rtol=0)
    torch.testing.assert_close(lab_to_rgb(lab), rgb, atol=1e-4, rtol=0)


def test_the_edges_of_all_branches_agree():
    rgb = torch.cartesian_prod(LEVELS, LEVELS, LEVELS).T.reshape(1, 3, 27, 27)
    torch.testing.assert_close(rgb_to_lab(rgb).double(), as_library(rgb2lab, rgb), atol=2e-3, rtol=0)


def test_colours_that_no_screen_can_show_are_clipped_as_scikit_image_does():
    g = torch.Generator().manual_seed(0)
    lab = torch.rand(1, 3, 40, 40, generator=g) * torch.tensor([100.0, 220, 220]).view(1, 3, 1, 1)
    lab = lab - torch.tensor([0.0, 110, 110]).view(1, 3, 1, 1)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        expected = as_library(lab2rgb, lab)
    torch.testing.assert_close(lab_to_rgb(lab).double(), expected, atol=1e-3, rtol=0)


def test_gradients_are_finite_also_for_black():
    rgb = torch.zeros(1, 3, 2, 2, requires_grad=True)
    rgb_to_lab(rgb).sum().backward()
    assert rgb.grad.isfinite().all()


def test_bad_input_is_named():
    with pytest.raises(ValueError, match=r"must lie in \[0, 1\]"):
        rgb_to_lab(torch.full((1, 3, 2, 2), 3.0))
    with pytest.raises(ValueError, match="lab must be float"):
        lab_to_rgb(torch.zeros(1, 2, 4, 4))
