"""Formulas without a network: the book contains a copy of MathJax, taken from the installed Python package."""

import shutil
from importlib.metadata import files
from pathlib import Path

PACKAGE = "django-static-mathjax"
PROGRAM = "tex-chtml.js"
# What the program fetches when it needs it: fonts, rarer TeX commands, and what its menu offers to screen readers.
ON_DEMAND = (
    "output/chtml/fonts/woff-v2/*.woff",
    "input/tex/extensions/*.js",
    "a11y/*.js",
    "sre/mathmaps/base.json",
    "sre/mathmaps/en.json",
)


def home() -> Path:
    """The folder ``es5`` of the installed MathJax."""
    program = next(file for file in files(PACKAGE) if file.match(f"es5/{PROGRAM}"))
    return Path(program.locate()).parent


def use_copy(app, config):
    """The page asks its own folder instead of a CDN."""
    config.mathjax_path = f"mathjax/{PROGRAM}"


def copy(app):
    """Copy about 3 MB, unless they are there already."""
    if app.builder.format != "html":
        return
    source, target = home(), Path(app.outdir) / "_static" / "mathjax"
    for pattern in (PROGRAM, *ON_DEMAND):
        for file in source.glob(pattern):
            to = target / file.relative_to(source)
            if not to.exists() or to.stat().st_size != file.stat().st_size:
                to.parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(file, to)


def setup(app):
    app.connect("config-inited", use_copy)
    app.connect("builder-inited", copy)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
