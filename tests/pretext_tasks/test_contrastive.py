"""Contrastive and negative-free losses against lightly's, augmentations against torchvision's."""

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn
from torch.nn import functional as F

from course_lib.pretext_tasks.augmentations import Views, crop, gaussian_blur, recolour
from course_lib.pretext_tasks.backbone import NIN
from course_lib.pretext_tasks.contrastive import (
    Projected,
    ProjectionHead,
    alignment_loss,
    both_views,
    nt_xent,
    spread,
    twins_found,
)
from course_lib.pretext_tasks.masked_images import hide, masked_image_loss, random_patches
from course_lib.pretext_tasks.without_negatives import (
    barlow_twins_loss,
    effective_rank,
    stop_gradient_loss,
    vicreg_loss,
)


def seeded(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def pair(batch: int, dims: int, seed: int, scale: float = 1.0):
    a, noise = torch.randn(2, batch, dims, generator=seeded(seed)).unbind(0)
    return (scale * a).requires_grad_(), (scale * (a + noise)).detach().requires_grad_()


def value_and_gradients(loss, a, b):
    value = loss(a, b)
    return value, *torch.autograd.grad(value, (a, b))


def lightly_loss(module: str, name: str, **options):
    return getattr(pytest.importorskip(f"lightly.loss.{module}"), name)(**options)


@settings(max_examples=25, deadline=None)
@given(st.integers(2, 40), st.integers(2, 130), st.integers(0, 10_000), st.floats(0.05, 2), st.floats(0.1, 10))
def test_nt_xent_is_lightly_s(batch, dims, seed, temperature, scale):
    a, b = pair(batch, dims, seed, scale)
    theirs = lightly_loss("ntx_ent_loss", "NTXentLoss", temperature=temperature)
    ours = value_and_gradients(lambda a, b: nt_xent(a, b, temperature), a, b)
    for x, y in zip(ours, value_and_gradients(theirs, a, b), strict=True):
        torch.testing.assert_close(x, y, rtol=1e-5, atol=1e-5)


@settings(max_examples=25, deadline=None)
@given(st.integers(2, 40), st.integers(2, 130), st.integers(0, 10_000), st.floats(0.1, 3))
def test_vicreg_and_barlow_twins_are_lightly_s(batch, dims, seed, scale):
    a, b = pair(batch, dims, seed, scale)
    for ours, theirs in (
        (vicreg_loss, lightly_loss("vicreg_loss", "VICRegLoss")),
        (barlow_twins_loss, lightly_loss("barlow_twins_loss", "BarlowTwinsLoss")),
    ):
        got, want = value_and_gradients(ours, a, b), value_and_gradients(theirs, a, b)
        for x, y in zip(got, want, strict=True):
            torch.testing.assert_close(x, y, rtol=1e-5, atol=1e-5)


def test_simsiam_is_lightly_s_negative_cosine_similarity():
    theirs = lightly_loss("negative_cosine_similarity", "NegativeCosineSimilarity")
    (a, b), predict = pair(8, 16, 0), nn.Linear(16, 16)
    got = value_and_gradients(lambda a, b: stop_gradient_loss(a, b, predict), a, b)
    want = value_and_gradients(lambda a, b: (theirs(predict(a), b.detach()) + theirs(predict(b), a.detach())) / 2, a, b)
    for x, y in zip(got, want, strict=True):
        torch.testing.assert_close(x, y, rtol=0, atol=1e-5)


def test_nt_xent_by_hand():
    """Two pictures, all four views equal: three alternatives each, so log 3."""
    same = torch.ones(2, 3)
    assert nt_xent(same, same).item() == pytest.approx(math.log(3))
    # the twin has cosine 1, the two others 0: e / (e + 2)
    e = torch.eye(2)
    assert nt_xent(e, e, temperature=1.0).item() == pytest.approx(math.log((math.e + 2) / math.e))


def test_nt_xent_does_not_mind_length_order_or_who_is_first():
    a, b = pair(12, 8, 0)
    loss, order = nt_xent(a, b), torch.randperm(12, generator=seeded())
    torch.testing.assert_close(nt_xent(5 * a, 0.1 * b), loss)
    torch.testing.assert_close(nt_xent(a[order], b[order]), loss)
    torch.testing.assert_close(nt_xent(b, a), loss)
    assert nt_xent(a, b[order]) > loss


def test_gradcheck_in_double_precision():
    a, b = (x.detach().double().requires_grad_() for x in pair(4, 3, 0))
    assert torch.autograd.gradcheck(lambda a, b: nt_xent(a, b, 0.3), (a, b))
    assert torch.autograd.gradcheck(vicreg_loss, (a, b))
    assert torch.autograd.gradcheck(barlow_twins_loss, (a, b))


def test_inputs_stay_as_they_were():
    a, b = pair(6, 4, 0)
    copies = a.detach().clone(), b.detach().clone()
    for loss in (nt_xent, vicreg_loss, barlow_twins_loss, alignment_loss):
        loss(a, b).backward()
    assert torch.equal(a, copies[0]) and torch.equal(b, copies[1])


def test_a_constant_satisfies_alignment_alone():
    one = torch.ones(8, 4)
    assert alignment_loss(one, one).item() == pytest.approx(0, abs=1e-6)
    assert spread(one) == 0
    assert spread(torch.randn(4000, 64, generator=seeded())) == pytest.approx(1, abs=0.02)
    assert vicreg_loss(one, one) > 20
    assert nt_xent(one, one) > nt_xent(torch.eye(8), torch.eye(8))


def test_twins_are_found_by_the_cosine():
    a = torch.eye(4)
    assert twins_found(a, 3 * a) == 100
    assert twins_found(a, a.roll(1, 0)) == 0
    # the last row is nobody's twin, so six of eight
    b = torch.tensor([[1.0, 0.1, 0, 0], [0, 1, 0.1, 0], [0, 0.7, 0.8, 0], [0, 0, 0, -1]])
    assert twins_found(a, b) == pytest.approx(100 * 6 / 8)


def test_effective_rank_counts_directions():
    """A line has 1, an even spread over five axes 5, and neither place nor size matter."""
    line = torch.linspace(-1, 1, 20)[:, None] * torch.ones(8)
    assert effective_rank(line) == pytest.approx(1, abs=1e-3)
    axes = torch.cat([torch.eye(5), -torch.eye(5)]) @ torch.linalg.qr(torch.randn(8, 8, generator=seeded()))[0][:5]
    assert effective_rank(7 * axes + 3) == pytest.approx(5, abs=1e-3)


@pytest.mark.parametrize("loss", [nt_xent, vicreg_loss, barlow_twins_loss, alignment_loss])
def test_losses_refuse(loss):
    for a, b in ((torch.rand(3, 4), torch.rand(3, 5)), (torch.rand(3), torch.rand(3)), (torch.ones(3, 4).long(),) * 2):
        with pytest.raises(ValueError, match="must"):
            loss(a, b)


def test_temperature_and_batch_must_make_sense():
    with pytest.raises(ValueError, match="temperature"):
        nt_xent(torch.rand(3, 4), torch.rand(3, 4), temperature=0)
    with pytest.raises(ValueError, match="two rows"):
        vicreg_loss(torch.rand(1, 4), torch.rand(1, 4))


def test_projection_head_has_the_shape_it_says():
    assert ProjectionHead(32, 64, 16)(torch.rand(4, 32)).shape == (4, 16)


def test_both_views_pass_as_one_batch_and_gradients_reach_every_weight():
    torch.manual_seed(0)
    model, x = Projected(NIN(2, 8)), images(8)
    a, b = both_views(model, (x, x.flip(-1)))
    assert a.shape == b.shape == (8, 128)
    nt_xent(a, b).backward()
    assert all(p.grad is not None and p.grad.isfinite().all() for p in model.parameters())
    assert all(p.grad.abs().sum() > 0 for p in model.backbone.parameters() if p.ndim == 4)


# --- augmentations


def images(batch: int = 6, size: int = 16) -> torch.Tensor:
    return torch.rand(batch, 3, size, size, generator=seeded())


def still(batch: int):
    return dict(
        middle=torch.zeros(batch, 2), half=torch.ones(batch, 2), angle=torch.zeros(batch), mirror=torch.ones(batch)
    )


def test_colours_are_torchvision_s():
    """One factor a picture, where torchvision takes one for all; mild colours, since it clips in between."""
    from torchvision.transforms import functional as V

    x = 0.35 + 0.2 * images()
    factor, one, zero = torch.linspace(0.6, 1.4, 6), torch.ones(6), torch.zeros(6)
    ours = {
        "adjust_brightness": recolour(x, factor, one, one, zero),
        "adjust_contrast": recolour(x, one, factor, one, zero),
        "adjust_saturation": recolour(x, one, one, factor, zero),
    }
    for name, got in ours.items():
        want = torch.stack([getattr(V, name)(x[i], factor[i].item()) for i in range(6)])
        torch.testing.assert_close(got, want, rtol=0, atol=2e-4)
    torch.testing.assert_close(
        recolour(x, one, one, zero, zero), V.rgb_to_grayscale(x, num_output_channels=3), rtol=0, atol=2e-4
    )


def test_hue_turns_and_comes_back_and_keeps_the_luma():
    x, one = 0.4 + 0.1 * images(), torch.ones(6)
    turned = recolour(x, one, one, one, torch.full((6,), 0.25))
    luma = torch.tensor([0.299, 0.587, 0.114])
    torch.testing.assert_close(torch.einsum("bchw,c->bhw", turned, luma), torch.einsum("bchw,c->bhw", x, luma))
    assert (turned - x).abs().max() > 0.05
    torch.testing.assert_close(recolour(turned, one, one, one, torch.full((6,), 0.75)), x)


def test_crop_of_everything_is_the_picture_and_a_mirror_is_a_flip():
    x, whole = images(), still(6)
    torch.testing.assert_close(crop(x, **whole, size=16), x)
    torch.testing.assert_close(crop(x, **whole | {"mirror": -torch.ones(6)}, size=16), x.flip(-1))
    quarter = torch.full((6,), torch.pi / 2)
    torch.testing.assert_close(crop(x, **whole | {"angle": quarter}, size=16), x.rot90(1, (2, 3)), rtol=0, atol=1e-4)


def test_a_crop_is_a_window():
    """The upper right quarter, without resampling."""
    x, window = images(), still(6) | {"middle": torch.tensor([[0.5, -0.5]] * 6), "half": torch.full((6, 2), 0.5)}
    torch.testing.assert_close(crop(x, **window, size=8), x[..., :8, 8:])


def test_blur_is_torchvision_s():
    from torchvision.transforms import functional as V

    x, sigma = images(), torch.tensor([0.0, 0.3, 0.5, 1.0, 1.5, 2.0])
    got = gaussian_blur(x, sigma, radius=6)
    torch.testing.assert_close(got[0], x[0])
    for i in range(1, 6):
        torch.testing.assert_close(got[i], V.gaussian_blur(x[i], 13, sigma[i].item()), rtol=0, atol=1e-5)


def test_views_are_seeded_differ_by_picture_and_stay_in_range():
    x, views = images(1).expand(64, -1, -1, -1), Views(blur=0.5)
    one, again, other = views(x, seeded()), views(x, seeded()), views(x, seeded(1))
    assert torch.equal(one, again) and not torch.equal(one, other)
    assert one.min() >= 0 and one.max() <= 1 and one.shape == x.shape
    assert len(one.flatten(1).unique(dim=0)) == 64
    grey = (one - one.mean(1, keepdim=True)).abs().flatten(1).amax(1) < 1e-3
    assert 0.05 < grey.float().mean() < 0.4


def test_without_any_probability_a_view_is_the_picture():
    nothing = Views(area=(1, 1), ratio=(1, 1), flip=0, jittered=0, grey=0)
    torch.testing.assert_close(nothing(images(), seeded()), images(), rtol=0, atol=1e-5)


def test_views_refuse_grey_levels():
    with pytest.raises(ValueError, match=r"\[0, 1\]"):
        Views()(255 * images(), seeded())


# --- holes


@settings(max_examples=20, deadline=None)
@given(st.integers(1, 5), st.sampled_from([2, 4, 8]), st.floats(0.1, 0.9), st.integers(0, 1000))
def test_equally_many_whole_patches_are_hidden(batch, patch, hidden, seed):
    mask = random_patches(torch.rand(batch, 3, 16, 16), seeded(seed), patch, hidden)
    means = F.avg_pool2d(mask.float(), patch)
    assert ((means == 0) | (means == 1)).all()
    assert means.flatten(1).sum(1).tolist() == [round(hidden * (16 // patch) ** 2)] * batch


def test_only_hidden_pixels_count():
    x, mask = images(), random_patches(images(), seeded())
    nonsense = torch.where(mask, x, torch.rand(x.shape, generator=seeded(1)))
    assert masked_image_loss(nonsense, x, mask) == 0
    assert torch.equal(hide(x, mask), torch.where(mask, torch.tensor(0.45), x))
    assert masked_image_loss(x + 0.5 * mask, x, mask).item() == pytest.approx(0.5)
