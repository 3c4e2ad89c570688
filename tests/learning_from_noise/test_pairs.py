"""Two recordings have the picture in common and nothing else; patches of stored recordings lie on top of each other."""

import pytest
import torch

from course_lib import observation
from course_lib.learning_from_noise import NoisyPatches, noise_correlation, record_once, two_recordings

MODELS = {
    "Gaussian": observation.Gaussian(0.1),
    "Poisson": observation.Poisson(30.0),
    "PoissonGaussian": observation.PoissonGaussian(30.0, 0.05),
    "SignalDependent": observation.SignalDependent(0.01, 0.001),
    "Correlated": observation.Correlated(0.1, 1),
    "Bernoulli": observation.Bernoulli(0.5),
    "SaltAndPepper": observation.SaltAndPepper(0.3),
    "Specks": observation.Specks(),
    "Chain": observation.Chain(observation.Bernoulli(0.5), observation.Gaussian(0.1)),
}


def generator(seed=0):
    return torch.Generator().manual_seed(seed)


@pytest.mark.parametrize("name", MODELS)
def test_the_noise_of_the_two_is_independent_and_of_one_kind(name):
    y = torch.full((4, 1, 128, 128), 0.4)
    first, second = two_recordings(y, MODELS[name], generator())
    assert not torch.equal(first, second)
    together = torch.corrcoef(torch.stack([first.flatten(), second.flatten()]))[0, 1]
    assert together.abs() < 0.03
    assert first.std().item() == pytest.approx(second.std().item(), rel=0.03)
    again = two_recordings(y, MODELS[name], generator())
    assert torch.equal(first, again[0]) and torch.equal(second, again[1])


def test_patches_of_recordings_are_cut_at_one_place():
    pictures = [torch.rand(1, 40 + k, 50, generator=generator(k)) for k in range(3)]
    recordings = [torch.stack([y, y + 1, 3 * y]) for y in pictures]
    first, second, third = NoisyPatches(recordings, size=16, batch=8)(generator())
    assert first.shape == (8, 1, 16, 16)
    torch.testing.assert_close(second, first + 1, atol=1e-5, rtol=0)
    torch.testing.assert_close(third, 3 * first, atol=1e-5, rtol=0)


def test_recordings_are_made_once_and_noise_is_not_clipped():
    pictures = torch.randint(256, (5, 1, 32, 32), dtype=torch.uint8, generator=generator())
    recordings = record_once(pictures, observation.Gaussian(0.2), seed=3, count=2)
    assert [r.shape for r in recordings] == [(2, 1, 32, 32)] * 5
    assert all(map(torch.equal, recordings, record_once(pictures, observation.Gaussian(0.2), seed=3, count=2)))
    patches = NoisyPatches(recordings, size=32, batch=64)
    seen = torch.cat(patches(generator()))
    assert seen.min() < 0 and seen.max() > 1
    noise = recordings[0] - pictures[0].float() / 255
    assert noise_correlation(noise, 1)[1, 2].abs() < 0.1


def test_colour_has_three_channels_in_each_recording():
    recordings = torch.rand(2, 2, 3, 20, 20, generator=generator())
    first, second = NoisyPatches(recordings, size=8, batch=4)(generator())
    assert first.shape == second.shape == (4, 3, 8, 8)


def test_what_is_refused():
    with pytest.raises(ValueError, match=r"every scene must be \(K, C, H, W\) with the same K and C"):
        NoisyPatches([torch.zeros(1, 1, 9, 9), torch.zeros(2, 1, 9, 9)], 8, 4)
    with pytest.raises(ValueError, match=r"every scene must be \(K, C, H, W\)"):
        NoisyPatches(torch.zeros(3, 9, 9), 8, 4)
