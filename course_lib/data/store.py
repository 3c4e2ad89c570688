"""Where datasets come from: ``fetch(name)`` downloads a set once, verifies every file and returns its folder.

``registry.json`` says for each set what it is, who made it, its licence and its sources (a mirror is tried
when the first fails); ``checksums/NAME.json`` holds the SHA-256 of every file. A file appears under its own
name only when it is complete and its hash is right, so a download that is interrupted continues later.

Chapter: book/getting_started.md
"""

import contextlib
import errno
import hashlib
import json
import os
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor, as_completed
from pathlib import Path
from urllib.parse import urlsplit

from . import folders
from .folders import PART

HERE = Path(__file__).parent
CONNECTIONS = 8  # small files: waiting for answers, not bandwidth, is what takes time
TIMEOUT = 20  # seconds without a byte


class DataError(RuntimeError):
    """A dataset could not be had; the message says what failed, where, and what to do."""


def fetch(name: str, to: str | os.PathLike | None = None) -> Path:
    """The folder that holds the set ``name``, downloaded first if it is not there yet.

    With the environment variable ``COURSE_DATA`` the set is taken from ``$COURSE_DATA/NAME`` and nothing is
    ever written or downloaded. That folder is yours, so it is checked for missing or empty files but not
    hashed: the same pictures saved by another program are as good. What we downloaded ourselves is hashed on
    every call (under 0.1 s a set), and a file that was damaged since is fetched again.

    Args:
        name: one of ``names()``.
        to: a folder to fill instead of the cache, for a machine without network: copy it there and point
            ``COURSE_DATA`` to it.

    Raises:
        DataError: unknown name, no network, wrong hash, full disk, read-only folder, incomplete COURSE_DATA.
    """
    about = describe(name)
    if to is None and (root := folders.given_root()):
        return _given(root, name, about["checksums"])
    folder = (folders.cache() if to is None else Path(to).expanduser()) / name
    try:
        wanted = {file: sha for file, sha in about["checksums"].items() if _sha256(folder / file) != sha}
        if wanted:
            folder.mkdir(parents=True, exist_ok=True)
            _download(name, folder, wanted, about)
    except OSError as error:  # sources answer with DataError, so this is the local disk
        raise _disk_error(name, folder, about["bytes"], error) from error
    return folder


def names() -> list[str]:
    """The sets that ``fetch`` knows."""
    return list(json.loads((HERE / "registry.json").read_text()))


def describe(name: str) -> dict:
    """What the registry says: what, files, bytes, licence, credit, papers, sources (and names there), checksums."""
    registry = json.loads((HERE / "registry.json").read_text())
    if name not in registry:
        raise DataError(f"there is no dataset {name!r}; choose from {', '.join(registry)}")
    return registry[name] | {"checksums": json.loads((HERE / "checksums" / f"{name}.json").read_text())}


def _given(root: Path, name: str, files: dict[str, str]) -> Path:
    folder = root / name
    found = set()
    for part in {Path(file).parent for file in files}:
        try:
            found |= {(part / entry.name).as_posix() for entry in os.scandir(folder / part) if _is_filled(entry)}
        except FileNotFoundError:
            continue
        except OSError as error:
            raise DataError(f"{name}: cannot read {folder / part}: {error.strerror}") from error
    missing = sorted(files.keys() - found)
    if missing:
        some = ", ".join(missing[:3]) + (", ..." if len(missing) > 3 else "")
        raise DataError(
            f"{name}: {len(missing)} of {len(files)} files are missing or empty in {folder} ({some}).\n"
            f"COURSE_DATA={root} must hold a filled folder {name}/. Fill it on a machine with network by "
            f"course_lib.data.store.fetch({name!r}, to={str(root)!r}), or unset COURSE_DATA to download."
        )
    return folder


def _is_filled(entry: os.DirEntry) -> bool:
    try:
        return entry.is_file() and entry.stat().st_size > 0
    except OSError:  # a link to nowhere, or to itself: this file is missing, others need not be
        return False


def _download(name: str, folder: Path, wanted: dict[str, str], about: dict) -> None:
    import pooch
    from tqdm import tqdm

    get = pooch.HTTPDownloader(timeout=TIMEOUT, chunk_size=1 << 16)
    failures = Counter(dict.fromkeys(about["sources"], 0))  # shared: all files avoid a source that is down
    pool = ThreadPoolExecutor(CONNECTIONS)
    there = {file: file for file in wanted} | about.get("at_source", {})
    jobs = {pool.submit(_get, get, folder / file, there[file], sha, failures): file for file, sha in wanted.items()}
    try:
        label = f"{name} ({about['bytes'] / 1e6:.1f} MB in all)"
        silent = os.environ.get("COURSE_STATIC") == "1"  # a stored bar is a dead one
        for job in tqdm(as_completed(jobs), label, len(jobs), unit="file", leave=False, disable=silent):
            if reasons := job.result():
                raise _source_error(name, jobs[job], folder, reasons)
    finally:
        pool.shutdown(cancel_futures=True)  # files under way end well; the rest is not begun
    for left in folder.rglob("*" + PART):  # of a run that was killed; a young one may be at work beside us
        with contextlib.suppress(OSError):
            if left.stat().st_mtime < time.time() - 3600:
                left.unlink()


def _get(get, path: Path, name: str, sha256: str, failures: Counter) -> dict[str, str]:
    """Fetch one file from the first source that gives it whole; else why each source failed."""
    import requests

    reasons = {}
    part = path.with_name(f"{path.name}.{os.getpid()}{PART}")
    path.parent.mkdir(exist_ok=True)
    for source in sorted(failures, key=failures.__getitem__):
        try:
            with open(part, "wb") as file:
                get(source + name, file, None)
            found = _sha256(part)
            if found == sha256:
                os.replace(part, path)
                return {}
            reasons[source] = f"wrong SHA-256: expected {sha256[:12]}..., got {found[:12]}..."
        except (requests.RequestException, ConnectionError, TimeoutError) as error:  # all else is the disk
            reasons[source] = _reason(error)
        finally:
            part.unlink(missing_ok=True)
        failures[source] += 1
    return reasons


def _reason(error: Exception) -> str:
    import requests

    if isinstance(error, requests.HTTPError):
        return f"HTTP {error.response.status_code} {error.response.reason}"
    if isinstance(error, requests.Timeout):
        return f"no answer within {TIMEOUT} s"
    if isinstance(error, requests.exceptions.ChunkedEncodingError):
        return "the transfer was cut short"
    if isinstance(error, requests.ConnectionError):
        return "cannot connect"
    return f"{type(error).__name__}: {error}"


def _source_error(name: str, file: str, folder: Path, reasons: dict[str, str]) -> DataError:
    where = "\n".join(f"  {source}{file}\n    {reason}" for source, reason in reasons.items())
    if any("SHA-256" in reason for reason in reasons.values()):
        advice = "The file was changed at its source or on its way (a proxy, a login page?); it was not kept."
    elif all(reason.startswith(("cannot connect", "no answer")) for reason in reasons.values()):
        hosts = " and ".join(dict.fromkeys(urlsplit(source).netloc for source in reasons))
        advice = f"Is there a network, and does it let you reach {hosts}?"
    else:
        advice = "The server may be busy; try again in some minutes."
    return DataError(
        f"{name}: no source gave a good copy of {file}:\n{where}\n{advice} Finished files are kept in "
        f"{folder}; call again to continue. Without network: course_lib.data.store.fetch({name!r}, "
        "to='FOLDER') on another machine, copy FOLDER here and set COURSE_DATA=FOLDER."
    )


def _disk_error(name: str, folder: Path, size: int, error: OSError) -> DataError:
    if error.errno in {errno.ENOSPC, errno.EDQUOT}:
        what = f"the disk is full: {name} needs {size / 1e6:.1f} MB. Free some space"
    elif error.errno in {errno.EROFS, errno.EACCES, errno.EPERM}:
        what = "it may not be written (a read-only folder?). Make it writable"
    else:
        what = f"{error.strerror or error}. Look at that folder"
    return DataError(
        f"{name}: cannot write to {folder}: {what}, or fill another folder with "
        f"course_lib.data.store.fetch({name!r}, to='FOLDER') and set COURSE_DATA=FOLDER."
    )


def _sha256(path: Path) -> str | None:
    try:
        return hashlib.sha256(path.read_bytes()).hexdigest()
    except FileNotFoundError:
        return None
