"""The conveyor, its maps and its masks. References: geometry, scikit-learn's Jaccard score, cases by hand."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import jaccard_score
from torch import nn
from torch.nn import functional as F

from course_lib.pretext_tasks.before_after import (
    AFTER,
    BEFORE,
    BEFORE_LABEL,
    KINDS,
    REACHING,
    BeforeAfterClassifier,
    SegmentationNetwork,
    anomalies,
    class_activation_map,
    classifier_batches,
    conveyor,
    empty_stations,
    evidence,
    examples,
    flatten_field,
    foreground,
    items,
    mask_batches,
    pixel_iou,
    pseudo_masks,
    segmentation_loss,
    shapes,
)


def seeded(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


@pytest.fixture(scope="module")
def film():
    return conveyor(40, seeded())


@pytest.fixture(scope="module")
def empty(film):
    return empty_stations(film)


def pixels():
    """Coordinates on a fine grid, four places a pixel each way, turned so that no edge runs along it."""
    place = (torch.arange(256) + 0.5) / 4 - 32
    x, y, angle = place[None, :], place[:, None], torch.tensor(0.4)
    return x * angle.cos() + y * angle.sin(), y * angle.cos() - x * angle.sin()


def area(distance: torch.Tensor) -> float:
    return (distance <= 0).sum().item() / 16


@settings(max_examples=20, deadline=None)
@given(st.floats(12, 28), st.floats(0.4, 1))
def test_shapes_have_the_area_that_geometry_gives_them(long, part):
    """Counted pixels against the textbook's formulas."""
    u, v = pixels()
    long, short = torch.tensor(long), torch.tensor(long * part)
    ellipse = torch.pi * long * short
    assert area(shapes.ellipse(u, v, long, short)) == pytest.approx(ellipse.item(), rel=0.02)
    assert area(shapes.half_ellipse(u, v, long, short)) == pytest.approx(ellipse.item() / 2, rel=0.02)
    radius = short / 2
    capsule = torch.pi * radius**2 + 4 * radius * (long - radius)
    assert area(shapes.capsule(u, v, long - radius, radius)) == pytest.approx(capsule.item(), rel=0.03)


def test_a_lens_is_two_circular_segments():
    u, v = pixels()
    long, short = torch.tensor(24.0), torch.tensor(10.0)
    radius = (24**2 + 10**2) / 20
    angle = 2 * np.arcsin(24 / radius)
    assert area(shapes.lens(u, v, long, short)) == pytest.approx(radius**2 * (angle - np.sin(angle)), rel=0.01)


def test_a_stone_with_equal_sides_is_a_regular_polygon():
    u, v = pixels()
    assert area(shapes.polygon(u, v, torch.full((7,), 20.0))) == pytest.approx(7 * 400 * np.tan(np.pi / 7), rel=0.01)


def test_the_same_seed_films_the_same_scenes_and_another_does_not(film):
    again, other = conveyor(40, seeded()), conveyor(40, seeded(1))
    assert torch.equal(film.images, again.images) and torch.equal(film.kinds, again.kinds)
    assert not torch.equal(film.images, other.images)


def test_shapes_types_and_states(film):
    assert film.images.shape == (40, 5, 3, 64, 64) and film.images.dtype == torch.uint8
    assert film.kinds.shape == (40, 5, 64, 64) and film.kinds.max() < len(KINDS)
    assert film.states.tolist() == [BEFORE, BEFORE, REACHING, AFTER, AFTER]
    assert film.shots(AFTER)[0].shape == (80, 3, 64, 64)


def test_anomalies_are_there_before_and_gone_after(film):
    assert anomalies(film.shots(BEFORE)[1]).flatten(1).any(1).all()
    assert not anomalies(film.shots(AFTER)[1]).any()
    assert (film.shots(REACHING)[1] == KINDS.index("hand")).flatten(1).any(1).all()
    for kind in range(2, 6):
        assert (film.kinds == kind).any(), KINDS[kind]


def test_one_scene_before_and_after_has_the_same_biscuits(film):
    """The belt is a loop, so as many biscuit pixels, up to rounding and to what lay under an anomaly."""
    biscuits = (film.kinds == KINDS.index("biscuit")).float().sum((2, 3))
    before, after = biscuits[:, 0], biscuits[:, -1]
    assert torch.corrcoef(torch.stack([before, after]))[0, 1] > 0.98


@pytest.mark.parametrize(("habit", "share"), [(1.0, 1.0), (-1.0, 0.0), (0.0, 0.5)])
def test_habit_says_how_closely_station_and_class_go_together(habit, share):
    film = conveyor(200, seeded(), size=32, frames=(1, 0, 1), habit=habit)
    usual = (film.stations == (film.states == AFTER)).float().mean().item()
    assert usual == pytest.approx(share, abs=0.08 if habit == 0 else 0)


def test_the_station_can_be_told_from_the_rails_alone(film):
    """The trap is set: one pixel row of the rails separates the classes linearly."""
    rails = film.images[:, :, :, :8].float().mean((3, 4))
    yellow = rails[..., 0] - rails[..., 2]
    assert yellow[film.stations == 0].min() > yellow[film.stations == 1].max()


@pytest.mark.parametrize(
    "wrong",
    [{"sequences": 0}, {"size": 16}, {"frames": (0, 1, 2)}, {"frames": (2, 1, 0)}, {"habit": 1.5}],
)
def test_the_conveyor_refuses(wrong):
    with pytest.raises(ValueError, match=next(iter(wrong))):
        conveyor(**{"sequences": 2, "generator": seeded()} | wrong)


def test_foreground_is_found_without_annotation(film, empty):
    images, kinds = film.shots(BEFORE)
    found, truth = foreground(images, empty[0]), items(kinds)
    assert found[truth].float().mean() > 0.9
    assert found[~truth].float().mean() < 0.08


def test_an_empty_belt_is_flat_whatever_the_lamp(empty):
    for station in empty:
        flat = flatten_field(torch.stack([0.8 * station, 1.1 * station]), station)
        torch.testing.assert_close(flat, torch.ones_like(flat))


def test_painting_over_leaves_the_items_alone(film, empty):
    plain, cut = examples(film, empty), examples(film, empty, cut=True)
    inside = cut.foreground[:, None].expand_as(cut.images)
    assert torch.equal(cut.images[inside], plain.images[inside])
    assert (cut.images[~inside] == 0.25).all() and (cut.backgrounds == 0.25).all()
    assert (cut.labels == BEFORE_LABEL).sum() == 80 and not anomalies(cut.kinds[cut.labels != BEFORE_LABEL]).any()


def test_batches_belong_together_and_hold_the_third_class(film, empty):
    given = examples(film, empty, cut=True, even=True)
    images, labels = classifier_batches(given, 16, background_class=True)(seeded())
    assert images.shape == (20, 3, 64, 64) and labels[16:].tolist() == [2] * 4
    assert (images[16:] == 0.25).all()
    # a mask that is the foreground must stay on the foreground when both are mirrored
    images, masks = mask_batches(given, given.foreground, 16)(seeded())
    assert ((images != 0.25).any(1) <= masks.bool()).all() and masks.sum() > 0


@pytest.mark.parametrize("classes", [2, 3])
def test_the_mean_of_a_map_is_the_logit_less_the_mean_logit(classes):
    torch.manual_seed(0)
    model, x = BeforeAfterClassifier(classes).eval(), torch.rand(4, 3, 32, 32)
    with torch.no_grad():
        drawn = class_activation_map(model.forward_features(x), model.head, 1).mean((1, 2))
        logits = model(x)
    torch.testing.assert_close(drawn, logits[:, 1] - logits.mean(1))


def test_a_map_does_not_notice_what_all_classes_share():
    """Softmax does not either."""
    head, features = nn.Linear(5, 3), torch.randn(2, 5, 4, 4)
    first = class_activation_map(features, head, 2)
    with torch.no_grad():
        head.weight += torch.randn(5)
        head.bias += 3.0
    torch.testing.assert_close(class_activation_map(features, head, 2), first)


def test_evidence_goes_from_0_to_1_and_is_0_where_nothing_speaks_for_the_class():
    e = evidence(torch.stack([torch.randn(4, 4, generator=seeded()), -torch.ones(4, 4)]), (16, 16))
    assert e[0].max() == 1 and e[0].min() == 0 and not e[1].any()


def test_pseudo_masks_lie_in_the_foreground_and_shrink_with_the_threshold():
    maps, found = torch.randn(3, 8, 8, generator=seeded()), torch.rand(3, 32, 32, generator=seeded(1)) < 0.5
    low, high = pseudo_masks(maps, found, 0.1), pseudo_masks(maps, found, 0.6)
    assert (high <= low).all() and (low <= found).all() and high.any()
    for wrong in (dict(threshold=1.0), dict(threshold=-0.1)):
        with pytest.raises(ValueError, match="threshold"):
            pseudo_masks(maps, found, **wrong)


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 10_000), st.floats(0, 1), st.floats(0, 1))
def test_iou_is_the_jaccard_score(seed, p, q):
    a, b = torch.rand(2, 3, 5, 5, generator=seeded(seed)).unbind(0)
    a, b = a < p, b < q
    if (a | b).any():
        assert pixel_iou(a, b) == pytest.approx(
            jaccard_score(b.flatten().numpy(), a.flatten().numpy(), zero_division=0)
        )
    else:
        assert pixel_iou(a, b) == 1.0


def test_iou_refuses_what_is_no_mask():
    with pytest.raises(ValueError, match="bool"):
        pixel_iou(torch.ones(2, 2), torch.ones(2, 2).bool())
    with pytest.raises(ValueError, match="same shape"):
        pixel_iou(torch.ones(2, 2).bool(), torch.ones(2, 1).bool())


def test_segmentation_loss_by_hand():
    logits, mask = torch.tensor([[[0.0, 0.0]]]), torch.tensor([[[True, False]]])
    # cross entropy log 2; Dice (2 * 0.5 + 1) / (1 + 1 + 1)
    assert segmentation_loss(logits, mask).item() == pytest.approx(np.log(2) + 1 - 2 / 3)


def test_segmentation_network_keeps_the_size_and_refuses_odd_ones():
    model = SegmentationNetwork(4).eval()
    assert model(torch.rand(2, 3, 20, 32)).shape == (2, 20, 32)
    with pytest.raises(ValueError, match="multiples of 4"):
        model(torch.rand(1, 3, 18, 32))


def test_every_parameter_learns_and_the_network_fits_one_picture(film, empty):
    torch.manual_seed(0)
    given = examples(film, empty, cut=True, even=True)
    model, x, truth = SegmentationNetwork(8), given.images[:4], anomalies(given.kinds[:4])
    optimizer = torch.optim.Adam(model.parameters(), 2e-2)
    for _ in range(60):
        optimizer.zero_grad()
        segmentation_loss(model(x), truth).backward()
        optimizer.step()
    assert all(p.grad is not None and p.grad.abs().sum() > 0 for p in model.parameters())
    assert pixel_iou(model(x) > 0, truth) > 0.7


def test_upsampled_maps_keep_their_place():
    maps = torch.zeros(1, 4, 4)
    maps[0, 1, 2] = 1.0
    peak = evidence(maps, (32, 32))[0].flatten().argmax().item()
    assert 8 <= peak // 32 < 16 and 16 <= peak % 32 < 24
    assert F.adaptive_avg_pool2d(evidence(maps, (32, 32))[None], 4)[0, 0].argmax() == 6
