"""The losses and the mining against pytorch-metric-learning, against cases worked by hand, and on what could break."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from course_lib.metric_learning import (
    contrastive_loss,
    distance_matrix,
    hadsell_loss,
    hardest_negative_loss,
    hardest_triplets,
    mined_triplet_loss,
    pair_distance,
    random_triplets,
    triplet_loss,
)


def batch(people=8, images=4, dims=16, seed=0, scale=0.4):
    """Embeddings in loose clusters, so that triplets of every hardness are among them."""
    draw = torch.Generator().manual_seed(seed)
    labels = torch.arange(people).repeat_interleave(images)
    centres = torch.randn(people, dims, generator=draw)
    embedding = scale * centres[labels] + 0.3 * torch.randn(len(labels), dims, generator=draw)
    order = torch.randperm(len(labels), generator=draw)
    return embedding[order].requires_grad_(), labels[order]


def test_pairs_by_hand():
    a, b = torch.zeros(3, 2), torch.tensor([[3.0, 4.0], [0.3, 0.4], [3.0, 4.0]])  # distances 5, 0.5, 5
    y = torch.tensor([0, 1, 1])  # the same, different and too near, different and far enough
    assert contrastive_loss(a, b, y, margin=2).item() == pytest.approx((5 / 2 + 1.5 / 2 + 0) / 3)
    assert hadsell_loss(a, b, y, margin=2).item() == pytest.approx((25 / 2 + 2.25 / 2 + 0) / 3)


def test_triplets_by_hand():
    anchor, positive = torch.zeros(2, 2), torch.tensor([[0.0, 1.0], [0.0, 1.0]])
    negative = torch.tensor([[1.5, 0.0], [3.0, 0.0]])
    assert triplet_loss(anchor, positive, negative).item() == pytest.approx((1 + 1 - 1.5) / 2)
    assert triplet_loss(anchor, positive, negative, 2.0, squared=True).item() == pytest.approx((2 + 1 - 2.25) / 2)


@pytest.mark.parametrize("squared", [False, True])
@pytest.mark.parametrize("mining", ["all", "batch-hard", "semi-hard"])
def test_mined_triplets_are_those_of_pytorch_metric_learning(mining, squared):
    pytest.importorskip("pytorch_metric_learning")
    from pytorch_metric_learning import distances, losses, miners

    distance = distances.LpDistance(normalize_embeddings=False, power=2 if squared else 1)
    margin = 0.5
    miner = {
        "all": None,
        "batch-hard": miners.BatchHardMiner(distance=distance),
        "semi-hard": miners.TripletMarginMiner(margin, type_of_triplets="semihard", distance=distance),
    }[mining]
    for seed in range(3):
        ours, labels = batch(seed=seed)
        theirs = ours.detach().clone().requires_grad_()
        expected = losses.TripletMarginLoss(margin, distance=distance)(
            theirs, labels, miner(theirs, labels) if miner else None
        )
        loss = mined_triplet_loss(ours, labels, mining, margin, squared)
        torch.testing.assert_close(loss, expected, rtol=0, atol=1e-5)
        loss.backward()
        expected.backward()
        torch.testing.assert_close(ours.grad, theirs.grad, rtol=0, atol=1e-5)
        assert ours.grad.abs().max() > 1e-3


def test_contrastive_losses_are_those_of_pytorch_metric_learning():
    pytest.importorskip("pytorch_metric_learning")
    from pytorch_metric_learning import distances, losses, reducers

    a, b = batch(seed=1)[0], batch(seed=2)[0]
    y = torch.arange(len(a)) % 3 == 0
    index = torch.arange(len(a))
    pairs = (index[~y], index[~y], index[y], index[y])
    peer = losses.ContrastiveLoss(
        0, 2.0, distance=distances.LpDistance(normalize_embeddings=False), reducer=reducers.DoNothingReducer()
    )
    parts = peer(a, index, pairs, b, index)
    pulls, pushes = parts["pos_loss"]["losses"], parts["neg_loss"]["losses"]
    for ours, power in ((contrastive_loss, 1), (hadsell_loss, 2)):
        expected = (pulls.pow(power).sum() + pushes.pow(power).sum()) / (2 * len(a))
        loss = ours(a, b, y, margin=2.0)
        torch.testing.assert_close(loss, expected, rtol=0, atol=1e-5)
        gradients = [torch.autograd.grad(value, a, retain_graph=True)[0] for value in (loss, expected)]
        torch.testing.assert_close(*gradients, rtol=0, atol=1e-5)


@pytest.mark.parametrize("squared", [False, True])
def test_all_is_every_triplet_once(squared):
    embedding, labels = batch(people=4, images=3)
    losses = []
    for a in range(12):
        for p in range(12):
            for n in range(12):
                if a != p and labels[a] == labels[p] != labels[n]:
                    one = [embedding[[i]] for i in (a, p, n)]
                    losses.append(triplet_loss(*one, margin=0.5, squared=squared))
    losses = torch.stack(losses)
    ours = mined_triplet_loss(embedding, labels, "all", 0.5, squared)
    torch.testing.assert_close(ours, losses[losses > 0].mean(), rtol=1e-5, atol=1e-6)


@given(seed=st.integers(0, 1000), people=st.integers(2, 6), images=st.integers(2, 5))
@settings(max_examples=25, deadline=None)
def test_strategies_are_ordered_by_hardness(seed, people, images):
    embedding, labels = batch(people, images, seed=seed)
    a, p, n = hardest_triplets(embedding, labels)
    ra, rp, rn = random_triplets(labels, torch.Generator().manual_seed(seed))
    distances = distance_matrix(embedding)
    assert torch.equal(a, ra) and torch.equal(labels[a], labels[p]) and torch.equal(labels[ra], labels[rp])
    assert (labels[a] != labels[n]).all() and (labels[ra] != labels[rn]).all()
    assert (a != p).all() and (ra != rp).all()
    assert (distances[a, p] - distances[a, n] >= distances[ra, rp] - distances[ra, rn] - 1e-6).all()


def test_random_triplets_are_uniform():
    labels = torch.tensor([0, 0, 0, 0, 1, 1, 2])
    draw = torch.Generator().manual_seed(0)
    counts = torch.zeros(2, 7)
    for _ in range(3000):
        a, p, n = random_triplets(labels, draw)
        counts[0, p[a == 0]] += 1
        counts[1, n[a == 0]] += 1
    torch.testing.assert_close(counts[0, 1:4] / 1000, torch.ones(3), rtol=0, atol=0.1)
    torch.testing.assert_close(counts[1, 4:] / 1000, torch.ones(3), rtol=0, atol=0.1)
    assert not random_triplets(labels)[0].eq(6).any(), "the only image of a person has no positive"


def test_distances_are_exact_far_from_the_origin():
    """A collapsed batch: everything near one point, where the textbook formula loses all digits."""
    embedding = 1000 + 1e-2 * torch.randn(20, 8, generator=torch.Generator().manual_seed(0))
    exact = torch.cdist(embedding.double(), embedding.double()).float()
    torch.testing.assert_close(distance_matrix(embedding), exact, rtol=1e-2, atol=2e-5)


@pytest.mark.parametrize("mining", ["all", "random", "batch-hard", "semi-hard"])
def test_equal_embeddings_and_lonely_labels_give_no_nan(mining):
    embedding = torch.ones(6, 4, requires_grad=True)
    loss = mined_triplet_loss(embedding, torch.tensor([0, 0, 1, 1, 2, 2]), mining, margin=0.3)
    loss.backward()
    assert embedding.grad.isfinite().all()
    assert loss.item() == pytest.approx(0 if mining == "semi-hard" else 0.3), "collapse: the loss is the margin"
    for labels in (torch.arange(6), torch.zeros(6, dtype=torch.long)):
        assert mined_triplet_loss(embedding, labels, mining).item() == 0


@pytest.mark.parametrize("mining", ["all", "random", "batch-hard", "semi-hard"])
def test_nan_is_not_taken_for_a_loss_of_zero(mining):
    embedding, labels = batch()
    broken = embedding.detach().clone()
    broken[5] = torch.nan
    assert mined_triplet_loss(broken, labels, mining).isnan(), "or the training would go on"


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_half_precision_neither_overflows_nor_jumps_at_zero(dtype):
    a = torch.tensor([[300.0, 400.0], [1.0, 1.0]], dtype=dtype, requires_grad=True)
    b = torch.tensor([[0.0, 0.0], [1.0, 1.0]], dtype=dtype)
    d = pair_distance(a, b)
    torch.testing.assert_close(d, torch.tensor([500.0, 0.0]), rtol=1e-5, atol=1e-5)
    contrastive_loss(a, b, torch.zeros(2)).backward()
    assert a.grad.isfinite().all() and (a.grad[1] == 0).all() and (a.grad[0] > 0).all()


def test_it_runs_under_mixed_precision():
    embedding, labels = batch()
    with torch.autocast("cpu", torch.bfloat16):
        loss = mined_triplet_loss(embedding @ torch.eye(16), labels, "all")
    assert loss.dtype == torch.float32 and loss.isfinite()


def test_bad_input_is_named():
    embedding, labels = batch()
    with pytest.raises(ValueError, match="all, random, batch-hard, semi-hard, got 'hardest'"):
        mined_triplet_loss(embedding, labels, "hardest")
    with pytest.raises(ValueError, match=r"labels must be \(32,\) integers.*\(31,\)"):
        mined_triplet_loss(embedding, labels[1:])
    with pytest.raises(ValueError, match=r"\(B, D\), got \(2, 3, 4\)"):
        mined_triplet_loss(torch.zeros(2, 3, 4), torch.zeros(2, dtype=torch.long))
    with pytest.raises(ValueError, match="same shape"):
        triplet_loss(torch.zeros(2, 3), torch.zeros(2, 3), torch.zeros(2, 4))
    with pytest.raises(ValueError, match="one number for each pair"):
        contrastive_loss(torch.zeros(2, 3), torch.zeros(2, 3), torch.zeros(3))
    with pytest.raises(ValueError, match="floating point"):
        distance_matrix(torch.zeros(2, 3, dtype=torch.long))
    with pytest.raises(ValueError, match=r"\(B,\) integers, got \(4,\) torch.float32"):
        random_triplets(torch.zeros(4))


NONE = torch.zeros(0, 3)


@pytest.mark.parametrize(
    "loss",
    [
        lambda: contrastive_loss(NONE, NONE, torch.zeros(0)),
        lambda: hadsell_loss(NONE, NONE, torch.zeros(0)),
        lambda: triplet_loss(NONE, NONE, NONE),
        lambda: hardest_negative_loss(NONE, NONE),
        lambda: mined_triplet_loss(NONE, torch.zeros(0, dtype=torch.long)),
    ],
)
def test_an_empty_batch_is_an_error_and_not_nan(loss):
    with pytest.raises(ValueError, match=r"at least (one row|two rows)"):
        loss()


def test_two_devices_are_named():
    embedding, labels = batch()
    elsewhere = embedding.detach().to("meta")  # a device that every machine has
    for call in (
        lambda: mined_triplet_loss(elsewhere, labels),
        lambda: hardest_triplets(embedding, labels.to("meta")),
        lambda: contrastive_loss(embedding, embedding, labels.to("meta")),
        lambda: triplet_loss(embedding, elsewhere, embedding),
        lambda: hardest_negative_loss(embedding, elsewhere),
    ):
        with pytest.raises(ValueError, match="on one device, got (cpu and meta|meta and cpu)"):
            call()


@pytest.mark.parametrize("mining", ["all", "random", "batch-hard", "semi-hard"])
def test_float64_stays_float64(mining):
    embedding, labels = batch()
    precise = embedding.detach().double().requires_grad_()
    draw = torch.Generator()
    loss = mined_triplet_loss(precise, labels, mining, generator=draw.manual_seed(0))
    rough = mined_triplet_loss(embedding, labels, mining, generator=draw.manual_seed(0))
    assert loss.dtype == torch.float64
    torch.testing.assert_close(loss.float(), rough, rtol=1e-4, atol=1e-5)


def test_the_hardest_negative_in_either_column_or_row():
    torch.manual_seed(0)
    a, p = torch.nn.functional.normalize(torch.randn(2, 7, 5), dim=2)
    a.requires_grad_()
    d = [[(a[i] - p[j]).norm() for j in range(7)] for i in range(7)]
    nearest = [min([d[i][j] for j in range(7) if j != i] + [d[j][i] for j in range(7) if j != i]) for i in range(7)]
    by_hand = sum((0.6 + d[i][i] - nearest[i]).clamp(min=0) for i in range(7)) / 7
    loss = hardest_negative_loss(a, p, margin=0.6)
    torch.testing.assert_close(loss, by_hand)
    torch.testing.assert_close(*(torch.autograd.grad(x, a)[0] for x in (loss, by_hand)), rtol=1e-4, atol=1e-5)
    with pytest.raises(ValueError, match="at least two rows"):
        hardest_negative_loss(a[:1], p[:1])
