"""What every picture of the course shares: a description, and a way onto the page."""


def check_alt(alt: str) -> str:
    """The description of a picture, or ``ValueError``: without one, some readers have no picture."""
    if not isinstance(alt, str) or not alt.strip():
        raise ValueError(f"alt must describe the picture in a sentence, got {alt!r}")
    return " ".join(alt.split())


def publish(alt: str, mime: str, content: str) -> None:
    """Display ``content`` as ``mime``; where that cannot be shown (a terminal, a script), print ``alt``."""
    from IPython.core.interactiveshell import InteractiveShell
    from IPython.display import display

    if not InteractiveShell.initialized():
        print(alt)
        return
    display({mime: content, "text/plain": alt}, raw=True)
