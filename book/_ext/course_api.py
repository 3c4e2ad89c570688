"""``% api: session`` in a page becomes the public names of ``course_lib.session`` with their docstrings.

Read with ``ast``: nothing is imported, and a docstring is shown as it stands in the file, so a formula in it
can neither be mistaken for markup nor fail the build.
"""

import ast
import inspect
import re
from pathlib import Path

MARKER = re.compile(r"^% api: ([\w.]+)$", re.M)


def public(part: Path) -> list[tuple[Path, ast.ClassDef | ast.FunctionDef]]:
    """The classes and functions that a module, or the ``__init__`` of a package, offers."""
    if part.is_file():
        return [(part, node) for node in definitions(part).values() if not node.name.startswith("_")]
    own = part / "__init__.py"
    found = [(own, node) for node in definitions(own).values() if not node.name.startswith("_")]
    for statement in ast.parse((part / "__init__.py").read_text("utf-8")).body:
        if isinstance(statement, ast.ImportFrom) and statement.level == 1 and statement.module:
            file = part / f"{statement.module}.py"
            if file.is_file():
                known = definitions(file)
                found += [(file, known[a.name]) for a in statement.names if a.name in known]
    return found


def definitions(file: Path) -> dict:
    body = ast.parse(file.read_text("utf-8")).body
    return {n.name: n for n in body if isinstance(n, ast.ClassDef | ast.FunctionDef)}


def signature(node) -> str:
    """``DnCNN(depth: int = 17)``: of the function, of ``__init__``, or of a dataclass's fields."""
    if isinstance(node, ast.FunctionDef):
        returns = f" -> {ast.unparse(node.returns)}" if node.returns else ""
        return f"{node.name}({arguments(node)}){returns}"
    for method in methods(node):
        if method.name == "__init__":
            return f"{node.name}({arguments(method)})"
    fields = [ast.unparse(n) for n in node.body if isinstance(n, ast.AnnAssign) and "field(" not in ast.unparse(n)]
    return f"{node.name}({', '.join(fields)})"


def arguments(function) -> str:
    return re.sub(r"^self(, )?", "", ast.unparse(function.args))


def methods(node) -> list[ast.FunctionDef]:
    return [n for n in node.body if isinstance(n, ast.FunctionDef)]


def documented(node) -> str:
    text = inspect.cleandoc(ast.get_docstring(node) or "")
    if isinstance(node, ast.ClassDef):
        for method in methods(node):
            if not method.name.startswith("_") and (doc := ast.get_docstring(method)):
                text += f"\n\n.{method.name}({arguments(method)})\n    {doc.splitlines()[0]}"
    return text


def page(library: Path, part: str) -> tuple[str, list[Path]]:
    """Markdown for one part of the library, and the files it was read from."""
    path = library.joinpath(*part.split("."))
    path = path if path.is_dir() else path.with_suffix(".py")
    home = path / "__init__.py" if path.is_dir() else path
    lines, files = (
        [f"## {part}", "", fence(ast.get_docstring(ast.parse(home.read_text("utf-8"))) or "", "text")],
        [home],
    )
    for file, node in public(path):
        files.append(file)
        source = f"course_lib/{file.relative_to(library).as_posix()}"
        lines += [f"### {node.name}", "", fence(signature(node), "python"), fence(documented(node), "text")]
        lines += [f"Source: {{src}}`{source}`", ""]
    return "\n".join(lines), files


def fence(text: str, language: str) -> str:
    return f"````{language}\n{text.strip()}\n````\n" if text.strip() else ""


def fill(app, docname, source):
    library = Path(app.srcdir) / "course_lib"

    def replace(match):
        text, files = page(library, match[1])
        for file in files:  # a changed docstring makes the page out of date
            app.env.note_dependency(str(file))
        return text

    source[0] = MARKER.sub(replace, source[0])


def setup(app):
    app.connect("source-read", fill)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
