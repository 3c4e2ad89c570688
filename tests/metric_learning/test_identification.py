"""Batches with pairs in them, the exam on unseen people, and that the recipes learn something."""

import pytest
import torch

from course_lib import data, training
from course_lib.metric_learning import EmbeddingNet, PeopleBatches, enrol_first, identify_unseen, jittered
from course_lib.metric_learning.recipes import evaluation
from course_lib.metric_learning.recipes import siamese_networks as recipes
from course_lib.reference.recipe import Scale


def rng(seed=0):
    return torch.Generator().manual_seed(seed)


def coloured(labels):
    """Pictures that carry their own number: person in one channel, picture in the other."""
    number = torch.arange(len(labels))
    return torch.stack([labels, number], 1)[:, :, None, None].expand(-1, -1, 3, 3).byte()


def test_a_batch_holds_people_with_their_own_pictures():
    labels = torch.tensor([5, 9, 5, 9, 7, 5, 7, 9, 5])
    batches = PeopleBatches(coloured(labels), labels, people=2, shots=2)
    seen = set()
    for k in range(60):
        z, who = batches(rng(k))
        assert z.shape == (4, 2, 3, 3) and who.unique().numel() == 2
        shown = (255 * z[:, :, 0, 0]).round().long()
        assert torch.equal(shown[:, 0], who) and len(set(shown[:, 1].tolist())) == 4, "nobody's picture twice"
        seen |= set(shown[:, 1].tolist())
    assert seen == set(range(9))
    z, who = PeopleBatches(coloured(labels), labels, people=3, shots=4)(rng())
    assert torch.equal((255 * z[:, 0, 0, 0]).round().long(), who), "too few pictures: some twice, but only one's own"


def test_every_picture_comes_equally_often():
    labels = torch.arange(4).repeat_interleave(5)
    batches, counts = PeopleBatches(coloured(labels), labels, people=2, shots=2), torch.zeros(20)
    for k in range(600):
        counts += (255 * batches(rng(k))[0][:, 1, 0, 0]).round().long().bincount(minlength=20)
    torch.testing.assert_close(counts / 600, torch.full((20,), 0.2), rtol=0, atol=0.08)


def test_bad_batches_are_named():
    labels = torch.tensor([0, 0, 1])
    with pytest.raises(ValueError, match="1 to 2 pictures"):
        PeopleBatches(coloured(labels), labels, people=2, shots=2)
    with pytest.raises(ValueError, match="people=5"):
        PeopleBatches(coloured(torch.arange(4) // 2), torch.arange(4) // 2, people=5)
    with pytest.raises(ValueError, match="N at least 1"):
        PeopleBatches(torch.zeros(0, 1, 8, 8).byte(), torch.zeros(0).long())
    with pytest.raises(ValueError, match=r"labels \(N,\) integers, got .*torch.float32"):
        PeopleBatches(coloured(torch.arange(4) // 2), torch.zeros(4))


def test_jitter_stays_a_picture_and_mirrors():
    z = torch.rand(8, 1, 16, 16, generator=rng())
    moved = jittered(z, rng(1))
    assert moved.shape == z.shape and moved.min() >= 0 and moved.max() <= 1
    assert not torch.allclose(moved[0], moved[1]) and torch.equal(moved, jittered(z, rng(1)))
    for wrong in (255 * z, z[0], z * torch.nan):
        with pytest.raises(ValueError, match="z (must|contains)"):
            jittered(wrong, rng())
    ramp = torch.linspace(0, 1, 16).expand(40, 1, 16, 16)
    slope = jittered(ramp, rng(2)).diff(dim=3).mean((1, 2, 3))
    assert (slope > 0).any() and (slope < 0).any(), "some mirrored, some not"


def test_the_exam_by_hand():
    # Ada at 0, Bob at 10; one picture of Bob's lies with Ada
    e = torch.tensor([[0.0], [1.0], [10.0], [2.5], [11.0]])
    labels = torch.tensor([3, 3, 8, 8, 8])
    gallery, enrolled = enrol_first(e, labels, 1)
    assert gallery.names == ["3", "8"] and enrolled.tolist() == [True, False, True, False, False]
    result = identify_unseen(e, labels)
    assert result.rank1 == pytest.approx(2 / 3)
    # AP of Ada's: nearest is her own, 1. Of Bob's stray picture at 2.5: Ada's two come first: (1/3 + 2/4) / 2.
    # Of Bob's at 11: Bob's at 10, then the stray one: 1.
    assert result.retrieval == pytest.approx((1 + (1 / 3 + 2 / 4) / 2 + 1) / 3)
    assert 0 < result.eer < 0.5
    with pytest.raises(ValueError, match="more than 2 pictures"):
        identify_unseen(e, labels, templates=2)
    with pytest.raises(ValueError, match="NaN"):
        identify_unseen(torch.tensor([[0.0], [1.0], [10.0], [torch.nan], [11.0]]), labels)
    with pytest.raises(ValueError, match="at least two people"):
        identify_unseen(e, torch.zeros(5, dtype=torch.long))
    with pytest.raises(ValueError, match="on one device, got meta and cpu"):
        enrol_first(e, labels.to("meta"), 1)
    for wrong in (labels[:4], labels.float(), torch.cat([labels, labels])):
        with pytest.raises(ValueError, match=r"labels must be \(5,\) integers"):
            identify_unseen(e, wrong)


@pytest.mark.parametrize("name", ["faces-hadsell", "faces-classifier"])
def test_the_recipes_learn(name, monkeypatch):
    monkeypatch.setattr(recipes, "PEOPLE", 12)
    monkeypatch.setattr(evaluation, "UNSEEN", 10)
    monkeypatch.setattr(recipes.data, "faces", lambda *args, f=data.faces, **options: f(*args, size=32, **options))
    recipe = recipes.RECIPES[name]
    torch.manual_seed(0)
    model = recipe.build(width=6)
    before = recipe.evaluate(model.eval())
    batches = recipe.batches("cpu", Scale(steps=30, batch=32, lr=3e-3))
    history = training.fit(model, recipe.loss, batches, steps=30, lr=3e-3, progress=False)
    after = recipe.evaluate(model)
    assert set(after) == set(before) and sum(history.loss[-5:]) < 0.8 * sum(history.loss[:5])


def test_omniglot_is_one_shot(monkeypatch):
    """Twenty characters that are told apart by one pixel: the exam is passed by whoever sees it."""

    def characters(alphabets, size=32):
        images = torch.zeros(40, 20, 1, 32, 32, dtype=torch.uint8)
        images.view(40, 20, -1)[torch.arange(40), :, 7 * torch.arange(40)] = 255
        return data.Characters(images.flatten(0, 1), torch.arange(40).repeat_interleave(20), torch.zeros(800))

    class Look(EmbeddingNet):
        def forward(self, z):
            marks = z.flatten(1)[:, : 7 * 40 : 7]
            return torch.nn.functional.pad(marks, (0, 24))

    monkeypatch.setattr(evaluation.data, "omniglot", characters)
    assert evaluation.omniglot_scores(Look(width=4), rounds=20)["20-way one-shot accuracy (%)"] == 100
