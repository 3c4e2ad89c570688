"""Tables: Markdown, so that they look like the page that shows them and can be copied."""

from collections.abc import Iterable, Sequence

from ._display import publish


def table(columns: Sequence[str], rows: Iterable[Sequence]) -> None:
    """Display a table. The first column is aligned left, numbers are usually in the others: they are aligned right.

    ``table(["loss", "rank-1 (%)"], [("contrastive", f"{14.33:.1f}"), ("triplet", f"{34.26:.1f}")])``

    Args:
        columns: the headings, with units.
        rows: a sequence for each row; a float is best given as text, with the digits that mean something.

    Raises:
        ValueError: a row has not as many cells as there are columns.
    """
    lines = [_line(columns), "|---|" + "---:|" * (len(columns) - 1)]
    for row in rows:
        if len(row) != len(columns):
            raise ValueError(f"a row must have {len(columns)} cells, one for each column, got {list(row)}")
        lines.append(_line(row))
    text = "\n".join(lines)
    publish(text, "text/markdown", text)


def _line(cells: Sequence) -> str:
    return "| " + " | ".join(str(cell).replace("|", r"\|") for cell in cells) + " |"
