"""Files that are either the old one or the new one, whole, whenever the power fails."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def replacing(path: str | os.PathLike, keep: Path | None = None) -> Iterator[Path]:
    """``with replacing(path) as part:`` write to ``part``, which then replaces ``path`` at once and whole.

    After an error ``path`` is as it was and ``part`` is gone. ``part`` lies in the same folder (which must exist), and
    carries the process's number, so that two processes do not write into one file. With ``keep``, what was at ``path``
    is moved there.
    """
    path = Path(path)
    part = path.with_name(f"{path.name}.{os.getpid()}.part")
    try:
        yield part
        with open(part, "rb+") as file:
            os.fsync(file.fileno())
        if keep and path.exists():
            os.replace(path, keep)
        os.replace(part, path)
    finally:
        part.unlink(missing_ok=True)
