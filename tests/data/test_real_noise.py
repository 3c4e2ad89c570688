"""Real noise: the shapes of the two sets, through a server as a user gets them, and what their notes say of them."""

from pathlib import Path

import pytest
import torch

from course_lib import data
from course_lib.data import folders, store
from course_lib.metrics import psnr

SHARED = Path(__file__).resolve().parents[3] / "shared" / "data"
SETS = {"cc15_real_noise": data.cc15, "fmd_fluorescence": data.fluorescence}

pytestmark = pytest.mark.skipif(not (SHARED / "cc15_real_noise").is_dir(), reason="no ../shared/data here")


@pytest.mark.parametrize("name", SETS)
def test_the_whole_set_through_http(server, monkeypatch, tmp_path, name):
    about = store.describe(name)
    there = about.get("at_source", {})
    server.files = {there.get(file, file): (SHARED / name / file).read_bytes() for file in about["checksums"]}
    monkeypatch.setattr(folders, "cache", lambda: tmp_path)
    monkeypatch.setattr(store, "describe", lambda _: about | {"sources": [server.url("first")]})
    scenes = SETS[name]()
    asked = len(server.asked)
    assert asked == about["files"] and len(SETS[name]()) == len(scenes) and len(server.asked) == asked

    channels = 3 if name == "cc15_real_noise" else 1
    for shots in scenes.values():
        assert shots.y.shape == (channels, 512, 512) and shots.z.shape[1:] == shots.y.shape
        assert shots.z.dtype == torch.float32 and shots.z.min() >= 0 and shots.z.max() <= 1
    counts = {scene: len(shots.z) for scene, shots in scenes.items()}
    if name == "cc15_real_noise":
        assert len(counts) == 15 and set(counts.values()) == {1}
    else:
        assert len(counts) == 12 and {scene for scene, n in counts.items() if n != 4} == {"WideField_BPAE_B"}


def test_the_photographs_are_as_noisy_as_published(monkeypatch):
    monkeypatch.setenv("COURSE_DATA", str(SHARED))
    scores = [psnr(shots.z, shots.y[None]) for shots in data.cc15().values()]
    assert torch.cat(scores).mean().item() == pytest.approx(33.41, abs=0.01)


def test_no_shot_of_a_scene_is_another_one(monkeypatch):
    monkeypatch.setenv("COURSE_DATA", str(SHARED))
    for scene, shots in data.fluorescence().items():
        for i in range(len(shots.z)):
            for j in range(i):
                assert not torch.equal(shots.z[i], shots.z[j]), scene
