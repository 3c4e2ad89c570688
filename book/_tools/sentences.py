"""The sentences of a chapter's Markdown: which one a claim belongs to, and which numbers in them nobody answers for."""

import re
from functools import cache
from pathlib import Path

from prose import KIND, REGIONS, Comment, without

BIBLIOGRAPHY = Path(__file__).resolve().parents[1] / "references.bib"
ABBREVIATION = re.compile(r"(?:\b[A-Z]|\b(?:al|vs|cf|e\.g|i\.e|Fig|Eq|No|approx))\.\Z")
# Regions stand for themselves as numbers between two characters of private use; a comment behind the full stop
# still belongs to the sentence.
SENTENCE_END = re.compile(r"[.!?][)\"'*_\]”]*(?:\s*\ue000\d+c\ue001)*(?=\s|\Z)")
BLOCK_START = re.compile(r"[ ]*(?:(?:[-*+]|\d+[.)])\s|[|#>]|\Z)")
NUMBER = re.compile(r"(?<![\w.])\d[\d,]*(?:\.\d+)?\s?(?:%|per ?cent\b)|(?<![\w.])\d[\d,]*\.\d+")
LINK = re.compile(r"\]\((https?://[^)\s]*)\)|<https?://[^>\s]*>")


def sentences(source: str) -> list[str]:
    """The sentences of Markdown; a list item, a heading or a row of a table is at least one. Comments stay."""
    kept = []

    def keep(region):
        kept.append(region.group())
        return f"\ue000{len(kept) - 1}{'c' if region['comment'] else 'x'}\ue001"

    text, found, block = REGIONS.sub(keep, source), [], []
    for line in [*text.split("\n"), ""]:
        if BLOCK_START.match(line):
            found += _sentences_of("\n".join(block))
            block = []
        block.append(line)
    return [re.sub("\ue000(\\d+)[cx]\ue001", lambda m: kept[int(m[1])], sentence) for sentence in found]


def _sentences_of(block: str) -> list[str]:
    ends = [m.end() for m in SENTENCE_END.finditer(block) if not ABBREVIATION.search(block[: m.start() + 1])]
    cuts = [0, *ends, len(block)]
    return [part for a, b in zip(cuts, cuts[1:], strict=False) if (part := block[a:b].strip())]


def sentence_of(source: str, comment: Comment) -> str:
    """The sentence that a comment belongs to, without its comments."""
    here = source[comment.start : comment.end]
    before = source[: comment.start].count(here)
    for sentence in sentences(source):
        if (count := sentence.count(here)) > before:
            return " ".join(without(sentence).split())
        before -= count
    return ""


@cache
def keys() -> frozenset[str]:
    """The keys of the bibliography."""
    return frozenset(re.findall(r"^@\w+\{([^,\s]+),", BIBLIOGRAPHY.read_text("utf-8"), flags=re.MULTILINE))


def citation_problems(comments: list[Comment]) -> list[str]:
    """Citations whose keys the bibliography does not have."""
    cited = {key.strip() for c in comments if c.kind == "cite:" for key in c.expression.split(",")}
    return [f"references.bib has no entry {key!r}" for key in sorted(cited - keys())]


def typed_numbers(source: str) -> list[str]:
    """Numbers with a decimal point or a percent sign that are neither computed nor cited, each with its sentence.

    Cited is a sentence with a ``<!--cite: key -->`` or a link to a page outside the course. Code and maths are not
    looked at.
    """
    found = []
    for sentence in sentences(source):
        cited = any((kind := KIND.fullmatch(r.group())) and kind[1] == "cite:" for r in REGIONS.finditer(sentence))
        if cited or LINK.search(sentence):
            continue
        text = " ".join(without(sentence, code="x", value="x").split())
        found += [f"{m.group()!r} is neither computed nor cited: {text!r}" for m in NUMBER.finditer(text)]
    return found
