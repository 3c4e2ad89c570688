"""The multi-branch DnCNN of the patch coursework, and rivals for a small one. Chapter: book/denoising/dncnn.ipynb"""

from functools import partial

from torch import nn

from ... import data, session, training
from ...observation import Gaussian
from ...reference.recipe import Measurement, Recipe, Scale
from ..dncnn import DnCNN
from ..evaluation import evaluate
from ..multi_branch import MultiBranchDnCNN
from .dncnn import denoising_loss, noisy_patches


def psnr_on_set12(model) -> dict[str, float]:
    """Mean PSNR on Set12 at sigma 25."""
    return {"Set12 PSNR, sigma 25 (dB)": evaluate(model, data.set12(), Gaussian(25 / 255)).mean().item()}


class OneSubtraction(nn.Module):
    """``y_hat = z - f(z)`` with DnCNN's layers in other kernels and dilations: a rival with the view of the relay."""

    def __init__(self, width: int, kernels: tuple[int, ...], dilations: tuple[int, ...] | None = None):
        super().__init__()
        layers, last = [], len(kernels) - 1
        for i, (kernel, dilation) in enumerate(zip(kernels, dilations or [1] * len(kernels), strict=True)):
            conv = nn.Conv2d(width if i else 1, 1 if i == last else width, kernel, dilation=dilation, padding="same")
            nn.init.kaiming_normal_(conv.weight, nonlinearity="relu")
            nn.init.zeros_(conv.bias)
            layers += [conv] if i in {0, last} else [conv, nn.BatchNorm2d(width)]
            layers += [nn.ReLU(inplace=True)] if i < last else []
        nn.init.zeros_(layers[-1].weight)
        self.body = nn.Sequential(*layers)

    def forward(self, z):
        return z - self.body(z)


class Chained(nn.Module):
    """The relay's own layers: what a branch finds goes to the next one, and the last one alone is subtracted."""

    def __init__(self, **size):
        super().__init__()
        self.relay = MultiBranchDnCNN(**size)
        for branch in self.relay.branches[:-1]:  # a last layer of zeros would hand on nothing
            nn.init.kaiming_normal_(branch[-1].weight, nonlinearity="linear")

    def forward(self, z):
        found = z
        for branch in self.relay.branches:
            found = branch(found)
        return z - found


RELAY = {"width": 18, "nodes": (1, 1, 2)}
# All of about 35 thousand multiplications a pixel; all but the first see 51 pixels a side.
RIVALS = {
    "one subtraction": lambda: DnCNN(depth=6, width=32),
    "three subtractions": lambda: MultiBranchDnCNN(**RELAY),
    # 32 maps: in bfloat16 on a CPU, dilated kernels of torch 2.14 give NaN unless these are a multiple of 16
    "one subtraction, dilated": lambda: OneSubtraction(32, (3,) * 6, (1, 2, 5, 10, 6, 1)),
    "one subtraction, large kernels": lambda: OneSubtraction(12, (9, 7, 7, 7, 5, 5, 3, 3, 3, 3, 9)),
    "one subtraction, 25 layers": lambda: DnCNN(depth=25, width=13),
    "the relay's layers, one subtraction": lambda: Chained(**RELAY),
}


def relay_and_rivals(steps: int = 300, rates: tuple[float, ...] = (1e-3, 4e-3)) -> dict[str, float]:
    """The chapter's small relay and its rivals, each at its own best learning rate, three seeds."""
    images, observe, device = data.bsd400(), Gaussian(25 / 255), session.pick_device()
    crops = [image[:, :120, :120].float() / 255 for image in images[:9]]
    patches = data.Patches(images[9:], size=40, batch=8, device=device)

    def batch(generator):
        y = patches(generator)
        return observe(y, generator), y

    def score(build, lr, seed):
        session.seed_everything(seed)
        model = build().to(device)
        training.fit(model, denoising_loss, batch, steps=steps, lr=lr, seed=seed, progress=False)
        return evaluate(model, crops, observe).mean().item()

    found = {}
    for name, build in RIVALS.items():
        tried = {lr: score(build, lr, 0) for lr in rates}
        best = max(tried, key=tried.get)
        scores = [tried[best], *(score(build, best, seed) for seed in (1, 2))]
        found |= {f"{name}, seed {seed}: PSNR (dB)": value for seed, value in enumerate(scores)}
        found[f"{name}: best learning rate"] = best
    return found


RECIPES = {
    "relay-and-rivals": Measurement(
        title="a small relay and rivals with its view, sigma 25, 300 steps",
        chapter="denoising/dncnn",
        measure=relay_and_rivals,
        source="a control for the student report on the N-HPatches coursework",
        data="391 images of BSD400, validated on nine others; noise not clipped",
    ),
    "multi-branch": Recipe(
        title="multi-branch DnCNN, sigma 25",
        chapter="denoising/dncnn",
        build=MultiBranchDnCNN,
        batches=partial(noisy_patches, observe=Gaussian(25 / 255)),
        loss=denoising_loss,
        evaluate=psnr_on_set12,
        scales={
            "gpu": Scale(steps=20_000, batch=64, patch=40, lr=5e-3),
            "cpu": Scale(steps=2_500, batch=8, patch=40, lr=6e-3, model={"width": 32}),
        },
        paper={},  # the report measures on its own noisy patches
        source="student report on the N-HPatches coursework",
        fit={"optimizer": training.Muon},
        data="trained on BSD400 (180x180), tested on Set12; noise not clipped",
        keep_weights=False,
    ),
}
