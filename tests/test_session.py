"""One switch, one line, one seed."""

import random
import re
import sys

import numpy as np
import pytest
import torch

from course_lib import session


@pytest.fixture(autouse=True)
def no_profile(monkeypatch):
    monkeypatch.delenv("COURSE_PROFILE", raising=False)
    monkeypatch.delenv("COLAB_RELEASE_TAG", raising=False)


@pytest.mark.parametrize(("profile", "value"), [("smoke", 1), ("quick", 2), ("full", 3)])
def test_the_profile_picks(monkeypatch, profile, value):
    monkeypatch.setenv("COURSE_PROFILE", profile)
    assert session.start().pick(smoke=1, quick=2, full=3) == value


@pytest.mark.parametrize(("device", "profile"), [("cpu", "quick"), ("cuda", "full"), ("mps", "full")])
def test_the_default_profile_follows_the_device(monkeypatch, device, profile):
    monkeypatch.setattr(session, "pick_device", lambda: torch.device(device))
    monkeypatch.setattr(session, "pick_precision", lambda device: "no")
    assert session.start().profile == profile


def test_an_unknown_profile_is_named(monkeypatch):
    monkeypatch.setenv("COURSE_PROFILE", "huge")
    with pytest.raises(ValueError, match="smoke, quick, full, got 'huge'"):
        session.start()


def test_start_prints_one_line_with_the_expected_time(monkeypatch, capsys):
    monkeypatch.setenv("COURSE_PROFILE", "quick")
    session.start(seed=3, minutes={"quick": 7})
    out = capsys.readouterr().out
    assert out.count("\n") == 1 and "quick" in out and "seed 3" in out and "about 7 min" in out


def test_full_is_measured_or_called_an_estimate(monkeypatch, capsys):
    monkeypatch.setenv("COURSE_PROFILE", "full")
    session.start(minutes={"quick": 7, "full": 9})
    assert "expect about 9 min (an estimate: full has not run on a GPU yet)" in capsys.readouterr().out
    session.start(minutes={"quick": 7, "full": 9}, measured_on="T4")
    assert "expect about 9 min (measured on T4)" in capsys.readouterr().out
    session.start()  # nothing is expected
    assert "estimate" not in capsys.readouterr().out
    monkeypatch.setenv("COURSE_PROFILE", "quick")
    session.start(minutes={"quick": 7, "full": 9})
    assert "estimate" not in capsys.readouterr().out


def test_colab_without_a_gpu_is_told_where_to_switch_it_on(monkeypatch, capsys):
    monkeypatch.setenv("COLAB_RELEASE_TAG", "release")
    monkeypatch.setattr(session, "pick_device", lambda: torch.device("cpu"))
    session.start()
    assert "T4 GPU" in capsys.readouterr().out


def test_the_same_seed_gives_the_same_numbers_everywhere():
    def draw(seed):
        run = session.start(seed)
        device = run.device
        return (random.random(), np.random.rand(), torch.rand(1).item(),
                torch.rand(1, generator=run.generator(), device=device).item(),
                torch.rand(1, generator=run.generator(1), device=device).item())  # fmt: skip

    assert draw(5) == draw(5)
    assert not set(draw(5)[:4]) & set(draw(6)[:4])


def test_bf16_only_where_the_device_computes_it(monkeypatch):
    cpu = torch.device("cpu")
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: {"avx2": True, "avx512_bf16": False}, raising=False)
    assert session.pick_precision(cpu) == "no"
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: {"avx512_bf16": True}, raising=False)
    assert session.pick_precision(cpu) == "bf16"
    monkeypatch.setattr(torch.cuda, "get_device_capability", lambda *_: (7, 5))  # a T4
    assert session.pick_precision(torch.device("cuda")) == "fp16"
    monkeypatch.setattr(torch.cuda, "get_device_capability", lambda *_: (9, 0))
    assert session.pick_precision(torch.device("cuda")) == "bf16"


def test_the_last_line_names_device_profile_versions_and_seconds(monkeypatch):
    monkeypatch.setenv("COURSE_PROFILE", "smoke")
    line = session.start().summary()
    assert re.fullmatch(r"Ran on .+, profile smoke, precision \w+, torch [\d.]+\S*, course_lib [\d.]+, in \d+ s", line)


def test_checkpoints_go_where_the_reader_says(monkeypatch, tmp_path):
    monkeypatch.setenv("COURSE_PROFILE", "quick")
    monkeypatch.setenv("COURSE_RUNS", str(tmp_path))
    assert session.start().checkpoint("dncnn") == tmp_path / "dncnn-quick.pt"


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="the C library of Linux has the switch")
def test_freed_memory_is_used_again_without_the_kernel():
    import resource

    def faults() -> int:
        before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
        for _ in range(10):
            torch.ones(10_000_000)  # 40 MB: large blocks would go back to the system each time
        return resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before

    if not session.keep_freed_memory():
        pytest.skip("another C library")
    faults()
    assert faults() < 1_000  # of 97,000 pages
