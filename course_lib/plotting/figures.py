"""Line plots as SVG that can be read on a white page and on a dark one.

fig, ax = plotting.subplots()
ax.plot(history.steps, history.loss)
plotting.show(fig, alt="Loss against step: it falls from 0.9 to 0.1 within 500 steps.")
"""

import io
from pathlib import Path

from ._display import check_alt, publish

# Blue, vermilion, green and purple, searched for: each has a contrast of at least 3.3:1 on white and on the
# dark page of the book (#14181e), and any two stay at least 25 CIELAB units apart for the three kinds of
# colour blindness (Machado et al. 2009, https://doi.org/10.1109/TVCG.2009.113). Then they come back dashed.
palette = ("#2b62f3", "#e8480c", "#22a073", "#c0509f")


def style() -> None:
    """Make the course's look matplotlib's default for this session; ``subplots`` calls it for you.

    It has to stay switched on after ``subplots``: matplotlib reads colours when a legend or a text is made.
    """
    import matplotlib.pyplot as plt

    plt.style.use(Path(__file__).with_name("course.mplstyle"))


def subplots(*args, **kwargs):
    """``matplotlib.pyplot.subplots`` in the style of the course: the same arguments, the same result."""
    import matplotlib.pyplot as plt

    style()
    return plt.subplots(*args, **kwargs)


def show(fig, alt: str) -> None:
    """Display a matplotlib figure as SVG and close it.

    The same figure always gives the same bytes: no date, and identifiers that depend on the content alone.
    Text stays text, set in the reader's own sans-serif font.

    Args:
        fig: a ``matplotlib.figure.Figure``.
        alt: one sentence that says what the figure shows.

    Raises:
        ValueError: ``alt`` is empty, or ``fig`` is not a figure.
    """
    import matplotlib.pyplot as plt

    alt = check_alt(alt)
    if not hasattr(fig, "savefig"):
        raise ValueError(f"fig must be a matplotlib Figure, got {type(fig).__name__}; from axes it is ax.figure")
    publish(alt, "image/svg+xml", svg(fig, title=alt))
    plt.close(fig)


def svg(fig, title: str) -> str:
    """The figure as an SVG document, byte-identical for identical figures."""
    import matplotlib.pyplot as plt

    text = io.StringIO()
    with plt.rc_context({"svg.fonttype": "none", "svg.hashsalt": "course_lib"}):
        metadata = {"Title": title, "Date": None, "Creator": None}
        fig.savefig(text, format="svg", transparent=True, bbox_inches="tight", metadata=metadata)
    return text.getvalue()
