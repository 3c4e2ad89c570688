"""AT&T faces, LFW and Omniglot: read from a folder, downloaded from a server on 127.0.0.1, and refused when damaged."""

import hashlib
import io
import tarfile
import zipfile
from dataclasses import replace

import numpy as np
import pytest
import torch
from PIL import Image

from course_lib import data
from course_lib.data import DataError, folders, store

rng = np.random.default_rng(0)


def sha256(body):
    return hashlib.sha256(body).hexdigest()


def write_att(root, size=(112, 92)):
    for who in range(1, 41):
        (root / "orl_faces" / f"s{who}").mkdir(parents=True)
        for shot in range(1, 11):
            pixels = np.full(size, who, np.uint8)
            pixels[0] = 200  # the upper edge, which the central square leaves out
            Image.fromarray(pixels).save(root / "orl_faces" / f"s{who}" / f"{shot}.pgm")


def test_att_faces_from_a_folder(tmp_path, monkeypatch):
    write_att(tmp_path)
    monkeypatch.setenv("COURSE_DATA", str(tmp_path))
    people = data.att_faces(size=23)
    assert people.images.shape == (400, 1, 23, 23) and people.images.dtype == torch.uint8
    assert people.labels.bincount().tolist() == [10] * 40
    # in the order of the numbers, not of the names (s10 comes before s2 in a listing), and only the square
    assert (people.images == (people.labels + 1).view(-1, 1, 1, 1)).all()
    assert data.att_source() == "AT&T faces"


def test_a_damaged_att_folder_is_refused(tmp_path, monkeypatch):
    monkeypatch.setenv("COURSE_DATA", str(tmp_path))
    with pytest.raises(DataError, match=r"s1/1.pgm is missing"):
        data.att_faces()
    write_att(tmp_path)
    (tmp_path / "orl_faces" / "s7" / "3.pgm").write_bytes(b"P5 92 112 255\n" + bytes(100))
    with pytest.raises(DataError, match=r"s7/3.pgm"):
        data.att_faces()
    Image.fromarray(np.zeros((64, 64), np.uint8)).save(tmp_path / "orl_faces" / "s7" / "3.pgm")
    with pytest.raises(DataError, match=r"92 x 112 pixels"):
        data.att_faces()


@pytest.fixture
def cache(monkeypatch, tmp_path):
    monkeypatch.setattr(folders, "cache", lambda: tmp_path / "cache")
    (tmp_path / "cache").mkdir()
    return tmp_path / "cache"


def test_att_faces_are_downloaded_and_verified(server, cache, monkeypatch):
    from scipy.io import savemat
    from sklearn.datasets import _olivetti_faces

    faces = rng.integers(0, 256, (4096, 400)).astype(np.uint8)
    file = io.BytesIO()
    savemat(file, {"faces": faces})
    server.files["olivettifaces.mat"] = file.getvalue()
    remote = replace_remote(_olivetti_faces.FACES, server, "olivettifaces.mat")
    monkeypatch.setattr(_olivetti_faces, "FACES", remote)
    people = data.att_faces(size=64)
    assert people.images.shape == (400, 1, 64, 64) and people.labels[:11].tolist() == [0] * 10 + [1]
    # the file holds columns, each a picture turned on its side
    torch.testing.assert_close(people.images[5, 0].T.flatten(), torch.from_numpy(faces[:, 5].copy()))
    assert "scikit-learn" in data.att_source()


@pytest.mark.filterwarnings("ignore")
def test_a_wrong_hash_is_a_clear_error(server, cache, monkeypatch):
    from sklearn.datasets import _olivetti_faces

    server.files["olivettifaces.mat"] = b"a login page"
    remote = replace_remote(_olivetti_faces.FACES, server, "olivettifaces.mat", checksum="0" * 64)
    monkeypatch.setattr(_olivetti_faces, "FACES", remote)
    with pytest.raises(DataError, match=r"AT&T faces: cannot be had .*COURSE_DATA"):
        data.att_faces()


def replace_remote(remote, server, name, checksum=None):
    changes = {"url": server.url("x") + name, "checksum": checksum or sha256(server.files[name])}
    return replace(remote, **changes) if not hasattr(remote, "_replace") else remote._replace(**changes)


def test_lfw_is_downloaded_once_and_then_read(server, cache, monkeypatch, tmp_path):
    from sklearn.datasets import _lfw

    archive = io.BytesIO()
    with tarfile.open(fileobj=archive, mode="w:gz") as tar:
        for k, (name, count) in enumerate([("Ada_L", 3), ("Bob_M", 1), ("Cleo_N", 2)]):
            for i in range(count):
                picture = io.BytesIO()
                Image.new("RGB", (250, 250), (40 * (k + 1),) * 3).save(picture, "jpeg")
                info = tarfile.TarInfo(f"lfw_funneled/{name}/{name}_{i + 1:04d}.jpg")
                info.size = picture.tell()
                tar.addfile(info, io.BytesIO(picture.getvalue()))
    server.files |= {"lfw-funneled.tgz": archive.getvalue()}
    monkeypatch.setattr(_lfw, "FUNNELED_ARCHIVE", replace_remote(_lfw.FUNNELED_ARCHIVE, server, "lfw-funneled.tgz"))
    targets = []
    for target in _lfw.TARGETS:
        server.files[target.filename] = b"0\n"
        targets.append(replace_remote(target, server, target.filename))
    monkeypatch.setattr(_lfw, "TARGETS", tuple(targets))
    people = data.lfw(size=32)
    assert people.images.shape == (5, 1, 32, 32) and sorted(people.labels.tolist()) == [0, 0, 0, 1, 1]
    brightness = people.images.float().mean((1, 2, 3))
    torch.testing.assert_close(brightness, torch.tensor([40.0, 120.0])[people.labels], rtol=0, atol=2)
    monkeypatch.setenv("COURSE_DATA", str(cache / "lfw_home"))  # what was downloaded, taken elsewhere
    server.files.clear()
    assert torch.equal(data.lfw(size=32).labels, people.labels)
    monkeypatch.setenv("COURSE_DATA", str(tmp_path))
    with pytest.raises(DataError, match="has no lfw_home/"):
        data.lfw()


def archives():
    """Two archives in Omniglot's layout that share an alphabet, two characters and two drawers each."""
    made = {}
    for name, alphabets in (("small1", ("Greek", "Korean")), ("small2", ("Greek", "Tagalog"))):
        body = io.BytesIO()
        with zipfile.ZipFile(body, "w") as archive:
            for alphabet in alphabets:
                for character in ("character01", "character02"):
                    for drawer in ("01", "02"):
                        picture = io.BytesIO()
                        paper = np.ones((105, 105), bool)
                        paper[50:60, : 40 + 10 * int(drawer)] = False
                        Image.fromarray(paper).save(picture, "png")
                        entry = f"images_background_{name}/{alphabet}/{character}/0{character[-2:]}_{drawer}.png"
                        archive.writestr(entry, picture.getvalue())
        made[f"images_background_{name}.zip"] = body.getvalue()
    return made


def test_omniglot_through_the_store(server, cache, monkeypatch):
    server.files = archives()
    about = store.describe("omniglot") | {"sources": [server.url("first"), server.url("second")]}
    about["checksums"] = {name: sha256(body) for name, body in server.files.items()}
    server.faults["first"] = "404"
    monkeypatch.setattr(store, "describe", lambda name: about)
    characters = data.omniglot(size=35)
    assert characters.images.shape == (12, 1, 35, 35), "the alphabet that both archives hold is read once"
    assert characters.labels.bincount().tolist() == [2] * 6
    assert [data.ALPHABETS[k] for k in characters.alphabets[::4].tolist()] == ["Greek", "Korean", "Tagalog"]
    assert characters.images[0, 0, 18, 3] == 255 and characters.images[0, 0, 3, 3] == 0, "ink is bright"
    some = data.omniglot(35, ("Tagalog",))
    assert torch.equal(some.images, characters.images[8:]) and some.labels.tolist() == [0, 0, 1, 1]


def test_bad_input_is_named(cache):
    with pytest.raises(ValueError, match="some of Balinese.*got Klingon"):
        data.omniglot(alphabets=("Klingon",))
    for function in (data.omniglot, data.att_faces, data.lfw):
        with pytest.raises(ValueError, match="size must be at least 1, got 0"):
            function(size=0)
