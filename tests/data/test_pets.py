"""Cats and dogs: what is read when which folder is there, and that no image is in two splits."""

import io

import numpy as np
import pytest
import torch
from PIL import Image

from course_lib import data
from course_lib.data import DataError, folders, pets

rng = np.random.default_rng(0)


def write_pets(root, trainval=10, test=4):
    """A small folder with torchvision's layout: noise, wider than high, cats and dogs in turn."""
    images, lists = root / pets.FOLDER / "images", root / pets.FOLDER / "annotations"
    images.mkdir(parents=True)
    lists.mkdir()
    for split, count in (("trainval", trainval), ("test", test)):
        names = [f"{'Cat' if k % 2 == 0 else 'dog'}_{split}_{k}" for k in range(count)]
        for name in names:
            Image.fromarray(rng.integers(0, 256, (20, 30, 3), dtype=np.uint8)).save(images / f"{name}.jpg")
        lines = [f"{name} {1 + k % 2} {1 + k % 2} 1\n" for k, name in enumerate(names)]
        (lists / f"{split}.txt").write_text("".join(lines))


def write_cifar10(root, count=5):
    """CIFAR-10 as JPEGs, all ten classes in turn; flat pictures whose brightness tells them apart."""
    (root / "cifar10_jpeg").mkdir()
    for name in [f"train_{k}" for k in range(1, 6)] + ["test"]:
        labels = np.arange(10 * count) % 10
        streams = []
        for label in labels:
            streams.append(io.BytesIO())
            Image.new("RGB", (32, 32), (20 * int(label), 90, 200)).save(streams[-1], "jpeg", quality=95)
        streams = [np.frombuffer(stream.getvalue(), np.uint8) for stream in streams]
        offsets = np.cumsum([0, *map(len, streams)]).astype(np.int32)
        jpeg = np.concatenate(streams)
        np.savez(root / "cifar10_jpeg" / f"{name}.npz", jpeg=jpeg, offsets=offsets, labels=labels.astype(np.uint8))


@pytest.fixture
def course_data(monkeypatch, tmp_path):
    monkeypatch.setenv("COURSE_DATA", str(tmp_path))
    return tmp_path


def rows(images):
    return {image.numpy().tobytes() for image in images}


def test_the_pets_are_read_where_they_are(course_data):
    write_pets(course_data)
    write_cifar10(course_data)  # not looked at
    animals = data.cats_and_dogs(size=16)
    assert animals.source == "Oxford-IIIT Pet at 24x24, cut to 16x16" == data.cats_and_dogs_source(16)
    assert [len(split[1]) for split in (animals.train, animals.val, animals.test)] == [8, 2, 4]
    assert animals.train[0].shape == (8, 3, 24, 24), "room for random crops"
    images, labels = animals.test
    assert images.shape == (4, 3, 16, 16) and images.dtype == torch.uint8
    assert labels.dtype == torch.int64 and sorted(labels.tolist()) == [0, 0, 1, 1]
    splits = [rows(split[0]) for split in (animals.train, animals.val, animals.test)]
    assert len(set.union(*splits)) == 14  # noise: no two pictures are alike, so none is in two splits


def test_a_picture_is_its_central_square(course_data):
    write_pets(course_data)
    path = course_data / pets.FOLDER / "images" / "Cat_test_0.jpg"
    pixels = np.zeros((20, 40, 3), np.uint8)
    pixels[:, 10:30] = 200
    Image.fromarray(pixels).save(path, quality=100, subsampling=0)
    distance = data.cats_and_dogs(size=10).test[0].float().sub(200).abs().amax((1, 2, 3))
    assert (distance < 20).sum() == 1  # the others are noise


def write_small(root, train=10, test=4):
    """cats_dogs96 as JPEGs: a border of one colour, and a middle square of 64 pixels whose blue tells the pictures."""
    (root / pets.SMALL).mkdir()
    for split, count in (("train", train), ("test", test)):
        streams = []
        for k in range(count):
            pixels = np.full((96, 96, 3), (200, 0, 0), np.uint8)
            pixels[16:80, 16:80] = (40, 120, 20 * k + 10)
            streams.append(io.BytesIO())
            Image.fromarray(pixels).save(streams[-1], "jpeg", quality=100, subsampling=0)
        streams = [np.frombuffer(stream.getvalue(), np.uint8) for stream in streams]
        np.savez(
            root / pets.SMALL / f"{split}.npz", jpeg=np.concatenate(streams),
            offsets=np.cumsum([0, *map(len, streams)]), labels=np.arange(count, dtype=np.uint8) % 2,
            classes=np.array(["cat", "dog"]),
        )  # fmt: skip


def test_the_small_photographs_come_before_cifar10_and_after_the_pets(course_data):
    write_cifar10(course_data)
    write_small(course_data)
    animals = data.cats_and_dogs()
    assert animals.source == data.cats_and_dogs_source() and "at 96x96, cut to 64x64" in animals.source
    assert animals.train[0].shape == (8, 3, 96, 96) and animals.val[0].shape == (2, 3, 64, 64)
    for images, labels in (animals.val, animals.test):
        assert (images[:, 0, 4:-4, 4:-4].float() - 40).abs().max() < 8, "the middle, without the red border"
        number = (images[:, 2, 32, 32].float() / 20).floor()
        assert torch.equal(labels, (number % 2).long()), "each picture has kept its label"
    blue = torch.cat([animals.train[0][:, 2, 48, 48], animals.val[0][:, 2, 32, 32]]).float() / 20
    assert blue.floor().sort().values.tolist() == list(range(10)), "every training picture is in one of the two"
    write_pets(course_data)
    assert data.cats_and_dogs(16).source.startswith("Oxford")


@pytest.mark.parametrize("content", [b"no archive", b"PK\x03\x04 cut off"])
def test_small_photographs_that_are_damaged_are_named(course_data, content):
    write_small(course_data)
    (course_data / pets.SMALL / "test.npz").write_bytes(content)
    with pytest.raises(DataError, match="cats and dogs: cannot read .*test.npz"):
        data.cats_and_dogs()


def test_cifar10_stands_in_and_says_so(course_data):
    write_cifar10(course_data)
    animals = data.cats_and_dogs()
    assert animals.source == data.cats_and_dogs_source()
    assert "CIFAR-10 (JPEG)" in animals.source and "from 32x32 to 64x64" in str(animals)
    assert [len(split[1]) for split in (animals.train, animals.val, animals.test)] == [40, 10, 10]
    for images, labels in (animals.train, animals.val, animals.test):
        assert images.shape[1:] == (3, 64, 64) and images.dtype == torch.uint8 and labels.dtype == torch.int64
        red = torch.where(labels == 0, 60, 100)  # classes 3 and 5
        assert (images[:, 0].float().mean((1, 2)) - red).abs().max() < 4


def test_the_splits_are_the_same_every_time(course_data):
    write_pets(course_data)
    first, again = data.cats_and_dogs(size=8), data.cats_and_dogs(size=8)
    for split in ("train", "val", "test"):
        for a, b in zip(getattr(first, split), getattr(again, split), strict=True):
            assert torch.equal(a, b)


def test_what_is_missing_is_named(course_data):
    with pytest.raises(DataError, match=r"has no oxford-iiit-pet/ .*no cats_dogs96/.* neither cifar-10-batches-py/"):
        data.cats_and_dogs()
    with pytest.raises(ValueError, match="size must be at least 1, got 0"):
        data.cats_and_dogs(size=0)
    write_pets(course_data)
    (course_data / pets.FOLDER / "images" / "Cat_test_0.jpg").write_bytes(b"no picture")
    with pytest.raises(DataError, match="Oxford-IIIT Pet: cannot read"):
        data.cats_and_dogs(size=8)


def test_a_download_that_fails_leaves_nothing(server, monkeypatch, tmp_path):
    from torchvision.datasets import OxfordIIITPet

    monkeypatch.setattr(folders, "cache", lambda: tmp_path / "cache")
    monkeypatch.setattr(OxfordIIITPet, "_RESOURCES", ((server.url("pets") + "images.tar.gz", "0" * 32),))
    with pytest.raises(DataError, match="Oxford-IIIT Pet: cannot download .*COURSE_DATA"):
        data.cats_and_dogs()
    assert list((tmp_path / "cache").iterdir()) == []


def test_the_embedded_tiles_have_the_same_form():
    tiles = data.cats_and_things()
    splits = (tiles.train, tiles.val, tiles.test)
    for images, labels in splits:
        assert images.shape[1:] == (3, 64, 64) and images.dtype == torch.uint8
        assert set(labels.tolist()) == {0, 1}
    distinct = [rows(split[0]) for split in splits]
    assert len(set.union(*distinct)) == sum(map(len, distinct))
    assert torch.equal(data.cats_and_things().val[0], tiles.val[0])
    cat = data.photographs(grey=False, names="chelsea")["chelsea"]
    ours = rows(torch.cat([images[labels == 0] for images, labels in splits]))
    assert (255 * cat[:, 64:128, 128:192]).round().byte().numpy().tobytes() in ours
