"""Small photographs: what is read when which folder is there."""

import io

import numpy as np
import pytest
import torch
from PIL import Image

from course_lib import data
from course_lib.data import DataError, imagenet

rng = np.random.default_rng(0)


@pytest.fixture
def course_data(monkeypatch, tmp_path):
    monkeypatch.setenv("COURSE_DATA", str(tmp_path))
    return tmp_path


def write_given(root):
    (root / imagenet.GIVEN).mkdir()
    for split, labels in (("train", [1, 0, 1, 1]), ("val", [0, 1])):
        streams = []
        for label in labels:
            streams.append(io.BytesIO())
            # the second class is grey, as some of the originals are
            picture = Image.new("RGB", (64, 64), (200, 50, 10)) if label == 0 else Image.new("L", (64, 64), 90)
            picture.save(streams[-1], "jpeg", quality=95)
        pieces = [np.frombuffer(stream.getvalue(), np.uint8) for stream in streams]
        np.savez(
            root / imagenet.GIVEN / f"{split}.npz",
            jpeg=np.concatenate(pieces),
            offsets=np.cumsum([0, *map(len, pieces)]),
            labels=np.array(labels, dtype=np.uint8),
            classes=np.array(["a", "b"]),
        )


def write_imagenette(root):
    """torchvision's layout; wider than high, and a bright middle that the central square must hold."""
    for split, count in (("train", 3), ("val", 2)):
        for wnid in ("n01440764", "n02102040"):
            folder = root / imagenet.IMAGENETTE / split / wnid
            folder.mkdir(parents=True)
            for k in range(count):
                picture = np.zeros((160, 240, 3), np.uint8)
                picture[:, 45:195] = 250 if wnid == "n01440764" else 120
                Image.fromarray(picture).save(folder / f"{wnid}_{k}.JPEG", quality=95)


def test_the_given_folder_is_read_grey_pictures_too(course_data):
    write_given(course_data)
    write_imagenette(course_data)  # not looked at
    pictures = data.tiny_imagenet()
    assert pictures.source == data.tiny_imagenet_source() == "Tiny-ImageNet, 25 classes"
    images, labels = pictures.train
    assert images.shape == (4, 3, 64, 64) and images.dtype == torch.uint8 and labels.tolist() == [1, 0, 1, 1]
    assert (images[1].float().mean((1, 2)) - torch.tensor([200.0, 50, 10])).abs().max() < 4
    assert (images[0].float() - 90).abs().max() < 4 and pictures.val[1].tolist() == [0, 1]
    assert pictures.classes == ("a", "b") and "4 images to train on, 2 to test on" in str(pictures)


def test_imagenette_takes_its_place(course_data):
    write_imagenette(course_data)
    pictures = data.tiny_imagenet()
    assert pictures.source == data.tiny_imagenet_source() and "Imagenette" in pictures.source
    images, labels = pictures.train
    assert images.shape == (6, 3, 64, 64) and labels.tolist() == [0, 0, 0, 1, 1, 1]
    assert pictures.classes == ("tench", "English springer")
    # the central square leaves the dark sides out, but for 5 of its 160 columns
    assert images[0, :, :, 4:60].min() > 240 and images[5].float().mean() > 110


def test_neither_is_one_clear_error(course_data):
    with pytest.raises(DataError, match="neither tiny_imagenet25/ nor imagenette2-160/"):
        data.tiny_imagenet()


def test_a_damaged_file_is_named(course_data):
    write_given(course_data)
    (course_data / imagenet.GIVEN / "val.npz").write_bytes(b"no archive")
    with pytest.raises(DataError, match="val.npz"):
        data.tiny_imagenet()


def test_scaling_down_takes_means():
    pictures = data.colourful_tiles()
    small = pictures.resized(16)
    x, y = pictures.val[0][3].float(), small.val[0][3].float()
    torch.testing.assert_close(y[:, 2, 5], x[:, 8:12, 20:24].mean((1, 2)), atol=0.5001, rtol=0)
    assert torch.equal(small.train[1], pictures.train[1]) and "16x16" in small.source
    assert pictures.resized(64) is pictures
    with pytest.raises(ValueError, match="divide 64"):
        pictures.resized(48)


def test_the_stand_in_has_the_same_form_and_shares_no_tile():
    pictures = data.colourful_tiles()
    (train, _), (val, labels) = pictures.train, pictures.val
    assert train.shape[1:] == val.shape[1:] == (3, 64, 64) and train.dtype == torch.uint8
    assert set(labels.tolist()) <= set(range(len(pictures.classes)))
    assert not {x.numpy().tobytes() for x in train} & {x.numpy().tobytes() for x in val}
