"""Reference runs: a recipe from the command line to the Results page, and what is stored in the repository."""

import dataclasses
import json
import math
import re
import sys

import pytest
import torch
from safetensors.torch import load_file

from course_lib import data, reference
from course_lib.denoising import DnCNN, denoise
from course_lib.denoising.recipes.dncnn import denoising_loss
from course_lib.metrics import psnr
from course_lib.observation import Gaussian
from course_lib.reference import RESULTS, WEIGHTS, run, table
from course_lib.reference.__main__ import main
from course_lib.reference.recipe import Measurement, Recipe, Scale

STORED = sorted(path.stem for path in RESULTS.glob("*.json"))


def tiny_batches(device, scale):
    def batch(generator):
        y = torch.rand(scale.batch, 1, scale.patch, scale.patch, generator=generator)
        return Gaussian(0.1)(y, generator), y

    return batch


@pytest.fixture
def tiny(monkeypatch, tmp_path):
    """A recipe of its own among the others, with folders of its own."""
    recipe = Recipe(
        title="Tiny",
        chapter="denoising/dncnn",
        build=lambda: DnCNN(depth=3, width=4),
        batches=tiny_batches,
        loss=denoising_loss,
        evaluate=lambda model: {"score": model.last.weight.abs().sum().item()},
        scales=dict.fromkeys(("cpu", "gpu"), Scale(steps=30, batch=2, patch=8, lr=1e-3)),
        paper={"score": 1.0},
        source="a paper",
        data="trained on noise",
    )
    monkeypatch.setitem(reference.recipes(), "tiny", recipe)
    for name, where in (("RESULTS", tmp_path / "results"), ("WEIGHTS", tmp_path / "weights")):
        for part in (reference, run, sys.modules["course_lib.reference.__main__"]):
            if hasattr(part, name):
                monkeypatch.setattr(part, name, where)
    return tmp_path


def test_train_stop_continue_evaluate_and_show(tiny, capsys):
    train = ["train", "tiny", "--runs", str(tiny / "runs")]
    assert main([*train, "--minutes", "1e-9"]) == 1, "out of time: not finished, and the exit status says so"
    assert not (tiny / "results" / "tiny.json").exists()
    assert main(train) == 0
    assert "Continuing from tiny-" in capsys.readouterr().out

    stored = reference.result("tiny")
    assert stored["paper"] == {"score": 1.0} and stored["run"]["steps"] == 30
    model = reference.load("tiny")
    assert not model.training
    assert stored["metrics"]["score"] == pytest.approx(model.last.weight.abs().sum().item(), abs=1e-4)
    assert load_file(tiny / "weights" / "tiny.safetensors")["last.weight"].dtype == torch.float16

    assert main(["evaluate", "tiny"]) == 0
    assert reference.result("tiny") == stored, "measuring again keeps the provenance of the training"
    assert f"| {stored['metrics']['score']:.2f} (1.00) |" in table.page()


def test_a_run_can_start_from_the_weights_of_another(tiny, monkeypatch):
    train = ["--runs", str(tiny / "runs")]
    assert main(["train", "tiny", *train]) == 0
    still = Scale(steps=1, batch=2, patch=8, lr=0.0, start="tiny")
    recipe = dataclasses.replace(
        reference.find("tiny"), scales={"cpu": still, "gpu": still}, seed=1, fit={"optimizer": torch.optim.SGD}
    )
    monkeypatch.setitem(reference.recipes(), "next", recipe)
    assert main(["train", "next", *train]) == 0
    torch.testing.assert_close(reference.load("next").last.weight, reference.load("tiny").last.weight)
    assert "continued from the weights of `tiny`" in table.page()


def test_what_waits_for_a_run_is_listed_as_pending(tiny, capsys):
    assert main(["list"]) == 0
    assert "pending  Tiny" in capsys.readouterr().out
    assert "Not run yet" in table.page() and "`tiny`" in table.page()
    with pytest.raises(FileNotFoundError, match="train tiny"):
        reference.result("tiny")
    with pytest.raises(FileNotFoundError, match="train tiny"):
        reference.load("tiny")


def test_a_measurement_has_no_minutes_of_training(tiny, monkeypatch):
    still = Measurement("Still", "denoising/dncnn", lambda: {"score": 2.0}, source="a paper", data="nothing")
    monkeypatch.setitem(reference.recipes(), "still", still)
    assert main(["train", "still", "--runs", str(tiny / "runs")]) == 0
    assert "- `still`: a measurement on " in table.page() and not list(tiny.glob("weights/*"))
    before = reference.result("still")
    assert before["metrics"] == {"score": 2.0} and main(["evaluate", "still"]) == 0
    assert reference.result("still") == before


def test_an_unknown_name_is_answered_with_the_names_there_are():
    with pytest.raises(KeyError, match="dncnn-s25"):
        reference.load("dncnn-s26")


@pytest.mark.parametrize("name", reference.recipes())
def test_every_recipe_can_be_built_and_names_its_paper(name):
    recipe = reference.find(name)
    assert recipe.source and recipe.title
    if isinstance(recipe, Recipe):
        assert set(recipe.scales) == {"cpu", "gpu"}
        assert all(isinstance(recipe.build(**scale.model), torch.nn.Module) for scale in recipe.scales.values())


def test_two_recipes_of_one_name_are_refused(monkeypatch):
    from course_lib.denoising.recipes import dncnn, restoration

    monkeypatch.setitem(restoration.RECIPES, "dncnn-s25", dncnn.RECIPES["dncnn-s25"])
    with pytest.raises(ValueError, match="name is taken: dncnn-s25"):
        reference.recipes.__wrapped__()


def test_the_published_values_are_those_of_the_paper():
    assert reference.find("dncnn-s25").paper["BSD68 PSNR, sigma 25 (dB)"] == 29.23
    assert reference.find("dncnn-blind").paper == {
        "BSD68 PSNR, sigma 15 (dB)": 31.61, "BSD68 PSNR, sigma 25 (dB)": 29.16, "BSD68 PSNR, sigma 50 (dB)": 26.23
    }  # fmt: skip


def test_dncnn_s25_is_stored_with_its_weights():
    assert "dncnn-s25" in STORED and (WEIGHTS / "dncnn-s25.safetensors").exists()


@pytest.mark.parametrize("name", STORED)
def test_a_stored_result_has_its_provenance(name):
    stored = json.loads((RESULTS / f"{name}.json").read_text())
    assert name in reference.recipes() and stored["paper"] == reference.find(name).paper
    assert set(stored["paper"]) <= set(stored["metrics"])
    for metric, published in stored["paper"].items():
        measured = stored["metrics"][metric]
        if "MSE" in metric:
            assert 0.2 < measured / published < 5, "so far from the paper something is wrong"
        elif stored["run"]["scale"] == "gpu":
            assert measured > published - 1, "at the paper's scale, so far below it something is wrong"
        elif level := re.search(r"PSNR, sigma (\d+)", metric):  # a short training: most of the gain over the input
            noisy = 20 * math.log10(255 / int(level[1]))
            assert measured - noisy > 0.6 * (published - noisy), "a short training explains a lot, but not this"
    trained = isinstance(reference.find(name), Recipe)
    assert not trained or stored["run"]["training_seconds"] > 10
    keys = ("seed", "scale", "device", "precision", "torch", "commit", "date")
    for key in (*keys, "steps", "batch") if trained else keys:
        assert stored["run"][key] not in ("", None), key


def test_the_weights_stay_small():
    assert sum(path.stat().st_size for path in WEIGHTS.glob("*.safetensors")) < 28e6


@pytest.mark.parametrize(
    ("name", "sigma"), [("dncnn-s15", 15), ("dncnn-s25", 25), ("dncnn-s50", 50), ("dncnn-blind", 25)]
)
def test_the_stored_weights_denoise_a_photograph_they_have_not_seen(name, sigma):
    if name not in STORED:
        pytest.skip(f"{name} has not been run yet")
    y = data.photographs(128, names=["chelsea"])["chelsea"][None]
    z = Gaussian(sigma / 255)(y, torch.Generator().manual_seed(0))
    gain = psnr(denoise(reference.load(name), z), y) - psnr(z, y)
    assert gain.item() > {15: 4, 25: 6, 50: 8}[sigma]
