"""Every run of the part is made once, small: a few steps on photographs that are always there."""

import json
import math
from dataclasses import replace

import pytest
import torch

from course_lib import data, reference
from course_lib.learning_from_noise.recipes import averages, common, noise2noise, noise2void, rivals
from course_lib.reference import run
from course_lib.reference.recipe import Recipe

NAMES = [*noise2noise.RECIPES, *noise2void.RECIPES]


@pytest.fixture(autouse=True)
def small(monkeypatch):
    """Small pictures, three steps, and a filter in BM3D's place."""
    pictures = [torch.linspace(0, 1, 80).expand(1, 64, 80) ** k for k in (1, 2)]
    shots = {f"{kind}_A": data.Shots(torch.rand(2, 1, 72, 80), torch.rand(1, 72, 80)) for kind in ("Confocal", "Wide")}
    tiles = data.photograph_tiles(72)[:4]
    monkeypatch.setattr(data, "bsd400", lambda: tiles)
    monkeypatch.setattr(data, "bsd68", lambda: pictures)
    monkeypatch.setattr(data, "fluorescence", lambda: shots)
    common.exam.cache_clear()
    monkeypatch.setattr(common, "bm3d", lambda z, sigma: torch.nn.functional.avg_pool2d(z, 3, 1, 1))
    monkeypatch.setattr(common, "SIZES", {"cpu": {"depth": 1, "width": 3}})
    monkeypatch.setattr(noise2noise, "STEPS", dict.fromkeys(noise2noise.NOISES, 3))
    monkeypatch.setattr(averages, "REPORT_PAIRS", 32)
    monkeypatch.setattr(averages, "PATCH", 32)
    monkeypatch.setattr(averages, "FEW", {"cpu": 3})
    monkeypatch.setattr(rivals, "SHORT", {"cpu": 3})
    yield
    common.exam.cache_clear()


@pytest.mark.parametrize("name", NAMES)
def test_it_runs_and_measures(name, tmp_path, monkeypatch):
    spec = reference.find(name)
    if isinstance(spec, Recipe):
        scale = replace(spec.scales["cpu"], steps=2, batch=2, model={"depth": 2, "width": 3})
        monkeypatch.setitem(reference.recipes(), name, replace(spec, scales={"cpu": scale}))
    assert run.train(name, tmp_path / "runs", scale="cpu", out=tmp_path, progress=False)
    metrics = json.loads((tmp_path / f"{name}.json").read_text())["metrics"]
    assert metrics and all(map(math.isfinite, metrics.values()))
    assert spec.paper.keys() <= metrics.keys()
    assert spec.headline is None or spec.headline in metrics


def test_noisy_and_clean_targets_see_the_same_inputs():
    scale = noise2noise.Scale(steps=1, batch=3, lr=1e-3, patch=32)
    noisy, clean = (noise2noise.pairs("cpu", scale, noise2noise.SIGMA, clean=c) for c in (False, True))
    (z, second), (same, y) = (batch(torch.Generator().manual_seed(5)) for batch in (noisy, clean))
    assert torch.equal(z, same) and not torch.equal(z, second)
    assert y.min() >= 0 and y.max() <= 1 and (second - y).std() > 0.05


def test_no_clean_picture_reaches_noise2void(monkeypatch):
    """After its recordings are made, the data set could burn: training needs it no more."""
    scale = noise2void.Scale(steps=1, batch=3, lr=1e-3, patch=32)
    draw = noise2void.batches("cpu", scale, noise2void.MASKERS["random neighbour"])
    monkeypatch.setattr(data, "bsd400", None)
    hidden, mask, z = draw(torch.Generator().manual_seed(0))
    assert z.std() > 0 and torch.equal(torch.where(mask, z, hidden), z) and not torch.equal(hidden, z)


def test_bm3d_is_judged_at_the_level_that_suits_it(monkeypatch):
    y = torch.full((1, 1, 32, 32), 0.5)
    z = y + 0.1 * torch.randn(y.shape, generator=torch.Generator().manual_seed(0))
    told = []
    monkeypatch.setattr(common, "bm3d", lambda z, sigma: told.append(sigma) or y + (sigma - 0.15))
    best, level = common.bm3d_at_its_best(z, y)
    assert len(told) == len(common.MULTIPLES) and level == min(told, key=lambda s: abs(s - 0.15)) and best > 20
