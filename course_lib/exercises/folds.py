"""`fold`: a hint or a solution that a reader opens on purpose."""

import textwrap


def fold(title: str, text: str) -> None:
    """Display Markdown that is hidden behind its title until somebody opens it.

    ``fold("Hint for 2", "What is the sum of two independent variances?")``; code stands in a block of its own, and
    of `attempt` the solution of ``f`` is the ``python`` block of ``fold("Solution: f", ...)``.
    """
    from ..plotting._display import publish

    body = textwrap.dedent(text).strip()
    publish(f"{title} (folded)", "text/markdown", f"<details><summary>{title}</summary>\n\n{body}\n\n</details>")
