"""A file that somebody handed in, as the notebook that it is or holds: read with bounds, and never run or unpacked."""

import json
import zipfile
from pathlib import Path, PurePosixPath

from .result import Status

# Bytes; a notebook of this course has some hundred kB.
LARGEST = 20 << 20
# What people make of the name without knowing: browsers add .txt, some programs .json.
DISGUISED = (".ipynb.txt", ".ipynb.json", ".json")


class NotANotebookError(Exception):
    """The file cannot be graded: the status, and a note for the table."""

    def __init__(self, status: Status, note: str = ""):
        super().__init__(note)
        self.status, self.note = status, note


def is_notebook(name: str) -> bool:
    return name.lower().endswith(".ipynb")


def may_hold_notebook(name: str) -> bool:
    return name.lower().endswith((".ipynb", ".zip", *DISGUISED))


def read_file(path: Path) -> tuple[bytes, list[str]]:
    """The notebook's bytes, and notes on where they were found; a `NotANotebookError` says why there are none."""
    size = path.stat().st_size
    if size == 0 or size > LARGEST:
        raise NotANotebookError(Status.EMPTY if size == 0 else Status.TOO_LARGE)
    name = path.name.lower()
    if not may_hold_notebook(name):
        raise NotANotebookError(Status.NOT_A_NOTEBOOK, f"what arrived: {path.name[:100]}")
    if name.endswith(".zip"):
        return from_zip(path)
    return path.read_bytes(), [] if is_notebook(name) else [f"named {path.name[-40:]}"]


def from_zip(path: Path) -> tuple[bytes, list[str]]:
    """The only notebook in an archive, in memory and no larger than a notebook may be; nothing is unpacked."""
    try:
        with zipfile.ZipFile(path) as archive:
            found = [m for m in archive.infolist() if is_notebook(m.filename) and not hidden(m.filename)]
            if len(found) != 1:
                raise NotANotebookError(Status.NOT_A_NOTEBOOK, f"an archive with {len(found)} notebooks")
            with archive.open(found[0]) as file:
                data = file.read(LARGEST + 1)
    except (zipfile.BadZipFile, RuntimeError, NotImplementedError, OSError, EOFError, ValueError) as error:
        raise NotANotebookError(Status.NOT_A_NOTEBOOK, "an archive that cannot be read") from error
    if len(data) > LARGEST:
        raise NotANotebookError(Status.TOO_LARGE)
    return data, ["found in an archive"]


def hidden(name: str) -> bool:
    return any(part.startswith((".", "__MACOSX")) and part != ".." for part in PurePosixPath(name).parts)


def notebook_of(data: bytes) -> dict:
    """The notebook in today's form; a ``ValueError``, ``KeyError`` or ``TypeError`` if it is none."""
    found = json.loads(data)
    if isinstance(found, dict) and found.get("nbformat") == 3:
        found = upgraded(found)
    if not isinstance(found["cells"], list):
        raise ValueError("no cells")
    return found


def upgraded(old: dict) -> dict:
    """A notebook of the format before 2015, as some tools still write it."""
    import nbformat

    try:
        return dict(nbformat.convert(nbformat.from_dict(old), 4))
    except Exception as error:
        raise ValueError(f"a notebook of version 3 that cannot be upgraded: {type(error).__name__}") from None
