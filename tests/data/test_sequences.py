"""Patch sequences: what is written is read, patches correspond, damaged folders are refused."""

import numpy as np
import pytest
import torch
from PIL import Image

from course_lib import data
from course_lib.data import DataError, homographies


@pytest.fixture(scope="module")
def picture():
    return data.photographs(200, names=["coffee"])["coffee"]


def test_written_strips_have_the_benchmark_s_form_and_are_read_again(tmp_path, picture):
    data.write_patch_sequences(tmp_path, {"coffee": picture}, points=6)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["i_coffee", "v_coffee"]
    names = {path.name for path in (tmp_path / "v_coffee").iterdir()}
    assert names == {"ref.png"} | {f"{level}{k}.png" for level in "eht" for k in range(1, 6)}
    strip = Image.open(tmp_path / "v_coffee" / "t5.png")
    assert strip.mode == "L" and strip.width == 65 and strip.height == 65 * 6
    read = data.patch_sequences(tmp_path)
    assert read["v_coffee"].shape == (16, 6, 1, 65, 65)
    # the second patch of the eighth type, h2, from the file itself
    assert data.PATCH_TYPES[7] == "h2"
    pixels = np.array(Image.open(tmp_path / "v_coffee" / "h2.png"))[65:130]
    np.testing.assert_array_equal(read["v_coffee"][7, 1, 0], pixels)
    again = data.patch_sequence(picture, 6, viewpoint=True, seed=0)
    assert torch.equal(again, read["v_coffee"]), "seeded"


def correlation(a, b):
    a, b = (x.float().flatten(1) - x.float().flatten(1).mean(1, keepdim=True) for x in (a, b))
    return torch.nn.functional.cosine_similarity(a, b)


def test_patches_show_the_same_point_and_levels_are_ordered(picture):
    for viewpoint in (True, False):
        sequence = data.patch_sequence(picture, 20, viewpoint, seed=3)
        alike = [correlation(sequence[0], sequence[k]).median() for k in range(1, 16)]
        easy, hard, tough = (sum(alike[k : k + 5]) / 5 for k in (0, 5, 10))
        other = correlation(sequence[0], sequence[1].roll(1, 0)).median()
        assert easy > 0.8 and easy > hard > tough > other


def test_without_jitter_the_homography_is_undone(picture):
    """The patch cut out of the warped photograph through the homography is the patch of the reference."""
    draw = torch.Generator().manual_seed(0)
    centres, radii = homographies._corners(picture, 10, draw)
    homography = homographies._homography(picture.shape, 0.15, draw)
    assert (homography - torch.eye(3)).abs().max() > 0.02
    frames = homographies._frames(centres, radii)
    reference = homographies._cut(picture, frames, None)
    target = homographies._cut(homographies._warp(picture, homography), frames, homography)
    assert correlation(reference, target).min() > 0.95
    # and the corners of the picture go where the homography was made to send them
    corner = homography @ torch.tensor([0.0, 0.0, 1.0])
    assert (corner[:2] / corner[2]).abs().max() < 0.15 * 200 + 1e-3


def test_damaged_folders_are_refused(tmp_path, picture):
    with pytest.raises(DataError, match="holds no sequence"):
        data.patch_sequences(tmp_path)
    data.write_strips(tmp_path / "v_x", torch.randint(0, 256, (16, 3, 1, 65, 65)).byte())
    strip = Image.open(tmp_path / "v_x" / "h3.png")
    strip.crop((0, 0, 65, 130)).save(tmp_path / "v_x" / "h3.png")
    with pytest.raises(DataError, match=r"h3.png holds 2 patches.*ref holds 3"):
        data.patch_sequences(tmp_path)
    strip.crop((0, 0, 65, 100)).save(tmp_path / "v_x" / "h3.png")
    with pytest.raises(DataError, match="65 pixels wide and 100 high"):
        data.patch_sequences(tmp_path)
    (tmp_path / "v_x" / "h3.png").write_bytes((tmp_path / "v_x" / "h2.png").read_bytes()[:900])
    with pytest.raises(DataError, match="h3.png cannot be read"):
        data.patch_sequences(tmp_path)
    (tmp_path / "v_x" / "h3.png").unlink()
    with pytest.raises(DataError, match="h3.png is missing"):
        data.patch_sequences(tmp_path)


def test_the_noisy_variant(tmp_path):
    strips = torch.randint(0, 256, (16, 4, 1, 32, 32)).byte()
    data.write_strips(tmp_path / "v_x", strips)
    for path in list((tmp_path / "v_x").iterdir()):
        path.rename(path.with_name(f"{path.stem}_noise.png"))
    assert torch.equal(data.patch_sequences(tmp_path, noisy=True)["v_x"], strips)


def test_the_real_set_is_asked_for(tmp_path, monkeypatch):
    monkeypatch.setenv("COURSE_DATA", str(tmp_path))
    with pytest.raises(DataError, match=r"hpatches-release.zip .*huggingface.co/datasets/vbalnt/hpatches"):
        data.hpatches()
    strips = torch.randint(0, 256, (16, 2, 1, 65, 65)).byte()
    data.write_strips(tmp_path / "hpatches-release" / "i_ajuntament", strips)
    assert torch.equal(data.hpatches()["i_ajuntament"], strips)


def test_bad_input_is_named():
    with pytest.raises(ValueError, match="sides of at least 96"):
        data.patch_sequence(torch.zeros(1, 50, 200))
    with pytest.raises(ValueError, match="floating point .*uint8"):
        data.patch_sequence(torch.zeros(1, 120, 120).byte())
    with pytest.raises(ValueError, match="grey levels"):
        data.patch_sequence(255 * torch.rand(1, 120, 120))
    with pytest.raises(ValueError, match="points must be at least 2, got 1"):
        data.patch_sequence(torch.rand(1, 120, 120), points=1)
    with pytest.raises(ValueError, match="two corners"):
        data.patch_sequence(torch.full((1, 120, 120), 0.5))
    with pytest.raises(ValueError, match=r"uint8 \(16, N, 1, S, S\)"):
        data.write_strips("x", torch.zeros(3))
