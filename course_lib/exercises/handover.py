"""What goes from an answer to whoever judges it: plain data, and recorded networks, and nothing that could be run."""

import json


def pack(thing) -> object:
    """Numbers, strings, lists, dictionaries, tensors and `Tape`s as JSON holds them; a TypeError for anything else."""
    if hasattr(thing, "as_json"):
        return {"tape": thing.as_json()}
    if isinstance(thing, dict):
        return {"items": [[pack(k), pack(v)] for k, v in thing.items()]}
    return plain(thing)


def unpack(packed):
    """The inverse of `pack`, by way of JSON: lists for tuples and tensors, and tapes that can be played."""
    packed = json.loads(json.dumps(packed))
    if isinstance(packed, dict) and packed.keys() == {"tape"}:
        from .tape import Tape

        return Tape(**packed["tape"])
    if isinstance(packed, dict):
        return {unpack(k): unpack(v) for k, v in packed["items"]}
    return packed


def plain(value):
    """Tensors and arrays as lists, for JSON."""
    if hasattr(value, "detach"):
        value = value.detach().cpu()
    if hasattr(value, "tolist"):
        return value.tolist()
    if isinstance(value, dict):
        return {str(k): plain(v) for k, v in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(v) for v in value]
    if value is None or isinstance(value, (bool, int, float, str)):
        return value
    raise TypeError(f"cannot emit a {type(value).__name__}")
