"""Trainings that come out the same from one process and from several: ``python one_of_several.py FILE NAME...``

Started by ``accelerate launch``, each process runs it and the first writes the weights. The names are those of the
recipes, at their small scale and with a batch of 12, or of the two kinds below, which need no data: a batch of 13.
"""

import dataclasses
import sys
from pathlib import Path

import torch
from torch import nn

from course_lib import reference, session, training
from course_lib.metric_learning import mined_triplet_loss
from course_lib.observation import Gaussian
from course_lib.reference.recipe import Recipe, Scale
from course_lib.reference.run import prepare

BATCH, STEPS = 12, 3


def layers(*last: nn.Module) -> nn.Module:
    return nn.Sequential(nn.Conv2d(1, 8, 3, padding=1), nn.BatchNorm2d(8), nn.ReLU(), *last)


def denoised(device, scale: Scale):
    def batch(generator):
        y = torch.rand(scale.batch, 1, 8, 8, generator=generator)
        return Gaussian(0.1)(y, generator), y

    return batch


def people(device, scale: Scale):
    labels = torch.arange(scale.batch) // 3
    return lambda generator: (torch.rand(scale.batch, 1, 8, 8, generator=generator), labels)


def made_up(build, batches, loss) -> Recipe:
    scales = {"cpu": Scale(steps=STEPS, batch=BATCH + 1, lr=1e-2)}
    return Recipe("", "", build, batches, loss, lambda model: {}, scales, "", "")


KINDS = {
    "denoising": made_up(
        lambda: layers(nn.Conv2d(8, 1, 3, padding=1)), denoised, lambda net, b: (net(b[0]) - b[1]).square().mean()
    ),
    # a loss of two rows that may belong to two processes
    "triplets": made_up(
        lambda: layers(nn.Flatten(), nn.Linear(512, 4)), people, lambda net, b: mined_triplet_loss(net(b[0]), b[1])
    ),
}


def trained(name: str) -> dict[str, torch.Tensor]:
    """The weights after a few steps."""
    recipe, device = KINDS.get(name) or reference.find(name), torch.device("cpu")
    scale = recipe.scales["cpu"]
    if name not in KINDS:
        scale = dataclasses.replace(scale, batch=BATCH, start=None, images=20)
    session.seed_everything(0)
    model, options = prepare(recipe, scale, device)
    for layer in model.modules():
        if isinstance(layer, nn.Dropout):
            layer.p = 0.0  # each share draws its own
    # some losses are sums of squares: every step of plain SGD is as long as the learning rate
    options = {"clip": 1.0, "ema": options.get("ema"), "precision": "no", "progress": False}
    # Adam would make a whole step of a gradient that is nothing but rounding, such as that of a bias before batch norm
    options["optimizer"] = training.sgd
    history = training.fit(model, recipe.loss, recipe.batches(device, scale), steps=STEPS, lr=1e-2, **options)
    return {"loss": torch.tensor(history.loss), **{k: v.clone() for k, v in model.state_dict().items()}}


if __name__ == "__main__":
    found = {name: trained(name) for name in sys.argv[2:]}
    if not torch.distributed.is_initialized() or torch.distributed.get_rank() == 0:
        torch.save(found, Path(sys.argv[1]))
