"""The store against a server on 127.0.0.1, and against the real files where they are."""

import hashlib
import json
import os
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from course_lib import data
from course_lib.data import DataError, folders, store

FILES = {f"{k}.png": bytes([k]) * (500 + k) for k in range(20)}
SHARED = Path(__file__).resolve().parents[3] / "shared" / "data"


def write_registry(folder, sources, files=FILES):
    about = {"what": "a toy", "files": len(files), "bytes": sum(map(len, files.values())), "sources": sources}
    (folder / "checksums").mkdir(parents=True, exist_ok=True)
    (folder / "registry.json").write_text(json.dumps({"toy": about}))
    sums = {name: hashlib.sha256(body).hexdigest() for name, body in files.items()}
    (folder / "checksums" / "toy.json").write_text(json.dumps(sums))


@pytest.fixture
def toy(server, monkeypatch, tmp_path):
    """A registry of one set with two sources, and an empty cache."""
    server.files = FILES
    write_registry(tmp_path / "registry", [server.url("first"), server.url("second")])
    monkeypatch.setattr(store, "HERE", tmp_path / "registry")
    monkeypatch.setattr(folders, "cache", lambda: tmp_path / "cache")
    return tmp_path / "cache" / "toy"


def complete(folder):
    return {path.name: path.read_bytes() for path in folder.iterdir()} == FILES


def only_whole_files(folder):
    return not folder.exists() or all(FILES.get(path.name) == path.read_bytes() for path in folder.iterdir())


def test_good_files_are_fetched_once(toy, server):
    assert store.fetch("toy") == toy
    assert complete(toy)
    assert len(server.asked) == len(FILES)
    assert store.fetch("toy") == toy
    assert len(server.asked) == len(FILES)


def test_a_file_damaged_after_the_download_is_fetched_again(toy, server):
    store.fetch("toy")
    (toy / "3.png").write_bytes(b"scratched")
    server.asked.clear()
    store.fetch("toy")
    assert complete(toy)
    assert server.asked == [("first", "3.png")]


@pytest.mark.parametrize("fault", ["404", "wrong", "truncated"])
def test_the_second_mirror_is_used(toy, server, fault):
    server.faults["first"] = fault
    store.fetch("toy")
    assert complete(toy)
    asked_in_vain = sum(folder == "first" for folder, _ in server.asked)
    assert 1 <= asked_in_vain < len(FILES), "a source that fails goes to the back"


def test_the_second_mirror_is_used_when_the_first_is_down(toy, server, monkeypatch):
    write_registry(store.HERE, [f"http://127.0.0.1:{closed_port()}/first/", server.url("second")])
    store.fetch("toy")
    assert complete(toy)


@pytest.mark.parametrize("fault, said", [("404", "HTTP 404"), ("wrong", "wrong SHA-256"), ("truncated", "cut short")])
def test_no_source_is_good(toy, server, fault, said):
    server.faults.update(first=fault, second=fault)
    with pytest.raises(DataError) as error:
        store.fetch("toy")
    message = str(error.value)
    assert message.count(said) == 2 and server.url("first") in message and server.url("second") in message
    assert "COURSE_DATA" in message
    assert only_whole_files(toy)


def test_no_network(toy):
    port = closed_port()
    write_registry(store.HERE, [f"http://127.0.0.1:{port}/first/"])
    with pytest.raises(DataError, match="cannot connect") as error:
        store.fetch("toy")
    assert f"127.0.0.1:{port}" in str(error.value) and "network" in str(error.value)
    assert only_whole_files(toy)


def test_one_bad_file_keeps_the_finished_ones_and_the_next_call_resumes(toy, server):
    server.faults.update(first=lambda name: "404" if name == "19.png" else None, second="404")
    with pytest.raises(DataError, match="19.png"):
        store.fetch("toy")
    finished = {path.name for path in toy.iterdir()}
    assert finished and only_whole_files(toy)
    server.faults.clear()
    server.asked.clear()
    store.fetch("toy")
    assert complete(toy)
    assert {name for _, name in server.asked} == FILES.keys() - finished


def test_a_killed_download_leaves_only_whole_files_and_resumes(toy, server):
    """kill -9 while a transfer hangs half way."""
    hang = threading.Event()
    server.faults["first"] = lambda name: hang.wait(20) and None if name == "7.png" else None
    # the folder as a bare package, since its own __init__ imports torch, which takes longer than the test
    code = (
        "import pathlib, sys, types; bare = types.ModuleType('bare'); bare.__path__ = [sys.argv[3]]; "
        "sys.modules['bare'] = bare; import bare.store as s; s.HERE = pathlib.Path(sys.argv[1]); "
        "s.fetch('toy', sys.argv[2])"
    )
    victim = subprocess.Popen(
        [sys.executable, "-c", code, store.HERE, toy.parent, Path(store.__file__).parent],
        stderr=subprocess.DEVNULL,
    )
    try:
        for _ in range(600):
            if len(list(toy.glob("*.png"))) == len(FILES) - 1:
                break
            assert victim.poll() is None
            time.sleep(0.05)
    finally:
        victim.kill()
        victim.wait()
        hang.set()
    names = {path.name for path in toy.iterdir() if not path.name.endswith(store.PART)}
    assert names == FILES.keys() - {"7.png"}
    left = [path for path in toy.iterdir() if path.name.endswith(store.PART)]
    assert left, "the kill came in the middle of a transfer"
    for path in left:
        os.utime(path, (0, 0))  # as if it had happened long ago
    server.faults.clear()
    server.asked.clear()
    store.fetch("toy")
    assert complete(toy), "and what the killed run left is swept away"
    assert server.asked == [("first", "7.png")]


def test_fetch_to_a_folder_makes_it_a_course_data(toy, tmp_path, monkeypatch):
    store.fetch("toy", to=tmp_path / "stick")
    monkeypatch.setenv("COURSE_DATA", str(tmp_path / "stick"))
    monkeypatch.setattr(store, "_download", None)  # nothing may be downloaded from here on
    assert store.fetch("toy") == tmp_path / "stick" / "toy"
    (tmp_path / "stick" / "toy" / "5.png").unlink()
    (tmp_path / "stick" / "toy" / "6.png").write_bytes(b"")
    with pytest.raises(DataError, match=r"2 of 20 files are missing or empty .*5.png, 6.png"):
        store.fetch("toy")
    monkeypatch.setenv("COURSE_DATA", str(tmp_path / "nowhere"))
    with pytest.raises(DataError, match="20 of 20 files"):
        store.fetch("toy")


def test_course_data_needs_no_pooch(toy, tmp_path, monkeypatch):
    store.fetch("toy")
    monkeypatch.setitem(sys.modules, "pooch", None)
    monkeypatch.setenv("COURSE_DATA", str(toy.parent))
    assert store.fetch("toy") == toy


def test_unknown_name_lists_the_names():
    with pytest.raises(DataError, match="bsd400, bsd68, set12, cbsd68"):
        store.fetch("imagenet")


@pytest.fixture
def small_disk(tmp_path):
    """A disk of 64 KiB; ``small_disk(read_only=True)`` mounts it read-only (root ignores permissions)."""
    disk = tmp_path / "disk"
    disk.mkdir()
    mounted = []

    def mount(read_only=False):
        options = "size=64k,ro" if read_only else "size=64k"
        done = subprocess.run(["mount", "-t", "tmpfs", "-o", options, "tmpfs", disk], capture_output=True)
        if done.returncode:
            pytest.skip("mounting a small tmpfs needs root")
        mounted.append(disk)
        return disk

    yield mount
    for disk in mounted:
        subprocess.run(["umount", disk], check=True)


def test_full_disk(toy, server, small_disk, monkeypatch):
    disk = small_disk()
    (disk / "ballast").write_bytes(bytes(40_000))
    big = {f"{k}.png": bytes([k]) * 10_000 for k in range(8)}
    server.files = big
    write_registry(store.HERE, [server.url("first")], big)
    with pytest.raises(DataError, match=r"disk is full: toy needs 0.1 MB.*COURSE_DATA") as error:
        store.fetch("toy", to=disk)
    assert str(disk) in str(error.value)
    assert all(big.get(path.name) == path.read_bytes() for path in (disk / "toy").iterdir())
    (disk / "ballast").unlink()


def test_read_only_folder(toy, small_disk):
    with pytest.raises(DataError, match=r"cannot write to .*read-only.*COURSE_DATA"):
        store.fetch("toy", to=small_disk(read_only=True))


def test_read_only_course_data(toy, small_disk, monkeypatch):
    disk = small_disk()
    (disk / "toy").mkdir()
    small = {"0.png": b"0" * 100}
    write_registry(store.HERE, [], small)
    (disk / "toy" / "0.png").write_bytes(small["0.png"])
    subprocess.run(["mount", "-o", "remount,ro", disk], check=True)
    monkeypatch.setenv("COURSE_DATA", str(disk))
    assert store.fetch("toy") == disk / "toy"


def test_the_registry_is_complete():
    for name in store.names():
        about = store.describe(name)
        assert len(about["checksums"]) == about["files"]
        assert len(set(about["checksums"].values())) == about["files"]
        assert len(about["sources"]) >= 2 and all(source.endswith("/") for source in about["sources"])
        assert about["licence"] and about["credit"] and about["papers"]


needs_shared = pytest.mark.skipif(not (SHARED / "bsd68").is_dir(), reason="no ../shared/data here")


@needs_shared
@pytest.mark.parametrize("name", store.names())
def test_the_real_files_have_the_registered_hashes(name):
    about = store.describe(name)
    files = {file: SHARED / name / file for file in about["checksums"]}
    assert {file: hashlib.sha256(path.read_bytes()).hexdigest() for file, path in files.items()} == about["checksums"]
    assert sum(path.stat().st_size for path in files.values()) == about["bytes"]


@needs_shared
def test_the_whole_of_bsd68_through_http(server, monkeypatch, tmp_path):
    about = store.describe("bsd68")
    server.files = {path.name: path.read_bytes() for path in (SHARED / "bsd68").iterdir()}
    server.faults["first"] = lambda name: "truncated" if name == "test012.png" else None
    monkeypatch.setattr(folders, "cache", lambda: tmp_path)
    monkeypatch.setattr(store, "describe", lambda _: about | {"sources": [server.url("first"), server.url("second")]})
    pictures = data.bsd68()
    assert len(pictures) == 68
    assert {tuple(picture.shape) for picture in pictures} == {(1, 321, 481), (1, 481, 321)}


def test_files_in_folders_and_under_another_name_at_their_source(server, monkeypatch, tmp_path):
    files = {"gt/cell.png": b"mean" * 100, "raw/cell_1.png": b"shot" * 100, "about.txt": b"text"}
    write_registry(tmp_path / "registry", [server.url("first"), server.url("second")], files)
    path = tmp_path / "registry" / "registry.json"
    about = json.loads(path.read_text())["toy"] | {"at_source": {"gt/cell.png": "gt/cell_1.png"}}
    path.write_text(json.dumps({"toy": about}))
    monkeypatch.setattr(store, "HERE", tmp_path / "registry")
    server.files = files | {"gt/cell_1.png": files["gt/cell.png"], "gt/cell.png": b"another picture"}
    folder = store.fetch("toy", to=tmp_path / "stick")
    assert {path.relative_to(folder).as_posix() for path in folder.rglob("*.*")} == files.keys()
    assert all((folder / name).read_bytes() == body for name, body in files.items())
    monkeypatch.setenv("COURSE_DATA", str(tmp_path / "stick"))
    assert store.fetch("toy") == folder
    (folder / "raw/cell_1.png").unlink()
    (folder / "raw").rmdir()
    with pytest.raises(DataError, match=r"1 of 3 files are missing or empty .*raw/cell_1.png"):
        store.fetch("toy")


def closed_port():
    with socket.create_server(("127.0.0.1", 0)) as server:
        return server.getsockname()[1]
