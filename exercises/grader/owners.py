"""Whose a file is, by the name that a learning platform has given it. The platform's number decides, never a name.

Canvas writes ``name_number_file_what-the-student-called-it``, with ``_LATE`` behind the name if it is late; Moodle
``Full Name_number_assignsubmission_file_...``. People may choose their names there and always those of their files, so
a name can be made to be read in two ways. Then nothing is guessed: the file is reported as a conflict.
"""

import re
import unicodedata
from dataclasses import dataclass

CANVAS = re.compile(r"(?=_(?P<id>\d+)_(?P<file>\d+)_.)")
# Of a text typed into the page, or a link: there is no file, so no number of one.
CANVAS_TEXT = re.compile(r"^(?P<name>.+?)_(?P<id>\d+)_(?:text|link|url)\.html?$", re.I)
ANONYMOUS = re.compile(r"^(?P<name>anon(?:ymous)?)_(?P<id>[A-Za-z0-9]{3,})(?P<late>_LATE)?_\d+_.", re.I)
MOODLE = re.compile(r"(?=_(?P<id>\d+)_assignsubmission_(?:file|onlinetext))")
LATE = re.compile(r"_LATE$")
HANDED_IN = re.compile(r"[-_ ]*submission(?:[-_ ]?\(?\d+\)?)?$", re.I)
# Characters that turn text around.
TURNS = ("LRE", "RLE", "LRO", "RLO", "PDF", "LRI", "RLI", "FSI", "PDI")


@dataclass(frozen=True)
class Owner:
    """Somebody who has handed something in.

    Attributes:
        id: of the student at Canvas, of the participant at Moodle.
        others: ids that the name of the file could mean as well.
    """

    name: str
    id: str = ""
    late: bool = False
    others: tuple[str, ...] = ()


def owner(name: str, assignment: str, is_folder: bool) -> Owner:
    """Read the name of a file or folder in a download."""
    if readings := readings_of(name, MOODLE):
        return several(name, readings)
    if found := ANONYMOUS.match(name):
        return Owner(f"{found['name']}", found["id"], bool(found["late"]))
    if readings := readings_of(name, CANVAS):
        return several(name, readings)
    if found := CANVAS_TEXT.match(name):
        return several(name, [(found["name"], found["id"])])
    stem = name if is_folder else stem_of(name)
    return Owner(stem if is_folder else without_assignment(stem, assignment))


def readings_of(name: str, pattern: re.Pattern) -> list[tuple[str, str]]:
    """Every way to take the name apart: who, and which number."""
    return [(name[: found.start()], found["id"]) for found in pattern.finditer(name) if found.start()]


def several(name: str, readings: list[tuple[str, str]]) -> Owner:
    (who, number), *others = readings
    late = bool(LATE.search(who))
    if others:
        return Owner(stem_of(name), "", late, tuple(dict.fromkeys(number for _, number in readings)))
    return Owner(LATE.sub("", who), number, late)


def stem_of(name: str) -> str:
    return re.sub(r"(\.ipynb)?\.\w{2,5}$", "", name)


def without_assignment(stem: str, assignment: str) -> str:
    """``ada-denoising-submission (1)`` is by ada."""
    return re.sub(rf"[-_ ]*{re.escape(assignment)}$", "", HANDED_IN.sub("", stem), flags=re.I) or stem


def readable(name: str) -> str:
    """A file's name as text that can be shown anywhere: on disk it may be any bytes, commands of a terminal too."""
    text = name.encode("utf-8", "backslashreplace").decode()
    return "".join(
        c.encode("unicode_escape").decode()
        if unicodedata.category(c) in ("Cc", "Zl", "Zp") or unicodedata.bidirectional(c) in TURNS
        else c
        for c in text
    )
