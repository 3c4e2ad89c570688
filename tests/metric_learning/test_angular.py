"""ArcFace and InfoNCE against pytorch-metric-learning, against cases worked by hand, and at the ends of the circle."""

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.nn import functional as F

from course_lib.metric_learning import CosineClassifier, arcface_loss, info_nce
from course_lib.pretext_tasks import nt_xent


def batch(rows=12, classes=5, dims=8, seed=0):
    """Embeddings and centres in float64, and a class for each row; every class has at least two rows."""
    draw = torch.Generator().manual_seed(seed)
    embedding = torch.randn(rows, dims, generator=draw, dtype=torch.float64).requires_grad_()
    centres = torch.randn(classes, dims, generator=draw, dtype=torch.float64).requires_grad_()
    return embedding, centres, torch.arange(rows) % classes


def cosines(embedding, centres):
    return F.normalize(embedding, dim=1) @ F.normalize(centres, dim=1).T


def own_logit(degrees, margin=0.5, **options):
    """``cos(t + m)``, or what stands for it, read from the loss of two classes of which the other is at 90 degrees."""
    angle = torch.as_tensor(degrees, dtype=torch.float64).deg2rad()
    cosine = torch.stack([angle.cos(), torch.zeros_like(angle)], -1)
    label = torch.zeros(1, dtype=torch.long)
    losses = torch.stack([arcface_loss(row[None], label, margin, scale=1, **options) for row in cosine])
    return -losses.expm1().log()  # the loss is log(1 + e^-logit)


# ---- ArcFace -------------------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32])
@pytest.mark.parametrize(("degrees", "scale"), [(28.6, 64), (17.2, 16), (0, 30), (60, 4)])
def test_arcface_is_that_of_pytorch_metric_learning(degrees, scale, dtype):
    peers = pytest.importorskip("pytorch_metric_learning.losses")
    for seed in range(3):
        e, w, labels = batch(seed=seed)
        # some of every kind: near the own centre, anywhere, and beyond 180 degrees less the margin
        with torch.no_grad():
            e[:4] += 3 * w[labels[:4]]
            e[-4:] -= 5 * w[labels[-4:]]
        e, w = e.detach().to(dtype).requires_grad_(), w.detach().to(dtype).requires_grad_()
        peer = peers.ArcFaceLoss(len(w), w.shape[1], margin=degrees, scale=scale)
        peer.W = torch.nn.Parameter(w.detach().T.clone())
        theirs = e.detach().clone().requires_grad_()
        expected = peer(theirs, labels)
        loss = arcface_loss(cosines(e, w), labels, math.radians(degrees), scale)
        torch.testing.assert_close(loss, expected, rtol=1e-6, atol=1e-5)
        gradients = torch.autograd.grad(loss, (e, w))
        of_e, of_w = torch.autograd.grad(expected, (theirs, peer.W))
        torch.testing.assert_close(gradients, (of_e, of_w.T), rtol=1e-4, atol=1e-5)
        assert gradients[0].abs().max() > 1e-2


def test_arcface_by_hand():
    # 60 degrees from the own centre and 90 from the other, 30 degrees of margin: cos 90 = 0 against cos 90 = 0
    half = arcface_loss(torch.tensor([[0.5, 0.0]]), torch.tensor([0]), math.radians(30), scale=10)
    assert half.item() == pytest.approx(math.log(2), abs=1e-5)
    # without a margin it is a cross-entropy
    cosine = torch.tensor([[0.5, -0.2, 0.9], [0.1, 0.3, 0.2]])
    labels = torch.tensor([2, 0])
    torch.testing.assert_close(arcface_loss(cosine, labels, 0.0, 7.0), F.cross_entropy(7 * cosine, labels))


@given(margin=st.floats(0, math.pi / 2), first=st.floats(0, 180), second=st.floats(0, 180))
@settings(max_examples=60, deadline=None)
def test_the_farther_from_the_own_centre_the_larger_the_loss(margin, first, second):
    near, far = sorted((first, second))
    logit = own_logit([near, far], margin)
    assert logit[1] <= logit[0] + 1e-6, "also beyond 180 degrees less the margin, where cos(t + m) rises"
    plain = torch.tensor([near, far], dtype=torch.float64).deg2rad().cos()
    assert (logit <= plain + 1e-6).all(), "never easier than without a margin"


@given(margin=st.floats(0.01, 1.5), seed=st.integers(0, 1000), scale=st.floats(1, 64))
@settings(max_examples=30, deadline=None)
def test_a_margin_costs_and_neither_length_nor_order_matters(margin, seed, scale):
    e, w, labels = batch(seed=seed)
    loss = arcface_loss(cosines(e, w), labels, margin, scale)
    assert loss > arcface_loss(cosines(e, w), labels, 0.0, scale)
    stretched = cosines(e * torch.rand(len(e), 1).double().add(0.5), 3 * w)
    torch.testing.assert_close(arcface_loss(stretched, labels, margin, scale), loss)
    renamed = torch.randperm(len(w))
    torch.testing.assert_close(arcface_loss(cosines(e, w[renamed]), renamed.argsort()[labels], margin, scale), loss)


def test_the_easy_margin_asks_it_only_of_those_within_a_right_angle():
    degrees = [10.0, 89.0, 91.0, 170.0]
    plain = torch.tensor(degrees, dtype=torch.float64).deg2rad()
    hard, easy = own_logit(degrees), own_logit(degrees, easy_margin=True)
    torch.testing.assert_close(easy[:2], (plain[:2] + 0.5).cos(), rtol=0, atol=1e-6)
    torch.testing.assert_close(easy[2:], plain[2:].cos(), rtol=0, atol=1e-6)
    torch.testing.assert_close(hard[:3], (plain[:3] + 0.5).cos(), rtol=0, atol=1e-6)
    torch.testing.assert_close(hard[3], plain[3].cos() - 0.5 * math.sin(0.5), rtol=0, atol=1e-6)


@pytest.mark.parametrize("easy_margin", [False, True])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float16, torch.bfloat16, torch.float64])
def test_at_the_ends_values_and_gradients_are_numbers(dtype, easy_margin):
    """An embedding on its centre, opposite to it, at a right angle, and a cosine that rounding has carried past 1."""
    ends = [1.0, -1.0, 0.0, 1 + 1e-6, -1 - 1e-6, -math.cos(0.5)]
    cosine = torch.tensor([[own, 0.3] for own in ends], dtype=dtype).requires_grad_()
    loss = arcface_loss(cosine, torch.zeros(len(ends), dtype=torch.long), easy_margin=easy_margin)
    loss.backward()
    assert loss.isfinite() and cosine.grad.isfinite().all()
    assert loss.dtype == (torch.float64 if dtype == torch.float64 else torch.float32)


@pytest.mark.parametrize("sign", [1, -1])
def test_an_embedding_on_its_centre_gets_a_gradient_of_numbers(sign):
    e, w, labels = batch()
    onto = (sign * w[labels]).detach().float().requires_grad_()
    arcface_loss(cosines(onto, w.float()), labels).backward()
    assert onto.grad.isfinite().all() and onto.grad.abs().max() < 1e3


def test_training_a_handful_of_points_puts_classes_apart_by_the_margin():
    """Six embeddings that may move freely on a circle, three classes: after the training nobody is near the border."""
    torch.manual_seed(0)
    e, w = torch.nn.Parameter(torch.randn(6, 2)), torch.nn.Parameter(torch.randn(3, 2))
    labels = torch.arange(6) % 3
    optimizer = torch.optim.Adam([e, w], lr=0.05)
    for _ in range(300):
        optimizer.zero_grad()
        arcface_loss(cosines(e, w), labels, scale=16).backward()
        optimizer.step()
    angles = cosines(e, w).detach().clamp(-1, 1).acos()
    own = angles.gather(1, labels[:, None])[:, 0]
    others = angles.scatter(1, labels[:, None], torch.inf).min(1).values
    assert (own + 0.5 < others).all()


# ---- InfoNCE -------------------------------------------------------------------------------------


@pytest.mark.parametrize("temperature", [0.07, 0.5])
def test_info_nce_is_nt_xent_of_pytorch_metric_learning(temperature):
    peers = pytest.importorskip("pytorch_metric_learning.losses")
    for seed in range(3):
        ours, _, labels = batch(seed=seed)
        labels = labels.clamp(max=3)  # one person more often than the others
        theirs = ours.detach().clone().requires_grad_()
        expected = peers.NTXentLoss(temperature)(theirs, labels)
        loss = info_nce(ours, labels, temperature)
        torch.testing.assert_close(loss, expected, rtol=0, atol=1e-5)
        gradients = torch.autograd.grad(loss, ours)[0], torch.autograd.grad(expected, theirs)[0]
        torch.testing.assert_close(*gradients, rtol=0, atol=1e-5)
        assert gradients[0].abs().max() > 1e-3


@given(seed=st.integers(0, 1000), people=st.integers(2, 6), temperature=st.floats(0.05, 2))
@settings(max_examples=30, deadline=None)
def test_with_everybody_twice_it_is_simclrs_loss(seed, people, temperature):
    a, b = torch.randn(2, people, 8, generator=torch.Generator().manual_seed(seed))
    labels = torch.arange(people).repeat(2)
    torch.testing.assert_close(info_nce(torch.cat([a, b]), labels, temperature), nt_xent(a, b, temperature))


@given(seed=st.integers(0, 1000))
@settings(max_examples=20, deadline=None)
def test_order_and_names_do_not_matter_and_a_nearer_negative_costs(seed):
    e, _, labels = batch(seed=seed)
    loss = info_nce(e, labels)
    order = torch.randperm(len(e))
    torch.testing.assert_close(info_nce(e[order], 7 - labels[order]), loss)
    torch.testing.assert_close(info_nce(3 * e, labels), loss)
    with torch.no_grad():
        nearer = e.clone()
        nearer[1] = e[0]  # somebody else in the place of the first
    assert info_nce(nearer[:2].repeat(2, 1), labels[:2].repeat(2)) > info_nce(e[:2].repeat(2, 1), labels[:2].repeat(2))


@pytest.mark.parametrize("labels", [torch.zeros(6, dtype=torch.long), torch.arange(6)])
def test_a_batch_without_pairs_or_without_others_teaches_nothing(labels):
    e = torch.randn(6, 4, requires_grad=True)
    loss = info_nce(e, labels)
    loss.backward()
    assert loss.item() == 0 and (e.grad == 0).all()


def test_equal_embeddings_and_nan():
    e = torch.ones(6, 4, requires_grad=True)
    labels = torch.arange(6) // 2
    loss = info_nce(e, labels)
    loss.backward()
    assert loss.item() == pytest.approx(math.log(5)) and e.grad.isfinite().all(), "one positive and four negatives"
    broken = torch.ones(6, 4)
    broken[3] = torch.nan
    assert info_nce(broken, labels).isnan() and arcface_loss(broken / 2, labels).isnan(), "or the training would go on"


# ---- both ----------------------------------------------------------------------------------------


def test_bad_input_is_named():
    cosine, labels = torch.zeros(4, 3), torch.tensor([0, 1, 2, 0])
    for call, message in (
        (lambda: arcface_loss(cosine, labels, margin=28.6), "radians.*28.6"),
        (lambda: arcface_loss(cosine, labels, margin=-0.1), "radians"),
        (lambda: arcface_loss(cosine, labels, scale=0), "scale must be positive, got 0"),
        (lambda: arcface_loss(cosine + 3, labels), "logits"),
        (lambda: arcface_loss(cosine, labels + 1), "from 0 to 2"),
        (lambda: arcface_loss(cosine, labels[:3]), r"labels must be \(4,\) integers.*\(3,\)"),
        (lambda: arcface_loss(cosine[:0], labels[:0]), "at least one row"),
        (lambda: arcface_loss(cosine, labels.to("meta")), "on one device"),
        (lambda: info_nce(cosine, labels, temperature=0), "temperature must be positive, got 0"),
        (lambda: info_nce(cosine, labels.float()), "integers"),
        (lambda: info_nce(cosine[:0], labels[:0]), "at least one row"),
        (lambda: info_nce(cosine[0], labels), r"\(B, D\)"),
        (lambda: info_nce(cosine, labels.to("meta")), "on one device"),
    ):
        with pytest.raises(ValueError, match=message):
            call()


def test_a_cosine_classifier_gives_cosines_also_in_mixed_precision():
    torch.manual_seed(0)
    model, z = CosineClassifier(5, dims=16, width=4).eval(), torch.rand(3, 1, 24, 24)
    model.centres.data *= 40
    e, cosine = model.embed(z), model(z)
    assert cosine.shape == (3, 5) and cosine.abs().max() <= 1 + 1e-6
    torch.testing.assert_close(e.norm(dim=1), torch.ones(3))
    torch.testing.assert_close(cosine, cosines(e, model.centres))
    with torch.autocast("cpu", torch.bfloat16):
        mixed, e = model(z), model.embed(z)
    torch.testing.assert_close(mixed, cosines(e, model.centres), rtol=0, atol=1e-6)  # bfloat16 has three digits
    assert mixed.dtype == torch.float32
