"""Change the picture until a network sees something else in it: style transfer and Deep Dream."""

from collections.abc import Iterator
from functools import cache

from torch import Tensor

from ..projects import (
    NamedLayers,
    colour_covariance,
    dream,
    energy,
    julia,
    octave_sizes,
    paint,
    squeezenet,
    stained_glass,
    strokes,
    waves,
)
from .task import Choice, Level, Task, View

STYLES = {"brush strokes": strokes, "waves": waves, "stained glass": stained_glass, "a fractal": julia}
RATIOS = {"1 : 100": (1, 100), "100 : 1": (100, 1), "1 : 1": (1, 1), "1 : 5000": (1, 5000)}
SIDE = 257  # odd: SqueezeNet leaves the last row of an even picture out


@cache
def network() -> NamedLayers:
    return squeezenet()


def style_task() -> Task:
    controls = {
        "style": Choice("Painted like", {name: name for name in STYLES}),
        "ratio": Choice("Content : style", RATIOS),
        "start": Choice("Start from", {"your picture": "picture", "noise": "noise"}),
        "evaluations": Level("Evaluations of L-BFGS", 20, 200, 100, 20),
    }
    about = "Your picture, painted like another (Gatys and others). Half a minute and more on one CPU core."
    return Task("Style transfer", about, run_style, controls, longest=SIDE)


def run_style(
    picture: Tensor, style: str, ratio: tuple[float, float], start: str, evaluations: float
) -> Iterator[View]:
    example = STYLES[style](SIDE)
    around = {"your picture": picture, style: example}
    yield View(0, "Mixing colours …", around)
    calls = []
    counter = network().register_forward_hook(lambda *_: calls.append(1))
    try:
        for now in paint(network(), picture, example, ratio, evaluations=int(evaluations), noise=start == "noise"):
            done = min(0.99, len(calls) / evaluations)
            yield View(done, f"Painting, {100 * done:.0f} % …", around | {"painted": now.picture})
    finally:  # also when it is stopped
        counter.remove()
    yield View(1, f"Content to style {ratio[0]} : {ratio[1]}.", around | {"painted": now.picture})


def dream_task() -> Task:
    layers = {name: name for name in ("fire5", "fire7", "fire9", "fire4", "fire3", "fire2", "relu1")}
    controls = {
        "layer": Choice("Layer", layers),
        "octaves": Level("Octaves", 1, 5, 4),
        "steps": Level("Steps in each", 5, 40, 20, 5),
        "colours": Choice("Colours", {"those of your picture": True, "any": False}),
    }
    about = "The picture climbs towards what a layer sees in it: edges, eyes, fur, birds."
    return Task("Deep Dream", about, run_dream, controls, longest=321)


def run_dream(picture: Tensor, layer: str, octaves: float, steps: float, colours: bool) -> Iterator[View]:
    rate = 0.006 if layer in ("relu1", "fire2") else 0.01
    covariance = colour_covariance([picture]) if colours else None
    all_steps = int(steps) * len(octave_sizes(*picture.shape[-2:], int(octaves)))
    moves = dream(
        lambda x: energy(network()(x, layer)[0]),
        picture,
        octaves=int(octaves),
        steps=int(steps),
        rate=rate,
        colours=covariance,
    )
    for done, now in enumerate(moves, 1):
        yield View(
            min(0.99, done / all_steps), f"Octave {now.octave}, step {done} of {all_steps}.", {"dream": now.picture}
        )
    yield View(1, f"{all_steps} steps towards {layer}.", {"your picture": picture, "dream": now.picture})
