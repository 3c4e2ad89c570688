"""Tables that go out to be filled in and come back from a spreadsheet: Excel's, a colleague's, somebody's phone's.

They go out as UTF-8 with a mark that Excel understands. They may come back with semicolons or tabs, in the encoding of
Windows or as "Unicode text". What cannot be trusted, such as a name whose letters have been garbled, is refused with
the file's and the person's name, before anything is written.
"""

import csv
import io
import re
from pathlib import Path

# Half of "Zoë" in one encoding read as another.
GARBLED = "\ufffd"
FORMULA = re.compile(r"(?:^|(?<=;))(?=[=+\-@\t\r\n＝＋－＠])")  # some spreadsheets take a semicolon for a comma
HARMLESS = re.compile(r"(?:^|(?<=;))'(?=[=+\-@\t\r\n＝＋－＠])")
NUMBER = re.compile(r"-?[\d.]*")  # and the dash that stands for nothing


def number(value: float | None) -> str:
    """Points as people write them: 3, 2.5, and nothing for what is not known."""
    return "" if value is None else f"{value:g}"


def table(header: list[str], rows: list[list[str]]) -> str:
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows([header, *([harmless(cell) for cell in row] for row in rows)])
    return text.getvalue()


def harmless(cell: str) -> str:
    """A cell that no spreadsheet computes: what starts like a formula, as a student's name may, gets an apostrophe."""
    return cell if NUMBER.fullmatch(cell) else FORMULA.sub("'", cell)


def as_it_was(cell: str) -> str:
    return HARMLESS.sub("", cell)


def read_sheet(path: Path, needed: list[str]) -> list[dict[str, str]]:
    """The rows, cells as text; a `ValueError` names the file and what is wrong with it."""
    if not path.exists():
        return []
    text = decoded(path.read_bytes(), path.name)
    first = text.split("\n", 1)[0]
    delimiter = max(",;\t", key=first.count)
    reader = csv.DictReader(text.splitlines(keepends=True), delimiter=delimiter)
    names = [(name or "").strip().lower() for name in reader.fieldnames or ()]
    reader.fieldnames = names
    if missing := [name for name in needed if name not in names]:
        raise ValueError(f"{path.name} has no column {', '.join(missing)}")
    rows = []
    for row in reader:
        cells = {
            name: as_it_was((value or "").strip()) for name, value in row.items() if isinstance(name, str) and name
        }
        if not any(cells.values()):
            continue
        for name, value in cells.items():
            if garbled(value):
                whose = cells.get("student") or "a row without a student"
                raise ValueError(
                    f"{path.name}, {whose}: the letters of the column {name!r} have been garbled ({value[:40]!r}). "
                    "Save the file as CSV UTF-8"
                )
        rows.append(cells)
    return rows


def decoded(data: bytes, name: str) -> str:
    """Text, in the encodings that spreadsheets write."""
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        return data.decode("utf-16")
    for encoding in ("utf-8-sig", "cp1252"):
        try:
            return data.decode(encoding)
        except UnicodeDecodeError:
            continue
    raise ValueError(f"{name} is in no encoding that is known here. Save the file as CSV UTF-8")


def garbled(text: str) -> bool:
    """Whether text was written in UTF-8 and read as something else, so that its letters are lost or doubled."""
    if GARBLED in text:
        return True
    for encoding in ("cp1252", "latin-1", "mac_roman"):
        try:
            if text.encode(encoding).decode("utf-8") != text:
                return True
        except (UnicodeEncodeError, UnicodeDecodeError):
            continue
    return False


def amount(text: str) -> float:
    """A number as people write it, 1.5 or 1,5; a `ValueError` if it is none."""
    value = float(text.replace(",", "."))
    if value != value or abs(value) == float("inf"):
        raise ValueError(text)
    return value
