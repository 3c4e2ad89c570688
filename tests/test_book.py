"""The book: chapters share one form, the runner stores only what is fit, a fork's links are its own."""

import copy
import json
import re
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import nbformat
import pytest
import yaml
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT / "book" / "_tools"), str(ROOT / "book" / "_ext")]

import adopt  # noqa: E402
import course_api  # noqa: E402
import course_sphinx  # noqa: E402
import notebook_checks as checks  # noqa: E402
import run_notebooks as runner  # noqa: E402

CHAPTERS = runner.chapters()
SUMMARY = "Ran on cpu (2 threads), profile quick, precision no, torch 2.15.0, course_lib 0.1.0, in 93 s\n"


# ---- what is stored ------------------------------------------------------------------------------


@pytest.mark.parametrize("path", CHAPTERS, ids=runner.chapter_name)
def test_a_stored_chapter_is_fit_for_the_book(path):
    nb = nbformat.read(path, as_version=4)
    nbformat.validate(nb)
    name = runner.chapter_name(path)
    assert checks.form_problems(nb) + checks.output_problems(nb, name) + checks.stored_problems(nb) == []
    assert nbformat.writes(runner.tidy(copy.deepcopy(nb))) == nbformat.writes(nb), "run `make execute`"


@pytest.mark.parametrize("path", CHAPTERS, ids=runner.chapter_name)
def test_a_chapter_installs_from_the_repository_of_the_config(path):
    slugs = re.findall(r"git\+https://github\.com/([\w.-]+/[\w.-]+)", path.read_text("utf-8"))
    assert set(slugs) == {adopt.repository()}


@pytest.mark.parametrize("path", CHAPTERS, ids=runner.chapter_name)
def test_a_chapter_calls_its_time_on_a_gpu_an_estimate_or_was_timed_there(path):
    cells = nbformat.read(path, 4).cells
    code = "\n".join(cell.source for cell in cells if cell.cell_type == "code")
    said = [line for line in cells[0].source.splitlines() if line.startswith("**Time:**")]
    if re.search(r"`full`|T4", "".join(said)):
        assert "by our estimate" in said[0] or "measured_on=" in code


@pytest.mark.parametrize("path", CHAPTERS, ids=runner.chapter_name)
def test_every_stop_of_a_slider_shows_something_else(path):
    outputs = [o for cell in nbformat.read(path, 4).cells for o in cell.get("outputs", [])]
    for html in ("".join(o.get("data", {}).get("text/html", "")) for o in outputs):
        if stored := re.search(r'class="cl-w cl-player".*\(root, (\{.*\})\);', html, re.S):
            player = json.loads(stored[1])
            stops = [(*images, caption) for images, caption in zip(player["frames"], player["captions"], strict=True)]
            assert len(stops) == len(set(stops)), f"{player['label']}: {player['captions']}"


def test_every_page_is_in_the_table_of_contents_and_exists():
    toc = yaml.safe_load((ROOT / "_toc.yml").read_text())
    listed = [toc["root"], *(c["file"] for part in toc["parts"] for c in part["chapters"])]
    pages = [*(ROOT / "book").rglob("*.md"), *CHAPTERS]
    there = {p.relative_to(ROOT).with_suffix("").as_posix() for p in pages if "_" not in p.parent.name[:1]}
    assert sorted(listed) == sorted(there)


def test_the_library_page_names_every_part():
    import course_lib

    named = set(course_api.MARKER.findall((ROOT / "book" / "api.md").read_text()))
    # a topic's own package, such as metric_learning.patches, may stand beside it
    assert {name for name in named if "." not in name} == course_lib._PARTS


# ---- the checks can fail -------------------------------------------------------------------------


def chapter(*cells, summary=SUMMARY):
    last = new_code_cell("print(run.summary())", outputs=[new_output("stream", name="stdout", text=summary)])
    setup = new_code_cell(
        "try:\n    import course_lib\nexcept ImportError:\n    %pip install x\nrun = session.start(seed=0)"
    )
    return new_notebook(cells=[new_markdown_cell("# Why?"), setup, *cells, last])


def shown(alt="a curve that falls", **more):
    return new_output("display_data", data={"image/svg+xml": "<svg/>", "text/plain": alt, **more})


def test_a_good_chapter_has_no_problems():
    nb = runner.tidy(
        chapter(new_markdown_cell("Let $a<b$.\n\n$$\na = b\n$$\n\n`<b>`"), new_code_cell("", outputs=[shown()]))
    )
    assert checks.form_problems(nb) + checks.output_problems(nb) + checks.stored_problems(nb) == []
    assert nb.cells[3].metadata["mystnb"]["image"]["alt"] == "a curve that falls"


@pytest.mark.parametrize(
    "source",
    [
        "```{note}\nx\n```",
        ":::{tip}\nx\n:::",
        "see {cite}`zhang`",
        "(target)=\n## x",
        "a <br> b",
        '<img src="x.png">',
        "<!-- x -->",
        "so $$a=b$$ holds",
    ],
)
def test_what_a_notebook_viewer_shows_raw_is_refused(source):
    assert len(checks.markdown_problems(source)) == 1


@pytest.mark.parametrize(
    "source",
    [
        "```python\nx = {note}`a`\n<b>\n```",
        "$a < b$ and $c>d$",
        "<https://arxiv.org>",
        "a < b",
        "$$\na<b\n$$",
        "costs \\$5 <3",
    ],
)
def test_plain_markdown_passes(source):
    assert checks.markdown_problems(source) == []


@pytest.mark.parametrize(
    "output",
    [
        new_output("stream", name="stderr", text="UserWarning: no"),
        new_output("error", ename="ValueError", evalue="no", traceback=[]),
        new_output("display_data", data={"application/vnd.jupyter.widget-view+json": {}, "text/plain": "x"}),
        shown(alt="<Figure size 640x480 with 1 Axes>"),
        new_output("stream", name="stdout", text="saved to /home/me/x.pt"),
        shown(**{"text/html": "<p>/tmp/x</p>"}),
        shown(**{"image/png": "A" * 600_000}),
    ],
)
def test_unfit_outputs_are_refused(output):
    assert len(checks.output_problems(chapter(new_code_cell("", outputs=[output])))) == 1


def test_a_path_inside_base64_or_a_link_is_no_path():
    html = '<img alt="" src="data:image/png;base64,AA/tmp/AA"> https://example.org/home/x'
    assert checks.output_problems(chapter(new_code_cell("", outputs=[shown(**{"text/html": html})]))) == []


def test_a_chapter_without_its_last_line_is_refused():
    assert checks.stored_problems(chapter(summary="done\n"))
    assert checks.form_problems(new_notebook(cells=[new_markdown_cell("text")]))


def test_code_that_scrolls_is_refused_where_it_is_shown():
    narrow = checks.form_problems(chapter(new_code_cell("x = 1  " + 93 * "#")))
    wide = new_code_cell("x = 1  " + 94 * "#")
    assert len(checks.form_problems(chapter(wide))) == len(narrow) + 1
    wide.metadata["tags"] = ["remove-input"]
    assert checks.form_problems(chapter(wide)) == narrow


# ---- the runner ----------------------------------------------------------------------------------

PROGRAM = """
import base64, os, zlib
print(os.environ["COURSE_STATIC"], os.environ["PYTHONHASHSEED"], hash("a"))
print("second chunk")
png = base64.b64encode(zlib.compress(b"pixels")).decode()
display({"image/png": png, "text/plain": "nine pixels"}, raw=True)
"""


LAST_CELL = f"""
import time
class run:
    line = {SUMMARY.strip()[:50]!r}
    line += {SUMMARY.strip()[50:]!r}
    summary = staticmethod(lambda: run.line.replace("93", str(time.time_ns())))
print(run.summary())"""
SWALLOWS_THE_INTERRUPT = """
import time
while True:
    try:
        time.sleep(1)
    except KeyboardInterrupt:
        pass
"""


@pytest.fixture
def small(tmp_path, monkeypatch):
    """A chapter of two cells outside the book, and what the runner's command line would set."""
    nb = chapter(new_code_cell(PROGRAM))
    nb.cells[1].source = "# pip\nclass session:\n    start = staticmethod(lambda seed: None)\nsession.start(seed=0)"
    nb.cells[-1].source = LAST_CELL
    nb.metadata = {"kernelspec": {"name": "mine", "display_name": "Mine"}, "language_info": {"version": "3.9"}}
    nb.cells[0].metadata = {"tags": ["keep"], "collapsed": True, "execution": {"started": "now"}}
    nbformat.write(nb, path := tmp_path / "small.ipynb")
    monkeypatch.setenv("COURSE_DATA", "")
    return path


def run_runner(*arguments):
    command = [sys.executable, str(ROOT / "book" / "_tools" / "run_notebooks.py"), *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, timeout=120)


def test_the_runner_stores_the_same_bytes_twice(small):
    assert "stored" in run_runner(small).stdout
    first = small.read_bytes()
    nb = nbformat.read(small, as_version=4)
    assert checks.output_problems(nb) + checks.form_problems(nb) + checks.stored_problems(nb) == []
    assert nb.cells[2].metadata.mystnb.image.alt == "nine pixels"
    assert nb.cells[0].metadata == {"tags": ["keep"]}
    assert "version" not in nb.metadata.language_info and nb.metadata.kernelspec.name == "python3"
    assert "unchanged" in run_runner(small).stdout  # only the seconds differ: no diff
    assert small.read_bytes() == first


def test_check_writes_nothing(small):
    before = small.read_bytes()
    done = run_runner("--check", small)
    assert done.returncode == 0, done.stdout
    assert small.read_bytes() == before


@pytest.mark.parametrize(
    "source, reason",
    [
        ("1 / 0", "ZeroDivisionError"),
        ("import warnings; warnings.warn('careful')", "stderr"),
        ("import os; os._exit(1)", "kernel died"),
    ],
)
def test_the_runner_keeps_the_file_when_a_run_is_unfit(small, source, reason):
    nb = nbformat.read(small, as_version=4)
    nb.cells[2].source = source
    nbformat.write(nb, small)
    before = small.read_bytes()
    done = run_runner(small)
    assert done.returncode == 1 and reason in done.stdout
    assert small.read_bytes() == before


def test_the_runner_kills_a_cell_that_swallows_the_interrupt(small):
    nb = nbformat.read(small, as_version=4)
    nb.cells[2].source = SWALLOWS_THE_INTERRUPT
    nbformat.write(nb, small)
    done = run_runner("--minutes", "0.1", small)
    assert done.returncode == 1 and "stopped after 6 s" in done.stdout


def test_cell_ids_follow_the_content():
    a, b = chapter(new_code_cell("x"), new_code_cell("x")), chapter(new_code_cell("new"), new_code_cell("x"))
    ids = [[c.id for c in runner.tidy(nb).cells] for nb in (a, b)]
    assert len(set(ids[0])) == 5 and ids[0][2] == ids[1][3] and ids[0][4] == ids[1][4]


# ---- links and forks -----------------------------------------------------------------------------


def configured(monkeypatch, repository, url="https://github.com/course-team/course"):
    monkeypatch.delenv("GITHUB_REPOSITORY", raising=False)
    if repository:
        monkeypatch.setenv("GITHUB_REPOSITORY", repository)
    options = {"repository_url": url, "repository_branch": "main"}
    config = SimpleNamespace(html_theme_options=options, extlinks={}, html_baseurl="")
    course_sphinx.set_repository(None, config)
    return config


def test_links_point_to_the_repository_of_the_config(monkeypatch):
    config = configured(monkeypatch, None)
    assert config.html_baseurl == "https://course-team.github.io/course/"
    assert config.extlinks["src"][0] == "https://github.com/course-team/course/blob/main/%s"


def test_in_a_fork_s_ci_links_point_to_the_fork(monkeypatch):
    config = configured(monkeypatch, "Someone/less")
    assert config.html_theme_options["repository_url"] == "https://github.com/Someone/less"
    assert config.html_baseurl == "https://someone.github.io/less/"
    assert config.extlinks["colab"][0] == "https://colab.research.google.com/github/Someone/less/blob/main/%s"
    source = ["pip install git+https://github.com/course-team/course\nhttps://github.com/course-team/course-extras"]
    course_sphinx.use_this_repository(SimpleNamespace(config=config), "x", source)
    assert source == ["pip install git+https://github.com/Someone/less\nhttps://github.com/course-team/course-extras"]


def test_adopting_a_fork_changes_links_and_the_book_s_address():
    text = "git+https://github.com/a/b https://a.github.io/b/ colab/github/a/b/blob github.com/a/bc a/b"
    new = "git+https://github.com/New/c https://new.github.io/c/ colab/github/New/c/blob github.com/a/bc a/b"
    assert adopt.replace(text, "a/b", "New/c") == new


def test_an_image_in_html_needs_an_alt():
    html = '<img src="a.png"><img src="b.png" alt="a cat"><img alt="" src="c.png"/><img src="d.png" alt>'
    assert course_sphinx.images_without_alt(html) == ["a.png", "d.png"]


# ---- one small book, built for real --------------------------------------------------------------


@pytest.fixture(scope="module")
def tiny(tmp_path_factory):
    """A book of two pages with the course's own extension and configuration."""
    root = tmp_path_factory.mktemp("a book")  # with a space, which a path may have
    config = yaml.safe_load((ROOT / "_config.yml").read_text())
    config["sphinx"]["local_extensions"] = {
        name: str(ROOT / "book" / "_ext") for name in ("course_sphinx", "course_mathjax")
    }
    for name in ("book/_static", "book/_ext"):
        (root / name).parent.mkdir(exist_ok=True)
        (root / name).symlink_to(ROOT / name)
    (root / "book" / "references.bib").write_text("")
    (root / "_config.yml").write_text(yaml.safe_dump(config))
    (root / "_toc.yml").write_text("format: jb-book\nroot: index\nchapters:\n  - file: chapter\n")
    (root / "index.md").write_text("# Tiny\n\nRead {colab}`chapter.ipynb`.\n")
    return root


def build(root, monkeypatch, nb):
    monkeypatch.setenv("GITHUB_REPOSITORY", "someone/less")
    nbformat.write(nb, root / "chapter.ipynb")
    program = Path(sys.executable).with_name("jupyter-book")
    command = [program, "build", ".", "--warningiserror", "--nitpick", "--keep-going", "--all"]
    return subprocess.run(command, cwd=root, capture_output=True, text=True, timeout=300)


def test_a_fork_s_book_links_to_the_fork_and_asks_nobody(tiny, monkeypatch):
    install = new_code_cell(f"%pip install git+https://github.com/{adopt.repository()}")
    html = new_output("display_data", data={"text/html": '<img alt="x" src="data:,">', "text/plain": "x"})
    graded = tiny / "exercises" / "student" / "denoising.ipynb"
    graded.parent.mkdir(parents=True)
    nbformat.write(new_notebook(cells=[install]), graded)
    link = new_markdown_cell("[The graded notebook](exercises/student/denoising.ipynb)")
    nb = runner.tidy(chapter(install, link, new_code_cell("0", outputs=[shown()]), new_code_cell("1", outputs=[html])))
    done = build(tiny, monkeypatch, nb)
    assert done.returncode == 0, done.stderr[-3000:]
    pages = {p.name: p.read_text("utf-8") for p in (tiny / "_build" / "html").glob("*.html")}
    assert "https://colab.research.google.com/github/someone/less/blob/main/chapter.ipynb" in pages["chapter.html"]
    assert "https://colab.research.google.com/github/someone/less/blob/main/chapter.ipynb" in pages["index.html"]
    assert 'alt="a curve that falls"' in pages["chapter.html"]
    for name, text in pages.items():
        assert adopt.repository() not in text, f"{name} still names the original"
        loaded = re.findall(r'<(?:script|link|img|iframe)\b[^>]*?(?:src|href)="(https?://[^"]+)"', text)
        outside = [url for url in loaded if "someone.github.io" not in url]
        assert outside == [], name
    (offered,) = (tiny / "_build" / "html" / "_downloads").rglob("denoising.ipynb")
    assert offered.relative_to(tiny / "_build" / "html").as_posix() in pages["chapter.html"]
    for download in (offered, tiny / "_build" / "html" / "_sources" / "chapter.ipynb"):
        assert "git+https://github.com/someone/less" in download.read_text("utf-8")


def test_a_picture_without_alternative_text_fails_the_build(tiny, monkeypatch):
    bad = [
        new_markdown_cell("![](data:image/gif;base64,R0lGODlhAQABAAAAACw=)"),
        new_code_cell("2", outputs=[new_output("display_data", data={"text/html": '<img src="data:,">'})]),
        new_code_cell("3", outputs=[shown()]),
    ]
    done = build(tiny, monkeypatch, chapter(*bad))
    assert done.returncode != 0
    assert "image without alternative text" in done.stderr and "<img> without alt" in done.stderr


@pytest.mark.parametrize("part", ["training", "data", "plotting", "explore", "reference", "denoising"])
def test_the_library_page_shows_the_functions_of_every_package(part):
    names = {node.name for _, node in course_api.public(ROOT / "course_lib" / part)}
    exported = {"explore": "compare", "plotting": "images", "reference": "load", "training": "fit"}
    assert names and exported.get(part, next(iter(names))) in names
