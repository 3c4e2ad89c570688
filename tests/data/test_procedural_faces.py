"""Procedural faces: reproducible one by one, every number does something, and pixels fail for the right reason."""

import pytest
import torch

from course_lib import data
from course_lib.data.procedural_faces import IDENTITY, SHOT


def test_form_and_labels():
    people = data.faces(3, 2, size=20, first=7)
    assert people.images.shape == (6, 1, 20, 20) and people.images.dtype == torch.uint8
    assert people.labels.tolist() == [7, 7, 8, 8, 9, 9] and str(people) == "6 pictures of 3 people"
    assert data.faces(2, 1, size=20, grey=False).images.shape == (2, 3, 20, 20)


def test_a_person_does_not_depend_on_who_else_is_asked_for():
    many, one = data.faces(5, 3, size=24), data.faces(1, 2, size=24, first=3)
    torch.testing.assert_close(many.images.view(5, 3, 1, 24, 24)[3, :2].int(), one.images.int(), rtol=0, atol=1)
    assert torch.equal(data.faces(5, 3, size=24).images, many.images)
    assert not torch.equal(data.faces(5, 3, size=24, seed=1).images, many.images)


def test_every_picture_is_another():
    pictures = {picture.numpy().tobytes() for picture in data.faces(20, 4, size=24).images}
    assert len(pictures) == 80


@pytest.mark.parametrize("name", [*IDENTITY, *SHOT])
def test_every_number_of_the_datasheet_changes_the_picture(name):
    """Against the middle of all ranges, one number at its two ends; no number is there for show."""
    identity = torch.tensor([[(low + high) / 2 for low, high, _ in IDENTITY.values()]] * 2)
    shot = data.neutral_shots(2)
    if name in IDENTITY:
        identity[:, list(IDENTITY).index(name)] = torch.tensor(IDENTITY[name][:2])
    else:
        shot = data.neutral_shots(2, **{name: torch.tensor(SHOT[name][:2])})
    shot[:, list(SHOT).index("noise")] *= name == "noise"
    a, b = data.photograph(identity, shot, size=48, grey=False).float()
    assert (a - b).abs().max() > 8, "somewhere by more than 8 grey levels"
    assert name in data.datasheet()


def test_variation_brings_the_shots_apart():
    spread = []
    for variation in (0.0, 0.5, 1.0):
        x = data.faces(6, 4, size=24, variation=variation).images.float().view(6, 4, -1)
        spread.append((x - x.mean(1, keepdim=True)).square().mean().item())
    assert spread[0] < spread[1] / 5 < spread[2] / 5


def test_two_shots_differ_more_than_two_people():
    """Why the distance of pixels fails on photographs, and must fail here."""
    x = data.faces(40, 6, size=24).images.float().flatten(1)
    distances = torch.cdist(x, x)
    who = torch.arange(40).repeat_interleave(6)
    same = who[:, None] == who
    within = distances[same & ~torch.eye(240, dtype=torch.bool)].mean()
    assert within > 0.8 * distances[~same].mean()
    nearest = distances.fill_diagonal_(torch.inf).argmin(1)
    hits = (who[nearest] == who).float().mean().item()
    assert 1 / 40 < hits < 0.7, "better than chance, far from good"


def test_everyone_in_even_light_is_told_apart():
    """The people do differ: without the nuisances the pixels suffice."""
    x = data.faces(30, 2, size=32, variation=0.05).images.float().flatten(1).view(30, 2, -1)
    assert torch.equal(torch.cdist(x[:, 0], x[:, 1]).argmin(1), torch.arange(30))


def test_bad_input_is_named():
    with pytest.raises(ValueError, match="people=0"):
        data.faces(0, 1)
    with pytest.raises(ValueError, match="at least 16 pixels, got 8"):
        data.faces(1, 1, size=8)
    with pytest.raises(ValueError, match=r"variation must be in \[0, 1.5\], got 2"):
        data.faces(1, 1, variation=2)
    with pytest.raises(ValueError, match="yaw, pitch.*got hat"):
        data.neutral_shots(1, hat=1.0)
    with pytest.raises(ValueError, match="identity and shot"):
        data.photograph(data.identities(2), data.neutral_shots(3))
