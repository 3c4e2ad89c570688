"""Execute chapters in place, reproducibly: on the CPU a second run gives the same bytes.

    python book/_tools/run_notebooks.py [denoising/dncnn ...]    # run and store; default: all chapters
    python book/_tools/run_notebooks.py --check [...]            # smoke profile, nothing written

COURSE_PROFILE and COURSE_DATA are passed through. Outputs unfit for the book (an error, a warning, a path of
this machine, a picture without alternative text, more than 500 kB) are refused and the file stays as it was. So is a
run in which a claim of the prose is false (prose.py); with --check the claims are listed with their truth.
"""

import argparse
import copy
import hashlib
import os
import re
import signal
import sys
import tempfile
import threading
import time
from pathlib import Path

import nbformat
from nbclient.exceptions import CellExecutionError, DeadKernelError
from notebook_checks import alternative_text, form_problems, is_picture, output_problems, prose_problems
from run_prose import Claim, Client

BOOK = Path(__file__).resolve().parents[1]
KEEP_IN_CELL = {"tags", "mystnb"}
# Code that a reader need not see is folded by the book for these tags, by Colab and by JupyterLab for this metadata.
FOLDED = {"remove-input", "hide-input"}
FOLD = {"cellView": "form", "jupyter": {"source_hidden": True}}
KEEP_IN_NOTEBOOK = {"accelerator", "colab"}


def chapters() -> list[Path]:
    """Every chapter of the book that is a notebook."""
    return sorted(p for p in BOOK.rglob("*.ipynb") if ".ipynb_checkpoints" not in p.parts)


def locate(name: str) -> Path:
    """``denoising/dncnn`` or a path -> the notebook."""
    for path in (Path(name), BOOK / f"{name}.ipynb", BOOK / name):
        if path.is_file():
            return path
    raise SystemExit(f"no chapter {name!r}; there are: {', '.join(chapter_name(p) for p in chapters())}")


def chapter_name(path: Path) -> str:
    path = path.resolve()
    return (path.relative_to(BOOK) if path.is_relative_to(BOOK) else Path(path.name)).with_suffix("").as_posix()


def tidy(nb):
    """Drop what changes between machines and editors, name cells by their content, describe the pictures."""
    nb.metadata = nbformat.from_dict(
        {k: v for k, v in nb.metadata.items() if k in KEEP_IN_NOTEBOOK}
        | {
            "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
            "language_info": {"name": "python", "pygments_lexer": "ipython3"},
        }
    )
    nb.nbformat, nb.nbformat_minor = 4, 5
    taken = set()
    for cell in nb.cells:
        kept = {k: v for k, v in cell.metadata.items() if k in KEEP_IN_CELL}
        folded = cell.cell_type == "code" and FOLDED & set(kept.get("tags", []))
        cell.metadata = nbformat.from_dict(kept | (FOLD if folded else {}))
        # An id from the content stays put when cells are added elsewhere, and is the same on every machine.
        salt = 0
        while (name := _hash(cell.cell_type, cell.source, salt)) in taken:
            salt += 1
        taken.add(name)
        cell.id = name
        alts = [alternative_text(o) for o in cell.get("outputs", []) if is_picture(o)]
        if any(alts):
            image = cell.metadata.setdefault("mystnb", {}).setdefault("image", {})
            image["alt"] = " ".join(dict.fromkeys(filter(None, alts)))
    return nb


def _hash(*parts) -> str:
    return hashlib.sha256(repr(parts).encode()).hexdigest()[:8]


def execute(nb, folder: Path, seconds: float, kernel_arguments=()) -> Client:
    """Run every cell in a fresh kernel; after ``seconds`` the kernel is killed, whatever it is doing.

    Returns the client: the notebook that was run, its prose computed, and what the run says about its claims.
    """
    nb = copy.deepcopy(nb)
    for cell in nb.cells:
        if cell.cell_type == "code":
            cell.outputs, cell.execution_count = [], None
    client = Client(
        nb,
        timeout=None,
        kernel_name="python3",
        record_timing=False,
        store_widget_state=False,
        coalesce_streams=True,
        resources={"metadata": {"path": str(folder)}},
        # Recent kernels warn about their own local port.
        extra_arguments=["--log-level=ERROR", *kernel_arguments],
    )
    late = threading.Event()

    def kill():  # nbclient's own timeout asks politely, and a cell may swallow the interrupt
        late.set()
        os.killpg(client.km.provisioner.pgid, signal.SIGKILL)

    watchdog = threading.Timer(seconds, kill)
    watchdog.daemon = True
    watchdog.start()
    try:
        client.execute()
    except DeadKernelError as error:
        reason = f"stopped after {seconds:.0f} s" if late.is_set() else "the kernel died (out of memory?)"
        raise RuntimeError(reason) from error
    finally:
        watchdog.cancel()
    return client


def without_seconds(nb) -> str:
    """The notebook as text, the last line's seconds aside: they alone are no reason for a diff."""
    return re.sub(r'("Ran on [^"]*), in [\d.]+ s\b', r"\1", nbformat.writes(nb))


def run(path: Path, check: bool, seconds: float, kernel_arguments=()) -> str:
    """Run one chapter and store it unless ``check``; returns what was done, raises when it is not fit."""
    old = nbformat.read(path, as_version=4)
    if problems := prose_problems(old):  # before minutes are spent on it
        raise RuntimeError("\n".join(problems))
    client = execute(old, path.parent, seconds, kernel_arguments)
    new = tidy(client.nb)
    name = chapter_name(path)
    problems = output_problems(new, name) + form_problems(new) + client.prose_errors
    if not check:
        problems += client.no_numbers
        problems += [f"cell {c.cell}: false in this run: {told(c)}" for c in client.claims if not c.holds]
    if problems:
        raise RuntimeError("\n".join(problems))
    if check:
        return "fine" + listing(client.claims)
    if without_seconds(new) == without_seconds(old):
        return "unchanged"
    part = path.with_suffix(".ipynb.part")
    nbformat.write(new, part)
    os.replace(part, path)
    return f"stored, {path.stat().st_size / 1000:.0f} kB"


def told(claim: Claim) -> str:
    return f"{claim.expression}\n      {claim.sentence}"


def listing(claims: list[Claim]) -> str:
    """The claims and whether this run, which is not the one that is stored, agrees with them."""
    if not claims:
        return ""
    rows = [f"\n  {'holds' if c.holds else 'FALSE'}  cell {c.cell}: {told(c)}" for c in claims]
    return f", {sum(c.holds for c in claims)} of {len(claims)} claims hold in this profile" + "".join(rows)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("chapters", nargs="*", help="such as denoising/dncnn; default: all")
    parser.add_argument("--check", action="store_true", help="smoke profile, nothing is written")
    parser.add_argument("--minutes", type=float, help="wall-clock limit per chapter (60; with --check 10)")
    parser.add_argument("--kernel-argument", action="append", default=[], help="passed to the kernel")
    args = parser.parse_args()
    # One fixed environment: no hash order, no dates in figures, static elements instead of live widgets.
    # Checkpoints in a folder of this call's own: a chapter that finds a finished training would not train.
    runs = tempfile.TemporaryDirectory(prefix="course-runs-")
    os.environ["COURSE_RUNS"] = runs.name
    os.environ.update(COURSE_STATIC="1", PYTHONHASHSEED="0", SOURCE_DATE_EPOCH="0")
    if args.check:
        os.environ["COURSE_PROFILE"] = "smoke"
    if data := os.environ.get("COURSE_DATA"):  # the kernel works in the chapter's folder
        os.environ["COURSE_DATA"] = str(Path(data).resolve())
    seconds = 60 * (args.minutes or (10 if args.check else 60))
    failed = 0
    for path in [locate(name) for name in args.chapters] or chapters():
        start = time.monotonic()
        print(f"{chapter_name(path)}: ", end="", flush=True)
        try:
            done = run(path, args.check, seconds, args.kernel_argument)
        except (RuntimeError, CellExecutionError) as error:
            failed += 1
            done = "FAILED\n" + re.sub(r"\x1b\[[\d;]*m", "", str(error)) + "\n"
        print(f"{done} ({time.monotonic() - start:.0f} s)", flush=True)
    runs.cleanup()
    return min(failed, 1)


if __name__ == "__main__":
    sys.exit(main())
