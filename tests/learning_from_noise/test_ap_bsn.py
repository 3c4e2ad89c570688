"""AP-BSN: strides, random replacement, and what is left of noise that neighbours share."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from course_lib.learning_from_noise import APBSN, DilatedNetwork, ap_bsn_loss, downsample, refine
from course_lib.observation import Correlated


class NeighbourMean(nn.Module):
    """The simplest blind-spot network: the mean of the four neighbours."""

    channels = 1

    def forward(self, z):
        padded = nn.functional.pad(z, (1, 1, 1, 1), mode="replicate")
        return (padded[..., :-2, 1:-1] + padded[..., 2:, 1:-1] + padded[..., 1:-1, :-2] + padded[..., 1:-1, 2:]) / 4


class Recorder(nn.Module):
    def __init__(self):
        super().__init__()
        self.seen = []

    def forward(self, z):
        self.seen.append(z)
        return z


@given(st.integers(3, 20), st.integers(3, 20), st.integers(1, 5), st.integers(0, 3))
@settings(deadline=None)
def test_any_size_goes_through(height, width, stride, rounds):
    z = torch.rand(2, 1, height, width)
    assert APBSN(NeighbourMean(), stride=stride, refinements=rounds)(z).shape == z.shape


def test_strides_are_used_where_they_belong():
    recorder = Recorder()
    model, z = APBSN(recorder, train_stride=5, stride=2, refinements=3), torch.rand(1, 1, 20, 20)
    ap_bsn_loss(model, z)
    assert recorder.seen.pop().shape == (25, 1, 4, 4)
    model(z)
    assert [tuple(x.shape) for x in recorder.seen] == [(4, 1, 10, 10)] + 3 * [(1, 1, 20, 20)]


def test_the_loss_is_each_small_picture_against_its_estimate():
    model, z = APBSN(NeighbourMean(), train_stride=3), torch.rand(1, 1, 12, 12)
    small = downsample(z, 3)
    assert ap_bsn_loss(model, z) == (NeighbourMean()(small) - small).abs().mean()


def test_about_a_sixth_of_the_pixels_is_the_recording_and_others_each_time():
    recorder = Recorder()
    z, y_hat = torch.ones(1, 1, 100, 100), torch.zeros(1, 1, 100, 100)
    averaged = refine(recorder, z, y_hat, rounds=8, replaced=0.16)
    assert [x.mean().item() for x in recorder.seen] == pytest.approx([0.16] * 8, abs=0.02)
    assert not torch.equal(recorder.seen[0], recorder.seen[1])
    torch.testing.assert_close(averaged, torch.stack(recorder.seen).mean(0))
    assert torch.equal(averaged, refine(recorder, z, y_hat, rounds=8, replaced=0.16))


def test_on_shared_noise_a_stride_removes_what_neighbours_cannot():
    """Of a flat picture: neighbours agree with the pixel's noise, pixels three apart do not."""
    z = Correlated(0.1, 1)(torch.full((1, 1, 240, 240), 0.5), torch.Generator().manual_seed(0))
    left = {s: APBSN(NeighbourMean(), stride=s, refinements=0)(z).std().item() for s in (1, 3)}
    # white noise: a mean of four halves the standard deviation; shared: var = (1 + 2 * 1/3 + 4 * 4/9 ...) / 4
    assert left[3] == pytest.approx(0.05, abs=0.002)
    assert left[1] > 1.4 * left[3]


def test_it_trains():
    torch.manual_seed(0)
    model = APBSN(DilatedNetwork(width=4, blocks=1))
    ap_bsn_loss(model, torch.rand(1, 1, 20, 25)).backward()
    assert all(p.grad is None or p.grad.isfinite().all() for p in model.parameters())


@pytest.mark.parametrize("wrong", [{"stride": 0}, {"train_stride": 0}, {"replaced": 1.5}, {"refinements": -1}])
def test_what_cannot_be_is_refused(wrong):
    with pytest.raises(ValueError, match="got"):
        APBSN(NeighbourMean(), **wrong)
