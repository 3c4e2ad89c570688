"""Relative position and jigsaw, with and without what gives the answer away.

Chapter: book/pretext_tasks/patch_puzzles.ipynb
"""

from functools import cache, partial

from torch import Tensor

from ... import data, session, training
from ...observation import LateralAberration
from ...reference.recipe import Measurement
from ...reference.seeds import over_seeds
from ..backbone import NIN
from ..jigsaw import Jigsaw, choose_permutations
from ..late_fusion import LateFusion, puzzle_accuracy, puzzle_loss
from ..relative_position import RelativePosition, drop_colours, project_colours
from ..trials import named_blocks, probe_blocks

CHAPTER = "pretext_tasks/patch_puzzles"
DOERSCH = "Doersch et al., ICCV 2015 (arXiv:1505.05192)"
NOROOZI = "Noroozi and Favaro, ECCV 2016 (arXiv:1603.09246)"
ORDERS = 24
LABELS = 1_500
# as many patches for every task: what one core of a CPU does in a minute or two; and the papers' size
SCALES = {
    "cpu": {"width": 32, "steps": 250, "pairs": 64, "puzzles": 14},
    "cuda": {"width": 192, "steps": 20_000, "pairs": 512, "puzzles": 256},
}


@cache
def pictures() -> data.TinyImagenet:
    """The data, read once for several runs."""
    return data.tiny_imagenet()


def through_lens(images: Tensor, lens: LateralAberration | None = None) -> Tensor:
    """uint8 pictures as a lens with lateral aberration would have taken them: (N, 3, H, W), uint8."""
    lens = lens or LateralAberration()
    return (255 * lens(images.float() / 255)).round().byte()


def probed() -> tuple[tuple[Tensor, Tensor], tuple[Tensor, Tensor]]:
    """What probes are solved and measured on: the middle of whole pictures, 48 x 48, at the scale of the patches."""
    return tuple((images[..., 8:56, 8:56], labels) for images, labels in (pictures().train, pictures().val))


def train_puzzle(batches, pieces: int, answers: int, width: int, steps: int, seed: int = 0) -> LateFusion:
    """A network trained on the puzzles of ``batches``; on the device of its pictures."""
    session.seed_everything(seed)
    model = LateFusion(NIN(3, width), pieces, answers).to(batches.images.device)
    training.fit(model, puzzle_loss, batches, steps=steps, lr=0.02, optimizer=training.Muon, seed=seed, progress=False)
    return model


def measure_position(lens: bool = False, **options) -> dict[str, float]:
    """Three seeds of relative position: the pretext's accuracy, also on pictures of a perfect lens, and probes.

    Args:
        lens: train on pictures with lateral aberration. options: of `RelativePosition`.
    """
    device = session.pick_device()
    scale, (train, val) = SCALES["cpu" if device.type == "cpu" else "cuda"], (pictures().train[0], pictures().val[0])
    taken = [through_lens(x) if lens else x for x in (train, val)]
    task = partial(RelativePosition, device=device, **options)

    def once(seed: int) -> dict[str, float]:
        model = train_puzzle(task(taken[0], batch=scale["pairs"]), 2, 8, scale["width"], scale["steps"], seed)
        metrics = {"right answers (%)": puzzle_accuracy(model, task(taken[1], batch=500), 4_000)}
        if lens:
            metrics["right answers without the lens (%)"] = puzzle_accuracy(model, task(val, batch=500), 4_000)
        return metrics | named_blocks(probe_blocks(model.trunk, *probed(), labels=LABELS))

    return over_seeds(once)


def measure_jigsaw(size: int = 16, normalise: bool = True) -> dict[str, float]:
    """Three seeds of jigsaw puzzles of 3 x 3 pieces: the pretext's accuracy and probes. Arguments: of `Jigsaw`."""
    device = session.pick_device()
    scale, (train, val) = SCALES["cpu" if device.type == "cpu" else "cuda"], (pictures().train[0], pictures().val[0])
    task = partial(Jigsaw, orders=choose_permutations(ORDERS), size=size, normalise=normalise, device=device)

    def once(seed: int) -> dict[str, float]:
        model = train_puzzle(task(train, batch=scale["puzzles"]), 9, ORDERS, scale["width"], scale["steps"], seed)
        metrics = {"right answers (%)": puzzle_accuracy(model, task(val, batch=100), 1_000)}
        return metrics | named_blocks(probe_blocks(model.trunk, *probed(), labels=LABELS))

    return over_seeds(once)


def measure_untrained() -> dict[str, float]:
    """Three untrained backbones: the probe's floor."""
    device = session.pick_device()
    width = SCALES["cpu" if device.type == "cpu" else "cuda"]["width"]

    def once(seed: int) -> dict[str, float]:
        session.seed_everything(seed)
        return named_blocks(probe_blocks(NIN(3, width).to(device), *probed(), labels=LABELS))

    return over_seeds(once)


def _run(title: str, measure, source: str) -> Measurement:
    return Measurement(
        title=f"{title}, 3 seeds",
        chapter=CHAPTER,
        measure=measure,
        source=source,
        data=lambda: f"{data.tiny_imagenet_source()}; probes on 1,500 labels of the middle 48x48 pixels",
    )


RECIPES = {
    "puzzles-untrained": _run("patch puzzles: untrained backbone", measure_untrained, DOERSCH),
    "position": _run("relative position", measure_position, DOERSCH),
    "position-touching": _run(
        "relative position, patches that touch", partial(measure_position, gap=0, jitter=0), DOERSCH
    ),
    "position-lens": _run("relative position, lens with aberration", partial(measure_position, lens=True), DOERSCH),
    "position-lens-dropped": _run(
        "relative position, aberration, colours dropped",
        partial(measure_position, lens=True, colours=drop_colours),
        DOERSCH,
    ),
    "position-lens-projected": _run(
        "relative position, aberration, colours projected",
        partial(measure_position, lens=True, colours=project_colours),
        DOERSCH,
    ),
    "jigsaw": _run("jigsaw", measure_jigsaw, NOROOZI),
    "jigsaw-raw": _run("jigsaw, patches not normalised", partial(measure_jigsaw, normalise=False), NOROOZI),
}
