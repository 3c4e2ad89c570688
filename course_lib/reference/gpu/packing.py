"""A folder that trains on a machine with nothing but torch, numpy and Pillow: the library, its data, its weights."""

import ast
import importlib
import inspect
import shutil
from collections.abc import Callable
from functools import partial
from pathlib import Path

import torch

import course_lib

from ... import data, reference
from ...data import folders
from ..recipe import Recipe
from ..run import commit

LIMIT = 60_000_000  # bytes of a folder that still travels
# what `fit` and the weights need beside torch; both are small, and one is Python alone
CARRIED = ("safetensors", "tqdm")
RUN = """\
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE / "carried")]
import os  # noqa: E402

os.environ["COURSE_DATA"] = str(HERE / "data")
os.environ["COURSE_COMMIT"] = "{commit}"
from course_lib.reference.__main__ import main  # noqa: E402

raise SystemExit(main(["gpu", *sys.argv[1:]]))
"""


def pack(folder: Path, names: list[str]) -> int:
    """Write the folder for these runs; ``python FOLDER/run.py --minutes 10 --out OUT`` then does what ``gpu`` does.

    Sets of pictures travel as one uint8 file each; weights that a run starts from, and checkpoints, as they are.

    Returns: its size in bytes.
    Raises: ``KeyError`` for a name that there is not, ``DataError`` for a set that is not at hand, ``ValueError`` above
        60 MB.
    """
    recipes = [recipe for recipe in map(reference.find, names) if isinstance(recipe, Recipe)]
    library = Path(course_lib.__file__).parent
    folder.mkdir(parents=True, exist_ok=True)
    ignore = shutil.ignore_patterns("__pycache__", "*.safetensors", "*.pyc")
    shutil.copytree(library, folder / "course_lib", ignore=ignore, dirs_exist_ok=True)
    (folder / "course_lib/reference/weights").mkdir(exist_ok=True)
    for start in {scale.start for recipe in recipes for scale in recipe.scales.values() if scale.start}:
        shutil.copy2(reference.WEIGHTS / f"{start}.safetensors", folder / "course_lib/reference/weights")
    for package in CARRIED:
        source = Path(importlib.import_module(package).__file__).parent
        shutil.copytree(source, folder / "carried" / package, ignore=ignore, dirs_exist_ok=True)
    for name in sorted(set().union(*map(sets_of, recipes))):
        _pack_set(name, folder / "data")
    (folder / "run.py").write_text(RUN.replace("{commit}", commit()))
    size = sum(file.stat().st_size for file in folder.rglob("*") if file.is_file())
    if size > LIMIT:
        raise ValueError(f"the folder has {size / 1e6:.0f} MB, more than {LIMIT / 1e6:.0f}: pack fewer runs at a time")
    return size


def sets_of(recipe: Recipe) -> set[str]:
    """The loaders ``data.NAME(...)`` that a recipe's functions may call, read off the source of their modules."""
    found, todo, seen = set(), [recipe.batches, recipe.evaluate, *recipe.fit.values()], set()
    modules = [inspect.getmodule(_plain(function)) for function in todo if callable(function)]
    while modules:
        module = modules.pop()
        if module is None or module in seen or not module.__name__.startswith(f"{course_lib.__name__}."):
            continue
        seen.add(module)
        tree = ast.parse(inspect.getsource(module))
        for node in ast.walk(tree):
            if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == "data":
                found.add(node.attr)
        recipes_of_topic = module.__name__.rpartition(".")[0]
        for value in vars(module).values():
            other = inspect.getmodule(value) if inspect.isfunction(value) else None
            if other is not None and other.__name__.startswith(recipes_of_topic + "."):
                modules.append(other)
    return {name.removesuffix("_batches").removesuffix("_source") for name in found} & SETS.keys()


def _plain(function: Callable) -> Callable:
    while isinstance(function, partial):
        function = function.func
    return function


def _tensors(name: str, target: Path) -> None:
    pictures = getattr(data, name)()
    torch.save([_bytes(picture) for picture in pictures], target / f"{name}.pt")


def _bytes(picture: torch.Tensor) -> torch.Tensor:
    return picture if picture.dtype == torch.uint8 else (255 * picture).round().byte()


def _files(names: tuple[str, ...], target: Path) -> None:
    root = folders.given_root() or folders.cache()
    for name in names:
        if (root / name).is_dir():
            shutil.copytree(root / name, target / name, dirs_exist_ok=True)
            return
    raise data.DataError(f"{root} holds none of {', '.join(names)}")


# how each set travels: grey and colour photographs as bytes, JPEG collections as they are
SETS: dict[str, Callable[[Path], None]] = {
    **{name: partial(_tensors, name) for name in ("bsd400", "bsd68", "cbsd68", "set12")},
    "cifar10": partial(_files, ("cifar10_jpeg", "cifar-10-batches-py")),
    "tiny_imagenet": partial(_files, ("tiny_imagenet25",)),
    "cc15": partial(_files, ("cc15_real_noise",)),
    "fluorescence": partial(_files, ("fmd_fluorescence",)),
}


def _pack_set(name: str, target: Path) -> None:
    target.mkdir(parents=True, exist_ok=True)
    SETS[name](target)
