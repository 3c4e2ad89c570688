"""Trained probes: what may move and what may not."""

import copy

import pytest
import torch
from torch import nn

from course_lib.pretext_tasks import NIN
from course_lib.pretext_tasks.heads import Probe, classification_loss, conv_head, nonlinear_head


@pytest.fixture
def batch():
    generator = torch.Generator().manual_seed(0)
    return torch.rand(6, 3, 16, 16, generator=generator), torch.randint(5, (6,), generator=generator)


@pytest.mark.parametrize("head", [nonlinear_head(12 * 16, 5, hidden=8), conv_head(12, 5, width=6)])
@pytest.mark.parametrize("frozen", [True, False], ids=["frozen", "fine-tuned"])
def test_a_step_moves_the_head_always_and_the_backbone_only_if_it_is_fine_tuned(batch, head, frozen):
    backbone = NIN(3, 12)
    before = copy.deepcopy(backbone.state_dict())
    probe = Probe(backbone, copy.deepcopy(head), frozen=frozen).train()
    start = copy.deepcopy(probe.state_dict())
    optimizer = torch.optim.SGD([p for p in probe.parameters() if p.requires_grad], lr=0.1)
    classification_loss(probe, batch).backward()
    optimizer.step()
    moved = {name for name, value in probe.state_dict().items() if not torch.equal(value, start[name])}
    assert any(name.startswith("head") for name in moved)
    assert any(name.startswith("backbone") for name in moved) is not frozen, "batch norm's statistics count too"
    assert all(torch.equal(value, before[name]) for name, value in backbone.state_dict().items())


def test_the_head_reads_the_block_that_it_was_put_on(batch):
    backbone = NIN(3, 12).eval()
    probe = Probe(backbone, nn.Identity(), block=0).eval()
    torch.testing.assert_close(probe(batch[0]), backbone.forward_features(batch[0])[0])


def test_the_conv_head_is_counted_by_hand():
    assert sum(p.numel() for p in conv_head(192, 10).parameters()) == 11 * 192**2 + 6 * 192 + 192 * 10 + 10
