"""The course's reference runs: what was trained, what came out, and the weights.

``python -m course_lib.reference list | train NAME... | evaluate NAME | table``

A recipe says how to train and how to measure. Its result is a JSON file with the numbers, the paper's numbers and
where they come from; small models keep their weights beside it. Chapters put ``load(name)`` next to what they
trained live, and the Results page is made from the JSON files alone.
"""

import importlib
import json
import pkgutil
from functools import cache
from pathlib import Path

from torch import nn

import course_lib

from .recipe import Measurement, Recipe

RESULTS = Path(__file__).parent / "results"
WEIGHTS = Path(__file__).parent / "weights"


@cache
def recipes() -> dict[str, Recipe | Measurement]:
    """All recipes by name: what each module ``<topic>/recipes/<chapter>.py`` of the library has in ``RECIPES``.

    Raises ``ValueError`` for a name that two modules use.
    """
    found: dict[str, Recipe | Measurement] = {}
    for topic in pkgutil.iter_modules(course_lib.__path__, f"{course_lib.__name__}."):
        if not topic.ispkg or importlib.util.find_spec(f"{topic.name}.recipes") is None:
            continue
        folder = importlib.import_module(f"{topic.name}.recipes")
        for module in pkgutil.iter_modules(folder.__path__, f"{folder.__name__}."):
            own = getattr(importlib.import_module(module.name), "RECIPES", {})
            if twice := found.keys() & own.keys():
                raise ValueError(f"{module.name} has a recipe whose name is taken: {', '.join(sorted(twice))}")
            found |= own
    return found


def find(name: str) -> Recipe | Measurement:
    """The recipe of that name; ``KeyError`` with the names there are if there is none."""
    if name not in recipes():
        raise KeyError(f"no reference run {name!r}; there are {', '.join(recipes())}")
    return recipes()[name]


def result(name: str) -> dict:
    """The stored result: metrics, the paper's metrics, seed, scale, seconds, device, versions, commit.

    Raises ``KeyError`` for an unknown name and ``FileNotFoundError`` for a run that nobody has made yet.
    """
    path = RESULTS / f"{name}.json"
    if not path.exists():
        find(name)
        raise FileNotFoundError(f"{name} is still pending: run python -m course_lib.reference train {name}")
    return json.loads(path.read_text())


def load(name: str, device="cpu") -> nn.Module:
    """The trained reference model, in eval mode, float32.

    Raises ``KeyError`` for an unknown name and ``FileNotFoundError`` where no weights are stored.
    """
    return restore(name, result(name)["run"].get("model", {}), device)


def restore(name: str, options: dict, device="cpu", folder: Path | None = None) -> nn.Module:
    """`load` with the options that the model was built with, for a run whose result is not written yet."""
    from safetensors.torch import load_file

    model = find(name).build(**options)
    path = (folder or WEIGHTS) / f"{name}.safetensors"
    if not path.exists():
        raise FileNotFoundError(f"no weights of {name}: run python -m course_lib.reference train {name}")
    weights = {key: w.float() if w.is_floating_point() else w for key, w in load_file(path).items()}
    model.load_state_dict(weights)
    return model.to(device).eval()
