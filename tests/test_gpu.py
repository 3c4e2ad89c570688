"""The first minutes on a GPU, tried on the CPU in small: check, timings, runs, report, and the folder that travels."""

import dataclasses
import json
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import pytest
import torch

from course_lib import data, reference
from course_lib.denoising import DnCNN
from course_lib.metric_learning.patches import pixel_descriptor
from course_lib.reference.__main__ import main
from course_lib.reference.gpu import check, examples, first_minutes, packing, randomness, timings
from course_lib.reference.recipe import Recipe, Scale
from course_lib.reference.run import commit

CPU = torch.device("cpu")


@pytest.fixture
def tiny(monkeypatch):
    """The recipe of DnCNN with a small network, a few steps and nothing to download."""
    small = Scale(steps=4, batch=2, patch=16, lr=1e-3, model={"depth": 3, "width": 4})
    recipe = dataclasses.replace(
        reference.find("dncnn-s25"),
        scales={"cpu": small, "gpu": small},
        evaluate=lambda model: {"score": 1.0},
        paper={},
    )
    monkeypatch.setattr(data, "bsd400", lambda: data.photograph_tiles(180))
    monkeypatch.setitem(reference.recipes(), "tiny", recipe)
    return recipe


def test_one_command_ends_with_a_report(tiny, tmp_path, monkeypatch, capsys):
    some = [entry for entry in examples.public() if entry.name in {"denoising.DnCNN", "observation.Gaussian"}]
    monkeypatch.setattr(check, "public", lambda: some)
    every = check.trainings
    monkeypatch.setattr(
        check, "trainings", lambda device, cases, ends: every(device, [c for c in cases if c == ("no", False)], ends)
    )
    monkeypatch.setattr(first_minutes, "pending", lambda names=None: names or ["tiny"])
    assert main(["gpu", "--device", "cpu", "--minutes", "4", "--for", "tiny", "--out", str(tmp_path)]) == 0
    report = json.loads((tmp_path / "report.json").read_text())
    states = {row["name"]: row["state"] for row in report["check"]}
    assert states["denoising.DnCNN"] == "agrees" and states["fit, precision no"] == "agrees"
    assert states.pop("observation.Gaussian") == "draws alike"
    assert set(states.values()) == {"agrees"}, report["check"]
    assert report["timings"]["against plain code"]["triplet mining, batch-hard"]["times faster"] > 1
    assert report["runs"] == {"tiny": "finished"}
    assert report["timings"]["training steps"]["tiny"]["steps a second"] > 0
    assert min(report["timings"]["peaks (GFLOP/s)"].values()) > 0
    result = json.loads((tmp_path / "tiny.json").read_text())
    assert result["metrics"] == {"score": 1.0} and result["run"]["steps"] == 4
    assert (tmp_path / "tiny.safetensors").exists() and not (reference.RESULTS / "tiny.json").exists()
    assert "# " in (page := (tmp_path / "report.md").read_text()) and "- tiny: finished" in page
    assert "- tiny: finished" in capsys.readouterr().out


class Shifted(torch.nn.Module):
    """A network that is wrong on every device but the CPU, or rather on the second call."""

    calls = 0

    def __init__(self, channels: int = 1):
        super().__init__()

    def forward(self, z):
        Shifted.calls += 1
        return z + 0.5 * (Shifted.calls > 1)


def test_a_difference_and_a_failure_are_named():
    assert check.compare(examples.Public("made.up", Shifted), CPU)["state"] == "differs"
    calls = []

    def fails_away(z):
        calls.append(z)
        if len(calls) > 1:
            raise RuntimeError("no kernel")
        return z

    row = check.compare(examples.Public("made.fails", fails_away), CPU)
    assert row["state"] == "fails" and "no kernel" in row["why"]


class Drawn:
    """A noise model that does as it should, but for what ``wrong`` names, after the draws that the CPU is asked for."""

    calls = 0

    def __init__(self, wrong: str):
        self.wrong = wrong

    def __call__(self, z, generator):
        Drawn.calls += 1
        noise = torch.rand(z.shape, generator=generator)
        if self.wrong == "another mean":
            noise = noise + 0.1 * (Drawn.calls > 3 + randomness.DRAWS)
        if self.wrong == "no seed":
            noise = torch.rand(z.shape, generator=torch.Generator().manual_seed(Drawn.calls))
        return z + noise


@pytest.mark.parametrize(
    ("wrong", "said"), [("", ""), ("another mean", "the mean of what is drawn"), ("no seed", "the same seed gives two")]
)
def test_draws_are_compared_by_what_two_devices_have_in_common(wrong, said, monkeypatch):
    Drawn.calls = 0
    model = Drawn(wrong)
    found = randomness.compare_draws(lambda z, generator: model(z, generator), CPU, 1)
    assert found.startswith(said) and bool(found) == bool(said)


def test_noise_pretext_tasks_and_maskers_are_found_and_draw_alike():
    names = {entry.name for entry in randomness.draws()}
    some = {"observation.Poisson", "pretext_tasks.Jigsaw", "metric_learning.PeopleBatches", "pretext_tasks.Views"}
    assert some < names and any(".LocalMean" in name for name in names)
    for entry in randomness.draws():
        if entry.name in some:
            assert check.compare(entry, CPU)["state"] == "draws alike"


def test_the_examples_of_two_calls_are_the_same_network():
    a, b = (examples.examples("cpu")["model"] for _ in range(2))
    assert torch.equal(a.weight, b.weight)


def test_gradients_are_compared_too():
    results, gradients = check.call(DnCNN, CPU, 1)
    assert len(results) == 1 and len(gradients) == 1 and gradients[0].abs().sum() > 0


def test_the_count_of_operations_is_the_one_made_by_hand():
    network = DnCNN(depth=3, width=4)
    by_hand = 2 * 9 * (1 * 4 + 4 * 4 + 4 * 1) * 10 * 12
    assert timings.convolution_flops(network, lambda: network(torch.zeros(1, 1, 10, 12))) == by_hand


def test_the_most_urgent_run_goes_first(monkeypatch, tiny):
    for name, urgency in (("later", 1), ("sooner", 1_000)):
        monkeypatch.setitem(reference.recipes(), name, dataclasses.replace(tiny, urgency=urgency))
    waiting = first_minutes.pending()
    assert waiting[0] == "sooner" and waiting.index("sooner") < waiting.index("later")
    with pytest.raises(KeyError, match="no reference run 'nothing'"):
        first_minutes.pending(["nothing"])


def test_the_sets_of_a_recipe_are_read_off_its_code():
    assert packing.sets_of(reference.find("dncnn-s25")) == {"bsd400", "bsd68", "set12"}
    assert packing.sets_of(reference.find("multi-branch")) >= {"bsd400", "set12"}
    assert "cifar10" in packing.sets_of(reference.find("erf-training"))


# packages of the course that torch, numpy and Pillow do not bring
ABSENT = {"accelerate", "pooch", "skimage", "sklearn", "kornia", "scipy", "matplotlib", "IPython", "ipywidgets", "pywt"}


def bare_machine(folder):
    """A folder of packages with everything that is installed here but `ABSENT` and the course itself."""
    folder.mkdir()
    for entry in Path(torch.__file__).parents[1].iterdir():
        if entry.suffix != ".pth" and entry.name.split(".")[0] not in ABSENT | {"__editable__", "course_lib"}:
            (folder / entry.name).symlink_to(entry)
    return folder


def test_the_packed_folder_runs_alone(tmp_path, monkeypatch):
    """From an empty directory, without the course and without any package but torch, numpy and Pillow."""
    pictures = torch.randint(256, (3, 1, 180, 180), dtype=torch.uint8)
    for name in ("bsd400", "bsd68", "set12"):
        monkeypatch.setattr(data, name, lambda: pictures)
    folder = tmp_path / "the folder"
    size = packing.pack(folder, ["dncnn-s15"])
    assert size < packing.LIMIT and (folder / "course_lib/reference/weights/dncnn-s25.safetensors").exists()
    (elsewhere := tmp_path / "empty").mkdir()
    arguments = ["--device", "cpu", "--minutes", "0.02", "--for", "dncnn-s15", "--out", "out"]
    done = subprocess.run(
        [sys.executable, "-S", str(folder / "run.py"), *arguments],
        cwd=elsewhere,
        capture_output=True,
        text=True,
        timeout=280,
        env={"PATH": "/usr/bin:/bin", "PYTHONPATH": str(bare_machine(tmp_path / "packages"))},
    )
    assert done.returncode == 0, done.stderr
    report = json.loads((elsewhere / "out" / "report.json").read_text())
    wrong = [row for row in report["check"] if row["state"] not in {"agrees", "draws alike", "no example", "no time"}]
    assert not wrong
    assert report["timings"]["peaks (GFLOP/s)"]["convolution"] > 0
    assert f'"{commit()}"' in (folder / "run.py").read_text()  # what is trained there names the code


def test_a_schedule_of_another_length_is_named_in_the_result(tiny, tmp_path):
    assert reference.run.train("tiny", tmp_path, scale="cpu", out=tmp_path, steps=2)
    assert json.loads((tmp_path / "tiny.json").read_text())["run"]["steps"] == 2


def test_a_slow_recipe_costs_the_others_little(tiny, monkeypatch):
    monkeypatch.setattr(first_minutes, "pending", lambda names=None: ["dncnn-s25", "tiny"])
    monkeypatch.setattr(first_minutes, "against_plain", lambda *_: {})
    monkeypatch.setattr(first_minutes, "peaks", lambda *_: {"convolution": 1.0})
    slow = reference.find("dncnn-s25")
    monkeypatch.setattr(
        first_minutes, "_time_recipe", lambda recipe, *_: time.sleep(20) if recipe is slow else {"steps a second": 1.0}
    )
    began = time.perf_counter()
    rows = first_minutes.time_everything(CPU, budget=3.0)["training steps"]
    assert rows == {"dncnn-s25": {"left out": "not ready after 0 s"}, "tiny": {"steps a second": 1.0}}
    assert time.perf_counter() - began < 5


def test_the_check_fetches_nothing():
    with check.offline(), pytest.raises(OSError, match="no network"):
        urllib.request.urlopen("http://127.0.0.1:9/")
    with pytest.raises(OSError) as error:
        urllib.request.urlopen("http://127.0.0.1:9/", timeout=5)
    assert "no network" not in str(error.value)


def test_the_gradient_of_what_is_standardised_is_compared():
    """The plain sum of a standardised patch has no gradient but rounding, on which no two devices agree."""
    _, (gradient,) = check.call(pixel_descriptor, CPU, 1)
    assert gradient.abs().max() > 1e-3


def test_what_does_not_travel_is_said(monkeypatch, tmp_path):
    monkeypatch.setattr(packing, "LIMIT", 1_000)
    monkeypatch.setattr(packing, "sets_of", lambda recipe: set())
    with pytest.raises(ValueError, match="pack fewer runs"):
        packing.pack(tmp_path / "folder", ["erf-training"])
    assert isinstance(reference.find("erf-training"), Recipe)
