"""Rates and retrieval against scikit-learn, by hand, and on ties; the pictures of distances; the networks."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn import metrics as sk

from course_lib import data
from course_lib.features import embed, evaluating
from course_lib.metric_learning import (
    Classifier,
    EmbeddingNet,
    at_distance,
    embedding_spread,
    is_collapsed,
    open_set_curve,
    pixel_distance,
    retrieval_map,
    roc,
    split_pairs,
)
from course_lib.plotting import mosaic, tsne


def rng(seed):
    return torch.Generator().manual_seed(seed)


@given(seed=st.integers(0, 10_000), ties=st.booleans())
@settings(max_examples=30, deadline=None)
def test_roc_is_scikit_learn_s(seed, ties):
    same, different = torch.rand(40, generator=rng(seed)), 0.4 + torch.rand(60, generator=rng(seed + 1))
    if ties:
        same, different = (10 * same).round() / 10, (10 * different).round() / 10
    curve = roc(same, different)
    truth = np.r_[np.ones(40), np.zeros(60)]
    scores = -torch.cat([same, different]).numpy()
    fpr, tpr, thresholds = sk.roc_curve(truth, scores, drop_intermediate=False)
    np.testing.assert_allclose(curve.false_accepts, fpr, atol=1e-12)
    np.testing.assert_allclose(curve.true_accepts, tpr, atol=1e-12)
    np.testing.assert_allclose(curve.thresholds[1:], -thresholds[1:], atol=1e-6)
    assert curve.area == pytest.approx(sk.roc_auc_score(truth, scores), abs=1e-9)
    # the equal error rate from scikit-learn's curve: where it crosses the falling diagonal
    x = np.linspace(0, 1, 200_001)
    crossing = x[np.argmin(np.abs(np.interp(x, fpr, tpr) - (1 - x)))] if not ties else None
    rate, threshold = curve.equal_error
    if crossing is not None and len(np.unique(fpr)) == len(fpr):
        assert rate == pytest.approx(crossing, abs=1e-4)
    assert 0 <= rate <= 0.75 and threshold in curve.thresholds


def test_equal_error_by_hand():
    curve = roc(torch.tensor([1.0, 2.0, 3.0, 6.0]), torch.tensor([4.0, 5.0, 7.0, 8.0]))
    rate, threshold = curve.equal_error  # at 4: one of four refused (6), one of four accepted (4)
    assert rate == pytest.approx(0.25) and threshold == 4.0
    assert curve.at_false_accepts(0.0) == (3.0, 0.75)
    with pytest.raises(ValueError, match=r"\[0, 1\], got -0.1"):
        curve.at_false_accepts(-0.1)
    for wrong, what in (
        (torch.tensor([1, 2]), "int64"),
        (torch.tensor([1.0, torch.nan]), "1 NaN"),
        (torch.zeros(0), "shape .0,"),
    ):
        with pytest.raises(ValueError, match=f"different must be a vector.*{what}"):
            roc(torch.ones(2), wrong)
    perfect = roc(torch.tensor([1.0, 2.0]), torch.tensor([3.0, 4.0]))
    assert perfect.area == 1 and perfect.equal_error[0] == 0
    assert roc(torch.ones(5), torch.ones(7)).equal_error[0] == pytest.approx(0.5), "no information"


def test_pairs_are_taken_once():
    distances = torch.arange(9.0).view(3, 3)
    same, different = split_pairs(distances, torch.tensor([0, 0, 1]))
    assert same.tolist() == [1] and different.tolist() == [2, 5]
    same, different = split_pairs(distances, torch.tensor([0, 0, 1]), torch.tensor([1, 0, 2]))
    assert same.tolist() == [1, 4, 6] and len(different) == 6
    with pytest.raises(ValueError, match=r"distances must be \(2, 2\).*got \(3, 3\)"):
        split_pairs(distances, torch.tensor([0, 1]))
    labels = torch.tensor([0, 0, 1])
    for call in (
        lambda: split_pairs(distances, labels.to("meta")),
        lambda: retrieval_map(distances, labels, labels.to("meta")),
    ):
        with pytest.raises(ValueError, match="on one device, got meta and cpu"):
            call()


def test_one_class_alone_has_no_rate():
    same, different = split_pairs(torch.rand(3, 3), torch.zeros(3, dtype=torch.long))
    assert len(same) == 3 and len(different) == 0
    with pytest.raises(ValueError, match=r"different must be a vector.*shape \(0,\)"):
        roc(same, different)


def test_precisions_may_differ():
    same, different = torch.tensor([0.5, 1.0]), torch.tensor([1.5, 2.0], dtype=torch.float64)
    assert roc(same, different).area == 1
    assert open_set_curve(same, torch.tensor([True, True]), different).identified.tolist() == [0.5, 1, 1, 1]


def test_open_set_by_hand():
    curve = open_set_curve(torch.tensor([1.0, 2.0, 4.0]), torch.tensor([True, False, True]), torch.tensor([3.0, 5.0]))
    assert curve.thresholds.tolist() == [1, 2, 3, 4, 5]
    np.testing.assert_allclose(curve.identified, [1 / 3, 1 / 3, 1 / 3, 2 / 3, 2 / 3])
    np.testing.assert_allclose(curve.mistaken, [0, 1 / 3, 1 / 3, 1 / 3, 1 / 3])
    np.testing.assert_allclose(curve.false_alarms, [0, 0, 0.5, 0.5, 1])
    with pytest.raises(ValueError, match="without NaN"):
        open_set_curve(torch.tensor([1.0]), torch.tensor([True]), torch.tensor([torch.nan]))


@given(seed=st.integers(0, 10_000), ties=st.booleans())
@settings(max_examples=20, deadline=None)
def test_retrieval_is_scikit_learn_s_average_precision(seed, ties):
    distances = torch.rand(6, 50, generator=rng(seed))
    distances = (5 * distances).round() if ties else distances
    columns = torch.randint(3, (50,), generator=rng(seed + 1))
    rows = columns[:6]
    expected = np.mean(
        [sk.average_precision_score(columns == r, -d) for r, d in zip(rows, distances.numpy(), strict=True)]
    )
    assert retrieval_map(distances, rows, columns) == pytest.approx(expected, abs=1e-6)


def test_constant_embeddings_score_as_chance():
    columns = torch.arange(10).repeat_interleave(5)
    assert retrieval_map(torch.zeros(10, 50), torch.arange(10), columns) == pytest.approx(0.1)
    with pytest.raises(ValueError, match="at least one row"):
        retrieval_map(torch.zeros(0, 50), torch.arange(0), columns)


def test_collapse_is_noticed():
    sphere = torch.nn.functional.normalize(torch.randn(200, 64, generator=rng(0)))
    assert embedding_spread(sphere) == pytest.approx(2**0.5, abs=0.02) and not is_collapsed(sphere)
    point = torch.nn.functional.normalize(torch.ones(64) + 1e-3 * torch.randn(200, 64, generator=rng(1)))
    assert is_collapsed(point) and embedding_spread(torch.ones(5, 3)) == pytest.approx(0, abs=1e-5)
    assert embedding_spread(torch.tensor([[0.0], [3.0], [9.0]])) == pytest.approx((3 + 6 + 9) / 3)
    with pytest.raises(ValueError, match="NaN"):
        is_collapsed(torch.tensor([[0.0], [torch.nan]]))


def test_three_pictures_at_one_distance():
    r, other = data.faces(2, 1, size=32).images.float().div(255).split(1)
    noise = torch.rand(1, 1, 32, 32, generator=rng(0)).round()
    distance = min(pixel_distance(r, x).item() for x in (other, noise, torch.zeros_like(r)))
    trio = [at_distance(r, x, distance) for x in (other, noise, torch.zeros_like(r))]
    for picture in trio:
        assert abs(pixel_distance(picture, r.double()).item() - distance) < 1e-6
        assert picture.min() >= 0 and picture.max() <= 1
    assert pixel_distance(trio[0], trio[1]) > 0.5 * distance, "and they are different pictures"
    with pytest.raises(ValueError, match="how far other is"):
        at_distance(r, other, 5.0)
    with pytest.raises(ValueError, match="floating point in .*got torch.uint8"):
        pixel_distance(data.faces(2, 1).images, torch.zeros(1, 1, 48, 48))
    with pytest.raises(ValueError, match=r"B or 1.*got \(2, 1, 8, 8\), \(3, 1, 8, 8\)"):
        pixel_distance(torch.zeros(2, 1, 8, 8), torch.zeros(3, 1, 8, 8))


def test_a_mosaic_keeps_neighbours():
    cells = torch.cartesian_prod(torch.arange(3.0), torch.arange(4.0)).flip(1)
    images = torch.rand(12, 1, 5, 6, generator=rng(0))
    order = torch.randperm(12, generator=rng(1))
    whole = mosaic(cells[order], images[order], columns=4)
    assert whole.shape == (1, 15, 24)
    torch.testing.assert_close(whole[:, 5:10, 12:18], images[6])
    with pytest.raises(ValueError, match="12 pictures, 12 positions, 5 columns"):
        mosaic(cells, images, columns=5)


def test_tsne_separates_what_is_separate():
    groups = torch.cat([torch.randn(20, 8, generator=rng(0)), 20 + torch.randn(20, 8, generator=rng(1))])
    place = tsne(groups)
    nearest = torch.cdist(place, place).fill_diagonal_(torch.inf).argmin(1)
    assert ((nearest < 20) == (torch.arange(40) < 20)).all() and torch.equal(place, tsne(groups))
    with pytest.raises(ValueError, match=r"N at least 4.*got \(3, 8\)"):
        tsne(groups[:3])


def test_networks():
    torch.manual_seed(0)
    z = torch.rand(3, 1, 48, 40)
    net = EmbeddingNet(dims=16, width=4)
    e = net(z)
    torch.testing.assert_close(e.norm(dim=1), torch.ones(3))
    e[:, 0].sum().backward()
    assert all(p.grad is not None and p.grad.isfinite().all() for p in net.parameters())
    net.eval()
    torch.testing.assert_close(net(0.5 * z + 0.1), net(z), rtol=0.1, atol=0.03)  # brightness and contrast do not matter
    torch.testing.assert_close(embed(net, (255 * z).round().byte(), batch=2), net(z), rtol=0, atol=0.05)
    classifier = Classifier(7, dims=16, width=4)
    assert classifier(z).shape == (3, 7) and (classifier.embed(z) >= 0).all()
    classifier.train()
    assert embed(classifier.embed, z).shape == (3, 16) and classifier.training
    net.body[1].train()  # one layer alone: each is to be left as it was found
    with evaluating(net):
        assert not any(layer.training for layer in net.modules())
    assert net.body[1].training and not net.body[0].training and not net.training
    net.eval()
    classifier.train()
    with pytest.raises(ValueError, match="at least 24 x 24"):
        embed(classifier.embed, torch.rand(2, 1, 20, 30))
    assert classifier.training and classifier.net.body[1].training, "after an error as well"
    with pytest.raises(ValueError, match="a network or a method of one, got function"):
        embed(lambda z: z, z)
    with torch.autocast("cpu", torch.bfloat16):
        assert net(z).dtype == torch.float32
    with pytest.raises(ValueError, match="at least 24 x 24"):
        net(torch.rand(1, 1, 20, 30))
