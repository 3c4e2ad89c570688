"""The gallery: rules worked by hand, strangers, files, what it refuses, and its size and speed."""

import resource
import time

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from course_lib.metric_learning import TemplateGallery, identify_unseen
from course_lib.metric_learning.losses import distance_matrix

ADA, BOB = torch.tensor([[0.0, 0.0], [0.0, 4.0]]), torch.tensor([[3.0, 0.0]])


def gallery(**options):
    people = TemplateGallery(**options)
    people.enrol("Ada", ADA)
    people.enrol("Bob", BOB)
    return people


def test_the_two_rules_by_hand():
    query = torch.tensor([[0.0, 0.0]])  # 0 and 4 from Ada's templates, 3 from Bob's
    torch.testing.assert_close(gallery().distances(query), torch.tensor([[2.0, 3.0]]))
    torch.testing.assert_close(gallery(rule="nearest").distances(query), torch.tensor([[0.0, 3.0]]))
    near_bob = torch.tensor([[2.0, 0.0]])
    assert gallery().identify(near_bob).names == ["Bob"]


def test_rejection_and_verification():
    people = gallery(threshold=2.5)
    found = people.identify(torch.tensor([[0.0, 2.0], [3.0, 1.0], [90.0, 90.0]]))
    assert found.names == ["Ada", "Bob", None] and found.nearest == ["Ada", "Bob", "Bob"]
    torch.testing.assert_close(found.distances[:2], torch.tensor([2.0, 1.0]))
    assert people.verify(torch.tensor([[3.0, 1.0], [0.0, 2.0]]), "Bob").tolist() == [True, False]


@pytest.mark.parametrize("rule", ["mean", "nearest"])
def test_many_people_as_one_by_one(rule, monkeypatch):
    from course_lib.metric_learning import gallery as module

    draw = torch.Generator().manual_seed(0)
    owners = torch.randint(20, (90,), generator=draw)
    owners[:20] = torch.arange(20)
    templates, queries = 100 + torch.randn(90, 6, generator=draw), 100 + torch.randn(33, 6, generator=draw)
    people = TemplateGallery(rule)
    people.enrol_all([f"p{k}" for k in range(20)], templates, owners)
    expected = torch.stack(
        [
            getattr(torch.cdist(queries.double(), templates[owners == k].double()), {"mean": "mean"}.get(rule, "amin"))(
                1
            )
            for k in range(20)
        ],
        1,
    )
    torch.testing.assert_close(people.distances(queries), expected.float(), rtol=1e-4, atol=1e-4)
    monkeypatch.setattr(module, "CHUNK", 200)  # in pieces
    torch.testing.assert_close(people.distances(queries), expected.float(), rtol=1e-4, atol=1e-4)


def test_enrol_remove_save_load(tmp_path):
    people = gallery(rule="nearest", threshold=2.0)
    people.enrol("Cleo", torch.tensor([[9.0, 9.0]]))
    people.save(tmp_path / "gallery.safetensors")
    again = TemplateGallery.load(tmp_path / "gallery.safetensors")
    assert (again.names, again.rule, again.threshold) == (["Ada", "Bob", "Cleo"], "nearest", 2.0)
    queries = torch.randn(7, 2, generator=torch.Generator().manual_seed(0))
    torch.testing.assert_close(again.distances(queries), people.distances(queries), rtol=0, atol=0)
    people.remove("Bob")
    assert people.names == ["Ada", "Cleo"] and len(people.templates) == 3
    # without Bob the middle of the templates is elsewhere, and float32 rounds squares of up to a hundred differently
    torch.testing.assert_close(people.distances(queries), again.distances(queries)[:, [0, 2]], rtol=0, atol=1e-3)
    people.enrol("Bob", BOB)  # and back again
    assert people.identify(BOB).names == ["Bob"]


def test_a_gallery_that_lost_a_template_is_refused(tmp_path):
    from safetensors.torch import load_file, save_file

    path = tmp_path / "gallery.safetensors"
    people = gallery()
    people.save(path)
    about = {"gallery": '{"people": [["Ada", 2], ["Bob", 1]], "rule": "mean", "threshold": null}'}
    save_file({"templates": load_file(path)["templates"][:2].clone()}, path, about)
    with pytest.raises(ValueError, match="not a gallery.*2 templates instead of 3"):
        TemplateGallery.load(path)


def test_a_gallery_that_cannot_be_written_leaves_the_old_one(tmp_path, monkeypatch):
    import safetensors.torch

    path = tmp_path / "gallery.safetensors"
    gallery().save(path)

    def power_cut(tensors, file, metadata):
        file.write_bytes(b"half")
        raise OSError("no space left")

    monkeypatch.setattr(safetensors.torch, "save_file", power_cut)
    with pytest.raises(OSError, match="no space"):
        gallery().save(path)
    assert TemplateGallery.load(path).names == ["Ada", "Bob"]


def test_the_same_template_twice():
    people = gallery()
    people.enrol("Bob's twin", BOB)
    people.enrol("Eve", torch.cat([ADA, ADA]))  # every template twice changes no mean
    found = people.distances(torch.tensor([[3.0, 0.0], [1.0, 1.0]]))
    torch.testing.assert_close(found[:, 1], found[:, 2])
    torch.testing.assert_close(found[:, 0], found[:, 3])
    assert people.identify(BOB).names == ["Bob"], "who was enrolled first"


def test_an_empty_gallery_is_saved_and_filled_later(tmp_path):
    TemplateGallery().save(tmp_path / "gallery.safetensors")
    people = TemplateGallery.load(tmp_path / "gallery.safetensors")
    people.enrol("Bob", BOB)
    assert people.identify(BOB).names == ["Bob"]


def test_what_it_refuses(tmp_path):
    empty = TemplateGallery()
    with pytest.raises(ValueError, match="gallery is empty"):
        empty.identify(torch.zeros(1, 2))
    people = gallery()
    with pytest.raises(ValueError, match="'Ada' is enrolled already"):
        people.enrol("Ada", ADA)
    with pytest.raises(ValueError, match="2 dimensions, got 3"):
        people.enrol("Dan", torch.zeros(1, 3))
    with pytest.raises(ValueError, match="queries must have 2 dimensions, got 5"):
        people.identify(torch.zeros(4, 5))
    with pytest.raises(ValueError, match="templates contains NaN"):
        people.enrol("Dan", torch.tensor([[0.0, float("nan")]]))
    with pytest.raises(ValueError, match="queries contains NaN"):
        people.identify(torch.tensor([[0.0, float("inf")]]))
    with pytest.raises(ValueError, match="at least one template"):
        people.enrol("Dan", torch.zeros(0, 2))
    with pytest.raises(ValueError, match="different"):
        people.enrol_all(["x", "x"], torch.zeros(2, 2), torch.arange(2))
    for stranger in (-1, 2, 10**13):  # the last would have asked for 80 TB
        with pytest.raises(ValueError, match=f"needs at least one template.*{stranger}"):
            people.enrol_all(["x", "y"], torch.zeros(3, 2), torch.tensor([0, 1, stranger]))
    with pytest.raises(KeyError, match="'Zoe'"):
        gallery(threshold=1.0).verify(ADA, "Zoe")
    with pytest.raises(ValueError, match="needs a threshold"):
        people.verify(ADA, "Ada")
    with pytest.raises(ValueError, match="mean, nearest, got 'median'"):
        TemplateGallery("median")
    assert people.names == ["Ada", "Bob"], "what was refused left nothing behind"
    (tmp_path / "x").write_bytes(b"something else")
    with pytest.raises(ValueError, match="not a gallery"):
        TemplateGallery.load(tmp_path / "x")
    with pytest.raises(FileNotFoundError):
        TemplateGallery.load(tmp_path / "nothing")
    with pytest.raises(ValueError, match=r"templates must be a tensor \(B, D\), got list"):
        people.enrol("Dan", [[0.0, 1.0]])


def test_one_template_a_person_makes_both_rules_equal():
    rows = torch.randn(5, 3, generator=torch.Generator().manual_seed(0))
    both = []
    for rule in ("mean", "nearest"):
        people = TemplateGallery(rule)
        people.enrol_all(list("abcde"), rows, torch.arange(5))
        both.append(people.distances(torch.randn(4, 3, generator=torch.Generator().manual_seed(0))))
    torch.testing.assert_close(*both, rtol=0, atol=0)


def test_a_hundred_thousand_templates():
    draw = torch.Generator().manual_seed(0)
    templates = torch.nn.functional.normalize(torch.randn(100_000, 128, generator=draw))
    people = TemplateGallery()
    people.enrol_all([f"p{k}" for k in range(25_000)], templates, torch.arange(25_000).repeat_interleave(4))
    who = torch.randint(100_000, (1000,), generator=draw)
    queries = templates[who] + 0.01 * torch.randn(1000, 128, generator=draw)
    before, began = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, time.process_time()
    found = people.identify(queries)
    seconds = time.process_time() - began
    assert [int(name[1:]) for name in found.names] == (who // 4).tolist()
    assert seconds < 30, f"took {seconds:.1f} s"
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 2e6, "kilobytes"


@settings(max_examples=40, deadline=None)
@given(
    st.sampled_from([torch.float32, torch.float64]),
    st.sampled_from(["mean", "nearest"]),
    st.floats(0, 1e4),
    st.integers(0, 1000),
)
def test_distances_far_from_the_origin_keep_their_digits(dtype, rule, far, seed):
    """Everything beside one far point, and in two clusters far from each other; against numpy, by differences."""
    draw = torch.Generator().manual_seed(seed)
    side = torch.randint(0, 2, (40, 1), generator=draw).double() * 2 - 1
    templates = (far * side + torch.randn(40, 5, generator=draw).double()).to(dtype)
    queries = (far * side[:9] + torch.randn(9, 5, generator=draw).double()).to(dtype)
    owners = torch.arange(40) % 8
    people = TemplateGallery(rule)
    people.enrol_all([str(k) for k in range(8)], templates, owners)
    each = np.linalg.norm(queries.double().numpy()[:, None] - templates.double().numpy(), axis=2)
    by_person = [each[:, owners.numpy() == k] for k in range(8)]
    expected = np.stack([x.mean(1) if rule == "mean" else x.min(1) for x in by_person], 1)
    np.testing.assert_allclose(
        people.distances(queries).numpy(), expected, rtol=2e-3 if dtype == torch.float32 else 1e-4
    )


@pytest.mark.parametrize("far", [0.0, 1e3, 1e4])
def test_a_batch_far_away_or_in_far_clusters_has_exact_distances(far):
    draw = torch.Generator().manual_seed(0)
    side = torch.tensor([[1.0], [-1.0]]).repeat(32, 1)
    e = (far * side + torch.randn(64, 8, generator=draw)).requires_grad_()
    expected = (e[:, None].double() - e.double()).square().sum(2)
    torch.testing.assert_close(distance_matrix(e, squared=True), expected.float(), rtol=1e-5, atol=1e-5)
    (gradient,) = torch.autograd.grad(distance_matrix(e, squared=True)[0, 2], e)
    torch.testing.assert_close(gradient[0], 2 * (e[0] - e[2]).detach(), rtol=1e-4, atol=1e-4)


def test_the_retrieval_of_unseen_people_does_not_depend_on_where_they_lie():
    draw = torch.Generator().manual_seed(0)
    labels = torch.arange(60) % 12
    e = torch.randn(12, 6, generator=draw)[labels] + 0.3 * torch.randn(60, 6, generator=draw)
    e = (64 * e).round() / 64  # so that nothing is lost in the move itself
    here, there = identify_unseen(e, labels), identify_unseen(e + 8192, labels)
    assert there.rank1 == here.rank1 and there.retrieval == pytest.approx(here.retrieval, abs=1e-9)
