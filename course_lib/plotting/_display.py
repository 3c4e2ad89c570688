"""What every picture of the course shares: a description, and a way onto the page."""


def check_alt(alt: str) -> str:
    """The description of a picture, or ``ValueError``: a picture without one does not exist for some readers."""
    if not isinstance(alt, str) or not alt.strip():
        raise ValueError(f"alt must describe the picture in a sentence, got {alt!r}")
    return " ".join(alt.split())


def publish(alt: str, mime: str, content: str) -> None:
    """Display ``content`` as ``mime``; where that cannot be shown (a terminal), ``alt`` is printed instead."""
    from IPython.display import display

    display({mime: content, "text/plain": alt}, raw=True)
