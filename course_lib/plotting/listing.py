"""Library source inside a chapter: shown from the file, so that it can never differ from what runs."""

import inspect
import textwrap

from ._display import publish


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
    name = obj.__name__ if inspect.ismodule(obj) else f"{obj.__module__}.{obj.__qualname__}"
    fence = "`" * 4  # a docstring may hold a block of its own
    block = f"{fence}python\n{code}\n{fence}"
    publish(
        f"Source of {name}",
        "text/markdown",
        f"<details><summary>Source of <code>{name}</code></summary>\n\n{block}\n\n</details>",
    )
