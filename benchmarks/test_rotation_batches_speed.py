"""Batches of turned pictures with their labels: made on the device, against transforms and a loader with workers.

    .venv/bin/python -m pytest benchmarks/test_rotation_batches_speed.py --benchmark-disable-gc -s

128 pictures of 32 x 32 a batch, shifted by up to two pixels, mirrored at random, in one of four orientations. The peer
is what most public code does: a `Dataset` with torchvision's transforms and a `DataLoader` with two worker processes,
started before the clock; ours takes 32 pictures and turns each four ways. Rounds alternate, so that what else the
machine does falls on both. The goal is 3x.
"""

import time
from statistics import median

import torch
from limits import Limit
from limits import seconds as cpu_seconds
from torch.utils.data import DataLoader, Dataset
from torchvision.transforms import v2

from course_lib import data, session
from course_lib.pretext_tasks.rotation import rotations

BATCH, BATCHES, ROUNDS = 128, 40, 5


class Turned(Dataset):
    """A picture, transformed, in a random orientation."""

    def __init__(self, images: torch.Tensor):
        self.images = images
        self.transform = v2.Compose(
            [
                v2.RandomCrop(32, padding=2, padding_mode="edge"),
                v2.RandomHorizontalFlip(),
                v2.ToDtype(torch.float32, scale=True),
            ]
        )

    def __len__(self) -> int:
        return 10 * BATCH * BATCHES

    def __getitem__(self, index: int) -> tuple[torch.Tensor, int]:
        turns = int(torch.randint(4, ()))
        return torch.rot90(self.transform(self.images[index % len(self.images)]), turns, dims=(1, 2)), turns


def test_batches_on_the_device(monkeypatch):
    images, labels = data.cifar10_stand_in(5_000)
    monkeypatch.setattr(data.cifar, "cifar10", lambda train: (images, labels))
    device = session.pick_device()
    draw, generator = data.cifar10_batches(device, BATCH // 4), torch.Generator(device).manual_seed(0)
    loader = iter(DataLoader(Turned(images), BATCH, num_workers=2, persistent_workers=True))
    next(loader)

    def ours() -> torch.Tensor:
        return rotations(draw(generator)[0])[0]

    def theirs() -> torch.Tensor:
        return next(loader)[0].to(device)

    def seconds(make) -> float:
        began = time.perf_counter()
        for _ in range(BATCHES):
            made = make()
        assert made.shape == (BATCH, 3, 32, 32)
        return time.perf_counter() - began

    limit, rounds, spent = Limit(), [], []
    for _ in range(ROUNDS):
        rounds.append((seconds(ours), seconds(theirs)))
        limit.measure()
        spent.append(cpu_seconds(ours))
    rates = [BATCH * BATCHES / median(times) for times in zip(*rounds, strict=True)]
    ratio = median(b / a for a, b in rounds)
    print(f"\non the device {rates[0]:,.0f} images/s, DataLoader with 2 workers {rates[1]:,.0f} images/s: {ratio:.1f}x")
    print(limit.of_copies(4 * 3 * 32 * 32 * BATCH, median(spent)))
    assert ratio >= 3
