"""Runs cells, and one question: its answers, its visible check and, when that is over, its hidden cell.

IPython without a kernel: magics, ``!`` and top-level ``await`` work as in Jupyter, but there are no sockets and no
threads, so that a process can be forked for each question behind the imports, which cost more than all the rest.
"""

import json
import linecache
import os
import random
import sys
import traceback

SHORT = 2000  # characters of a message
EXEC, COMPILE, DUMPS, WRITE = (
    exec,
    compile,
    json.dumps,
    os.write,
)  # as they are before a student's code has run


def new_shell():
    """An IPython that keeps no history and prints no tracebacks."""
    from IPython.core.interactiveshell import InteractiveShell
    from traitlets.config import Config

    config = Config()
    config.HistoryManager.enabled = False
    shell = InteractiveShell.instance(config=config, colors="NoColor")
    shell.showtraceback = shell.showsyntaxerror = lambda *a, **k: None
    return shell


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

    with os.fdopen(hidden, encoding="utf-8") as pipe:
        told = json.loads(pipe.readline())
    seed_all(told["seed"])
    space = shell.user_ns
    space["seed"], space["emit"] = told["seed"], emitter(report, told["nonce"], told["reference"])
    try:
        EXEC(COMPILE(told["code"], "<hidden>", "exec"), space)
    except BaseException as error:
        write(report, f"stopped {json.dumps(describe(error))}\n")  # read from the master only
    write(report, "\ndone\n")
    os._exit(0)


def emitter(report: int, nonce: str, reference: bool):
    """The `emit` of the hidden cells: a line with the nonce, which no code could know before."""

    def emit(what, value, atol=1e-5, rtol=1e-4, at_least=None, psnr=None):
        line = {"what": what, "value": plain(value)}
        if reference:  # how to compare, and with what, is said by the master's run alone
            line |= {"atol": atol, "rtol": rtol, "at_least": at_least}
            line["target"] = plain(psnr()) if psnr else None
        write(report, f"{nonce} {DUMPS(line)}\n")

    return emit


def plain(value):
    """Tensors and arrays as lists, for JSON."""
    if hasattr(value, "detach"):
        value = value.detach().cpu()
    if hasattr(value, "tolist"):
        return value.tolist()
    if isinstance(value, dict):
        return {str(k): plain(v) for k, v in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(v) for v in value]
    if value is None or isinstance(value, (bool, int, float, str)):
        return value
    raise TypeError(f"cannot emit a {type(value).__name__}")


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
