"""Answers that are the same but for names and comments: a reason to ask two people, and no proof of anything.

What many have written is left out, and so is what the master has: there are not many ways to say some things.
"""

import ast
import hashlib
from collections import Counter, defaultdict
from itertools import combinations

from course_lib.exercises.notebook import parse

# Nodes of the tree below which an answer is too short to say anything.
SHORT = 30
# Of a class: what more of them have written is common.
COMMON = 0.1


def shape(sources: list[str]) -> str:
    """A fingerprint of an answer without its names, comments and docstrings; empty for a short one."""
    tree = parse("\n".join(sources))
    nodes = list(ast.walk(tree))
    if len(nodes) < SHORT:
        return ""
    names: dict[str, str] = {}
    own = {node.name for node in nodes if isinstance(node, (ast.FunctionDef, ast.ClassDef))}
    own |= {node.arg for node in nodes if isinstance(node, ast.arg)}
    own |= {node.id for node in nodes if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)}

    def new(name: str) -> str:
        return names.setdefault(name, f"v{len(names)}") if name in own else name

    for node in nodes:
        if isinstance(node, ast.Name):
            node.id = new(node.id)
        elif isinstance(node, ast.arg):
            node.arg, node.annotation = new(node.arg), None
        elif isinstance(node, (ast.FunctionDef, ast.ClassDef)):
            node.name, node.returns = new(node.name), None
            if ast.get_docstring(node, clean=False) is not None:
                node.body = node.body[1:] or [ast.Pass()]
    try:
        return hashlib.sha256(ast.dump(tree).encode("utf-8", "replace")).hexdigest()[:16]
    except RecursionError:
        return ""


def pairs(shapes: dict[str, dict[str, str]], masters: dict[str, str]) -> list[tuple[str, str, list[str]]]:
    """Two students and what they answered alike, most first: ``shapes`` is {student: {question: shape}}."""
    by_shape = defaultdict(list)
    for student, found in shapes.items():
        for question, one in found.items():
            if one and one != masters.get(question):
                by_shape[question, one].append(student)
    most = max(2, COMMON * len(shapes))
    alike = defaultdict(list)
    for (question, _), students in sorted(by_shape.items()):
        if 2 <= len(students) <= most:
            for two in combinations(sorted(students), 2):
                alike[two].append(question)
    count = Counter({two: len(found) for two, found in alike.items()})
    return [(*two, alike[two]) for two, _ in sorted(count.items(), key=lambda item: (-item[1], item[0]))]
