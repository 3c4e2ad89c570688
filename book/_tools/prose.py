"""Prose that is computed and checked: comments in a chapter's Markdown, invisible wherever a notebook is shown.

    The best is **34.3**<!--= 100 * best.rank1 :.1f --> %.    a value: `make execute` writes what stands before it
    Choosing pays.<!--? best.rank1 > blind.rank1 -->          a claim: where it is false, nothing is stored
    The paper has 92.80 %.<!--cite: gidaris2018 -->           a number from elsewhere: a key of references.bib

The value is what stands directly before its comment: everything inside ``**bold**``, ``*italics*``, a code span or
``$maths$``, else one number (with its sign and thousands separators) or one word. ``?`` holds the place of a value that
no run has written yet. Units stand behind the comment. Comments inside code and maths are left alone.
"""

import ast
import re
from dataclasses import dataclass

REGIONS = re.compile(
    r"""(?P<fence>^[ ]{0,3}(?P<mark>```+|~~~+)[^\n]*\n.*?^[ ]{0,3}(?P=mark)[^\n]*$)
      | (?P<comment><!--.*?-->)
      | (?P<code>(?<![`\\])(?P<ticks>`+)(?!`)(?:.+?)(?<!`)(?P=ticks)(?!`))
      | (?P<display>(?<!\\)\$\$.+?\$\$)
      | (?P<maths>(?<![\\$])\$[^$\n]+?(?<!\\)\$)""",
    re.DOTALL | re.MULTILINE | re.VERBOSE,
)
KIND = re.compile(r"<!--(=|\?|cite:)(.*?)-->", re.DOTALL)
SPEC = r"(?:.?[<>=^])?[-+ ]?z?\#?0?\d*[_,]?(?:\.\d+)?[bcdeEfFgGnosxX%]?"
WITH_FORMAT = re.compile(rf"(?P<expression>.*\S)\s+:(?P<format>{SPEC})", re.DOTALL)
# A sign belongs to the number unless it joins two: 5-40 is a range.
NUMBER = r"(?:(?<![\w.,)\]}+-])[-+])?\d+(?:,\d{3})*(?:\.\d+)?(?:e[-+]?\d+)?"
WORD = r"[^\W\d_][\w-]*"
BARE = re.compile(rf"(?:{NUMBER}|{WORD}|(?<!\w)\?)\Z")
EMPHASISED = re.compile(r"\*\*([^*\n]+)\*\*\Z|(?<!\*)\*([^*\n]+)\*\Z")
LINE_START = re.compile(r"[\s>]*(?:(?:[-*+]|\d+[.)])\s+)*(?:\[[ xX]\]\s+)?(?:\#+\s+)?")


@dataclass(frozen=True)
class Comment:
    """One comment of a Markdown cell.

    Attributes:
        kind: ``=`` a value, ``?`` a claim, ``cite:`` where the sentence's numbers come from.
        start: where the comment begins in the source.
        end: where it ends.
        expression: the Python expression; of a citation, the keys.
        format: the value's format specification, "" for ``str``.
        value: start and end of the value in the source.
    """

    kind: str
    start: int
    end: int
    expression: str
    format: str = ""
    value: tuple[int, int] | None = None


def read(source: str) -> tuple[list[Comment], list[str]]:
    """The comments of a Markdown cell that are well formed, and a sentence about every other one."""
    comments, problems = [], []
    regions = list(REGIONS.finditer(source))
    for previous, region in zip([None, *regions], regions, strict=False):
        if not (kind := KIND.fullmatch(region.group())):
            continue
        try:
            comments.append(_comment(source, region, kind, previous))
        except ValueError as error:
            problems.append(f"{error}: {region.group()!r}")
    if "-->" in REGIONS.sub("", source):
        problems.append("'-->' ends a comment, it cannot stand in an expression")
    return comments, problems


def _comment(source, region, kind, previous) -> Comment:
    """The comment at this region; ``ValueError`` says what is wrong with it."""
    mark, body = kind[1], kind[2].strip()
    line = source[source.rfind("\n", 0, region.start()) + 1 : region.start()]
    if LINE_START.fullmatch(line):
        raise ValueError("a line must not begin with a comment, it would become a block of its own")
    if line.lstrip().startswith("#"):
        raise ValueError("a heading takes no comments")
    if "\n" in body or "--" in body or body.endswith("-"):
        raise ValueError("a comment stays on one line and holds no '--'")
    if line.lstrip().startswith("|"):
        if re.search(r"(?<!\\)\|", body):
            raise ValueError(r"in a table | ends the cell, in a comment too: write \| for it")
        body = body.replace(r"\|", "|")
    if mark == "cite:":
        return Comment(mark, region.start(), region.end(), body)
    expression, spec = _split(body)
    if mark == "?":
        if spec:
            raise ValueError("a claim has no format")
        return Comment(mark, region.start(), region.end(), expression)
    value = _value(source, region.start(), previous)
    return Comment(mark, region.start(), region.end(), expression, spec, value)


def _split(body: str) -> tuple[str, str]:
    """``100 * x :.1f`` -> ``("100 * x", ".1f")``; a colon inside the expression is left alone."""
    found = WITH_FORMAT.fullmatch(body)
    for expression, spec in ([(found["expression"], found["format"])] if found else []) + [(body, "")]:
        try:
            ast.parse(expression, mode="eval")
            return expression, spec
        except (SyntaxError, ValueError):
            continue
    raise ValueError("not a Python expression, with a format like ' :.1f' after it")


def _value(source: str, end: int, previous) -> tuple[int, int]:
    """Where the value before the comment at ``end`` stands."""
    if previous and previous.end() == end and previous.lastgroup != "comment":
        width = len(previous["ticks"]) if previous["code"] else 1
        if previous["code"] or previous["maths"]:
            return previous.start() + width, end - width
    since = max(source.rfind("\n", 0, end) + 1, previous.end() if previous else 0)
    text = source[since:end]
    if found := EMPHASISED.search(text):
        group = 1 if found[1] else 2
        return since + found.start(group), since + found.end(group)
    if found := BARE.search(text):
        return since + found.start(), since + found.end()
    raise ValueError(
        "no value stands directly before the comment: a number, a word, or '?' until the first run; "
        "several words go into **bold**, *italics* or a code span"
    )


def write(source: str, values: dict[Comment, str]) -> str:
    """The source with these values in place. Raises ``ValueError`` for one that could not be found again there."""
    for comment in sorted(values, key=lambda c: -c.start):
        (start, end), value = comment.value, values[comment]
        source = source[:start] + value + source[end:]
        after = comment.start + len(value) - (end - start)
        if not any(c.start == after and c.value == (start, start + len(value)) for c in read(source)[0]):
            raise ValueError(
                f"the value {value!r} of {comment.expression!r} is more than a number or a word: put it into "
                "**bold**, *italics* or a code span, and a unit behind the comment"
            )
    return source


def without(source: str, code: str | None = None, value: str | None = None) -> str:
    """The source without its comments, for those who judge the text alone; comments of other kinds stay.

    Args:
        code: what to put in place of code and maths; None leaves them.
        value: what to put in place of a computed value; None leaves them.
    """
    edits = {c.value: value for c in read(source)[0] if c.value} if value is not None else {}
    for region in REGIONS.finditer(source):
        if region["comment"] and KIND.fullmatch(region.group()):
            edits[region.span()] = ""
        elif not region["comment"] and code is not None and not _inside(edits, region):
            edits[region.span()] = code
    for (start, end), text in sorted(edits.items(), reverse=True):
        source = source[:start] + text + source[end:]
    return source


def _inside(edits, region) -> bool:
    """Whether a computed value stands inside this code or maths, which it then replaces alone."""
    return any(region.start() <= start and end <= region.end() for start, end in edits)
