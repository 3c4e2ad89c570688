"""Is it the same run? Functions are compared by what they do, not by what they are called.

Two lambdas have one name, and ``partial(loss, weight=1)`` and ``partial(loss, weight=100)`` have too. So a checkpoint
records what its functions are made of: code, constants, defaults, arguments, closures, fields, and the global variables
that they read. What lies in an installed package under its own name is known by that name.

Chapter: book/denoising/dncnn.ipynb
"""

import dataclasses
import dis
import functools
import hashlib
import operator
import sys
import types
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

PLAIN = (type(None), bool, int, float, complex, str, bytes, type(Ellipsis), range, torch.dtype, torch.layout)
INSTALLED = ("course_lib", "site-packages", "dist-packages")


class IncomparableError(ValueError):
    """Something that differs from itself tomorrow: an open file, a running generator, a lock."""


def digest(thing: Any, model: nn.Module | None = None) -> str:
    """The same for what does the same, in another process too: SHA-256 of everything that ``thing`` is made of.

    Args:
        thing: a function, a callable object, or any value.
        model: a network that only its place counts of, because its weights change: the one that is trained.

    Raises: `IncomparableError` for what can be compared with nothing.
    """
    return hashlib.sha256(repr(_Reader(model).read(thing)).encode()).hexdigest()


def layers(model: nn.Module) -> list:
    """Kind and settings of every layer: what a network computes, but for its weights."""
    return [(name, type(layer), layer.extra_repr()) for name, layer in model.named_modules()]


def name(function: Any) -> str:
    """A function's or object's name for a message; without addresses, which change."""
    function = getattr(function, "func", function)  # of a partial
    return getattr(function, "__qualname__", type(function).__qualname__)


class _Reader:
    """Turns things into nested tuples of plain values."""

    def __init__(self, model: nn.Module | None):
        # also holds what was read, so that no address is used twice
        self.known: dict[int, tuple[int, Any]] = {} if model is None else {id(model): (0, model)}

    def read(self, x: Any) -> Any:
        if type(x) in PLAIN:
            return x
        if isinstance(x, np.generic):
            return x.item()
        if isinstance(x, torch.device):
            return "device"  # where it runs is not what it does
        if isinstance(x, types.ModuleType):
            return "module", x.__name__
        # of those that cannot change, it is the interpreter's choice whether two equal ones are one object
        if type(x) in (tuple, frozenset, types.CodeType):
            return type(x).__name__, self.EXACT[type(x)](self, x)
        if _is_named(x):
            return x.__module__, x.__qualname__
        if id(x) in self.known:
            return "again", self.known[id(x)][0]
        self.known[id(x)] = (len(self.known), x)
        inherited = (reader for kind, reader in self.READERS.items() if isinstance(x, kind))
        reader = self.EXACT.get(type(x)) or next(inherited, _Reader.read_object)
        return type(x).__name__, reader(self, x)

    def read_all(self, things) -> list:
        return [self.read(thing) for thing in things]

    def read_dict(self, x) -> list:
        return [self.read_all(item) for item in sorted(x.items(), key=lambda item: repr(item[0]))]

    def read_set(self, x) -> list:
        return self.read_all(sorted(x, key=repr))

    def read_tensor(self, x: Tensor) -> tuple:
        values = x.detach().cpu().contiguous().reshape(-1).view(torch.uint8).numpy()
        return str(x.dtype), tuple(x.shape), hashlib.sha256(values).hexdigest()

    def read_array(self, x: np.ndarray) -> tuple:
        values = self.read(x.tolist()) if x.dtype.hasobject else hashlib.sha256(np.ascontiguousarray(x)).hexdigest()
        return x.dtype.str, x.shape, values

    def read_built_in(self, x: types.BuiltinFunctionType) -> tuple:
        bound = x.__self__ is not None and not isinstance(x.__self__, (type, types.ModuleType))
        return x.__qualname__, self.read(x.__self__) if bound else None

    def read_code(self, code: types.CodeType) -> tuple:
        return code.co_code.hex(), code.co_names, self.read_all(code.co_consts)

    def read_function(self, f: types.FunctionType) -> tuple:
        cells = [cell.cell_contents if _is_filled(cell) else "empty" for cell in f.__closure__ or ()]
        marks = {key: value for key, value in vars(f).items() if key != "__wrapped__"}
        read = {key: f.__globals__[key] for key in sorted(_globals(f.__code__)) if key in f.__globals__}
        return tuple(map(self.read, (f.__code__, f.__defaults__, f.__kwdefaults__, cells, marks, read)))

    def read_class(self, x: type) -> tuple:
        functions = (types.FunctionType, staticmethod, classmethod, property)
        body = {k: v for k, v in vars(x).items() if isinstance(v, functions) or not k.startswith(("__", "_abc_"))}
        slots = (types.MemberDescriptorType, types.GetSetDescriptorType)
        return (
            x.__name__,
            self.read(x.__bases__),
            self.read({k: v for k, v in body.items() if not isinstance(v, slots)}),
        )

    def read_network(self, x: nn.Module) -> tuple:
        # a teacher may be switched to evaluation by the first step
        return self.read(type(x)), self.read({k: v for k, v in vars(x).items() if k != "training"})

    def read_object(self, x: Any) -> tuple:
        """The way of pickle: how it would be made again."""
        if dataclasses.is_dataclass(x):
            return self.read(type(x)), [self.read(getattr(x, f.name)) for f in dataclasses.fields(x) if f.compare]
        try:
            parts = x.__reduce_ex__(4)
        except Exception as error:
            raise IncomparableError(f"a {type(x).__qualname__}") from error
        if isinstance(parts, str):
            return parts, type(x).__qualname__
        return self.read_all(list(part) if hasattr(part, "__next__") else part for part in parts[:5])

    EXACT = {
        dict: read_dict,
        list: read_all,
        tuple: read_all,
        set: read_set,
        frozenset: read_set,
        types.CodeType: read_code,
    }
    READERS = {
        Tensor: read_tensor,
        np.ndarray: read_array,
        torch.Generator: lambda self, x: x.initial_seed(),
        types.FunctionType: read_function,
        types.MethodType: lambda self, x: self.read_all((x.__func__, x.__self__)),
        types.BuiltinFunctionType: read_built_in,
        (staticmethod, classmethod): lambda self, x: self.read(x.__func__),
        property: lambda self, x: self.read_all((x.fget, x.fset, x.fdel)),
        functools.partial: lambda self, x: self.read_all((x.func, x.args, x.keywords)),
        type: read_class,
        nn.Module: read_network,
    }


def _is_named(x: Any) -> bool:
    """Whether ``x`` is found under its own name in an installed package, whose versions are not told apart."""
    module, path = getattr(x, "__module__", None), getattr(x, "__qualname__", None)
    if not isinstance(module, str) or not isinstance(path, str) or not _is_installed(module):
        return False
    try:
        return operator.attrgetter(path)(sys.modules[module]) is x
    except (AttributeError, KeyError):
        return False


def _is_installed(module: str) -> bool:
    root = module.partition(".")[0]
    if root in sys.stdlib_module_names:
        return root != "__main__"
    file = getattr(sys.modules.get(root), "__file__", None) or ""
    return root == "course_lib" or any(place in file for place in INSTALLED[1:])


def _globals(code: types.CodeType) -> set[str]:
    """The global variables that a function or one inside it reads."""
    own = {i.argval for i in dis.get_instructions(code) if i.opname in ("LOAD_GLOBAL", "LOAD_NAME")}
    return own.union(*(_globals(const) for const in code.co_consts if isinstance(const, types.CodeType)))


def _is_filled(cell: types.CellType) -> bool:
    try:
        return cell.cell_contents is not cell
    except ValueError:
        return False
