"""The least-squares filter: it finds the filter that made its target, and NumPy finds the same."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.nn import functional as F

from course_lib.denoising import apply_filter, fit_filter, principal_components, project_on


def random(*shape, seed=0):
    return torch.rand(*shape, generator=torch.Generator().manual_seed(seed))


@settings(max_examples=15, deadline=None)
@given(size=st.sampled_from([1, 3, 5, 7]), seed=st.integers(0, 99))
def test_a_filter_is_found_again_from_what_it_did(size, seed):
    z, kernel = random(2, 1, 20, 17, seed=seed), random(1, 1, size, size, seed=seed + 1) - 0.5
    torch.testing.assert_close(fit_filter(z, apply_filter(kernel, z), size), kernel, atol=1e-4, rtol=1e-4)


@settings(max_examples=10, deadline=None)
@given(seed=st.integers(0, 99))
def test_least_squares_is_what_numpy_calls_least_squares(seed):
    z, target = random(1, 1, 12, 15, seed=seed), random(1, 1, 12, 15, seed=seed + 1)
    windows = np.lib.stride_tricks.sliding_window_view(z[0, 0].double().numpy(), (3, 3)).reshape(-1, 9)
    theirs = np.linalg.lstsq(windows, target[0, 0, 1:-1, 1:-1].double().numpy().ravel(), rcond=None)[0]
    np.testing.assert_allclose(fit_filter(z, target, 3).flatten().numpy(), theirs, atol=1e-4)


def test_a_blind_filter_has_no_middle_and_the_seeing_one_only_a_middle():
    z = random(1, 1, 40, 40)
    seeing, blind = fit_filter(z, z), fit_filter(z, z, blind=True)
    torch.testing.assert_close(seeing, F.pad(torch.ones(1, 1, 1, 1), (3, 3, 3, 3)), atol=1e-4, rtol=0)
    assert abs(blind[..., 3, 3].item()) < 1e-6 and blind.abs().sum() > 0.1


def test_what_is_no_filter_is_refused():
    z = random(1, 1, 8, 8)
    for size in (0, 2, 9):
        with pytest.raises(ValueError, match="size must be odd"):
            fit_filter(z, z, size)
    with pytest.raises(ValueError, match="z and target"):
        fit_filter(z, z[..., :-1])
    with pytest.raises(ValueError, match="1 channel"):
        fit_filter(z.expand(1, 3, 8, 8), z.expand(1, 3, 8, 8))


@settings(max_examples=10, deadline=None)
@given(count=st.integers(2, 12), seed=st.integers(0, 99))
def test_principal_components_are_the_singular_vectors(count, seed):
    images = random(count, 3, 4, 5, seed=seed)
    mean, directions = principal_components(images)
    x = images.flatten(1).double().numpy()
    _, strength, theirs = np.linalg.svd(x - x.mean(0), full_matrices=False)
    theirs = theirs[strength > 1e-3 * strength.max()].T
    mine = directions.double().numpy()[:, : theirs.shape[1]]
    np.testing.assert_allclose(mean.numpy(), x.mean(0), atol=1e-5)
    np.testing.assert_allclose(np.abs((mine * theirs).sum(0)), 1, atol=1e-3)
    np.testing.assert_allclose(mine.T @ mine, np.eye(mine.shape[1]), atol=1e-3)


def test_all_directions_give_the_images_back_and_one_more_is_never_worse():
    images = random(6, 1, 5, 5)
    mean, directions = principal_components(images)
    errors = [(project_on(images, mean, directions, k) - images).square().mean() for k in range(1, 6)]
    assert errors[-1] < 1e-8 and errors == sorted(errors, reverse=True)
    for k in (0, 6):
        with pytest.raises(ValueError, match="k must be between 1 and 5"):
            project_on(images, mean, directions, k)
