"""Checkpoints that survive: written atomically, verified when read, one generation back kept.

A file is a line that says what it is, a ``torch.save`` payload, and the SHA-256 of both. So a truncated or damaged file
is recognised before anything is made of it, and what somebody else wrote is left alone. It is read with
``weights_only=True``: a checkpoint cannot run code.
"""

import hashlib
import io
import os
import pickle
import warnings
from pathlib import Path

import torch

from .._files import replacing

_MARK = b"course_lib checkpoint\n"
_DIGEST = 32  # bytes of a SHA-256


class CheckpointError(RuntimeError):
    """No checkpoint at this path can be used; the message says why and what to do."""


class _DamagedError(CheckpointError):
    """What was a checkpoint once; the one before it may still do."""


def save(path: Path, state: dict, verify: bool = False) -> None:
    """Write ``state`` so that a crash at any moment leaves this checkpoint or the one before, complete.

    With ``verify`` it is read back first: nothing takes the place of a good checkpoint that cannot be loaded again.
    """
    content = _pack(state)
    if verify:
        _check_loadable(path, state, content)
    _write(path, content, keep=previous(path))


def try_out(path: Path, state: dict) -> None:
    """Raise `CheckpointError` now if a checkpoint of this kind could not be written there, or not be read again."""
    if path.is_dir():
        raise CheckpointError(f"the checkpoint {path} is a folder: give the name of a file in it")
    content = _pack(state)
    _check_loadable(path, state, content)
    trial = path.with_name(path.name + ".trial")
    _write(trial, content)
    trial.unlink()


def load(path: Path, device: torch.device | str = "cpu") -> dict | None:
    """The newest intact checkpoint at ``path``, or None if there never was one.

    A damaged file is refused with a warning, and the previous checkpoint is used.

    Raises:
        CheckpointError: if files exist and none is intact, or if what is at ``path`` was never a checkpoint.
    """
    damaged = []
    if path.is_file() and not path.stat().st_size and not previous(path).exists():
        return None  # an empty file holds nothing that could be lost
    for candidate in (path, previous(path)):
        if not candidate.exists():
            continue
        try:
            state = _read(candidate, device)
            if damaged:  # out of the way, or the next save would put it in the place of the intact one
                os.replace(path, path.with_name(path.name + ".damaged"))
            return state
        except _DamagedError as error:
            damaged.append(str(error))
            warnings.warn(f"{error}; falling back to the previous checkpoint", stacklevel=2)
    if damaged:
        raise CheckpointError(f"{'; '.join(damaged)}. Delete {path.name}* in {path.parent} to start afresh.")
    return None


def previous(path: Path) -> Path:
    """Where the checkpoint before the newest is kept."""
    return path.with_name(path.name + ".previous")


def _pack(state: dict) -> bytes:
    buffer = io.BytesIO()
    torch.save(state, buffer)
    content = _MARK + buffer.getvalue()
    return content + hashlib.sha256(content).digest()


def _unpack(content: bytes, path: Path, device: torch.device | str) -> dict:
    try:
        return torch.load(io.BytesIO(content), map_location=device, weights_only=True)
    except pickle.UnpicklingError as error:
        raise _DamagedError(f"checkpoint {path} holds more than tensors and numbers: {error}") from error


def _check_loadable(path: Path, state: dict, content: bytes) -> None:
    try:
        _unpack(content[len(_MARK) : -_DIGEST], path, "cpu")
    except CheckpointError as error:
        alone = {key: _pack({key: value})[len(_MARK) : -_DIGEST] for key, value in state.items()}
        wrong = [key for key, part in alone.items() if not _is_loadable(part)]
        raise CheckpointError(
            f"this run could not be continued from its checkpoint {path}: only tensors, numbers and text can be read "
            f"again, and there is something else in its {' and '.join(wrong)} ({error.__cause__})"
        ) from error


def _is_loadable(part: bytes) -> bool:
    try:
        torch.load(io.BytesIO(part), map_location="cpu", weights_only=True)
    except pickle.UnpicklingError:
        return False
    return True


def _write(path: Path, content: bytes, keep: Path | None = None) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with replacing(path, keep=keep) as part:
            part.write_bytes(content)
    except OSError as error:
        raise CheckpointError(f"cannot write the checkpoint {path}: {error.strerror}") from error


def _read(path: Path, device: torch.device | str) -> dict:
    try:
        data = path.read_bytes()
    except OSError as error:
        raise CheckpointError(f"checkpoint {path} cannot be read: {error.strerror}") from error
    content, digest = data[:-_DIGEST], data[-_DIGEST:]
    intact = hashlib.sha256(content).digest() == digest
    # those of the first version have no mark, but a digest
    if not (intact or data.startswith(_MARK) or _MARK.startswith(data)):
        raise CheckpointError(
            f"{path} is there already and is not a checkpoint that fit wrote (perhaps a file of weights?). It is left "
            "as it is: give this run another path."
        )
    if not intact:
        raise _DamagedError(f"checkpoint {path} is damaged ({len(data):,} bytes, its SHA-256 does not match)")
    return _unpack(content.removeprefix(_MARK), path, device)
