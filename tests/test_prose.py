"""Computed prose: values, claims and citations in a chapter's Markdown, and the run that writes them."""

import re
import sys
from pathlib import Path

import nbformat
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from markdown_it import MarkdownIt
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "book" / "_tools"))

import notebook_checks as checks  # noqa: E402
import prose  # noqa: E402
import run_notebooks as runner  # noqa: E402
import sentences  # noqa: E402
import stored_prose  # noqa: E402

CHAPTERS = runner.chapters()
SUMMARY = "Ran on cpu (2 threads), profile quick, precision no, torch 2.15.0, course_lib 0.1.0, in 93 s"


def only(source):
    """The one comment of a source that has no problems."""
    comments, problems = prose.read(source)
    assert problems == [] and len(comments) == 1, (comments, problems)
    return comments[0]


def value_of(source):
    return source[slice(*only(source).value)]


# ---- which token is the value --------------------------------------------------------------------


@pytest.mark.parametrize(
    "text, value",
    [
        ("The best is **34.3**", "34.3"),
        ("of *semi-hard triplets*", "semi-hard triplets"),
        ("a run of `dncnn-s25`", "dncnn-s25"),
        ("a run of ``a `b` c``", "a `b` c"),
        ("grows like $n^{0.54}$", "n^{0.54}"),
        ("in all 1,234,567", "1,234,567"),
        ("a fall of -0.42", "-0.42"),
        ("a gain of +0.4", "+0.4"),
        ("0.54 ± 0.01", "0.01"),
        ("from 5-40", "40"),
        ("(34", "34"),
        ("| 12.5", "12.5"),
        ("12,34", "34"),
        ("as ArcFace", "ArcFace"),
        ("by dncnn-s25", "dncnn-s25"),
        ("**semi-hard** wins by 3", "3"),
        ("not yet known: ?", "?"),
        ("not yet known: **?**", "?"),
        ("2 * 3 * 4", "4"),
        ("about 1e-5", "1e-5"),
    ],
)
def test_the_value_is_what_stands_directly_before_the_comment(text, value):
    assert value_of(text + "<!--= x :.2f --> dB") == value


@pytest.mark.parametrize("text", ["34.3 ", "34.3 %", "", "a (b)", "(**", "**bold*", "34.3%"])
def test_a_comment_without_a_value_is_refused(text):
    assert "no value" in prose.read("so " + text + "<!--= x :.1f -->")[1][0]


def test_of_two_values_in_a_row_each_has_its_own():
    source = "from 3<!--= a -->/**4.5**<!--= b :.1f --> to `x`<!--= c --> and $y$<!--= d -->"
    assert [source[slice(*c.value)] for c in prose.read(source)[0]] == ["3", "4.5", "x", "y"]


# ---- expressions ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "body, expression, spec",
    [
        ("x", "x", ""),
        ("100 * x :.1f", "100 * x", ".1f"),
        ("x  :,", "x", ","),
        ("x[1:2]", "x[1:2]", ""),
        ("x[1 :2] :d", "x[1 :2]", "d"),
        ("{1 :2}[1]", "{1 :2}[1]", ""),
        ("(lambda x :x)(3)", "(lambda x :x)(3)", ""),
        ('r["triplets, all :d"].rank1', 'r["triplets, all :d"].rank1', ""),
        ("f'{x:.1f}'", "f'{x:.1f}'", ""),
        ("a if b < c else d :+.2f", "a if b < c else d", "+.2f"),
        ("max(a, key=lambda k: a[k])", "max(a, key=lambda k: a[k])", ""),
        ("share :.0%", "share", ".0%"),
        ("name :>8", "name", ">8"),
    ],
)
def test_the_format_stands_behind_the_last_colon_that_can_be_one(body, expression, spec):
    comment = only(f"so 1<!--= {body} --> it is")
    assert (comment.expression, comment.format) == (expression, spec)


def test_comparisons_and_quotes_need_no_escape():
    claim = only("A beats B.<!--? results[\"a, 'b'\"].rank1 >= 2 < d and x['<b>'] != \"é\" -->")
    assert claim.expression == "results[\"a, 'b'\"].rank1 >= 2 < d and x['<b>'] != \"é\""


def test_in_a_table_a_pipe_is_escaped():
    assert only(r"| 3<!--= a \| b --> |").expression == "a | b"
    assert "table" in prose.read("| 3<!--= a | b --> |")[1][0]
    assert only("not in a table: 3<!--= a | b -->").expression == "a | b"


@pytest.mark.parametrize(
    "source, reason",
    [
        ("<!--? x -->", "must not begin"),
        ("first line\n<!--? x --> second", "must not begin"),
        ("- <!--? x --> item", "must not begin"),
        ("3. <!--? x --> item", "must not begin"),
        ("> <!--? x --> quoted", "must not begin"),
        ("- [ ] <!--? x --> to do", "must not begin"),
        ("## Why 3<!--= x -->", "heading"),
        ("so 3<!--= x + -->", "not a Python expression"),
        ("so 3<!--= -->", "not a Python expression"),
        ("so 3<!--= a = 1 -->", "not a Python expression"),
        ("so it is.<!--? x :.1f -->", "a claim has no format"),
        ("so 3<!--= x --1 -->", "no '--'"),
        ("so 3<!--= max(a,\nb) -->", "one line"),
        ('so 3<!--= "a --> b" -->', "-->"),
        ("an arrow --> there", "-->"),
    ],
)
def test_what_would_not_stay_invisible_or_cannot_be_computed_is_refused(source, reason):
    comments, problems = prose.read(source)
    assert comments == [] and reason in problems[0]


@pytest.mark.parametrize(
    "source",
    [
        "`3<!--= x -->`",
        "```\n3<!--= x -->\n```",
        "~~~python\n<!--? x -->\n~~~",
        "``3 `<!--= x -->` ``",
        "an arrow in code `-->`",
        "$a --> b$",
    ],
)
def test_code_and_maths_are_left_alone(source):
    assert prose.read(source) == ([], [])


def test_an_unknown_comment_is_raw_html():
    assert prose.read("see <!-- to do --> there") == ([], [])
    assert "raw HTML" in checks.markdown_problems("see <!-- to do --> there")[0]
    assert checks.markdown_problems("so 3<!--= a < b -->, indeed.<!--? c > d -->") == []


# ---- properties ----------------------------------------------------------------------------------

texts = st.text(st.characters(codec="utf-8", exclude_categories=["C"]), max_size=12)
expressions = st.one_of(
    texts.map(repr),
    st.tuples(texts, st.integers()).map(lambda t: f"{{{t[0]!r}: [{t[1]}]}}[{t[0]!r}][0]"),
    st.sampled_from(["a < b", "a > b", "f(x)[1:2]", "x if y else z", "{'<': 1}['<']", "a | b", "lambda: 0"]),
).filter(lambda e: "--" not in e)
numbers = st.one_of(
    st.integers().map(lambda n: f"{n:,}"),
    st.floats(allow_nan=False, allow_infinity=False, width=32).map(lambda x: f"{x:.3f}"),
)
placed = st.sampled_from(["So it is {}.", "- item {} dB", "($a < 3$: {} %)", "`50 %` or {}", "> said {} and 4.5"])


@settings(deadline=None)
@given(numbers, expressions, placed)
def test_a_written_value_is_found_again_and_nothing_else_is_touched(number, expression, where):
    source = where.format(f"?<!--= {expression} -->")
    comment = only(source)
    new = prose.write(source, {comment: number})
    assert new == source.replace("?<!--", f"{number}<!--")
    assert value_of(new) == number
    assert prose.write(new, {only(new): number}) == new


@settings(deadline=None)
@given(texts, expressions)
def test_text_in_bold_is_found_again_or_refused(text, expression):
    source = f"the best is **?**<!--= {expression} -->, by far"
    try:
        new = prose.write(source, {only(source): text})
    except ValueError as error:
        assert "more than a number or a word" in str(error)
    else:
        assert value_of(new) == text and prose.read(new)[1] == []


@settings(deadline=None)
@given(st.lists(st.tuples(numbers, expressions), min_size=1, max_size=6), st.randoms())
def test_several_values_of_a_line_are_written_independently(values, random):
    source = " and ".join(f"{random.choice(['?', '**?**', '*?*'])}<!--= {e} -->" for _, e in values)
    source = "They are " + source
    comments, problems = prose.read(source)
    assert problems == [] and [c.expression for c in comments] == [e for _, e in values]
    new = prose.write(source, dict(zip(comments, (n for n, _ in values), strict=True)))
    assert [new[slice(*c.value)] for c in prose.read(new)[0]] == [n for n, _ in values]


@settings(deadline=None)
@given(numbers, expressions)
def test_a_markdown_reader_sees_the_value_and_no_comment(number, expression):
    """markdown-it, which renders the book and much like JupyterLab and GitHub."""
    for line in (f"so {number}<!--= {expression} --> dB", f"- so **{number}**<!--= {expression} --> dB"):
        html = MarkdownIt().render(line)
        shown = re.sub(r"<!--.*?-->|</?(?:p|ul|li|strong)>", "", html, flags=re.S).split()
        assert shown == ["so", number, "dB"]
    cell = f"so {number}<!--= {expression} -->".replace("|", r"\|")
    row = MarkdownIt().enable("table").render(f"| a | b |\n|---|---|\n| {cell} | last |")
    assert re.sub(r"<!--.*?-->", "", row, flags=re.S).count("<td>") == 2 and "<td>last</td>" in row


# ---- sentences and typed numbers -----------------------------------------------------------------


def test_a_claim_is_told_with_its_sentence():
    source = (
        "One. Luo et al. say so; it is **3.5**<!--= x :.1f --> px, e.g. here. A beats B!<!--? a > b --> Next?\n\n"
        "- first item\n- here D. E. Knuth is right <!--? d -->\n\n| row | 3 <!--? e --> |\n| other | 4 |"
    )
    told = [sentences.sentence_of(source, c) for c in prose.read(source)[0]]
    assert told == [
        "Luo et al. say so; it is **3.5** px, e.g. here.",
        "A beats B!",
        "- here D. E. Knuth is right",
        "| row | 3 |",
    ]


@pytest.mark.parametrize(
    "source, typed",
    [
        ("It is 34.3 dB and 12 % of 1,000.5 px.", ["34.3", "12 %", "1,000.5"]),
        ("It is 34.3<!--= x :.1f --> dB, **12**<!--= y --> % of 40 px in 2016.", []),
        ("It is 34.3<!--= x :.1f --> dB and 3.4 before.", ["3.4"]),
        ("The paper has 92.80 %.<!--cite: zhang2017dncnn --> Ours has 91.5.", ["91.5"]),
        ("The [paper](https://arxiv.org/abs/1701.04128) has 4.55 %. So 5 percent.", ["5 percent"]),
        ("See [the last chapter](../denoising/dncnn.ipynb): 5 %.", ["5 %"]),
        ("`50 %` and $p = 0.5$ and\n\n```\n3.4 %\n```\n\n$$\n4.55\n$$", []),
        ("| method | 12.5 % |\n|---|---|\n| other | 3 % <!--cite: zhang2017dncnn --> |", ["12.5 %"]),
        ("- G. Koch, R. Zemel: Siamese networks, 2015: 92 %.<!--cite: zhang2017dncnn -->\n- 7 %", ["7 %"]),
        ("It fell by -0.5.", ["0.5"]),
        ("n-3.5 and torch2.11 or 1.2.3", ["3.5", "1.2"]),
    ],
)
def test_a_typed_number_is_caught(source, typed):
    assert [found.split("'")[1] for found in sentences.typed_numbers(source)] == typed


def test_a_citation_needs_its_entry():
    comments, _ = prose.read("92 %.<!--cite: zhang2017dncnn, nobody1999 -->")
    assert sentences.citation_problems(comments) == ["references.bib has no entry 'nobody1999'"]


@pytest.mark.parametrize("path", CHAPTERS, ids=runner.chapter_name)
def test_prose_of_a_chapter_is_well_formed_and_its_numbers_are_answered_for(path):
    assert checks.prose_problems(nbformat.read(path, as_version=4)) == []


# ---- quotations of stored runs, without execution ------------------------------------------------

IMPORTS = new_code_cell("import math\nfrom course_lib import data, reference\n%matplotlib inline")


def stored(monkeypatch, *cells):
    """What the check says about each expression when the run ``a`` has the loss 0.25."""
    from course_lib import reference

    monkeypatch.setattr(reference, "result", lambda name: {"a": {"metrics": {"loss": 0.25}}}[name])
    return stored_prose.check(new_notebook(cells=[IMPORTS, *cells]))


def test_a_quoted_result_must_agree(monkeypatch):
    code = new_code_cell('names = ("a",)\nm = {n: reference.result(n)["metrics"] for n in names}')
    text = (
        "so **{}**<!--= 100 * m['a']['loss'] :.0f --> %, root 0.5<!--= math.sqrt(m['a']['loss']) :.1f -->.<!--? {} -->"
    )
    good = new_markdown_cell(text.format(25, "m['a']['loss'] < 0.3"))
    bad = new_markdown_cell(text.format(26, "m['a']['loss'] > 0.3"))
    found = stored(monkeypatch, code, good, bad)
    assert found[:4] == ["", "", "", "cell 3: 100 * m['a']['loss'] is 25 now: 'so **26** %, root 0.5.'"]
    assert found[4:] == ["", "cell 3: m['a']['loss'] > 0.3 is false: 'so **26** %, root 0.5.'"]


@pytest.mark.parametrize(
    "code",
    [
        "m = train()",
        "m['metrics']['loss'] = 1",
        "m.update(x)",
        "for m in runs: pass",
        "def m(): pass",
        "from x import m",
        "if later:\n    m = 3",
        "with f() as m: pass",
    ],
)
def test_a_name_that_something_else_touches_is_not_known(monkeypatch, code):
    known = new_code_cell('m = reference.result("a")')
    quotation = new_markdown_cell("so 7<!--= m['metrics']['loss'] -->")
    assert len(stored(monkeypatch, known, quotation)) == 1
    assert stored(monkeypatch, known, new_code_cell(code), quotation) == []


def test_what_only_the_kernel_has_is_not_computed(monkeypatch):
    code = new_code_cell('model = reference.load("a")\nrows = []\nx = open("f")\nsteps = 4')
    text = "so 1<!--= model.x -->, 2<!--= len(rows) -->, 3<!--= x.y -->, 4<!--= steps -->, 5<!--= data.z -->"
    assert stored(monkeypatch, code, new_markdown_cell(text)) == [""]  # of all these the constant alone


# ---- the run -------------------------------------------------------------------------------------


@pytest.fixture
def chapter(tmp_path, monkeypatch):
    """Write a chapter with this code and prose outside the book; returns its path."""
    monkeypatch.setenv("COURSE_STATIC", "1")

    def write(*cells):
        cells = [new_markdown_cell(c) if isinstance(c, str) else c for c in cells]
        setup = "# pip\nclass session:\n    start = staticmethod(lambda seed: None)\nsession.start(seed=0)"
        half = len(SUMMARY) // 2
        last = (
            f"class run:\n    line = {SUMMARY[:half]!r}\n    line += {SUMMARY[half:]!r}\n"
            "    summary = staticmethod(lambda: run.line)\nprint(run.summary())"
        )
        nb = new_notebook(cells=[new_markdown_cell("# Why?"), new_code_cell(setup), *cells, new_code_cell(last)])
        nbformat.write(nb, path := tmp_path / "small.ipynb")
        return path

    return write


def make(path, check=False):
    """What the runner says, and whether the file is as it was."""
    before = path.read_bytes()
    try:
        said = runner.run(path, check, 120)
    except RuntimeError as error:
        said = f"FAILED {error}"
    return said, path.read_bytes() == before


def text(path, cell):
    return nbformat.read(path, as_version=4).cells[cell].source


def test_a_run_writes_values_and_a_second_one_the_same_bytes(chapter):
    code = new_code_cell("x, name, small = 0.343, 'triplets, all', -0.0001\nshown = 1")
    prose_cell = (
        "Best is **?**<!--= 100 * x :.1f --> % of *?*<!--= name -->, 7<!--= len(name) -->, -9.9<!--= small :.1f -->, "
        "1,000<!--= 12345.6 :,.0f -->, [?<!--= [i for i in range(3)][-1] -->].<!--? x > 0.3 and shown == 1 -->"
    )
    path = chapter(code, prose_cell, new_code_cell("shown = 2"), "Then ?<!--= shown -->.<!--? shown == 2 -->")
    assert make(path)[0].startswith("stored")
    assert re.sub(r"<!--.*?-->", "", text(path, 3)) == "Best is **34.3** % of *triplets, all*, 13, 0.0, 12,346, [2]."
    assert text(path, 5).startswith("Then 2<!--")
    counts = [c.execution_count for c in nbformat.read(path, as_version=4).cells if c.cell_type == "code"]
    assert counts == [1, 2, 3, 4]  # asking for values leaves no trace
    assert make(path) == ("unchanged", True)


def test_a_false_claim_stores_nothing_and_names_its_sentence_with_the_new_numbers(chapter):
    path = chapter(new_code_cell("a, b = 1, 2"), "First. With 9<!--= a --> one beats two.<!--? a > b --> Last.")
    said, untouched = make(path)
    assert said == "FAILED cell 3: false in this run: a > b\n      With 1 one beats two." and untouched
    said, untouched = make(path, check=True)
    assert said.startswith("fine, 0 of 1 claims hold in this profile") and "FALSE  cell 3: a > b" in said and untouched


def test_an_expression_that_cannot_be_computed_fails_in_every_profile(chapter):
    path = chapter(
        new_code_cell("x = 1"),
        "so ?<!--= nothing :.1f -->.",
        "so it is.<!--? 1 / 0 > 1 -->",
        "so ?<!--= 0.1 + 0.2 -->.",
        "so ?<!--= 'two words' -->.",
    )
    said, untouched = make(path, check=True)
    reasons = ("NameError", "ZeroDivisionError", "needs a format", "more than a number or a word")
    assert [r in line for r, line in zip(reasons, said.splitlines(), strict=True)] == [True] * 4, said


def test_no_number_is_not_stored_and_may_happen_in_smoke(chapter):
    path = chapter("so ?<!--= float('nan') :.1f -->.")
    assert make(path) == ("FAILED cell 2: float('nan') is nan", True)
    assert make(path, check=True)[0] == "fine"


@pytest.mark.parametrize(
    "prose_cell, reason",
    [
        ("typed: 34.3 dB", "neither computed nor cited"),
        ("so 3<!--= x + -->", "not a Python expression"),
        ("as known: 34.3 dB.<!--cite: nobody1999 -->", "no entry"),
    ],
)
def test_bad_prose_is_refused_before_minutes_are_spent(chapter, monkeypatch, prose_cell, reason):
    monkeypatch.setattr(runner, "execute", None)
    assert reason in make(chapter(prose_cell))[0]


def test_prose_from_a_cell_is_refused_but_a_table_is_not():
    def told(markdown):
        output = new_output("display_data", data={"text/markdown": markdown, "text/plain": ""})
        return checks.output_problems(new_notebook(cells=[new_code_cell("0", outputs=[output])]))

    assert told("| a | b |\n|---|---|\n| 1 | 2 |") == []
    assert told("<details><summary>Source</summary>\n\nAny text.\n\n</details>") == []
    assert "prose belongs into Markdown" in told("The best is 3.\n\n| a |\n|---|\n| 1 |")[0]


def test_folded_cells_are_folded_everywhere():
    tags = (["remove-input"], ["hide-input"], ["other"], [])
    cells = [new_code_cell("0", metadata={"tags": t, "cellView": "x"}) for t in tags]
    text_cell = new_markdown_cell("a", metadata={"tags": ["hide-input"]})
    folded = [c.metadata for c in runner.tidy(new_notebook(cells=[*cells, text_cell])).cells]
    fold = {"cellView": "form", "jupyter": {"source_hidden": True}}
    assert folded == [{"tags": t} | (fold if t and t != ["other"] else {}) for t in tags] + [{"tags": ["hide-input"]}]


@pytest.mark.parametrize("path", CHAPTERS, ids=runner.chapter_name)
def test_the_setup_cell_is_folded(path):
    code = [c for c in nbformat.read(path, as_version=4).cells if c.cell_type == "code"]
    assert "hide-input" in code[0].metadata.tags and code[0].metadata.cellView == "form"
    assert code[0].metadata.jupyter.source_hidden


def test_a_value_that_no_run_has_written_is_not_stored():
    done = new_code_cell("0", outputs=[new_output("stream", text=SUMMARY)])
    nb = new_notebook(cells=[new_markdown_cell("so ?<!--= x -->"), done])
    assert "has no value yet" in checks.stored_problems(nb)[0]
