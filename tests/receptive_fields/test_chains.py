"""The plain chains and the law of their growth; the recipes that use them."""

import math

import numpy as np
import pytest
import torch

from course_lib import reference
from course_lib.receptive_fields import effective_receptive_field, receptive_field
from course_lib.receptive_fields.chains import KINDS, chain, growth_exponent, walk
from course_lib.receptive_fields.classifier import ResidualClassifier, SmallClassifier
from course_lib.receptive_fields.recipes.effective_receptive_field import radii_of_chains
from course_lib.reference.recipe import Measurement, Recipe


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_sees_the_theoretical_field(kind):
    x = torch.zeros(1, 1, 25, 25)
    assert receptive_field(chain(7, kind), x).size == (15, 15)


@pytest.mark.parametrize("steps", [0, 1, 2, 7])
def test_the_walk_counts_the_ways(steps):
    """Coefficients of (1 + x + x^2)^n, multiplied out by numpy."""
    ways = np.array([1.0])
    for _ in range(steps):
        ways = np.polymul(ways, [1, 1, 1])
    np.testing.assert_allclose(walk(steps), ways / 3**steps, rtol=1e-12)


def test_the_walk_is_the_field_of_a_uniform_chain():
    erf = effective_receptive_field(chain(9, "uniform"), torch.zeros(1, 1, 25, 25)).map
    torch.testing.assert_close(erf.sum(0)[3:-3], walk(9).float())
    with pytest.raises(ValueError, match="0 or more"):
        walk(-1)


def test_random_signs_widen_the_spot_by_the_root_of_two():
    """Squares of gradients add up along paths, so their root follows the root of the walker's probability."""

    def build(seed):
        torch.manual_seed(seed)
        return chain(20, "random", width=16)

    x = torch.randn(1, 1, 61, 61, generator=torch.Generator().manual_seed(0))
    erf = effective_receptive_field(build, x, initialisations=6)
    assert erf.radius == pytest.approx(math.sqrt(2 * 20 * 2 / 3), rel=0.07)


def test_the_exponent_is_that_of_a_known_law_and_its_error_that_of_numpy():
    numpy = pytest.importorskip("numpy")
    depths = [5, 10, 20, 40]
    assert growth_exponent(depths, [3 * d**0.7 for d in depths]) == pytest.approx((0.7, 0), abs=1e-7)
    radii = [2.0, 2.9, 4.4, 5.8]
    fit, covariance = numpy.polyfit(numpy.log(depths), numpy.log(radii), 1, cov=True)
    assert growth_exponent(depths, radii) == pytest.approx((fit[0], covariance[0, 0] ** 0.5), abs=1e-6)


def test_the_recipe_of_the_depths_measures_the_square_root():
    metrics = radii_of_chains(initialisations=1)
    assert metrics["uniform: exponent of the growth"] == pytest.approx(0.5, abs=0.01)
    assert 0.45 < metrics["random: exponent of the growth"] < 0.65


def test_the_stored_exponents_are_those_of_the_walk():
    """Uniform: the walker's own spread. Random signs: that of the root of its exact distribution, nothing fitted."""
    stored = reference.result("erf-depth")["metrics"]
    depths, roots = [5, 10, 20, 40], []
    for depth in depths:
        p = torch.ones(1, 1, 1, dtype=torch.float64)
        for _ in range(depth):
            p = torch.conv1d(p, torch.full((1, 1, 3), 1 / 3, dtype=torch.float64), padding=2)
        root, place = p.flatten().sqrt(), torch.arange(-depth, depth + 1)
        roots.append(((root * place**2).sum() / root.sum()).sqrt().item())
        assert stored[f"uniform, {depth} layers: radius (pixels)"] == pytest.approx(math.sqrt(2 * depth / 3), rel=1e-3)
    predicted = growth_exponent(depths, roots)[0]
    for kind in ("random", "random + ReLU"):
        exponent, error = (stored[f"{kind}: {what}"] for what in ("exponent of the growth", "its standard error"))
        assert abs(exponent - predicted) < 2 * error < 0.02
        assert stored[f"{kind}: exponent of the share"] < -0.4


def test_the_classifier_counts_and_looks():
    net = SmallClassifier(width=4).eval()
    x = torch.rand(2, 3, 32, 32)
    assert net(x).shape == (2, 10) and net.forward_features(x).shape == (2, 12, 8, 8)
    # by hand: 3 x 3, 3 x 3, stride 2, three more at jump 2, stride 2, three more at jump 4
    assert receptive_field(net, torch.zeros(1, 3, 96, 96), layer="body").size == (47, 47)


def test_the_residual_classifier_begins_with_a_narrow_view():
    torch.manual_seed(0)
    net, x = ResidualClassifier(blocks=4, width=8).eval(), torch.rand(4, 3, 48, 48)
    assert net(x).shape == (4, 10) and net.forward_features(x).shape == (4, 8, 48, 48)
    assert receptive_field(net, torch.zeros(1, 3, 48, 48), layer="blocks.3").size == (19, 19)  # 4 blocks + 3
    whole = effective_receptive_field(net, x, forward=lambda m, x: m.forward_features(x)).radius
    for block in net.blocks:
        block[-1].weight.data.zero_()  # only the skips are left: one convolution
    skips = effective_receptive_field(net, x, forward=lambda m, x: m.forward_features(x)).radius
    assert skips < 1.5 and skips < whole < (2 * 2 * 9 / 3) ** 0.5  # nine random layers without skips have about that


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: chain(0), "depth must be at least 1"),
        (lambda: chain(3, "wild"), "got 3 and 'wild'"),
        (lambda: growth_exponent([1, 2], [1.0, 2.0]), "three or more"),
        (lambda: growth_exponent([1, 2, 3], [1.0, 0.0, 2.0]), "positive"),
        (lambda: growth_exponent([2, 2, 2], [1.0, 2.0, 3.0]), "at least two depths"),
        (lambda: SmallClassifier()(torch.zeros(1, 1, 32, 32)), "3 channel"),
    ],
)
def test_bad_input_is_named(call, message):
    with pytest.raises(ValueError, match=message):
        call()


def test_the_recipes_of_this_part_are_complete():
    own = [r for r in reference.recipes().values() if r.chapter.startswith("receptive_fields/")]
    assert {type(recipe) for recipe in own} == {Measurement, Recipe}
    for recipe in own:
        assert recipe.title and recipe.source
        if isinstance(recipe, Recipe):
            recipe.build()
