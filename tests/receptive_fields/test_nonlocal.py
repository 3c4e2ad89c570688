"""Block matching, group filter and NN3D: against brute force, known statistics and the identity."""

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from course_lib import data, reference
from course_lib.metrics import psnr
from course_lib.observation import Gaussian
from course_lib.receptive_fields import (
    block_matching,
    group_filter,
    haar_matrix,
    neighbour_shrink,
    nn3d,
    nonlocal_filter,
    smooth_shrink,
)

SIGMA = 25 / 255


def rand(*shape, seed=0):
    return torch.rand(*shape, generator=torch.Generator().manual_seed(seed))


@settings(max_examples=25, deadline=None)
@given(
    st.integers(6, 20), st.integers(6, 20), st.integers(1, 3), st.integers(1, 4), st.integers(1, 5), st.integers(0, 99)
)  # fmt: skip
def test_with_a_window_over_the_whole_image_the_matches_are_the_nearest_blocks(h, w, channels, block, stride, seed):
    image = rand(1, channels, h, w, seed=seed).double()
    count = min(8, (h - block + 1) * (w - block + 1))
    matches = block_matching(image, block, count, stride, window=2 * max(h, w))[0]
    blocks = torch.stack([
        image[0, :, i : i + block, j : j + block].flatten()
        for i in range(h - block + 1) for j in range(w - block + 1)
    ])  # fmt: skip
    for group in matches:
        distance = (blocks - blocks[group[0]]).square().sum(1)  # the reference is its own best match
        torch.testing.assert_close(distance[group], distance.sort().values[:count])


def test_every_pixel_is_covered_and_references_reach_the_borders():
    matches = block_matching(rand(2, 1, 33, 50), block=8, count=4, stride=5)
    assert matches.shape[::2] == (2, 4)
    rows, columns = matches[0, :, 0] // 43, matches[0, :, 0] % 43
    for position, last in ((rows, 25), (columns, 42)):
        values = position.unique()
        assert values[0] == 0 and values[-1] == last and values.diff().max() <= 5


def test_far_away_blocks_are_not_searched():
    matches = block_matching(rand(1, 1, 120, 120), block=4, count=16, stride=4, window=9)[0]
    reference, found = matches[:, :1], matches[:, 1:]
    # neighbouring references share a window: at most the window and the width of a tile away, also at the border
    assert ((reference // 117 - found // 117).abs()).max() < 9 + 5 * 4
    assert ((reference % 117 - found % 117).abs()).max() < 9 + 5 * 4


@pytest.mark.parametrize("n", [1, 2, 8, 32])
def test_haar_is_orthonormal_and_begins_with_the_mean(n):
    h = haar_matrix(n)
    torch.testing.assert_close(h @ h.T, torch.eye(n))
    torch.testing.assert_close(h @ torch.ones(n), torch.tensor([math.sqrt(n)] + [0.0] * (n - 1)))


def test_haar_is_that_of_pywavelets():
    pywt = pytest.importorskip("pywt")
    x = rand(16)
    expected = torch.cat([torch.tensor(c) for c in pywt.wavedec(x.numpy(), "haar", mode="periodization")])
    torch.testing.assert_close(haar_matrix(16) @ x, expected.float(), atol=1e-6, rtol=1e-5)


@pytest.mark.parametrize("count", [4, 16])
def test_a_group_of_equal_blocks_averages_noise_by_the_root_of_their_number(count):
    noise = 0.1 * torch.randn(1, 1, 64, 64, generator=torch.Generator().manual_seed(0))
    order = torch.randperm(64, generator=torch.Generator().manual_seed(1))
    corner = (torch.arange(8)[:, None] * 8 * 57 + torch.arange(8) * 8).flatten()[order]
    matches = corner.view(1, -1, count)  # disjoint 8 x 8 blocks, so every pixel is in one group only
    y = group_filter(0.5 + noise, matches, tau=1e4, block=8)
    assert y.std().item() == pytest.approx(0.1 / math.sqrt(count), rel=0.1)
    assert y.mean().item() == pytest.approx((0.5 + noise).mean().item(), abs=1e-6)


@pytest.mark.parametrize("shrink", [smooth_shrink, neighbour_shrink])
def test_without_shrinkage_nothing_changes(shrink):
    z = rand(2, 3, 21, 26)
    z[0, :, 3:9] = 0
    matches = block_matching(z, block=5, count=8, stride=3)
    torch.testing.assert_close(group_filter(z, matches, 0, block=5, shrink=shrink), z)


@pytest.mark.parametrize("level", [0.0, 0.3, 1.0])
def test_a_flat_image_stays_as_it_is(level):
    """All blocks tie, so that groups need not hold their reference and leave pixels uncovered."""
    z = torch.full((1, 1, 64, 50), level)
    torch.testing.assert_close(nonlocal_filter(z, 0.1), z)


def test_it_can_be_differentiated():
    z = rand(1, 1, 16, 16).double().requires_grad_()
    matches = block_matching(z.detach(), block=4, count=4)
    assert torch.autograd.gradcheck(lambda x: group_filter(x, matches, 0.1, block=4), z, fast_mode=True)


@settings(max_examples=25, deadline=None)
@given(st.floats(0, 1), st.integers(0, 99))
def test_gains_lie_between_0_and_1_and_fall_with_tau(tau, seed):
    q = torch.randn(2, 4, 1, 6, 6, generator=torch.Generator().manual_seed(seed))
    for shrink in (smooth_shrink, neighbour_shrink):
        gain = shrink(q, tau)
        assert gain.shape == q.shape and gain.min() >= 0 and gain.max() <= 1
        assert (shrink(q, 2 * tau) <= gain).all()


def test_it_follows_brightness_and_contrast():
    z = rand(1, 1, 24, 24)
    matches = block_matching(z, block=6, count=8)
    y = group_filter(z, matches, 0.1, block=6)
    torch.testing.assert_close(group_filter(0.3 * z + 0.2, matches, 0.03, block=6), 0.3 * y + 0.2)


def test_alone_it_denoises_a_photograph():
    y = torch.stack([data.photographs(128, names=[name])[name] for name in ("brick", "coins")])
    z = Gaussian(SIGMA)(y, torch.Generator().manual_seed(0))
    assert (psnr(nonlocal_filter(z, SIGMA), y) - psnr(z, y) > 4).all()


def test_nn3d_without_the_filter_is_the_denoiser():
    z = rand(2, 1, 20, 23)

    def denoiser(z, sigma):
        return z.flip(-1) * sigma

    torch.testing.assert_close(nn3d(z, 0.2, denoiser, rounds=1, strength=0, count=8), denoiser(z, 0.2))
    first = denoiser(z, 0.2)
    torch.testing.assert_close(nn3d(z, 0.2, denoiser, strength=0, count=8), denoiser((z + first) / 2, 0.1))


def test_nn3d_asks_for_less_and_less_noise():
    asked = []
    nn3d(rand(1, 1, 16, 16), 0.3, lambda z, sigma: asked.append(sigma) or z, rounds=3, count=4)
    assert asked == pytest.approx([0.3, 0.15, 0.1])


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda x: block_matching(x[0]), "4 dimensions"),
        (lambda x: block_matching(x, block=25), "no block of 25 x 25"),
        (lambda x: block_matching(x, stride=0), "at least 1"),
        (lambda x: block_matching(x, count=500), "count must be at most 225"),
        (lambda x: group_filter(x, block_matching(x, count=8), -1), "tau must be at least 0"),
        (lambda x: group_filter(x, block_matching(x, count=8), float("nan")), "tau must be at least 0"),
        (lambda x: group_filter(x, block_matching(x, count=6), 0.1), "power of two"),
        (lambda x: group_filter(x, block_matching(x, block=4, count=8), 0.1), "15 x 15 blocks"),
        (lambda x: group_filter(x, block_matching(x, count=8).expand(2, -1, -1), 0.1), "of 1 images"),
        (lambda x: nonlocal_filter(x, 25), "write 25 / 255"),
        (lambda x: nn3d(x, 25, lambda z, s: z), "write 25 / 255"),
        (lambda x: nn3d(x, 0.1, lambda z, s: z, rounds=0), "rounds must be at least 1"),
        (lambda x: nn3d(x, 0.1, lambda z, s: z, strength=-1), "strength at least 0"),
        (lambda x: nonlocal_filter(x * float("nan"), 0.1), "NaN"),
    ],
)
def test_bad_input_is_named(call, message):
    with pytest.raises(ValueError, match=message):
        call(rand(1, 1, 24, 24))


def test_the_recipe_takes_nn3d_apart(monkeypatch):
    """Its halves come from what the denoiser was asked for; here they are computed one by one."""
    from course_lib.receptive_fields.recipes import nonlocality

    y = data.photographs(40, names=["brick"])["brick"]

    def denoiser(z, sigma):
        return z + sigma * (z.roll(1, -1) - z)

    monkeypatch.setattr(nonlocality, "told_denoiser", lambda network, device: denoiser)
    monkeypatch.setattr(data, "set12", lambda: [y])
    metrics = nonlocality.alone_and_reinforced("any", "Set12", (50,), apart=True)
    sigma, y = 50 / 255, y[None]
    z = Gaussian(sigma)(y, torch.Generator().manual_seed(0))
    results = {
        "gain": nn3d(z, sigma, denoiser),
        "gain of one round": nn3d(z, sigma, denoiser, rounds=1),
        "gain of two rounds without the filter": nn3d(z, sigma, denoiser, strength=0),
    }
    alone = psnr(denoiser(z, sigma), y).item()
    assert metrics["Set12, sigma 50: network alone (dB)"] == pytest.approx(alone, abs=1e-4)
    for name, y_hat in results.items():
        expected = psnr(y_hat, y).item() - alone
        assert metrics[f"Set12, sigma 50: {name} (dB)"] == pytest.approx(expected, abs=1e-3), name


def test_where_the_stored_runs_do_not_gain_the_second_round_of_the_network_is_the_reason():
    """One round loses less, and two rounds of the network without the filter lose more."""
    stored = {}
    for name in (n for n in reference.recipes() if n.startswith("nn3d-")):
        if (reference.RESULTS / f"{name}.json").exists():
            stored |= {f"{name}, {k}": v for k, v in reference.result(name)["metrics"].items()}
    gains = {k.removesuffix(": gain (dB)"): v for k, v in stored.items() if k.endswith(": gain (dB)")}
    assert sum(v > 0 for v in gains.values()) > len(gains) / 2
    for row, gain in gains.items():
        if gain <= 0:
            assert stored[f"{row}: gain of one round (dB)"] > gain, row
            assert stored[f"{row}: gain of two rounds without the filter (dB)"] < gain, row
