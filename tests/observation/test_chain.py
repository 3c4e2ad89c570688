"""Seven combinations of three perturbations: each does what its name says, and nothing else."""

import pytest
import torch

from course_lib.observation import Chain, Cutout, Gaussian, SaltAndPepper, perturbations

SEVEN = perturbations(sigma=0.1, p=0.1)


def test_the_names_are_the_seven_subsets():
    singles = ("gaussian", "salt and pepper", "cutout")
    subsets = {frozenset(singles if name == "all three" else name.split(" + ")) for name in SEVEN}
    assert len(SEVEN) == len(subsets) == 7 and set().union(*subsets) == set(singles)


@pytest.mark.parametrize("name", SEVEN)
def test_each_combination_has_the_marks_of_its_parts(name):
    y = torch.full((64, 3, 64, 64), 0.5)
    z = SEVEN[name](y, torch.Generator().manual_seed(0))
    assert z.shape == y.shape and torch.equal(y, torch.full_like(y, 0.5))
    parts = set(SEVEN) - {"all three"} if name == "all three" else set(name.split(" + "))
    holes = (z == 0).all(1)  # all three channels black: chance 0.05^3 for a stuck pixel
    outside = z.movedim(1, 0)[:, ~holes]
    if "cutout" in parts:  # three squares of 12 x 12 that may overlap
        covered = holes.float().mean().item() * 64**2
        assert 144 < covered < 3 * 144 + 10
    else:
        assert holes.float().mean() < 1e-3
    stuck = (outside == 1).float().mean().item()
    assert stuck == (pytest.approx(0.05, abs=0.005) if "salt and pepper" in parts else 0)
    if "salt and pepper" in parts:  # each channel draws for itself: coloured specks
        assert (outside == 1).any(0).float().mean() > 2 * stuck
    ordinary = outside[(outside != 0) & (outside != 1)]
    assert ordinary.std().item() == pytest.approx(0.1 if "gaussian" in parts else 0, abs=0.002)


def test_a_chain_is_its_models_in_turn_from_one_generator():
    y = torch.rand(2, 3, 16, 16)
    models = (Gaussian(0.2), SaltAndPepper(0.3), Cutout(size=4, count=1))
    generator = torch.Generator().manual_seed(5)
    expected = y
    for model in models:
        expected = model(expected, generator)
    torch.testing.assert_close(Chain(*models)(y, torch.Generator().manual_seed(5)), expected)
    assert Chain(*models) == Chain(*models) and torch.equal(Chain()(y), y)


def test_the_order_matters():
    y = torch.ones(8, 1, 16, 16)
    hole, specks = Cutout(size=12, count=1), SaltAndPepper(0.5)
    after, before = (Chain(*c)(y, torch.Generator().manual_seed(0)) for c in ((specks, hole), (hole, specks)))
    assert (after == 0).sum() >= 8 * 144 and (before == 0).float().mean() != (after == 0).float().mean()
