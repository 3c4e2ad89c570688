"""What to call a public function with: an example for every parameter name that the field has a word for.

Names are the field's standard terms in the whole library (``z``, ``y``, ``anchor``, ``labels``, ...), so one table of
examples is enough to call most of it, and a new model or loss is found and tried without being entered anywhere.
"""

import importlib
import inspect
import pkgutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import torch
from torch import Tensor, nn

import course_lib

FOUNDATION = ("observation", "metrics", "features")
PEOPLE, SHOTS = 8, 4


@dataclass(frozen=True)
class Public:
    """A public name of the library.

    Attributes:
        name: where it is, such as ``denoising.DnCNN``.
        target: the class or function.
    """

    name: str
    target: Callable


def public() -> Iterator[Public]:
    """Every class and function that the topics, their packages and the data-free foundation offer."""
    seen = set()
    for name in (*FOUNDATION, *topics()):
        module = importlib.import_module(f"{course_lib.__name__}.{name}")
        for attribute in getattr(module, "__all__", sorted(vars(module))):
            target = getattr(module, attribute)
            own = getattr(target, "__module__", "").startswith(f"{course_lib.__name__}.{name}")
            if callable(target) and own and not attribute.startswith("_") and target not in seen:
                seen.add(target)
                yield Public(f"{name}.{attribute}", target)


def topics() -> list[str]:
    """The packages that hold recipes, and the packages inside of them, as dotted names."""
    found = []
    for topic in pkgutil.iter_modules(course_lib.__path__):
        if topic.ispkg and importlib.util.find_spec(f"{course_lib.__name__}.{topic.name}.recipes"):
            found.append(topic.name)
            inside = importlib.import_module(f"{course_lib.__name__}.{topic.name}").__path__
            packages = (part.name for part in pkgutil.iter_modules(inside) if part.ispkg and part.name != "recipes")
            found += [f"{topic.name}.{part}" for part in packages]
    return found


def examples(device: torch.device | str, channels: int = 1, side: int = 32) -> dict[str, object]:
    """An example for every parameter name: images (4, channels, side, side), embeddings (32, 16), labels of 8 people.

    Made on the CPU with one seed and moved, so that two devices get the same numbers.
    """
    draw = torch.Generator().manual_seed(0)

    def images() -> Tensor:
        return torch.rand(4, channels, side, side, generator=draw).to(device)

    def embedding() -> Tensor:
        return nn.functional.normalize(torch.randn(PEOPLE * SHOTS, 16, generator=draw)).to(device)

    labels = torch.arange(PEOPLE, device=device).repeat_interleave(SHOTS)
    pairs = torch.arange(PEOPLE * SHOTS, device=device) % 2
    found: dict[str, object] = {}
    found |= {name: images() for name in ("z", "y", "y_hat", "x", "images", "inputs", "reference", "other", "guide")}
    found |= {name: embedding() for name in ("a", "b", "anchor", "positive", "negative", "embedding", "projection")}
    found |= {name: embedding() for name in ("z_a", "z_b", "first", "second", "features", "cosine")}
    found |= {name: images() for name in ("painted", "pictures", "rgb", "prediction")}
    found |= {"mask": torch.rand(4, 1, side, side, generator=draw).to(device).round()}
    found |= {"labels": labels, "label": labels, "target": labels, "estimate": images(), "level": images()}
    found |= {
        "scores": embedding(),
        "right": embedding() > 0,
        "pairs": pairs,
        "distances": torch.cdist(*2 * [embedding()]),
    }
    found |= {"same": embedding()[0], "different": embedding()[1], "known": embedding()[0], "strangers": embedding()[1]}
    found |= {"rows": labels, "columns": labels.expand(PEOPLE * SHOTS, -1), "templates": 1}
    found |= {"patches": torch.randint(256, (4, 1, 65, 65), generator=draw, dtype=torch.uint8).to(device)}
    found |= {"coefficients": torch.randn(4, 8, 16, 16, generator=draw).to(device)}
    found |= {"sequences": {"v_a": torch.randint(256, (16, 6, 1, 65, 65), generator=draw, dtype=torch.uint8)}}
    found |= {"descriptors": {"v_a": torch.randn(16, 6, 8, generator=draw).to(device)}}
    found |= {"model": nn.Conv2d(channels, channels, 3, padding=1, device=device)}
    with torch.no_grad():  # two devices would begin with two networks
        for weight in found["model"].parameters():
            weight.copy_(0.1 * torch.randn(weight.shape, generator=draw))
    found |= {"network": found["model"], "denoiser": lambda z, *sigma: z}
    # a GPU that is only imagined (in the tests) has no generator
    imagined = torch.device(device).type == "cuda" and not torch.cuda.is_available()
    found["generator"] = torch.Generator("cpu" if imagined else device)
    found |= {
        "sigma": 0.1,
        "tau": 0.1,
        "gamma": 1.0,
        "p": 0.1,
        "peak": 30.0,
        "radius": 1,
        "quality": 50,
        "factor": 2,
        "distance": 0.01,
    }
    found |= {
        "mean": images(),
        "variance": images() + 0.1,
        "maps": images(),
        "empty": images()[:1],
        "picture": images(),
    }
    found |= {"found": images() > 0.5, "truth": images() > 0.5, "masks": images()[:, :1].round()}
    found |= {"ab": 50 * torch.randn(4, 2, side, side, generator=draw).to(device), "grey": images()[:, :1]}
    found |= {"lab": torch.cat([100 * images()[:, :1], 20 * images()[:, :1], 20 * images()[:, :1]], 1)}
    found |= {"logits": torch.randn(PEOPLE * SHOTS, PEOPLE, generator=draw).to(device), "queries": embedding()}
    found |= {"critic": found["model"], "head": nn.Linear(16, 4, device=device), "predict": lambda x: x}
    found |= {"stride": 2, "cell": 4, "count": 2, "penalty": 1.0, "steps": 10, "seed": 0, "outputs": 4, "pieces": 4}
    found |= {"height": 64, "observe": lambda y, generator=None: y, "batch": 4}
    found |= {"channels": channels, "classes": 4, "people": PEOPLE, "size": side, "width": 8, "n": 8, "depth": 4}
    return found


def arguments(target: Callable, device: torch.device | str, **shape) -> dict[str, object] | None:
    """Examples for the parameters of ``target`` that have no default; None if one of them has no example.

    In a loss of pairs, ``y`` says which of ``a`` and ``b`` belong together.
    """
    known = examples(device, **shape)
    chosen = {}
    for name, parameter in inspect.signature(target).parameters.items():
        if parameter.kind in (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD):
            return None
        if parameter.default is not parameter.empty:
            continue
        if name not in known:
            return None
        chosen[name] = known[name]
    if {"a", "b", "y"} <= chosen.keys():
        chosen["y"] = known["pairs"]
    return chosen


def build(target: type[nn.Module], channels: int) -> nn.Module | None:
    """A network of that class, as small as its options allow; None where it takes no ``channels`` but another number.

    Raises: what the constructor raises.
    """
    parameters = inspect.signature(target).parameters
    small = {"width": 8, "depth": 4, "latent": 16, "size": 32, "channels": channels, "classes": 4, "people": PEOPLE}
    options = {name: value for name, value in small.items() if name in parameters}
    options |= {name: _trunk(channels) for name in ("backbone", "trunk") if name in parameters}
    if any(p.default is p.empty and name not in options for name, p in parameters.items()):
        return None
    return target(**options)


def _trunk(channels: int) -> nn.Module:
    """A small network whose blocks can be read, for what is built around one."""
    for entry in public():
        named = inspect.signature(entry.target).parameters.keys() if isinstance(entry.target, type) else set()
        if {"blocks", "width"} <= named and hasattr(entry.target, "forward_features"):
            return entry.target(blocks=3, width=8, channels=channels)
    raise ValueError("the library has no network with blocks")
