"""Seeds and probes, on numbers worked by hand and features that are the answer."""

import pytest
import torch
from torch import nn

from course_lib.pretext_tasks.trials import probe_blocks
from course_lib.reference.seeds import over_seeds


def test_mean_and_standard_deviation_of_each_metric():
    metrics = over_seeds(lambda seed: {"a": seed, "b": 2.0}, seeds=(1, 2, 6))
    assert metrics["a"] == 3 and metrics["a, standard deviation"] == pytest.approx(7**0.5)
    assert metrics["b"] == 2 and metrics["b, standard deviation"] == 0
    assert over_seeds(lambda seed: {"a": seed}, seeds=[4]) == {"a": 4}


class TwoBlocks(nn.Module):
    """The first block shows the mean colour, the second nothing."""

    widths = [3, 3]

    def __init__(self):
        super().__init__()
        self.unused = nn.Parameter(torch.zeros(1))

    def forward_features(self, x):
        return [x, torch.zeros_like(x)]


def test_each_block_is_judged_by_what_it_shows():
    labels = torch.arange(300) % 3
    images = (255 * nn.functional.one_hot(labels, 3)).to(torch.uint8)[:, :, None, None].expand(-1, -1, 4, 4)
    first, second = probe_blocks(TwoBlocks(), (images[:200], labels[:200]), (images[200:], labels[200:]), labels=100)
    assert first == 100 and second < 45
