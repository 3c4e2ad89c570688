"""The built book in Chromium with the network off: every page asks nobody, and every formula is drawn."""

import subprocess
import sys
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[2]
TOC = yaml.safe_load((ROOT / "_toc.yml").read_text())
PAGES = [TOC["root"], *(c["file"] for part in TOC["parts"] for c in part["chapters"]), "genindex", "search"]
# Text that a reader sees and that is still TeX: \(..\), \[..\], $$..$$, or a command between two dollars.
RAW = r"""() => {
  const raw = /\\[()[\]]|\$\$|\$[^$]*\\[a-z]+[^$]*\$/, texts = [];
  const walk = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walk.nextNode())
    if (raw.test(walk.currentNode.data) && !walk.currentNode.parentElement.closest("pre, code, script, style"))
      texts.push(walk.currentNode.data.trim().slice(0, 80));
  return texts;
}"""


@pytest.fixture(scope="module")
def book(tmp_path_factory):
    """The folder of the pages, under a path with a space in it; a warning fails the build."""
    place = tmp_path_factory.mktemp("a book")
    command = [Path(sys.executable).with_name("jupyter-book"), "build", ROOT, "--path-output", place]
    options = ["--warningiserror", "--nitpick", "--keep-going", "--quiet"]
    done = subprocess.run([*command, *options], capture_output=True, text=True, timeout=600)
    assert done.returncode == 0, done.stderr[-3000:]
    return place / "_build" / "html"


@pytest.fixture(scope="module")
def offline(browser):
    with browser.new_context(offline=True, viewport={"width": 1400, "height": 900}) as context:
        yield context


@pytest.fixture
def visit(book, offline):
    """``visit(name)`` -> the page, loaded and its formulas drawn, and the requests that left this machine's disk."""
    page = offline.new_page()

    def visit(name):
        requests, errors = [], []
        page.on("request", lambda request: requests.append(request.url))
        page.on("requestfailed", lambda request: errors.append(request.url))
        page.on("console", lambda message: errors.append(message.text) if message.type == "error" else None)
        page.on("pageerror", lambda error: errors.append(str(error)))
        page.goto((book / f"{name}.html").as_uri())
        page.evaluate("window.MathJax?.startup?.promise")
        assert errors == []
        return page, [url for url in requests if not url.startswith(("file:", "data:"))]

    yield visit
    page.close()


@pytest.mark.parametrize("name", PAGES)
def test_a_page_asks_nobody_and_draws_every_formula(visit, name):
    page, requests = visit(name)
    assert requests == []
    formulas, drawn = page.locator(".math"), page.locator(".math > mjx-container")
    assert drawn.count() == formulas.count()
    assert page.locator("mjx-merror").count() == 0
    assert page.evaluate(RAW) == []
    if drawn.count():
        assert page.locator("mjx-assistive-mml").count() == drawn.count(), "screen readers get MathML"
        fonts = page.evaluate("document.fonts.ready.then(f => [...f].map(f => f.family + ' ' + f.status))")
        assert any(font.startswith("MJXTEX") and font.endswith(" loaded") for font in fonts)
        assert not any(font.endswith(" error") for font in fonts)


def test_a_formula_is_counted_and_one_that_is_not_drawn_is_seen(visit):
    page, _ = visit("book/glossary")
    assert page.locator(".math > mjx-container").count() > 10
    page.evaluate("document.querySelector('article p').append('so \\\\(a = b\\\\) and $\\\\sigma$ hold')")
    assert len(page.evaluate(RAW)) == 1
