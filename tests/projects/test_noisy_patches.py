"""Noisy patches: files, networks and their sizes, the exam, and both ways to train."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from course_lib import data
from course_lib.denoising import MultiBranchDnCNN, ShallowUNet
from course_lib.metric_learning.patches import L2Net, ResidualDescriptor, patch_views, pixel_descriptor
from course_lib.projects.noisy_patches import (
    DeepDescriptor,
    Exam,
    NoisyPairs,
    NoisyPatches,
    Pipeline,
    add_noise,
    denoise_sequences,
    frozen,
    noisy_sequences,
    train_denoiser,
    train_descriptor,
    write_noisy_sequences,
)
from course_lib.projects.noisy_patches.noise import SIGMA, small


def draw(*shape, seed=0):
    return torch.randint(256, shape, generator=torch.Generator().manual_seed(seed), dtype=torch.uint8)


@pytest.fixture(scope="module")
def sequences():
    photographs = data.photographs(160, names=("chelsea", "coffee"))
    return {f"v_{name}": data.patch_sequence(p, 12, seed=k) for k, (name, p) in enumerate(photographs.items())}


@pytest.fixture(scope="module")
def views():
    return patch_views(list(data.photographs(160, names=("brick", "gravel")).values()), points=12)


def count(network: nn.Module) -> int:
    return sum(p.numel() for p in network.parameters())


def test_the_networks_have_the_coursework_s_parameters():
    assert count(ShallowUNet()) == 59_777 and count(L2Net()) == 1_336_032
    # the report gives two numbers without the layers; what we read from its words is near
    assert count(MultiBranchDnCNN()) == pytest.approx(5_805_057, rel=0.005)
    assert count(ResidualDescriptor()) == pytest.approx(1_193_840, rel=0.005)


@pytest.mark.parametrize("depth", [11, 20, 29, 38])
def test_a_deep_descriptor_has_as_many_layers_as_it_says(depth):
    network = DeepDescriptor(depth, width=4)
    around = sum(isinstance(b.around, nn.Conv2d) for b in network.body if hasattr(b, "around"))
    layers = sum(isinstance(m, nn.Conv2d | nn.Linear) for m in network.modules()) - around
    assert layers == depth
    e = network.eval()(torch.rand(3, 1, 32, 32))
    assert e.shape == (3, 128)
    torch.testing.assert_close(e.norm(dim=1), torch.ones(3))


def test_another_depth_is_refused():
    for depth in (2, 21):
        with pytest.raises(ValueError, match="depth must be 9 n"):
            DeepDescriptor(depth)


def test_the_files_are_those_of_the_coursework(sequences, tmp_path):
    write_noisy_sequences(tmp_path, sequences, seed=3)
    folder = tmp_path / "v_coffee"
    assert len(list(folder.glob("*.png"))) == 32 and (folder / "ref_noise.png").is_file()
    clean, noisy = data.patch_sequences(tmp_path), data.patch_sequences(tmp_path, noisy=True)
    assert all(torch.equal(clean[name], sequences[name]) for name in sequences)
    expected = noisy_sequences(sequences, seed=3)
    assert all(torch.equal(noisy[name], expected[name]) and noisy[name].shape[-1] == 32 for name in sequences)


def test_the_noise_is_as_strong_as_the_level_says():
    grey = {"v_grey": torch.full((16, 40, 1, 65, 65), 128, dtype=torch.uint8)}
    (noisy,) = noisy_sequences(grey).values()
    measured = {kind: noisy[k].float().std().item() / 255 for k, kind in enumerate(data.PATCH_TYPES)}
    for kind, sigma in measured.items():
        assert sigma == pytest.approx(SIGMA[kind[0]], rel=0.03)
    assert noisy.float().mean().item() == pytest.approx(128, abs=0.2)


@settings(deadline=None, max_examples=20)
@given(sigma=st.floats(0, 1), seed=st.integers(0, 50))
def test_noise_stays_what_a_file_can_hold(sigma, seed):
    patches = draw(2, 1, 8, 8, seed=seed)
    z = add_noise(patches, sigma, torch.Generator().manual_seed(seed))
    assert z.dtype == torch.uint8 and torch.equal(z, add_noise(patches, sigma, torch.Generator().manual_seed(seed)))
    assert torch.equal(add_noise(patches, 0.0, torch.Generator()), patches)
    with pytest.raises(ValueError, match="patches must be uint8"):
        add_noise(patches.float(), sigma, torch.Generator())


def test_batches_are_pairs_of_noisy_and_clean(views):
    z, y = NoisyPatches(views, 64)(torch.Generator().manual_seed(0))
    assert z.shape == y.shape == (64, 1, 32, 32) and z.min() >= 0 and z.max() <= 1
    known = {tuple(p.flatten().tolist()) for p in views.flatten(0, 1)}
    assert all(tuple((255 * p).round().byte().flatten().tolist()) in known for p in y)
    strength = (z - y).flatten(1).std(1)
    assert strength.min() < 20 / 255 and strength.max() > 35 / 255, "all levels occur"
    a, p = NoisyPairs(views, 8)(torch.Generator().manual_seed(0))
    assert a.shape == p.shape == (8, 1, 32, 32) and not torch.equal(a, p)


def test_a_pipeline_is_one_network_after_the_other(sequences):
    denoiser, descriptor = nn.Conv2d(1, 1, 3, padding=1), DeepDescriptor(11, 2)
    pipeline, z = Pipeline(denoiser, descriptor).eval(), torch.rand(4, 1, 32, 32)
    torch.testing.assert_close(pipeline(z), descriptor(denoiser(z)))
    noisy = noisy_sequences(sequences)
    half = denoise_sequences(_Half(), noisy)
    assert all(torch.equal(half[name], (noisy[name].float() / 2).round().byte()) for name in noisy)
    exam = Exam.draw(sequences, pairs=100, queries=4, pool=10)
    through, stepwise = exam.mark(Pipeline(_Half(), descriptor), noisy), exam.mark(descriptor, half)
    assert through == pytest.approx(stepwise, abs=3)  # the second rounds to 8 bits in between


class _Half(nn.Module):
    def __init__(self):
        super().__init__()
        self.factor = nn.Parameter(torch.tensor(0.5))

    def forward(self, z):
        return self.factor * z


def test_the_exam_is_worse_with_noise_and_perfect_for_who_knows_the_answer(sequences):
    exam = Exam.draw(sequences, pairs=200, queries=5, pool=12)
    same = {name: patches[:1].expand_as(patches) for name, patches in sequences.items()}
    assert exam.mark(pixel_descriptor, same) == pytest.approx(
        dict.fromkeys(("retrieval", "verification", "matching"), 100.0)
    )
    clean = exam.mark(pixel_descriptor, {name: small(patches) for name, patches in sequences.items()})
    noisy = exam.mark(pixel_descriptor, noisy_sequences(sequences))
    assert all(0 < noisy[task] < clean[task] < 100 for task in clean)


@pytest.mark.parametrize("way", ["coursework", "improved"])
def test_both_ways_train_both_networks(views, way):
    torch.manual_seed(0)
    denoiser, descriptor = ShallowUNet(), DeepDescriptor(11, 2)
    before = [p.clone() for p in (*denoiser.parameters(), *descriptor.parameters())]
    history = train_denoiser(denoiser, views, way, steps=12, batch=8, progress=False)
    assert 0 < history.steps <= 12 and bool(history.metrics) == (way == "improved")
    if way == "improved":
        assert history.loss[-1] < history.loss[0]
    train_descriptor(descriptor, views, way, steps=4, batch=8, progress=False)
    after = (*denoiser.parameters(), *descriptor.parameters())
    assert sum(not torch.equal(a, b) for a, b in zip(before, after, strict=True)) > 0.8 * len(before)


def test_a_frozen_denoiser_stays_and_a_free_one_learns(views):
    for join, learns in ((frozen, False), (Pipeline, True)):
        torch.manual_seed(0)
        pipeline = join(MultiBranchDnCNN(4, (1, 1, 1)), DeepDescriptor(11, 2))
        before = {name: value.clone() for name, value in pipeline.denoiser.state_dict().items()}
        train_descriptor(pipeline, views, steps=3, batch=8, noisy=True, progress=False)
        same = [torch.equal(value, before[name]) for name, value in pipeline.denoiser.state_dict().items()]
        assert all(same) != learns


def test_another_way_is_refused(views):
    for train in (train_denoiser, train_descriptor):
        with pytest.raises(ValueError, match="way must be one of coursework, improved, got 'best'"):
            train(DeepDescriptor(11, 2), views, "best", steps=1)
        with pytest.raises(ValueError, match="views must hold at least 4 points, got 3"):
            train(DeepDescriptor(11, 2), views[:3], steps=1)
