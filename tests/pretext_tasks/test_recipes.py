"""Every recipe of the part takes a step on a CPU, and what it trains can be probed."""

from dataclasses import replace

import pytest
import torch

from course_lib import data, reference, training
from course_lib.pretext_tasks import block_features
from course_lib.pretext_tasks.recipes import common, rotation, scoreboard, why_self_supervision

FIRST = [
    name
    for module in (rotation, scoreboard, why_self_supervision)
    for name, recipe in module.RECIPES.items()
    if isinstance(recipe, reference.recipe.Recipe) and recipe.seed == 0
]


@pytest.fixture(autouse=True)
def small(monkeypatch):
    """A stand-in for CIFAR-10, wherever it is asked for."""

    def cifar10(train=True):
        return data.cifar10_stand_in(400 if train else 40, seed=int(train))

    monkeypatch.setattr(data, "cifar10", cifar10)
    monkeypatch.setattr(data.cifar, "cifar10", cifar10)
    monkeypatch.setattr(common, "FEW", (2,))
    monkeypatch.setattr(why_self_supervision, "few_labels", lambda labels, count: torch.arange(4 * count) % 400)


@pytest.fixture
def quick_report(monkeypatch):
    """The recipes' report without its solvers: do the features of such pictures come out at all?"""

    def report(backbone, prepare=lambda images: images):
        features = block_features(backbone, prepare(data.cifar10(train=False)[0]))
        assert all(f.shape == (40, 12) and f.isfinite().all() for f in features)
        return {}

    for module in (rotation, scoreboard, why_self_supervision):
        monkeypatch.setattr(module, "probe_report", report)


def test_a_report_finds_what_is_easy_to_find():
    """Four photographs can be told apart by colours that even a network with random weights hands on."""
    torch.manual_seed(0)
    metrics = common.probe_report(common.classifier(4, width=12).eval().backbone)
    assert metrics["best block"] in (1, 2, 3, 4)
    assert metrics["linear probe (%)"] == metrics[f"linear probe on block {metrics['best block']} (%)"] > 60
    assert metrics["k-NN (%)"] > 50 and metrics["linear probe, 2 labels a class (%)"] > 25


@pytest.mark.parametrize("name", FIRST)
def test_a_recipe_takes_a_step_and_is_probed(name, quick_report):
    recipe = reference.find(name)
    scale = replace(recipe.scales["cpu"], batch=16, steps=1)
    model = recipe.build(**scale.model | {"width": 12})
    history = training.fit(
        model, recipe.loss, recipe.batches(torch.device("cpu"), scale), steps=1, lr=0.01, progress=False, **recipe.fit
    )
    metrics = recipe.evaluate(model)
    assert history.finished and all(0 <= metrics[key] <= 100 for key in metrics if "%" in key)


def test_a_seed_changes_nothing_but_the_seed():
    first, second = reference.find("rotations-8"), reference.find("rotations-8-2")
    assert second == replace(first, seed=1, title=second.title, keep_weights=False)
