"""Patch descriptors on generated sequences. Chapter: book/metric_learning/patch_descriptors.ipynb"""

import statistics
import tempfile
import zipfile
from collections import Counter

import torch

from ... import data, reference, session
from ...data import folders
from ...reference.recipe import Measurement, Recipe, Scale
from ..losses import hardest_negative_loss
from ..patches.batches import PatchPairs, patch_views
from ..patches.descriptors import L2Net, ResidualDescriptor, describe, pixel_descriptor, sift_descriptor
from ..patches.task_files import draw_pairs, draw_retrieval, read_retrieval
from ..patches.tasks import matching, retrieval, verification

# photographs that nothing is trained on
TEST = ("chelsea", "rocket", "brick", "coffee", "motorcycle", "coins")
POINTS, PAIRS, QUERIES, DISTRACTORS = 120, 20_000, 300, 700


def hardest_loss(model, batch):
    """`hardest_negative_loss` of a batch of pairs."""
    e = model(torch.cat(batch))
    return hardest_negative_loss(*e.chunk(2))


def bsd_batches(device, scale: Scale):
    """Sequences of BSD400's photographs."""
    photographs = data.bsd400()[: scale.images].float() / 255
    return PatchPairs(patch_views(photographs), scale.batch, device)


def test_sequences(size: int | None = None) -> dict[str, torch.Tensor]:
    """Two sequences of each photograph of `TEST`, by name."""
    return {
        f"{'iv'[viewpoint]}_{name}": data.patch_sequence(photograph, POINTS, viewpoint, seed=2 * k + viewpoint)
        for k, (name, photograph) in enumerate(data.photographs(size, names=TEST).items())
        for viewpoint in (False, True)
    }


def task_scores(descriptor, sequences: dict[str, torch.Tensor] | None = None) -> dict[str, float]:
    """The three tasks at three levels, in percent; verification is the mean over its two kinds of negatives."""
    sequences = test_sequences(300) if sequences is None else sequences
    described = {name: e.cpu() for name, e in describe(descriptor, sequences).items()}
    pairs = draw_pairs({name: e.shape[1] for name, e in described.items()}, PAIRS)
    verified = verification(described, pairs)
    matched = matching(described)
    found = retrieval(described, draw_retrieval(sequences, QUERIES, DISTRACTORS), pools=(100, 500))
    scores = {}
    for level, rates in verified.items():
        balanced = (rates["intra balanced"] + rates["inter balanced"]) / 2
        imbalanced = (rates["intra imbalanced"] + rates["inter imbalanced"]) / 2
        scores[f"{level}: verification, balanced AUC (%)"] = 100 * balanced
        scores[f"{level}: verification, imbalanced AP (%)"] = 100 * imbalanced
        scores[f"{level}: matching mAP (%)"] = 100 * matched[level]
        scores[f"{level}: retrieval mAP, pool 500 (%)"] = 100 * found[level][500]
    return scores


def real_and_generated(points: int = 200, draws: int = 3) -> dict[str, float]:
    """Matching on a sequence of real photographs and on generated ones: mean and spread over draws of the points."""
    device = session.pick_device()
    contestants = {
        "pixels": pixel_descriptor,
        "SIFT": sift_descriptor,
        "L2-Net": reference.load("patches-l2net", device),
        "residual": reference.load("patches-residual", device),
    }
    photographs = data.photographs(300, names=TEST)
    sequences = {
        "real": [data.cut_sequence(*data.churchill(), points, seed) for seed in range(draws)],
        "generated": [
            data.patch_sequence(p, points, True, seed) for seed in range(draws) for p in photographs.values()
        ],
    }
    metrics = {}
    for kind, some in sequences.items():
        for name, descriptor in contestants.items():
            scores = [matching(describe(descriptor, {"": sequence})) for sequence in some]
            for level in scores[0]:
                values = [100 * score[level] for score in scores]
                metrics[f"{kind}, {level}: {name}, matching mAP (%)"] = statistics.mean(values)
                metrics[f"{kind}, {level}: {name}, standard deviation"] = statistics.stdev(values)
    return metrics


def own_lists(split: str = "a") -> dict[str, float]:
    """What the benchmark's lists of the retrieval ask, beside ours: how many patches of how many sequences."""
    packed = (folders.given_root() or folders.cache()) / "hpatches_tasks" / "tasks.zip"
    with tempfile.TemporaryDirectory() as folder:
        zipfile.ZipFile(packed).extractall(folder)
        theirs = read_retrieval(folder, split)
    lists = {f"HPatches, split {split}": theirs, "ours": draw_retrieval(test_sequences(300), QUERIES, DISTRACTORS)}
    metrics = {}
    for name, task in lists.items():
        asked = {sequence for sequence, _ in task.queries}
        metrics |= {
            f"{name}: sequences": len(asked),
            f"{name}: of them with another viewpoint": sum(sequence.startswith("v_") for sequence in asked),
            f"{name}: queries": len(task.queries),
            f"{name}: distractors": len(task.distractors),
            f"{name}: distractors from the query's own sequence, mean": statistics.mean(
                Counter(sequence for sequence, _ in task.distractors)[sequence] for sequence, _ in task.queries
            ),
            f"{name}: queries that are distractors, too": len(set(task.queries) & set(task.distractors)),
        }
    return metrics


def _recipe(title: str, build, source: str) -> Recipe:
    return Recipe(
        title=title,
        chapter="metric_learning/patch_descriptors",
        build=build,
        batches=bsd_batches,
        loss=hardest_loss,
        evaluate=task_scores,
        scales={
            "gpu": Scale(steps=20_000, batch=512, lr=3e-3, images=400),
            "cpu": Scale(steps=400, batch=64, lr=3e-3, images=80),
        },
        headline="hard: matching mAP (%)",
        source=source,
        data=f"sequences with known homographies made from BSD400 to train on, from {len(TEST)} photographs of "
        "scikit-image to test on; not comparable with HPatches' own numbers",
    )


RECIPES = {
    "patches-l2net": _recipe("L2-Net", L2Net, "Tian et al., CVPR 2017 (doi:10.1109/CVPR.2017.649)"),
    "patches-residual": _recipe(
        "residual descriptor", ResidualDescriptor, "Balntas et al., HPatches, CVPR 2017 (arXiv:1704.05939)"
    ),
    "patches-churchill": Measurement(
        title="descriptors on real photographs",
        chapter="metric_learning/patch_descriptors",
        measure=real_and_generated,
        source="Balntas et al., HPatches, CVPR 2017 (arXiv:1704.05939): v_churchill",
        data="HPatches' pictures v_churchill with their homographies, points and jitter drawn three times; viewpoint "
        f"sequences of {len(TEST)} photographs of scikit-image",
        headline="real, tough: L2-Net, matching mAP (%)",
    ),
    "patches-lists": Measurement(
        title="the benchmark's own lists of the retrieval",
        chapter="metric_learning/patch_descriptors",
        measure=own_lists,
        source="Balntas et al., HPatches, CVPR 2017 (arXiv:1704.05939): its task files",
        data="HPatches' lists of queries and distractors, without its patches; ours of the reference runs",
        headline="HPatches, split a: queries",
    ),
}
