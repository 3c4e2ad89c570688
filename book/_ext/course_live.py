"""The live denoiser in a page: the directive for pages in Markdown, and the weights that the pages use.

    ```{live} dncnn-s25 ffdnet-grey
    :image: _static/hero.webp
    :alt: What is seen before the click
    ```

Chapters call ``course_lib.explore.your_photograph`` instead. What runs then is in book/_static/live; the weights
are the library's.
"""

import re
import shutil
from html import escape
from pathlib import Path

from docutils import nodes
from docutils.parsers.rst import directives
from sphinx.util.docutils import SphinxDirective

LIBRARY = Path(__file__).resolve().parents[2] / "course_lib"
WEIGHTS = LIBRARY / "reference" / "weights"
USED = re.compile(r'data-weights="([\w\s.-]+)"')


class Live(SphinxDirective):
    required_arguments = 1
    final_argument_whitespace = True
    option_spec = {"image": directives.unchanged_required, "alt": directives.unchanged_required}

    def run(self):
        from course_lib.explore.photo import static  # an installed library: only pages that have one need it

        for file in (LIBRARY / "explore").glob("[!_]*.*"):
            self.env.note_dependency(str(file))  # the page is made anew when its script or style is
        top, alt = "../" * self.env.docname.count("/"), self.options["alt"]
        still = f'<img src="{escape(top + self.options["image"])}" alt="{escape(alt)}" style="width:100%">'
        return [nodes.raw("", static(self.arguments[0].split(), still, alt), format="html")]


def copy_weights(app, error):
    """What the finished pages name in ``data-weights``; pages of an earlier build count, too."""
    if error or app.builder.format != "html":
        return
    pages = [page.read_text("utf-8") for page in Path(app.outdir).rglob("*.html")]
    names = {name for text in pages for found in USED.findall(text) for name in found.split()}
    folder = Path(app.outdir) / "_static" / "live" / "weights"
    folder.mkdir(parents=True, exist_ok=True)
    for name in names:
        shutil.copy2(WEIGHTS / f"{name}.safetensors", folder)


def setup(app):
    app.add_directive("live", Live)
    app.connect("build-finished", copy_weights)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
