"""Probes against scikit-learn, against hand-worked cases, and against what must not change."""

import numpy as np
import pytest
import torch
from sklearn.linear_model import LogisticRegression
from sklearn.neighbors import KNeighborsClassifier
from sklearn.preprocessing import StandardScaler

from course_lib.pretext_tasks import (
    NIN,
    accuracy,
    block_features,
    few_labels,
    knn,
    label_curve,
    linear_probe,
    logistic_regression,
)  # fmt: skip


@pytest.fixture(scope="module")
def clouds():
    """Three overlapping clouds in 6 dimensions, scaled very differently along each."""
    generator = torch.Generator().manual_seed(0)
    labels = torch.randint(3, (600,), generator=generator)
    centres = torch.randn(3, 6, generator=generator)
    scales = torch.tensor([1e-3, 1e-2, 0.1, 1.0, 10.0, 100.0])
    features = (centres[labels] + 1.2 * torch.randn(600, 6, generator=generator)) * scales + 3
    return features, labels


@pytest.mark.parametrize("penalty", [1e-4, 1e-2, 1.0])
def test_logistic_regression_is_scikit_learn_s(clouds, penalty):
    x = torch.from_numpy(StandardScaler().fit_transform(clouds[0].numpy()))
    weight, bias = logistic_regression(x, clouds[1], penalty, classes=3)
    theirs = LogisticRegression(C=1 / (penalty * len(x)), tol=1e-9, max_iter=5000).fit(x.numpy(), clouds[1].numpy())
    np.testing.assert_allclose(weight.numpy(), theirs.coef_, atol=2e-3)
    ours = torch.softmax(x @ weight.T + bias, dim=1).numpy()
    np.testing.assert_allclose(ours, theirs.predict_proba(x.numpy()), atol=1e-3)


def test_a_linear_probe_with_one_penalty_agrees_with_a_pipeline_of_scikit_learn(clouds):
    features, labels = clouds
    probe = linear_probe(features[:500], labels[:500], penalties=[1e-2])
    scaler = StandardScaler().fit(features[:500].numpy())
    theirs = LogisticRegression(C=100 / 500, tol=1e-8, max_iter=5000)
    theirs.fit(scaler.transform(features[:500].numpy()), labels[:500].numpy())
    agree = probe(features[500:]).argmax(1).numpy() == theirs.predict(scaler.transform(features[500:].numpy()))
    assert agree.mean() >= 0.99


def test_the_probe_does_not_care_about_units(clouds):
    features, labels = clouds
    units = torch.tensor([2.0, 0.5, 4.0, 8.0, 0.25, 2.0])
    torch.testing.assert_close(
        linear_probe(features * units, labels)(features * units), linear_probe(features, labels)(features),
        rtol=1e-2, atol=1e-2,
    )  # fmt: skip


def test_the_penalty_is_chosen_on_held_out_labels():
    """150 poor copies of one signal: without a penalty, the probe fits their noise instead of taking the mean."""
    generator = torch.Generator().manual_seed(1)
    signal = torch.randn(1200, 1, generator=generator)
    x = signal + 2 * torch.randn(1200, 150, generator=generator)
    labels = (signal[:, 0] > 0).long()
    free, chosen = (linear_probe(x[:200], labels[:200], p) for p in ([1e-5], (1e-5, 1e-1, 1.0)))
    assert chosen.penalty >= 1e-1
    assert accuracy(chosen(x[200:]), labels[200:]) > accuracy(free(x[200:]), labels[200:]) + 2


def test_a_constant_feature_changes_nothing(clouds):
    features, labels = clouds
    more = torch.cat([features, torch.full((600, 1), 7.0)], dim=1)
    torch.testing.assert_close(
        linear_probe(more, labels)(more), linear_probe(features, labels)(features), rtol=1e-2, atol=1e-2
    )


def test_nearest_neighbours_are_scikit_learn_s(clouds):
    x = (clouds[0] - clouds[0].mean(0)) / clouds[0].std(0)
    known, labels, queries = x[:500], clouds[1][:500], x[500:]
    centred = known - known.mean(0)
    theirs = KNeighborsClassifier(5, metric="cosine", weights=lambda distance: np.exp(-distance / 0.07)).fit(
        centred.numpy(), labels.numpy()
    )
    expected = theirs.predict((queries - known.mean(0)).numpy())
    np.testing.assert_array_equal(knn(known, labels, queries, k=5).argmax(1).numpy(), expected)


def test_block_features_are_means_of_maps_and_as_many_for_every_block():
    net = NIN(3, 12).train()
    images = torch.randint(0, 256, (7, 3, 16, 16), dtype=torch.uint8)
    features = block_features(net, images, batch=3)
    assert [tuple(f.shape) for f in features] == [(7, 12)] * 3 and net.training
    with torch.no_grad():
        first, _, last = net.eval().forward_features(images.float() / 255)
    torch.testing.assert_close(features[2], last.mean((2, 3)))
    halves = torch.stack([first[..., :4].mean((2, 3)), first[..., 4:].mean((2, 3))], dim=2).flatten(1)
    torch.testing.assert_close(features[0], halves)
    assert block_features(net, images, features=48)[1].shape == (7, 48)
    with pytest.raises(ValueError, match="multiple"):
        block_features(net, images, features=18)


def test_few_labels_are_balanced_drawn_anew_for_each_seed_and_refused_when_missing():
    labels = torch.arange(40) % 4
    index = few_labels(labels, 3, seed=1)
    assert labels[index].bincount().tolist() == [3, 3, 3, 3] and len(index.unique()) == 12
    assert not torch.equal(index, few_labels(labels, 3, seed=2))
    with pytest.raises(ValueError, match="needs 11"):
        few_labels(labels, 11)


def test_a_label_curve_scores_growing_sets():
    labels = torch.arange(60) % 3
    curve = label_curve(lambda index: float(len(index)), labels, counts=(2, 5), seeds=(0, 1))
    assert curve == {2: [6.0, 6.0], 5: [15.0, 15.0]}


@pytest.mark.parametrize("shapes", [((5, 2, 2), (5,)), ((5, 2), (4,)), ((1, 2), (1,))])
def test_shapes_that_do_not_belong_together_are_refused(shapes):
    features, labels = torch.rand(shapes[0]), torch.zeros(shapes[1], dtype=torch.long)
    with pytest.raises(ValueError, match="features must be"):
        linear_probe(features, labels)
