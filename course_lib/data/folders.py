"""Where data lies: the folder that ``COURSE_DATA`` names, or the system's place for caches.

Chapter: book/getting_started.md
"""

import os
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory

PART = ".part"  # the ending of a file on its way; no reader of a set looks at it


def cache() -> Path:
    """The folder under which downloads are kept, the operating system's own place for caches."""
    import pooch

    return Path(pooch.os_cache("course_lib"))


def given_root() -> Path | None:
    """The folder that ``COURSE_DATA`` names, from which all data is taken; None if it is not set."""
    given = os.environ.get("COURSE_DATA")
    return Path(given).expanduser() if given else None


def download_aside(download: Callable[[str], object], folder: str, root: Path) -> None:
    """``download(aside)`` writes ``aside/folder``; complete, it moves to ``root/folder``.

    torchvision writes under the final names and takes any folder of that name for complete, so it works aside.
    Raises: ``OSError`` of the disk, and what ``download`` raises.
    """
    root.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory(dir=root, suffix=PART) as aside:
        download(aside)
        os.replace(Path(aside, folder), root / folder)
