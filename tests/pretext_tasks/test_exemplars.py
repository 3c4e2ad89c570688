"""Exemplar networks: where seeds are taken, and what their copies are."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from skimage.util import view_as_windows

from course_lib.pretext_tasks.exemplars import draw_exemplars, gradient_energy


def seeded(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def pictures(count: int = 6, size: int = 24) -> torch.Tensor:
    return (255 * torch.rand(count, 3, size, size, generator=seeded())).byte()


@settings(max_examples=15, deadline=None)
@given(st.integers(2, 12), st.integers(0, 1000))
def test_gradient_energy_is_numpy_s_gradient_averaged_over_windows(size, seed):
    x = torch.rand(2, 3, 12, 14, generator=seeded(seed), dtype=torch.float64)
    luma = np.einsum("bchw,c->bhw", x.numpy(), [0.299, 0.587, 0.114])
    squares = sum(g**2 for g in np.gradient(luma, axis=(1, 2)))
    want = np.stack([view_as_windows(s, (size, size)).mean((2, 3)) for s in squares])
    torch.testing.assert_close(gradient_energy(x, size), torch.from_numpy(want))


def test_seeds_are_taken_where_something_is():
    """Grey pictures with one speckled corner: nearly all seeds overlap it."""
    images = torch.full((200, 3, 32, 32), 128, dtype=torch.uint8)
    images[:, :, 20:, 20:] = pictures(200, 12)
    chosen = draw_exemplars(images, 200, 8, seeded())
    corner = (chosen.middle + 1) * 16 - 4
    assert (corner.amin(1) + 8 > 20).float().mean() > 0.95
    assert corner.min() >= 0 and corner.max() <= 24


def test_a_seed_is_the_window_that_it_says():
    images = pictures()
    chosen = draw_exemplars(images, 6, 10, seeded())
    corner = ((chosen.middle + 1) * 12 - 5).round().long()
    for k, (x, y) in enumerate(corner.tolist()):
        window = images[k, :, y : y + 10, x : x + 10].float() / 255
        torch.testing.assert_close(chosen.seeds()[k], window, rtol=0, atol=1e-4)


def test_copies_are_seeded_and_labelled_by_their_seed():
    chosen = draw_exemplars(pictures(), 6, 12, seeded())
    copies, labels = chosen.batch(64, 16, seeded())
    again, _ = chosen.batch(64, 16, seeded())
    assert copies.shape == (64, 3, 16, 16) and torch.equal(copies, again)
    assert set(labels.tolist()) == set(range(6)) and copies.min() >= 0 and copies.max() <= 1
    # one colour a picture survives every distortion of place
    plain = torch.arange(6, dtype=torch.uint8)[:, None, None, None].expand(-1, 3, 24, 24) * 40
    chosen = draw_exemplars(plain.contiguous(), 6, 12, seeded())
    copies, labels = chosen.batch(64, 16, seeded(1))
    assert copies.flatten(1).std(1).max() < 1e-3
    ratio = copies.mean((1, 2, 3))[labels > 0] / (labels[labels > 0] * 40 / 255)
    assert ratio.min() > 0.69 and ratio.max() < 1.31


@pytest.mark.parametrize(
    ("images", "count", "size", "word"),
    [
        (pictures().float(), 2, 8, "uint8"),
        (pictures(), 7, 8, "count"),
        (pictures(), 0, 8, "count"),
        (pictures(), 2, 30, "size"),
    ],
)
def test_nonsense_is_refused(images, count, size, word):
    with pytest.raises(ValueError, match=word):
        draw_exemplars(images, count, size, seeded())
