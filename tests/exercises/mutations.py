"""Small changes of the masters' answers, and how many of them the checks see.

    python tests/exercises/mutations.py [QUESTION ...]      # prints the shares, and stores them in mutations.json

Of every answer each operator, comparison, number, keyword, axis and method call is changed, one at a time. A mutant is
caught if the visible check fails, or if a hidden value is another; somebody who patches asserts is caught by the hidden
values alone, and that share is printed as well. Survivors are looked at one by one: those that behave like the master
stand in `EQUIVALENT`, with the reason, and do not count; all others would be holes.
"""

import ast
import contextlib
import copy
import io
import json
import signal
import sys
import time
from collections.abc import Iterator
from pathlib import Path

from notebook_runs import MASTERS, agree, answers, load, questions, run, training
from survivors import EQUIVALENT

STORED = Path(__file__).with_suffix(".json")
SECONDS = 20
OTHER = {
    ast.Add: ast.Sub, ast.Sub: ast.Add, ast.Mult: ast.Div, ast.Div: ast.Mult, ast.FloorDiv: ast.Mult, ast.Mod: ast.Mult,
    ast.Pow: ast.Mult, ast.BitAnd: ast.BitOr, ast.BitOr: ast.BitAnd,
    ast.Lt: ast.LtE, ast.LtE: ast.Lt, ast.Gt: ast.GtE, ast.GtE: ast.Gt, ast.Eq: ast.NotEq, ast.NotEq: ast.Eq,
    ast.Is: ast.IsNot, ast.IsNot: ast.Is, ast.And: ast.Or, ast.Or: ast.And,
    ast.USub: ast.UAdd, ast.Invert: ast.UAdd, ast.Not: ast.UAdd,
}  # fmt: skip
# Methods that another could stand for; any other is left out.
METHODS = {"sum": "mean", "mean": "sum", "amin": "amax", "argmax": "argmin", "argmin": "argmax", "min": "max", "square": "abs",
           "ones": "zeros", "zeros": "ones", "ones_": "zeros_", "zeros_": "ones_", "floor": "ceil", "ceil": "floor",
           "stack": "cat", "modules": "children", "eval": "train", "randn": "rand", "log10": "log", "double": "float"}  # fmt: skip


def mutants(source: str) -> Iterator[tuple[str, str]]:
    """(what was changed, the changed code), one change at a time."""
    tree = Bare().visit(ast.parse(source))
    for at, node in enumerate(ast.walk(tree)):
        for what, change in changes(node):
            changed = copy.deepcopy(tree)
            target = next(n for i, n in enumerate(ast.walk(changed)) if i == at)
            new = change(target)
            if new is not target:
                changed = Replace(target, new).visit(changed)
            yield f"line {getattr(node, 'lineno', 0)}: {what}", ast.unparse(ast.fix_missing_locations(changed))


class Bare(ast.NodeTransformer):
    """Without annotations, which do nothing."""

    def visit_arg(self, node: ast.arg) -> ast.AST:
        node.annotation = None
        return node

    def visit_FunctionDef(self, node: ast.FunctionDef) -> ast.AST:  # noqa: N802
        node.returns = None
        return self.generic_visit(node)


class Replace(ast.NodeTransformer):
    def __init__(self, old: ast.AST, new: ast.AST):
        self.old, self.new = old, new

    def visit(self, node: ast.AST) -> ast.AST:
        return self.new if node is self.old else self.generic_visit(node)


def changes(node: ast.AST) -> Iterator[tuple[str, object]]:
    """What can be done to one node; each as a function that changes its copy and returns it, or another for it."""
    written = ast.unparse(node)[:60] if isinstance(node, ast.expr | ast.stmt) else ""
    if isinstance(node, ast.BinOp | ast.UnaryOp | ast.AugAssign | ast.BoolOp) and type(node.op) in OTHER:
        other = OTHER[type(node.op)]
        yield f"{written} -> {other.__name__}", lambda n: set_(n, op=other())
    if isinstance(node, ast.BinOp):
        yield f"{written} -> {ast.unparse(node.left)[:30]}", lambda n: n.left
    if isinstance(node, ast.Compare) and type(node.ops[0]) in OTHER:
        other = OTHER[type(node.ops[0])]
        yield f"{written} -> {other.__name__}", lambda n: set_(n, ops=[other()])
    if isinstance(node, ast.Constant) and isinstance(node.value, int | float) and not isinstance(node.value, bool):
        yield f"{node.value} -> {node.value + 1}", lambda n: set_(n, value=n.value + 1)
    if isinstance(node, ast.Constant) and isinstance(node.value, bool):
        yield f"{node.value} -> {not node.value}", lambda n: set_(n, value=not n.value)
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
        name, inside = node.func.attr, isinstance(node.func.value, ast.Name) and node.func.value.id in LIBRARIES
        if name in METHODS:
            yield f"{written}: {name} -> {METHODS[name]}", lambda n: set_(n, func=set_(n.func, attr=METHODS[name]))
        if not inside:
            yield f"{written}: without .{name}()", lambda n: n.func.value
    if isinstance(node, ast.Call):
        for i, keyword in enumerate(node.keywords):
            yield (
                f"{written}: without {keyword.arg}",
                lambda n, i=i: set_(n, keywords=n.keywords[:i] + n.keywords[i + 1 :]),
            )
        if len(node.args) > 1:
            yield f"{written}: arguments turned round", lambda n: set_(n, args=n.args[::-1])
    if (
        isinstance(node, ast.Return)
        and node.value is not None
        and isinstance(node.value, ast.Name | ast.BinOp | ast.Call)
    ):
        yield f"{written}: detached", lambda n: set_(n, value=detached(n.value))
    if isinstance(node, ast.Expr | ast.Assign) and not is_docstring(node):
        yield f"without {written}", lambda n: ast.Pass()
    if isinstance(node, ast.IfExp):
        yield f"{written}: always", lambda n: n.body
        yield f"{written}: never", lambda n: n.orelse
    if isinstance(node, ast.Tuple | ast.List) and len(node.elts) > 1:
        yield f"{written}: turned round", lambda n: set_(n, elts=n.elts[::-1])


LIBRARIES = {"torch", "math", "nn", "F", "copy", "data", "plotting"}


def set_(node: ast.AST, **fields) -> ast.AST:
    for name, value in fields.items():
        setattr(node, name, value)
    return node


def detached(value: ast.expr) -> ast.expr:
    """``value.detach()`` where it is a tensor."""
    return ast.parse(f"(lambda v: v.detach() if hasattr(v, 'detach') else v)({ast.unparse(value)})", mode="eval").body


def is_docstring(node: ast.AST) -> bool:
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)


def fate(nb, question: str, source: str, reference, asserts: bool) -> bool:
    """Whether a mutant is caught."""

    def late(*_):
        raise TimeoutError

    signal.signal(signal.SIGALRM, late)
    signal.alarm(SECONDS)
    try:
        with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
            outcome = run(nb, only=question, replace={f"{question}-answer": source}, seed=1, asserts=asserts)[question]
    except BaseException:
        return True
    finally:
        signal.alarm(0)
    return asserts and outcome.error is not None or not agree(reference, outcome)


def of_question(nb, question: str) -> dict:
    with contextlib.redirect_stdout(io.StringIO()):
        reference = run(nb, only=question, seed=1)[question]
    caught = hidden = total = equivalent = 0
    survivors = []
    for what, source in mutants(answers(nb)[f"{question}-answer"]):
        patched = fate(nb, question, source, reference, asserts=False)
        seen = patched or fate(nb, question, source, reference, asserts=True)
        if not seen and any(known in what for known in EQUIVALENT.get(question, {})):
            equivalent += 1
            continue
        total, caught, hidden = total + 1, caught + seen, hidden + patched
        if not seen:
            survivors.append(what)
    return {
        "mutants": total,
        "caught": caught,
        "by hidden values alone": hidden,
        "survivors": survivors,
        "equivalent": equivalent,
    }


def main(wanted: list[str]) -> int:
    stored = json.loads(STORED.read_text()) if STORED.exists() else {}
    for path in MASTERS:
        nb = load(path)
        for question in questions(nb):
            trained = question in training(nb)
            by_hand = f"{question}-answer" not in answers(nb)
            if by_hand or (trained and question not in wanted) or (wanted and question not in wanted):
                continue
            begun = time.perf_counter()
            stored[question] = found = of_question(nb, question)
            said = f"{found['caught']} of {found['mutants']} caught, {found['by hidden values alone']} by hidden values alone"
            print(f"{question}: {said} ({time.perf_counter() - begun:.0f} s)", flush=True)
            for what in found["survivors"]:
                print(f"    survives: {what}")
    STORED.write_text(json.dumps(dict(sorted(stored.items())), indent=1, ensure_ascii=False) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
