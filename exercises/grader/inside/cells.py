"""Runs cells, and one question: its answers, its visible check and, when that is over, its hidden cell.

IPython without a kernel: magics, ``!`` and top-level ``await`` work as in Jupyter, but there are no sockets and no
threads, so that a process can be forked for each question behind the imports, which cost more than all the rest.
"""

import json
import linecache
import os
import random
import sys
import threading
import traceback

from course_lib.exercises.handover import pack, plain, unpack

# Characters of a message.
SHORT = 2000
# As they are before a student's code has run.
EXEC, COMPILE, DUMPS, WRITE, OPEN, THREAD = exec, compile, json.dumps, os.write, os.fdopen, threading.get_ident


def new_shell():
    """An IPython that keeps no history and prints no tracebacks."""
    from IPython.core.interactiveshell import InteractiveShell
    from traitlets.config import Config

    config = Config()
    config.HistoryManager.enabled = False
    shell = InteractiveShell.instance(config=config, colors="NoColor")
    shell.showtraceback = shell.showsyntaxerror = lambda *a, **k: None
    # What only moves the furniture of a notebook works, or does nothing: there is no screen, and nothing is kept.
    shell.db = {}
    shell.enable_gui = lambda gui=None: None
    shell.enable_matplotlib = lambda gui=None: ("agg", "agg")
    shell.enable_pylab = lambda gui=None, import_all=True, **_: pylab(shell.user_ns, import_all)
    line_magic = shell.run_line_magic

    def lenient(name, line, *arguments, **keywords):
        try:
            return line_magic(name, line, *arguments, **keywords)
        except Exception as error:
            print(f"%{name}: {error}")

    shell.run_line_magic = lenient
    return shell


def pylab(space: dict, import_all: bool):
    """%pylab, except that it takes no name from what the notebook has defined."""
    from IPython.core.pylabtools import import_pylab

    import_pylab(found := {}, import_all)
    for name, thing in found.items():
        space.setdefault(name, thing)
    return "agg", "agg", set()


def run(shell, source: str) -> BaseException | None:
    """Run a cell; what went wrong, if anything did."""
    result = shell.run_cell(source)
    return result.error_before_exec or result.error_in_exec


def run_given(shell, source: str) -> None:
    if error := run(shell, source):
        raise error


def answer(shell, question: dict, report: int, hidden: int) -> None:
    """The life of a question's process. Lines out: ``cell ID`` before each cell, ``report JSON``, ``done``."""
    errors = {}
    for cell in question["cells"]:
        write(report, f"cell {cell['id']}\n")
        if error := run(shell, cell["source"]):
            errors[cell["id"]] = describe(error)
    write(report, "cell \n")
    error = run(shell, question["check"])
    said = {
        "errors": errors,
        "check": error and describe(error),
        "open": isinstance(error, NotImplementedError),
    }
    write(report, f"report {DUMPS(said)}\ndone\n")

    with OPEN(hidden, encoding="utf-8") as pipe:
        told = json.loads(pipe.readline())
    judged(shell, told, report)


def referee(shell, question: dict, told: dict, report: int) -> None:
    """The life of a referee's process: given cells, and what the answer has handed over. It never saw the answer."""
    sys.path[:] = [folder for folder in sys.path if folder]
    for cell in question["cells"]:
        if not cell["answer"]:
            run_given(shell, cell["source"])
    try:
        shell.user_ns["handed"] = {name: unpack(thing) for name, thing in told["handed"].items()}
    except Exception as error:
        write(report, f"stopped {json.dumps(describe(error))}\n\ndone\n")
        os._exit(0)
    judged(shell, told, report)


def judged(shell, told: dict, report: int) -> None:
    """Run hidden code; what it emits goes out, and the process ends."""
    seed_all(told["seed"])
    space = shell.user_ns
    space["seed"], space["emit"] = told["seed"], emitter(report, told["nonce"], told["reference"])
    space["hand_over"] = handing(report, told["nonce"])
    try:
        EXEC(COMPILE(told["code"], "<hidden>", "exec"), space)
    except BaseException as error:
        # Read from the master only.
        write(report, f"stopped {json.dumps(describe(error))}\n")
    write(report, "\ndone\n")
    os._exit(0)


def emitter(report: int, nonce: str, reference: bool):
    """The `emit` of the hidden cells: a line with the nonce, which no code could know before.

    From another thread, which an answer has left running, it does nothing: what counts hangs on nobody's luck.
    """
    mine = THREAD()

    def emit(what, value, atol=1e-5, rtol=1e-4, at_least=None):
        if THREAD() != mine:
            return
        line = {"what": what, "value": plain(value)}
        # How to compare, and with what, is said by the master's run alone.
        if reference:
            line |= {"atol": atol, "rtol": rtol, "at_least": at_least}
        write(report, f"{nonce} {DUMPS(line)}\n")

    return emit


def handing(report: int, nonce: str):
    """The `hand_over` of the hidden cells: to the referee. As `emit`, for this thread alone."""
    mine = THREAD()

    def hand_over(name, thing):
        if THREAD() != mine:
            return
        write(report, f"{nonce} {DUMPS({'handed': name, 'value': pack(thing)})}\n")

    return hand_over


def describe(error: BaseException) -> str:
    """An assertion's own words; of another error its kind, its words and the line it came from."""
    try:
        said = str(error).strip()
        if isinstance(error, AssertionError) and said:
            return said[:SHORT]
        frame = traceback.extract_tb(error.__traceback__)[-1:]
        if isinstance(error, SyntaxError):
            said, line = f"{error.msg}, line {error.lineno} of the cell", (error.text or "").strip()
        else:
            line = linecache.getline(frame[0].filename, frame[0].lineno).strip() if frame else ""
        kind = type(error).__name__
        return (f"{kind}: {said}" if said else kind)[:SHORT] + (f"\n    {line}"[:200] if line else "")
    except Exception:
        return "an error that cannot be shown"


def seed_all(seed: int) -> None:
    random.seed(seed)
    if numpy := sys.modules.get("numpy"):
        numpy.random.seed(seed % 2**32)
    if torch := sys.modules.get("torch"):
        torch.manual_seed(seed)


def write(pipe: int, text: str) -> None:
    data = text.encode("utf-8", "replace")
    while data:
        data = data[WRITE(pipe, data) :]
