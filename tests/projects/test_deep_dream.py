"""Deep Dream: the climb, the shift that hides a stride, the octaves, colours that stay among those that occur."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.nn import functional as F

from course_lib.projects import ascent, colour_covariance, dream, energy, octave_sizes


def draw(*shape, seed=0):
    return torch.rand(shape, generator=torch.Generator().manual_seed(seed))


PICTURE = 0.3 + 0.4 * draw(1, 3, 40, 30)
KERNELS = draw(4, 3, 3, 3, seed=1) - 0.5


def edges(x):
    return energy(F.conv2d(x, KERNELS))


def every_other_pixel(x):
    return x[..., ::2, ::2].mean()


def test_energy_by_hand():
    assert energy(torch.tensor([[[[1.0, -3.0]]]])) == 5


@pytest.mark.parametrize("shift", [(0, 0), (3, -5), (40, 31)])
def test_a_direction_climbs_and_has_the_same_size_for_every_layer(shift):
    loud, value = ascent(lambda x: 1e6 * edges(x), PICTURE, shift)
    direction, quiet = ascent(edges, PICTURE, shift)
    torch.testing.assert_close(loud, direction, rtol=1e-3, atol=1e-4)
    assert direction.abs().mean().item() == pytest.approx(1, abs=1e-4)
    assert edges((PICTURE + 1e-3 * direction).roll(shift, (2, 3))) > edges(PICTURE.roll(shift, (2, 3)))
    torch.testing.assert_close(quiet, edges(PICTURE.roll(shift, (2, 3))))
    assert not direction.requires_grad and not PICTURE.requires_grad


def test_a_shift_moves_nothing_where_no_pixel_is_preferred():
    def squares(x):
        return (x - 0.2).square().mean()

    torch.testing.assert_close(ascent(squares, PICTURE, (7, 2))[0], ascent(squares, PICTURE)[0])


def test_random_shifts_reach_the_pixels_that_a_stride_leaves_out():
    for shift, reached in ((0, 0.25), (2, 1.0)):
        *_, last = dream(every_other_pixel, PICTURE, octaves=1, steps=30, shift=shift)
        changed = (last.picture - PICTURE).abs() > 1e-4
        assert changed.float().mean().item() == pytest.approx(reached)


@settings(deadline=None, max_examples=50)
@given(h=st.integers(17, 400), w=st.integers(17, 400), octaves=st.integers(1, 8), scale=st.floats(1.05, 3))
def test_octaves_grow_to_the_full_size(h, w, octaves, scale):
    sizes = octave_sizes(h, w, octaves, scale)
    assert sizes[-1] == (h, w) and 1 <= len(sizes) <= octaves and min(map(min, sizes)) >= 17
    for (a, b), (c, d) in zip(sizes, sizes[1:], strict=False):
        assert a <= c and b <= d and abs(a * scale - c) <= 0.5 * scale + 0.51


def test_octave_sizes_by_hand_and_what_is_no_octave():
    assert octave_sizes(100, 50, octaves=3, scale=2) == [(50, 25), (100, 50)]  # 25 x 12 is too small
    for arguments in ((16, 50), (50, 50, 0), (50, 50, 3, 1.0)):
        with pytest.raises(ValueError, match="must"):
            octave_sizes(*arguments)


def test_a_dream_grows_what_it_was_asked_for_octave_by_octave():
    steps = list(dream(edges, PICTURE, octaves=2, scale=1.5, steps=5))
    assert [step.octave for step in steps] == [1] * 5 + [0] * 5
    assert [tuple(step.picture.shape[2:]) for step in steps] == [(27, 20)] * 5 + [(40, 30)] * 5
    last = steps[-1].picture
    assert edges(last) > 1.5 * edges(PICTURE) and last.min() >= 0 and last.max() <= 1
    assert last.shape == PICTURE.shape
    again = list(dream(edges, PICTURE, octaves=2, scale=1.5, steps=5))[-1]
    assert torch.equal(again.picture, last)


def test_detail_is_carried_from_octave_to_octave():
    def small_edges(x):
        return edges(x) if x.shape[2] < PICTURE.shape[2] else 0 * x.sum()

    small, full = dream(small_edges, PICTURE, octaves=2, steps=1, rate=0.05)
    size = small.picture.shape[2:]
    detail = small.picture - F.interpolate(PICTURE, size, mode="bilinear", antialias=True)
    enlarged = F.interpolate(detail, PICTURE.shape[2:], mode="bilinear")
    torch.testing.assert_close(full.picture, (PICTURE + enlarged).clamp(0, 1))
    assert detail.abs().mean() > 0.03


def test_grey_pictures_vary_along_grey_and_a_grey_dream_stays_grey():
    grey = draw(1, 1, 40, 30).expand(1, 3, 40, 30)
    covariance = colour_covariance([grey])
    torch.testing.assert_close(covariance, torch.full((3, 3), 1 / 3))
    *_, last = dream(edges, 0.2 + 0.5 * grey, octaves=2, steps=4, colours=covariance)
    assert last.picture.std(dim=1).max() < 1e-4
    *_, bright = dream(edges, 0.2 + 0.5 * grey, octaves=2, steps=4)
    assert bright.picture.std(dim=1).max() > 0.05


def test_colour_covariance_is_numpy_s_up_to_its_scale():
    pictures = [draw(2, 3, 5, 4), draw(1, 3, 6, 7, seed=1).square()]
    pixels = torch.cat([p.permute(0, 2, 3, 1).reshape(-1, 3) for p in pictures])
    numpys = torch.from_numpy(np.cov(pixels.numpy().T)).float()
    found = colour_covariance(pictures)
    torch.testing.assert_close(found / found.trace(), numpys / numpys.trace())
    assert torch.linalg.eigvalsh(found).max().item() == pytest.approx(1, abs=1e-5)
    for nothing in ([], [torch.full((1, 3, 4, 4), 0.5)]):
        with pytest.raises(ValueError, match="at least two different pixels"):
            colour_covariance(nothing)


def test_what_is_no_picture_is_refused_at_once():
    with pytest.raises(ValueError, match="picture must lie in"):
        dream(edges, 3 * PICTURE)
    with pytest.raises(ValueError, match="sides of at least 17"):
        dream(edges, PICTURE[..., :16])
