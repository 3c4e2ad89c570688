"""Patches cut from six real pictures: the homographies say where, and points that leave a target are left out."""

import pytest
import torch
from PIL import Image

from course_lib import data


def pictures_and_homographies():
    photograph = data.photographs(220, names=("coffee",))["coffee"]
    shifts = [(4 * k, -3 * k) for k in range(1, 6)]  # down, right
    targets = [photograph.roll(shift, (1, 2)) for shift in shifts]
    homographies = [torch.tensor([[1.0, 0, x], [0, 1, y], [0, 0, 1]], dtype=torch.float64) for y, x in shifts]
    return [photograph, *targets], homographies


def test_a_moved_picture_gives_the_same_patches_but_for_the_jitter():
    pictures, homographies = pictures_and_homographies()
    moved = data.cut_sequence(pictures, homographies, 20, seed=1)
    still = data.cut_sequence(pictures[:1] * 6, [torch.eye(3, dtype=torch.float64)] * 5, 200, seed=1)
    assert moved.shape == (16, 20, 1, 65, 65) and moved.dtype == torch.uint8
    # the same corners are in both, more where nothing moves: each reference of the first is one of the second
    errors = (moved[0].float()[:, None] - still[0].float()[None]).abs().flatten(2).mean(2)
    assert (errors.min(1).values < 0.5).float().mean() > 0.9
    wrong = data.cut_sequence(pictures, [torch.eye(3, dtype=torch.float64)] * 5, 20, seed=1)

    def apart(s):
        return (s[1:6].float() - s[0].float()).abs().mean()

    assert apart(moved) < 0.8 * apart(wrong)


def test_no_patch_is_cut_beyond_a_target():
    pictures, homographies = pictures_and_homographies()
    homographies = [h.clone() for h in homographies]
    homographies[2][0, 2] = 110.0  # half of the third target's width to the right
    few = data.cut_sequence(pictures, homographies, 200)
    assert 2 <= few.shape[1] < data.cut_sequence(*pictures_and_homographies(), 200).shape[1]
    homographies[2][0, 2] = 1_000.0
    with pytest.raises(ValueError, match="at least two corners that all targets show"):
        data.cut_sequence(pictures, homographies)


def test_a_picture_sequence_is_read_from_its_files(tmp_path):
    pictures, homographies = pictures_and_homographies()
    for k, picture in enumerate(pictures, 1):
        name = "2.ppm" if k == 2 else f"{k}.png"
        Image.fromarray((255 * picture[0]).round().byte().numpy()).save(tmp_path / name)
        if k > 1:
            rows = homographies[k - 2].tolist()
            (tmp_path / f"H_1_{k}").write_text("\n".join(" ".join(f"{x:.6f}" for x in row) for row in rows))
    read, found = data.picture_sequence(tmp_path)
    assert all(torch.equal((255 * a).round(), (255 * b).round()) for a, b in zip(read, pictures, strict=True))
    torch.testing.assert_close(found, homographies)
    (tmp_path / "H_1_4").unlink()
    with pytest.raises(data.DataError, match="is not complete.*H_1_4"):
        data.picture_sequence(tmp_path)


def test_what_is_no_sequence_is_refused():
    pictures, homographies = pictures_and_homographies()
    with pytest.raises(ValueError, match="6 pictures and 5 homographies, got 5 and 5"):
        data.cut_sequence(pictures[:5], homographies)
