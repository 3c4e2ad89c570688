"""Checkpoints that survive: written atomically, verified when read, one generation back kept.

A file is a ``torch.save`` payload followed by its SHA-256, so that a truncated or damaged file is recognised
before anything is made of it. It is read with ``weights_only=True``: a checkpoint cannot run code.
"""

import hashlib
import io
import os
import pickle
import warnings
from pathlib import Path

import torch

from .._files import replacing

_DIGEST = 32  # bytes of a SHA-256


class CheckpointError(RuntimeError):
    """No checkpoint at this path can be used; the message says why and what to do."""


def save(path: Path, state: dict) -> None:
    """Write ``state`` so that a crash at any moment leaves this checkpoint or the one before, complete."""
    buffer = io.BytesIO()
    torch.save(state, buffer)
    payload = buffer.getvalue()
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with replacing(path, keep=previous(path)) as part:
            part.write_bytes(payload + hashlib.sha256(payload).digest())
    except OSError as error:
        raise CheckpointError(f"cannot write the checkpoint {path}: {error.strerror}") from error


def load(path: Path, device: torch.device | str = "cpu") -> dict | None:
    """The newest intact checkpoint at ``path``, or None if there never was one.

    A damaged file is refused with a warning, and the previous checkpoint is used.

    Raises:
        CheckpointError: if files exist and none is intact.
    """
    damaged = []
    for candidate in (path, previous(path)):
        if not candidate.exists():
            continue
        try:
            state = _read(candidate, device)
            if damaged:  # out of the way, or the next save would put it in the place of the intact one
                os.replace(path, path.with_name(path.name + ".damaged"))
            return state
        except CheckpointError as error:
            damaged.append(str(error))
            warnings.warn(f"{error}; falling back to the previous checkpoint", stacklevel=2)
    if damaged:
        raise CheckpointError(f"{'; '.join(damaged)}. Delete {path.name}* in {path.parent} to start afresh.")
    return None


def previous(path: Path) -> Path:
    """Where the checkpoint before the newest is kept."""
    return path.with_name(path.name + ".previous")


def _read(path: Path, device: torch.device | str) -> dict:
    try:
        data = path.read_bytes()
    except OSError as error:
        raise CheckpointError(f"checkpoint {path} cannot be read: {error.strerror}") from error
    payload, digest = data[:-_DIGEST], data[-_DIGEST:]
    if hashlib.sha256(payload).digest() != digest:
        raise CheckpointError(f"checkpoint {path} is damaged ({len(data):,} bytes, its SHA-256 does not match)")
    try:
        return torch.load(io.BytesIO(payload), map_location=device, weights_only=True)
    except pickle.UnpicklingError as error:
        raise CheckpointError(f"checkpoint {path} holds more than tensors and numbers: {error}") from error
