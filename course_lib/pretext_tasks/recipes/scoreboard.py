"""The tasks of the other chapters on CIFAR-10: the same backbone, budget and probes as everything on the scoreboard.

The budget counts pixels: a step has as many small patches as cover 128 pictures.

Chapter: book/pretext_tasks/scoreboard.ipynb
"""

from functools import partial

import torch
from torch import Tensor

from ... import data
from ...reference.recipe import Scale
from ..backbone import NIN
from ..colourization import Colourizer, classification_loss, colour_bins, colour_task
from ..inpainting import ContextEncoder, centre_hole, cut_out, hole_loss
from ..jigsaw import Jigsaw, choose_permutations, normalise_patches
from ..late_fusion import LateFusion, puzzle_loss
from ..relative_position import NEIGHBOURS, RelativePosition
from .common import photographs, pretext, probe_report

CHAPTER = "pretext_tasks/scoreboard"
PAIR, PIECE, GRID = 10, 12, (2, 2)
ORDERS = 24  # all that four pieces have


def _puzzle(pieces: int, answers: int, blocks: int = 4, width: int = 192) -> LateFusion:
    return LateFusion(NIN(blocks, width), pieces, answers)


def position_batches(device, scale: Scale) -> RelativePosition:
    """Pairs of patches that lie 4 pixels apart, give or take one."""
    pairs = scale.batch * 32**2 // (2 * PAIR**2)
    return RelativePosition(data.cifar10(train=True)[0], PAIR, gap=4, jitter=1, batch=pairs, device=device)


def jigsaw_batches(device, scale: Scale) -> Jigsaw:
    """Four pieces of 12 x 12 in all 24 orders, each normalised on its own."""
    orders = choose_permutations(ORDERS, pieces=GRID[0] * GRID[1])
    puzzles = scale.batch * 32**2 // (4 * PIECE**2)
    return Jigsaw(data.cifar10(train=True)[0], orders, GRID, PIECE, puzzles, device=device)


def colour_batches(device, scale: Scale):
    """Grey pictures and their colours at a quarter of the side."""
    draw = photographs(device, scale.batch)
    return lambda generator: colour_task(draw(generator))


def colour_loss(model, batch: tuple[Tensor, Tensor]) -> Tensor:
    """Classification of the colour bins, unweighted."""
    grey, ab = batch
    return classification_loss(model(grey), ab)


def colourizer(blocks: int = 4, width: int = 192) -> Colourizer:
    """A backbone for grey pictures and a head that chooses among the colours."""
    return Colourizer(NIN(blocks, width, channels=1), len(colour_bins()))


def painter(blocks: int = 4, width: int = 192) -> ContextEncoder:
    """A backbone and what it needs to paint a hole."""
    return ContextEncoder(NIN(blocks, width), size=32)


def image_batches(device, scale: Scale):
    """Pictures as they are; the loss makes the holes."""
    return photographs(device, scale.batch)


def middle_loss(model, x: Tensor) -> Tensor:
    """Error in a hole of 16 x 16 in the middle."""
    mask = centre_hole(32).to(x.device)
    return hole_loss(model(cut_out(x, mask)), x, mask)


def grey(images: Tensor) -> Tensor:
    """uint8 pictures as the colourizer sees them."""
    return torch.cat([colour_task(some.float() / 255)[0] for some in images.split(1_000)])


def normalised(images: Tensor) -> Tensor:
    """uint8 pictures as the jigsaw's network sees its pieces."""
    return normalise_patches(images.float() / 255)


def evaluate(prepare, model) -> dict[str, float]:
    """What the features are worth."""
    return probe_report(model.trunk, prepare)


def _task(name: str, title: str, build, batches, loss, source: str, prepare=lambda images: images):
    return pretext(
        name,
        keep_weights=False,
        title=title,
        chapter=CHAPTER,
        build=build,
        batches=batches,
        loss=loss,
        evaluate=partial(evaluate, prepare),
        source=source,
    )


RECIPES = {
    **_task(
        "scoreboard-position",
        "relative position, CIFAR-10",
        partial(_puzzle, 2, len(NEIGHBOURS)),
        position_batches,
        puzzle_loss,
        "Doersch et al., ICCV 2015 (arXiv:1505.05192): on ImageNet",
    ),
    **_task(
        "scoreboard-jigsaw",
        "jigsaw, CIFAR-10",
        partial(_puzzle, GRID[0] * GRID[1], ORDERS),
        jigsaw_batches,
        puzzle_loss,
        "Noroozi and Favaro, ECCV 2016 (arXiv:1603.09246): on ImageNet",
        normalised,
    ),
    **_task(
        "scoreboard-colourization",
        "colourization, CIFAR-10",
        colourizer,
        colour_batches,
        colour_loss,
        "Zhang et al., ECCV 2016 (arXiv:1603.08511): on ImageNet",
        grey,
    ),
    **_task(
        "scoreboard-inpainting",
        "inpainting, CIFAR-10",
        painter,
        image_batches,
        middle_loss,
        "Pathak et al., CVPR 2016 (arXiv:1604.07379): on ImageNet",
    ),
}
