"""The book's own Sphinx extension: links from one place, and no picture without alternative text."""

import os
import re
import sys
from html.parser import HTMLParser
from pathlib import Path

from docutils import nodes
from sphinx import addnodes
from sphinx.transforms import SphinxTransform
from sphinx.util import logging

sys.path.append(str(Path(__file__).resolve().parents[1] / "_tools"))
from adopt import replace  # noqa: E402

logger = logging.getLogger(__name__)
GITHUB = "https://github.com/"
# A wide plot scrolls in its cell on a phone: the keyboard must get there too, as to the theme's scrolling code.
FOCUS_WIDE_CELLS = """addEventListener("load", () => {
  for (const cell of document.querySelectorAll("div.cell_output"))
    if (cell.scrollWidth > cell.clientWidth) cell.tabIndex = 0;
});"""
PICTURE_FILE = re.compile(r"\.(png|svg|webp|jpe?g|gif)$", re.I)


def slug_of(url: str) -> str:
    """``https://github.com/owner/name`` -> ``owner/name``."""
    return url.removeprefix(GITHUB).removesuffix(".git").strip("/")


def set_repository(app, config):
    """``_config.yml`` names the repository; in CI GITHUB_REPOSITORY does, so a fork's links are its own."""
    options = config.html_theme_options
    home = slug_of(options["repository_url"])
    slug = os.environ.get("GITHUB_REPOSITORY") or home
    owner, name = slug.split("/")
    options["repository_url"] = GITHUB + slug
    # owner.github.io is the one repository that GitHub serves at the top.
    folder = "" if name.lower() == f"{owner.lower()}.github.io" else f"{name}/"
    config.html_baseurl = f"https://{owner.lower()}.github.io/{folder}"
    config.course_home, config.course_repository = home, slug
    blob = f"{slug}/blob/{options.get('repository_branch') or 'main'}/%s"
    config.extlinks = {
        **config.extlinks,
        "colab": (f"https://colab.research.google.com/github/{blob}", "Open %s in Colab"),
        "src": (GITHUB + blob, "%s"),
    }


def use_this_repository(app, docname, source):
    """In a fork, pages and notebooks show the fork: ``pip install git+https://github.com/OWNER/NAME``."""
    source[0] = replace(source[0], app.config.course_home, app.config.course_repository)


def rename_sources(app, error):
    """The notebooks offered for download install the fork, too."""
    home, slug = app.config.course_home, app.config.course_repository
    if error or home == slug or app.builder.format != "html":
        return
    for path in (p for folder in ("_sources", "_downloads") for p in (Path(app.outdir) / folder).rglob("*.ipynb")):
        path.write_text(replace(path.read_text("utf-8"), home, slug), "utf-8")


class OfferGradedNotebooks(SphinxTransform):
    """A link to a notebook that is no page of the book, a graded one, offers the file; GitHub and Jupyter open it."""

    default_priority = 400

    def apply(self):
        for link in list(self.document.findall(addnodes.pending_xref)):
            target = f"{link['reftarget']}.ipynb"
            if (
                link.get("refdomain") == "doc"
                and link["reftarget"] not in self.env.found_docs
                and Path(self.env.srcdir, target).is_file()
            ):
                link.replace_self(addnodes.download_reference("", "", *link.children, reftarget=f"/{target}"))


def check_alternative_text(app, doctree, docname):
    """A picture without a real alternative text is a warning, and a warning fails the build."""
    for image in doctree.findall(nodes.image):
        alt = (image.get("alt") or "").strip()
        if not alt or alt == image.get("uri") or PICTURE_FILE.search(alt):
            where = f"{app.env.doc2path(docname)}:{image.line or ''}"
            logger.warning("image without alternative text: %s", image.get("uri"), location=where, type="course")
    for raw in doctree.findall(nodes.raw):
        if "html" in raw.get("format", ""):
            for source in images_without_alt(raw.astext()):
                where = app.env.doc2path(docname)
                logger.warning("<img> without alt: %s", source[:60], location=where, type="course")


def images_without_alt(html: str) -> list[str]:
    """The ``src`` of every ``<img>`` in the HTML without ``alt``; an explicit ``alt=""`` is decoration."""
    missing = []

    class Images(HTMLParser):
        def handle_starttag(self, tag, attributes):
            attributes = dict(attributes)
            if tag == "img" and attributes.get("alt") is None:
                missing.append(attributes.get("src") or "(no src)")

    Images().feed(html)
    return missing


def tidy_scripts(app, pagename, templatename, context, doctree):
    """Keep each inline script once (the second ``const`` of the same name is an error), and drop thebe."""
    seen, scripts = set(), []
    for script in context["script_files"]:
        body = getattr(script, "attributes", {}).get("body") or ""
        name = str(getattr(script, "filename", None) or script)
        if "thebe" in name.lower() or "THEBE" in body or (body and body in seen):
            continue
        seen.add(body)
        scripts.append(script)
    context["script_files"] = scripts
    context["css_files"] = [c for c in context["css_files"] if "thebe" not in str(getattr(c, "filename", c)).lower()]


def setup(app):
    app.setup_extension("sphinx.ext.extlinks")
    # "env": another repository means reading every page again.
    app.add_config_value("course_home", "", "env", str)
    app.add_config_value("course_repository", "", "env", str)
    app.add_transform(OfferGradedNotebooks)
    app.add_js_file(None, body=FOCUS_WIDE_CELLS)
    app.connect("config-inited", set_repository, priority=10)
    app.connect("source-read", use_this_repository)
    app.connect("doctree-resolved", check_alternative_text)
    app.connect("html-page-context", tidy_scripts, priority=999)
    app.connect("build-finished", rename_sources)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
