"""Library source inside a chapter: shown from the file, so that it can never differ from what runs."""

import inspect
import textwrap

from course_lib.plotting._display import publish


def source(obj) -> None:
    """Display the source of a class, function or module in a block that folds.

    It is Markdown, so the code is highlighted by whatever shows it, in that page's own light or dark colours.

    Raises:
        ValueError: ``obj`` has no Python source (an instance, a built-in).
    """
    try:
        code = textwrap.dedent(inspect.getsource(obj)).strip("\n")
    except (TypeError, OSError):
        raise ValueError(f"obj must be a class, function or module written in Python, got {obj!r}") from None
    obj = inspect.unwrap(obj) if callable(obj) else obj
    name = getattr(obj, "__qualname__", obj.__name__)
    home = inspect.getmodule(obj)
    place = (
        home.__name__.replace(".", "/") + ".py"
        if home and home.__name__.startswith("course_lib")
        else "this notebook"
    )
    fence = "`" * 4  # a docstring may hold a block of its own
    fold = f"<details><summary>Source of <code>{name}</code> ({place})</summary>\n\n{fence}python\n{code}\n{fence}\n\n</details>"
    publish(f"Source of {name} ({place})", "text/markdown", fold)
