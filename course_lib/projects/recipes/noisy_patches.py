"""Noisy patches end to end: both pipelines, what each network gains, training them together, and the grid of 27.

Chapter: book/projects/noisy_patches.ipynb
"""

import copy
from functools import partial

import torch
from torch import nn

from ... import data, session
from ...denoising import MultiBranchDnCNN, ShallowUNet
from ...metric_learning.patches import L2Net, ResidualDescriptor, patch_views, sift_descriptor
from ...reference.recipe import Measurement
from ...training import ramp_down
from ..noisy_patches.deep_descriptor import DeepDescriptor
from ..noisy_patches.noise import noisy_sequences, small
from ..noisy_patches.optuna_search import DEPTHS, FILTERS, GRID, NODES
from ..noisy_patches.pipeline import Exam, Pipeline, denoise_sequences
from ..noisy_patches.training import frozen, train_denoiser, train_descriptor

CHAPTER = "projects/noisy_patches"
TEST = ("chelsea", "rocket", "coffee", "motorcycle")  # photographs that nothing is trained on
# What one core does in some minutes, and a GPU: the widths of the report need the latter.
SIZES = {
    "cpu": {"images": 60, "points": 40, "test": 24, "denoise": 240, "describe": 160, "together": 80, "grid": 120}
    | {"width": 16, "slim": 8, "narrow": 8},
    "cuda": {"images": 400, "points": 60, "test": 100, "denoise": 6_000, "describe": 6_000, "together": 2_000}
    | {"grid": 2_000, "width": 128, "slim": 16, "narrow": 1},
}


def sizes(device: torch.device) -> dict[str, int]:
    return SIZES["cuda" if device.type == "cuda" else "cpu"]


def test_sequences(points: int) -> dict[str, torch.Tensor]:
    """Two sequences, of another view and of another light, of each photograph of `TEST`."""
    return {
        f"{'iv'[view]}_{name}": data.patch_sequence(photograph, points, bool(view), seed=2 * k + view)
        for k, (name, photograph) in enumerate(data.photographs(300, names=TEST).items())
        for view in (0, 1)
    }


def churchill(points: int) -> dict[str, torch.Tensor]:
    """The real sequence v_churchill of HPatches, in two halves, so that there are patches of another sequence."""
    patches = data.cut_sequence(*data.churchill(), points)
    return {f"v_churchill {k}": part for k, part in enumerate(patches.chunk(2, dim=1), 1)}


def trained(seed: int, device: torch.device, progress: bool = False) -> dict[str, nn.Module]:
    """The networks of both pipelines, and what takes them apart, by name."""
    size = sizes(device)
    views = patch_views(data.bsd400()[: size["images"]].float() / 255, size["points"], seed=10_000 * seed)
    networks = {}

    def new(build, **options) -> nn.Module:
        torch.manual_seed(seed)
        return build(**options).to(device)

    common = {"seed": seed, "progress": progress}
    for name, build, way in (
        ("U-Net, coursework", ShallowUNet, "coursework"),
        ("U-Net", ShallowUNet, "improved"),
        ("multi-branch", partial(MultiBranchDnCNN, width=size["width"]), "improved"),
    ):
        networks[name] = new(build)
        train_denoiser(networks[name], views, way, steps=size["denoise"], **common)
    for name, build, way in (
        ("L2-Net, coursework", L2Net, "coursework"),
        ("L2-Net", L2Net, "improved"),
        ("residual", ResidualDescriptor, "improved"),
    ):
        networks[name] = new(build)
        train_descriptor(networks[name], views, way, steps=size["describe"], **common)
    # both pipelines of the improved networks see the same pairs for the same steps; one of them may change its denoiser
    for name, join in (("fine-tuned together", Pipeline), ("descriptor fine-tuned", frozen)):
        pair = (copy.deepcopy(networks[key]) for key in ("multi-branch", "residual"))
        networks[name] = join(*pair)
        train_descriptor(networks[name], views, steps=size["together"], noisy=True, **common)
    networks["residual on noisy patches"] = new(ResidualDescriptor)
    steps = size["describe"] + size["together"]
    train_descriptor(networks["residual on noisy patches"], views, steps=steps, noisy=True, **common)
    return networks


DENOISERS = ("nothing", "U-Net, coursework", "U-Net", "multi-branch", "clean patches")
DESCRIPTORS = ("SIFT", "L2-Net, coursework", "L2-Net", "residual")


def pipelines(seed: int) -> dict[str, float]:
    """Every denoiser with every descriptor, the ends of the scale, and training both together."""
    device = session.pick_device()
    networks = trained(seed, device)
    metrics = {}
    points = sizes(device)["test"]
    for prefix, clean in (("", test_sequences(points)), ("v_churchill, ", churchill(4 * points))):
        count = sum(patches.shape[1] for patches in clean.values())
        exam, noisy = Exam.draw(clean, queries=count // 4, pool=count // 2), noisy_sequences(clean, seed)
        for denoiser in DENOISERS:
            patches = {"nothing": noisy, "clean patches": {name: small(some) for name, some in clean.items()}}
            seen = patches[denoiser] if denoiser in patches else denoise_sequences(networks[denoiser], noisy)
            for descriptor in DESCRIPTORS:
                marks = exam.mark(networks.get(descriptor, sift_descriptor), seen)
                metrics |= {f"{prefix}{denoiser} + {descriptor}: {task} mAP (%)": v for task, v in marks.items()}
        for name in ("fine-tuned together", "descriptor fine-tuned", "residual on noisy patches"):
            marks = exam.mark(networks[name], noisy)
            metrics |= {f"{prefix}{name}: {task} mAP (%)": value for task, value in marks.items()}
    return metrics


def grid_of_27(seed: int = 0) -> dict[str, float]:
    """Matching mAP of the 27 points after each third of the training: nine denoisers with three descriptors."""
    device = session.pick_device()
    size = sizes(device)
    views = patch_views(data.bsd400()[: size["images"]].float() / 255, size["points"])
    clean = {name: s for name, s in test_sequences(size["test"]).items() if name in ("v_chelsea", "i_coffee")}
    exam, noisy = Exam.draw(clean, queries=10, pool=25), noisy_sequences(clean)

    def thirds(build, train, steps: int) -> list[nn.Module]:
        """The network after each third of its training, which does not stop early."""
        kept = []

        def keep(network: nn.Module) -> dict[str, float]:
            kept.append(copy.deepcopy(network))
            return {"kept": len(kept)}

        torch.manual_seed(seed)
        options = {"validate": keep, "every": -(-steps // 3), "schedule": ramp_down, "progress": False}
        train(build.to(device), views, steps=3 * -(-steps // 3), seed=seed, **options)
        return [network.eval() for network in kept]

    descriptors = {d: thirds(DeepDescriptor(d, size["slim"]), train_descriptor, size["grid"]) for d in DEPTHS}
    cleaned = {}
    for filters in FILTERS:
        for nodes in NODES:
            branches = tuple(int(n) for n in nodes.split("-"))
            network = MultiBranchDnCNN(filters // size["narrow"], branches)
            kept = thirds(network, train_denoiser, size["grid"])
            cleaned[filters, nodes] = [denoise_sequences(denoiser, noisy) for denoiser in kept]
    metrics = {}
    for depth, filters, nodes in GRID:
        for k in range(3):
            mark = exam.mark(descriptors[depth][k], cleaned[filters, nodes][k])["matching"]
            metrics[f"{depth} layers, {filters} filters, {nodes}: after {k + 1} of 3 (%)"] = mark
    return metrics


SOURCE = "the N-HPatches coursework and a student report on it (unpublished); other patches, so only gains compare"
REPORT = {
    "U-Net, coursework + L2-Net, coursework: retrieval mAP (%)": 42.0,
    "U-Net, coursework + L2-Net, coursework: verification mAP (%)": 61.0,
    "U-Net, coursework + L2-Net, coursework: matching mAP (%)": 10.7,
    "multi-branch + residual: retrieval mAP (%)": 46.0,
    "multi-branch + residual: verification mAP (%)": 65.0,
    "multi-branch + residual: matching mAP (%)": 12.2,
}


def _data() -> str:
    size = sizes(session.pick_device())
    return (
        f"trained on sequences made from {size['images']} photographs of BSD400, denoisers for {size['denoise']} steps "
        f"of 24 patches, descriptors for {size['describe']} of 40 pairs; tested on {len(TEST)} photographs of "
        "scikit-image and on v_churchill of HPatches"
    )


RECIPES = {
    **{
        "noisy-patches" + f"-{seed + 1}" * bool(seed): Measurement(
            title="noisy patches, both pipelines" + f" (seed {seed})" * bool(seed),
            chapter=CHAPTER,
            measure=partial(pipelines, seed),
            source=SOURCE,
            data=_data,
            paper=REPORT,
            headline="multi-branch + residual: matching mAP (%)",
            seed=seed,
        )
        for seed in range(3)
    },
    "noisy-patches-grid": Measurement(
        title="noisy patches, the grid of 27",
        chapter=CHAPTER,
        measure=grid_of_27,
        source=SOURCE,
        data="two sequences made from photographs of scikit-image; on a CPU an eighth of the filters",
        headline="38 layers, 128 filters, 5-9-15: after 3 of 3 (%)",
    ),
}
