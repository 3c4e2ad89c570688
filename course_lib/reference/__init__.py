"""The course's reference runs: what was trained, what came out, and the weights.

``python -m course_lib.reference list | train NAME... | evaluate NAME | table``

A recipe says how to train and how to measure. Its result is a JSON file with the numbers, the paper's numbers and
where they come from; small models keep their weights beside it. Chapters put ``load(name)`` next to what they
trained live, and the Results page is made from the JSON files alone.
"""

import importlib
import json
from pathlib import Path

from torch import nn

from .recipe import Recipe

RESULTS = Path(__file__).parent / "results"
WEIGHTS = Path(__file__).parent / "weights"

# Where each recipe lives: topics describe their own runs, and this module reaches them by name only.
RECIPES = {
    "dncnn-s15": "course_lib.denoising.recipes",
    "dncnn-s25": "course_lib.denoising.recipes",
    "dncnn-s50": "course_lib.denoising.recipes",
    "dncnn-blind": "course_lib.denoising.recipes",
}


def recipe(name: str) -> Recipe:
    """The recipe of that name; ``KeyError`` with the names there are if there is none."""
    if name not in RECIPES:
        raise KeyError(f"no reference run {name!r}; there are {', '.join(RECIPES)}")
    return importlib.import_module(RECIPES[name]).RECIPES[name]


def result(name: str) -> dict:
    """The stored result: metrics, the paper's metrics, seed, scale, seconds, device, versions, commit.

    Raises ``KeyError`` for an unknown name and ``FileNotFoundError`` for a run that nobody has made yet.
    """
    recipe(name)
    path = RESULTS / f"{name}.json"
    if not path.exists():
        raise FileNotFoundError(f"{name} is still pending: run python -m course_lib.reference train {name}")
    return json.loads(path.read_text())


def load(name: str, device="cpu") -> nn.Module:
    """The trained reference model, in eval mode, float32.

    Raises ``KeyError`` for an unknown name and ``FileNotFoundError`` where no weights are stored.
    """
    from safetensors.torch import load_file

    model = recipe(name).build()
    path = WEIGHTS / f"{name}.safetensors"
    if not path.exists():
        raise FileNotFoundError(f"no weights of {name}: run python -m course_lib.reference train {name}")
    weights = {key: w.float() if w.is_floating_point() else w for key, w in load_file(path).items()}
    model.load_state_dict(weights)
    return model.to(device).eval()
