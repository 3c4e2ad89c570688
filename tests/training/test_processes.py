"""Several processes that share every batch end where one process does."""

import os
import subprocess
import sys
from functools import partial
from pathlib import Path

import pytest
import torch

from course_lib import reference
from course_lib.reference.recipe import Recipe

SCRIPT = Path(__file__).with_name("one_of_several.py")


def kinds() -> list[str]:
    """The first run of each loss that a recipe trains with."""
    first: dict[tuple, str] = {}
    for name, recipe in reference.recipes().items():
        if isinstance(recipe, Recipe):
            loss = recipe.loss if isinstance(recipe.loss, partial) else partial(recipe.loss)
            first.setdefault((loss.func, loss.args, *sorted(loss.keywords)), name)
    return list(first.values())


def run(processes: int, file: Path, *names: str) -> dict[str, dict[str, torch.Tensor]]:
    """What the script has trained: loss of each step, and weights."""
    # what `accelerate launch` itself starts for several processes
    launcher = ["-m", "torch.distributed.run", "--standalone", f"--nproc_per_node={processes}"] * (processes > 1)
    command = [sys.executable, *launcher, str(SCRIPT), str(file), *names]
    environment = os.environ | {"OMP_NUM_THREADS": "1"}
    done = subprocess.run(command, capture_output=True, text=True, env=environment, timeout=3_000)
    assert done.returncode == 0, done.stdout + done.stderr
    return torch.load(file)


def check_same(tmp_path: Path, processes: int, *names: str) -> None:
    alone, together = run(1, tmp_path / "alone.pt", *names), run(processes, tmp_path / "together.pt", *names)
    for name in names:
        assert alone[name]["loss"][0] != alone[name]["loss"][-1], f"{name} learns nothing"
        for key, value in alone[name].items():
            named = f"{name}, {key}: ".__add__
            torch.testing.assert_close(together[name][key], value, rtol=2e-3, atol=1e-3, msg=named)


def test_a_batch_in_uneven_shares_is_one_batch(tmp_path):
    """Batch norm over both shares, a loss of pairs that belong to two processes, thirteen pictures for two."""
    check_same(tmp_path, 2, "denoising", "triplets")


@pytest.mark.long
def test_every_kind_of_recipe_gives_the_result_of_one_process(tmp_path):
    check_same(tmp_path, 2, *kinds())
