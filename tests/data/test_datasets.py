"""The loaders on small folders of the same layout, and on the real ones where they are."""

import hashlib
import io
import pickle
import subprocess
import sys
import tarfile
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from course_lib import data
from course_lib.data import DataError, folders, store

SHARED = Path(__file__).resolve().parents[3] / "shared" / "data"
rng = np.random.default_rng(0)


@pytest.fixture
def course_data(monkeypatch, tmp_path):
    monkeypatch.setenv("COURSE_DATA", str(tmp_path))
    return tmp_path


def fill(root, name, shape):
    """A folder with the names of the real set and noise in the pictures."""
    (root / name).mkdir()
    pictures = {}
    for file in store.describe(name)["checksums"]:
        pictures[file] = rng.integers(0, 256, shape, dtype=np.uint8)
        Image.fromarray(pictures[file]).save(root / name / file)
    return [pictures[file] for file in sorted(pictures)]


def test_bsd400_is_one_tensor_of_bytes(course_data):
    expected = np.stack(fill(course_data, "bsd400", (18, 18)))[:, None]
    images = data.bsd400()
    assert images.dtype == torch.uint8
    np.testing.assert_array_equal(images.numpy(), expected)


@pytest.mark.parametrize("name", ["bsd68", "set12"])
def test_grey_test_sets_are_lists_of_floats(course_data, name):
    expected = fill(course_data, name, (6, 9))
    images = getattr(data, name)()
    assert len(images) == len(expected)
    for image, pixels in zip(images, expected, strict=True):
        assert image.dtype == torch.float32 and image.shape == (1, 6, 9)
        np.testing.assert_allclose(image[0].numpy(), pixels / 255, atol=1e-7)


def test_colour_comes_first(course_data):
    expected = fill(course_data, "cbsd68", (6, 9, 3))
    images = data.cbsd68()
    assert images[0].shape == (3, 6, 9)
    np.testing.assert_allclose(images[5].numpy(), expected[5].transpose(2, 0, 1) / 255, atol=1e-7)


def test_a_cut_picture_is_named(course_data):
    fill(course_data, "set12", (60, 90))
    path = course_data / "set12" / "03.png"
    path.write_bytes(path.read_bytes()[:1000])
    with pytest.raises(DataError, match=r"03.png cannot be read as an image"):
        data.set12()


def test_a_colour_picture_in_a_grey_set_is_named(course_data):
    fill(course_data, "set12", (6, 9))
    Image.new("RGB", (9, 6)).save(course_data / "set12" / "03.png")
    with pytest.raises(DataError, match=r"03.png must be a picture of mode L, got RGB"):
        data.set12()


def write_cifar10(folder, count=2):
    """torchvision's files with ``count`` images each; their md5s."""
    (folder / "cifar-10-batches-py").mkdir(parents=True)
    sums = {}
    for name in [f"data_batch_{k}" for k in range(1, 6)] + ["test_batch", "batches.meta"]:
        pixels = rng.integers(0, 256, (count, 3072), dtype=np.uint8)
        body = {"data": pixels, "labels": list(range(count)), "label_names": ["cat", "dog"]}
        (folder / "cifar-10-batches-py" / name).write_bytes(pickle.dumps(body))
        sums[name] = hashlib.md5((folder / "cifar-10-batches-py" / name).read_bytes()).hexdigest()
    return sums


@pytest.fixture
def cifar10(server, monkeypatch, tmp_path):
    """A folder with small CIFAR-10 files that torchvision takes for the real ones."""
    from torchvision.datasets import CIFAR10

    sums = write_cifar10(tmp_path / "source")
    monkeypatch.setattr(CIFAR10, "train_list", [[k, sums[k]] for k in sums if k.startswith("data")])
    monkeypatch.setattr(CIFAR10, "test_list", [["test_batch", sums["test_batch"]]])
    monkeypatch.setattr(CIFAR10, "meta", CIFAR10.meta | {"md5": sums["batches.meta"]})
    with tarfile.open(tmp_path / "cifar-10-python.tar.gz", "w:gz") as archive:
        archive.add(tmp_path / "source" / "cifar-10-batches-py", "cifar-10-batches-py")
    packed = (tmp_path / "cifar-10-python.tar.gz").read_bytes()
    monkeypatch.setattr(CIFAR10, "tgz_md5", hashlib.md5(packed).hexdigest())
    server.files = {"cifar-10-python.tar.gz": packed}
    monkeypatch.setattr(CIFAR10, "url", server.url("cifar") + "cifar-10-python.tar.gz")
    monkeypatch.setattr(folders, "cache", lambda: tmp_path / "cache")
    return tmp_path


def test_cifar10_is_downloaded_once_and_read(cifar10, server):
    images, labels = data.cifar10(train=True)
    assert images.dtype == torch.uint8 and images.shape == (10, 3, 32, 32)
    assert labels.dtype == torch.int64 and labels.tolist() == [0, 1] * 5
    raw = pickle.loads((cifar10 / "source" / "cifar-10-batches-py" / "test_batch").read_bytes())["data"]
    server.files.clear()
    np.testing.assert_array_equal(data.cifar10(train=False)[0].numpy(), raw.reshape(2, 3, 32, 32))
    assert data.cifar10_source() == "CIFAR-10"
    assert [path.name for path in (cifar10 / "cache" / "cifar10").iterdir()] == ["cifar-10-batches-py"]


@pytest.mark.parametrize("fault", ["404", "wrong", "truncated"])
def test_a_cifar10_that_fails_leaves_nothing(cifar10, server, fault):
    server.faults["cifar"] = fault
    with pytest.raises(DataError, match=r"CIFAR-10: cannot download .*COURSE_DATA"):
        data.cifar10()
    assert list((cifar10 / "cache" / "cifar10").iterdir()) == []


def test_damaged_cifar10_files_are_refused(cifar10, monkeypatch):
    monkeypatch.setenv("COURSE_DATA", str(cifar10 / "source"))
    data.cifar10()
    (cifar10 / "source" / "cifar-10-batches-py" / "data_batch_3").write_bytes(b"")
    with pytest.raises(DataError, match="missing or damaged files in .*source"):
        data.cifar10()


def test_cifar10_jpeg_says_so(course_data):
    with pytest.raises(DataError, match="neither cifar-10-batches-py/ .* nor cifar10_jpeg/"):
        data.cifar10()
    pixels = [np.full((32, 32, 3), (40 * k, 90, 200), np.uint8) for k in range(4)]
    streams = []
    for picture in pixels:
        streams.append(io.BytesIO())
        Image.fromarray(picture).save(streams[-1], "jpeg", quality=95)
    streams = [np.frombuffer(stream.getvalue(), np.uint8) for stream in streams]
    offsets = np.cumsum([0, *map(len, streams)]).astype(np.int32)
    (course_data / "cifar10_jpeg").mkdir()
    labels = np.array([3, 1, 4, 1], np.uint8)
    np.savez(course_data / "cifar10_jpeg" / "test.npz", jpeg=np.concatenate(streams), offsets=offsets, labels=labels)
    images, classes = data.cifar10(train=False)
    assert images.shape == (4, 3, 32, 32) and images.dtype == torch.uint8
    assert classes.dtype == torch.int64 and classes.tolist() == [3, 1, 4, 1]
    np.testing.assert_allclose(images.permute(0, 2, 3, 1).numpy(), np.stack(pixels), atol=4)
    assert data.cifar10_source() == "CIFAR-10 (JPEG)"
    with pytest.raises(DataError, match="cannot read .*train_1.npz"):
        data.cifar10(train=True)


@pytest.mark.skipif(not (SHARED / "bsd400").is_dir(), reason="no ../shared/data here")
def test_the_real_sets(monkeypatch):
    monkeypatch.setenv("COURSE_DATA", str(SHARED))
    assert data.bsd400().shape == (400, 1, 180, 180)
    grey, colour = data.bsd68(), data.cbsd68()
    shapes = [tuple(picture.shape) for picture in grey]
    assert sorted(set(shapes)) == [(1, 321, 481), (1, 481, 321)] and len(shapes) == 68
    assert len(colour) == 68 and all(picture.shape[0] == 3 for picture in colour)
    assert sorted({tuple(picture.shape) for picture in data.set12()}) == [(1, 256, 256), (1, 512, 512)]


def test_importing_the_package_imports_nothing_heavy():
    heavy = {"pooch", "torchvision", "skimage", "PIL", "requests", "matplotlib"}
    code = "import sys, torch; old = set(sys.modules); import course_lib.data; print(*set(sys.modules) - old)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert not heavy & set(done.stdout.split())


def test_the_stand_in_has_the_form_of_cifar10_and_its_crops_are_of_its_photographs():
    images, labels = data.cifar10_stand_in(9, seed=3)
    assert images.shape == (9, 3, 32, 32) and images.dtype == torch.uint8
    assert labels.tolist() == [0, 1, 2, 3, 0, 1, 2, 3, 0]
    assert torch.equal(images, data.cifar10_stand_in(9, seed=3)[0]) and not torch.equal(
        images, data.cifar10_stand_in(9, seed=4)[0]
    )
    cat = (255 * data.photographs(128, grey=False, names="chelsea")["chelsea"]).round().byte()
    windows = cat.unfold(1, 32, 1).unfold(2, 32, 1).permute(1, 2, 0, 3, 4).flatten(0, 1)
    assert (windows == images[0]).flatten(1).all(1).any()
