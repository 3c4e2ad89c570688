"""Names that are closed for a question: the library has the answer, and the question is worth asking all the same.

While a question is checked, the functions refuse to be called, under whatever name they were imported. The grader does
the same where it runs the answer, and besides looks for their names in the text of the answer.
"""

import ast
import sys
from collections.abc import Callable, Iterable
from contextlib import contextmanager
from functools import partial
from types import FunctionType, ModuleType

from .notebook import parse


class ClosedError(Exception):
    """A closed function was called."""


def refusal(name: str) -> str:
    return f"{name} is closed in this question: it would be the answer. Write it yourself, then compare the two."


@contextmanager
def closed(functions: Iterable[Callable]):
    """No function and no class of these works inside, wherever a module or the notebook has it."""
    undo = []
    try:
        for function in functions:
            undo += close(function)
        yield
    finally:
        for put_back in undo:
            put_back()


def close(function: Callable) -> list[Callable[[], None]]:
    """Close one, for good; calling what is returned opens it again."""
    name = function.__name__

    def refuse(*_, **__):
        raise ClosedError(refusal(name))

    if isinstance(function, type):
        was = function.__dict__.get("__init__")
        function.__init__ = refuse
        return [lambda: setattr(function, "__init__", was) if was else delattr(function, "__init__")]
    undo = []
    for module in list(sys.modules.values()):
        if isinstance(module, ModuleType):
            space = vars(module)
            for at in [at for at, thing in space.items() if thing is function]:
                space[at] = refuse
                undo.append(partial(space.__setitem__, at, function))
    if isinstance(function, FunctionType) and not function.__code__.co_freevars:
        # Whoever holds the function itself, in a default or a closure, finds it closed as well.
        code, words = function.__code__, refusal(name)
        made: dict = {}
        exec(f"def refuse(*_, **__):\n    raise __import__({__name__!r}, fromlist=['_']).ClosedError({words!r})", made)
        function.__code__ = made["refuse"].__code__
        undo.append(lambda: setattr(function, "__code__", code))
    return undo


def names_in(source: str, names: Iterable[str]) -> list[str]:
    """Which of the names the code uses, imports or spells out in a string that is nothing but the name."""
    tree, used = parse(source), set()
    own = {node.name for node in ast.walk(tree) if isinstance(node, (ast.FunctionDef, ast.ClassDef))}
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute):
            used.add(node.attr)
        elif isinstance(node, ast.alias):
            used.add(node.name.split(".")[-1])
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            used.add(node.value)
        elif isinstance(node, ast.Name) and node.id not in own:
            used.add(node.id)
    return sorted(used & set(names))
