"""Prose that quotes a stored reference run, checked without any execution: text and result must agree.

The cells are read, not run. Known are ``reference``, a few modules of the standard library, constants, and every name
to which a cell assigns something that is made of these alone:

    stored = reference.result("erf-depth")["metrics"]

Whatever else touches a name makes it unknown. An expression of known names is computed here as it is in the kernel.
"""

import ast
import builtins
import importlib
import re
from types import SimpleNamespace

from prose import read
from sentences import sentence_of

MODULES = {"math", "statistics", "itertools"}
FUNCTIONS = "abs all any bool dict float int len list map max min range round set sorted str sum tuple zip"
BUILTINS = {name: getattr(builtins, name) for name in FUNCTIONS.split()}


def disagreements(nb) -> list[str]:
    """Values and claims of a chapter that its stored reference runs contradict, with their sentences."""
    return [problem for problem in check(nb) if problem]


def check(nb) -> list[str]:
    """For every value and claim that needs no execution: what is wrong with it, "" if nothing."""
    from course_lib import reference

    known, found = {}, []
    only_results = SimpleNamespace(result=reference.result)
    for i, cell in enumerate(nb.cells):
        if cell.cell_type == "code":
            learn(cell.source, known, only_results)
        elif cell.cell_type == "markdown":
            found += [problem and f"cell {i}: {problem}" for problem in _in_cell(cell.source, known)]
    return found


def _in_cell(source, known):
    for comment in read(source)[0]:
        if comment.kind == "cite:" or not _computable(ast.parse(comment.expression, mode="eval"), known):
            continue
        value, sentence = _evaluate(comment.expression, known), sentence_of(source, comment)
        if comment.kind == "?":
            yield "" if value else f"{comment.expression} is false: {sentence!r}"
        else:
            text = written(value, comment.format)
            right = text == source[slice(*comment.value)]
            yield "" if right else f"{comment.expression} is {text} now: {sentence!r}"


def _evaluate(expression: str, known: dict):
    return eval(expression, {"__builtins__": BUILTINS, **known})


def written(value, spec: str) -> str:
    """The value as it stands in the text; nothing is "-0.0" there."""
    return re.sub(r"\A-(?=0(?:\.0*)?\Z)", "", format(value, spec))


def _computable(tree: ast.AST, known: dict) -> bool:
    """Whether the expression reads nothing but what is known."""
    return _free_names(tree) <= known.keys()


def _free_names(tree: ast.AST) -> set[str]:
    """Names that the expression reads and does not bind itself, the builtins above left out."""
    names = [n for n in ast.walk(tree) if isinstance(n, ast.Name)]
    bound = {n.id for n in names if not isinstance(n.ctx, ast.Load)}
    bound |= {n.arg for n in ast.walk(tree) if isinstance(n, ast.arg)}
    return {n.id for n in names} - bound - BUILTINS.keys()


def learn(code: str, known: dict, reference) -> None:
    """Bring ``known`` up to date with what a cell does to names."""
    lines = [re.sub(r"^(\s*)[%!].*", r"\1pass", line) for line in code.split("\n")]
    for statement in ast.parse("\n".join(lines)).body:
        value = _assigned(statement)
        computable = value is not None and _computable(value, known) and (_free_names(value) or _is_constant(value))
        for name in _touched(statement):
            known.pop(name, None)
        known.update(_imported(statement, reference))
        if computable:
            try:
                known[statement.targets[0].id] = _evaluate(ast.unparse(value), known)
            except AttributeError:  # reference.load and its like: an object that only the kernel has
                continue


def _assigned(statement) -> ast.AST | None:
    """The value of a plain ``name = value``."""
    plain = isinstance(statement, ast.Assign) and len(statement.targets) == 1
    return statement.value if plain and isinstance(statement.targets[0], ast.Name) else None


def _is_constant(value: ast.AST) -> bool:
    """Whether it is a literal that nothing can change later: a list that starts empty is none."""
    return all(isinstance(n, (ast.Constant, ast.Tuple, ast.UnaryOp, ast.unaryop, ast.Load)) for n in ast.walk(value))


def _imported(statement, reference):
    if isinstance(statement, ast.Import):
        for alias in statement.names:
            if alias.name in MODULES and not alias.asname:
                yield alias.name, importlib.import_module(alias.name)
    if isinstance(statement, ast.ImportFrom):
        for alias in statement.names:
            if statement.module in MODULES:
                yield (
                    alias.asname or alias.name,
                    getattr(importlib.import_module(statement.module), alias.name),
                )
            if (statement.module, alias.name) == ("course_lib", "reference"):
                yield alias.asname or alias.name, reference


def _touched(statement) -> set[str]:
    """Every name to which the statement may give another meaning, or whose value it may change."""
    names = set()
    for node in ast.walk(statement):
        if isinstance(node, ast.Name) and not isinstance(node.ctx, ast.Load):
            names.add(node.id)
        elif isinstance(node, (ast.FunctionDef, ast.ClassDef)):
            names.add(node.name)
        elif isinstance(node, ast.alias):
            names.add((node.asname or node.name).split(".")[0])
        elif isinstance(node, (ast.Subscript, ast.Attribute)) and not isinstance(node.ctx, ast.Load):
            names |= {n.id for n in ast.walk(node) if isinstance(n, ast.Name)}
        elif isinstance(node, ast.Expr) and isinstance(node.value, ast.Call):  # such as rows.append(...)
            names |= {n.id for n in ast.walk(node.value.func) if isinstance(n, ast.Name)}
    return names
