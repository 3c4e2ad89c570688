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
_NAMES = {
    "course_lib.metric_learning.recipes.siamese_networks": (
        "faces-classifier",
        "faces-contrastive",
        "faces-hadsell",
        "faces-all",
        "faces-random",
        "faces-batch-hard",
        "faces-semi-hard",
        "att-classifier",
        "att-contrastive",
        "att-hadsell",
        "att-all",
        "att-random",
        "att-batch-hard",
        "att-semi-hard",
        "omniglot-contrastive",
        "omniglot-hadsell",
        "omniglot-all",
        "omniglot-random",
        "omniglot-batch-hard",
        "omniglot-semi-hard",
    ),
    "course_lib.metric_learning.recipes.patch_descriptors": ("patches-l2net", "patches-residual"),
    "course_lib.denoising.recipes.dncnn": ("dncnn-s15", "dncnn-s25", "dncnn-s50", "dncnn-blind"),
    "course_lib.denoising.recipes.autoencoders": (
        "autoencoder-strided",
        "autoencoder-upsampled",
        "autoencoder-pairs",
        "autoencoder-64",
        "autoencoder-256",
        "autoencoder-1024",
        "autoencoder-gaussian",
        "autoencoder-salt",
        "autoencoder-cutout",
        "autoencoder-gaussian-salt",
        "autoencoder-gaussian-cutout",
        "autoencoder-salt-cutout",
        "autoencoder-convolutional",
        "gated-conv-deconv",
        "shallow-unet",
    ),
    "course_lib.denoising.recipes.restoration": ("dncnn-3",),
    "course_lib.denoising.recipes.noise_levels": ("ffdnet-grey", "bf-cnn-10", "dncnn-10"),
    "course_lib.denoising.recipes.real_noise": ("cbdnet", "cbdnet-gaussian"),
    "course_lib.denoising.recipes.multi_branch": ("multi-branch",),
    "course_lib.denoising.recipes.gradual": ("gradual-agnostic", "gradual-aware"),
    "course_lib.receptive_fields.recipes.effective": (
        "erf-depth",
        "erf-training",
        "erf-training-residual",
        "erf-initialisation",
    ),
    "course_lib.receptive_fields.recipes.nonlocality": (
        "nn3d-ffdnet",
        "nn3d-ffdnet-bsd68",
        "nn3d-dncnn",
        "nn3d-dncnn-bsd68",
    ),
}
RECIPES = {name: module for module, names in _NAMES.items() for name in names}


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
    return restore(name, result(name)["run"].get("model", {}), device)


def restore(name: str, options: dict, device="cpu") -> nn.Module:
    """`load` with the options that the model was built with, for a run whose result is not written yet."""
    from safetensors.torch import load_file

    model = recipe(name).build(**options)
    path = WEIGHTS / f"{name}.safetensors"
    if not path.exists():
        raise FileNotFoundError(f"no weights of {name}: run python -m course_lib.reference train {name}")
    weights = {key: w.float() if w.is_floating_point() else w for key, w in load_file(path).items()}
    model.load_state_dict(weights)
    return model.to(device).eval()
