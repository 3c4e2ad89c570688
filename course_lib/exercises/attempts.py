"""`attempt`: the reader writes a key function of a chapter, and if it is right, the chapter goes on with it.

If it is still empty, or wrong, `attempt` says what it saw and what it had hoped for, and the chapter goes on with the
library's: it always runs from top to bottom.
"""

import ast
import contextlib
import copy
import inspect
import textwrap
from collections.abc import Callable, Iterator

import torch
from torch import Tensor

from .._deadlines import Late, deadline
from .differences import difference

GO_ON = "The chapter goes on with the library's. Change yours and run this cell again."


def attempt(
    yours: Callable,
    ours: Callable,
    examples: dict[str, tuple] | None = None,
    *,
    check: Callable[[Callable], None] | None = None,
    gradient: bool = False,
    rtol: float = 1e-4,
    atol: float = 1e-5,
    seconds: float = 10,
) -> Callable:
    """``yours`` if it does what ``ours`` does, else ``ours``; prints which of the two, and why.

    Whatever ``yours`` does, nothing is raised, the examples stay as they are and so do torch's random numbers; what
    takes too long is stopped (not on Windows).

    Args:
        yours: the reader's function or class; the chapter leaves its body out: a docstring and ``...``.
        ours: the library's.
        examples: a sentence that says what the example shows -> the arguments for both. A failure quotes the
            sentence, so it is the hint: "a negative far away costs nothing".
        check: called with ``yours``; asserts, with messages, what examples cannot say, such as a property.
        gradient: whether the gradients with respect to the arguments must agree, too, as in a loss.
        rtol: relative tolerance.
        atol: absolute tolerance.
        seconds: how long one example may take.

    Raises:
        ValueError: neither ``examples`` nor a ``check``.

    Example:
        >>> def half(x):
        ...     return x / 3
        >>> half = attempt(half, lambda x: x / 2, {"six": (6,)})
        half is not right yet.
          Example: six
          It gave 2, hoped for 3.
        The chapter goes on with the library's. Change yours and run this cell again.
        >>> half(6)
        3.0
    """
    if not examples and check is None:
        raise ValueError("attempt needs examples on which the two are compared, or a check")
    name = getattr(yours, "__name__", "this")
    if yours is ours:
        print(f"This {name} is the library's. Run the cell with your own again, then this one.")
        return ours
    if is_empty(yours):
        print(f"{name} is still empty, so the chapter goes on with the library's.")
        print("Write its lines in place of ... and run this cell again: if they are right, it goes on with yours.")
        return ours
    problems = _compared(yours, ours, examples or {}, gradient, rtol, atol, seconds)
    problem = next(problems, None) or (check and _checked(yours, check, seconds))
    if problem:
        print(f"{name} is not right yet.", textwrap.indent("\n".join(problem), "  "), GO_ON, sep="\n")
        return ours
    print(f"{name} is right: the chapter goes on with yours.")
    return yours


def _compared(yours, ours, examples, gradient, rtol, atol, seconds) -> Iterator[list[str]]:
    """What is wrong with ``yours`` on each example where something is, in lines."""
    for title, arguments in examples.items():
        inputs, mine = _copy(arguments, gradient), _copy(arguments, gradient)
        with _same_luck():
            right = ours(*inputs)
        answer, lines = _run(yours, mine, yours, seconds)
        lines = lines or difference(answer, right, rtol, atol)
        if not lines and _changed(mine, arguments):
            lines = ["It changes its arguments in place; let it work on a new tensor: x = x - y, not x -= y."]
        if not lines and gradient:
            lines = _gradient_difference(answer, mine, _gradients(right, inputs), rtol, atol)
        if lines:
            yield [f"Example: {title}", *lines]


def _checked(yours, check, seconds) -> list[str]:
    return _run(check, (yours,), yours, seconds)[1]


def _run(function, arguments, yours, seconds) -> tuple[object, list[str]]:
    """The result, and what went wrong, in lines."""
    try:
        with _same_luck(), deadline(seconds):
            return function(*arguments), []
    except Late:
        return None, [f"It had not finished after {seconds:g} seconds. Is there a loop that never ends?"]
    except AssertionError as error:
        return None, [str(error) or "A check of it fails."]
    except Exception as error:
        code, trace, where = getattr(yours, "__code__", None), error.__traceback__, ""
        while trace:
            if trace.tb_frame.f_code is code:
                where = f" in line {trace.tb_lineno - code.co_firstlineno + 1} of {yours.__name__}"
            trace = trace.tb_next
        return None, [f"It stops with {type(error).__name__}{where}: {error}"]


def _gradient_difference(answer, mine, hoped, rtol, atol) -> list[str]:
    if not getattr(answer, "requires_grad", False):
        cut = "Is it cut off, by .item(), .detach(), float(...) or torch.no_grad()?"
        return ["Its value is right, but it has no gradient, so nothing could be learned from it.", cut]
    try:
        gradients = _gradients(answer, mine)
    except RuntimeError as error:  # what changes a tensor in place may spoil the way back
        return [f"Its value is right, but there is no way back to a gradient: {error}"]
    for i, (got, right) in enumerate(zip(gradients, hoped, strict=True)):
        if lines := difference(got, right, rtol, atol):
            return [f"Its value is right, but not its gradient with respect to argument {i + 1}.", *lines]
    return []


def _gradients(value: Tensor, arguments: tuple) -> list[Tensor]:
    inputs = [x for x in arguments if isinstance(x, Tensor) and x.requires_grad]
    found = torch.autograd.grad(value.sum(), inputs, allow_unused=True)
    return [torch.zeros_like(x) if g is None else g for g, x in zip(found, inputs, strict=True)]


def _copy(arguments: tuple, gradient: bool) -> tuple:
    """Arguments that may be spoiled, and that gradients reach if they are asked for."""

    def one(x):
        if isinstance(x, torch.Generator):
            return torch.Generator(x.device).set_state(x.get_state())
        if not isinstance(x, Tensor):
            return copy.deepcopy(x)
        return x.detach().clone().requires_grad_(gradient and x.is_floating_point())

    return tuple(one(x) for x in arguments)


def _changed(arguments: tuple, before: tuple) -> bool:
    pairs = zip(arguments, before, strict=True)
    return any(isinstance(x, Tensor) and not torch.equal(x, y) for x, y in pairs)


@contextlib.contextmanager
def _same_luck():
    """The same random numbers for both, and afterwards those that would have come without them."""
    with torch.random.fork_rng(devices=range(torch.cuda.device_count())):
        torch.manual_seed(0)
        yield


def is_empty(thing: Callable) -> bool:
    """Whether a function, or a method of a class, is still as the chapter leaves it: ``...``, and no ``return``."""
    try:
        tree = ast.parse(textwrap.dedent(inspect.getsource(thing)))
    except (OSError, TypeError, SyntaxError):
        return False
    return any(_is_blank(node) for node in ast.walk(tree) if isinstance(node, ast.FunctionDef))


def _is_blank(function: ast.FunctionDef) -> bool:
    if any(isinstance(line, ast.Return) for line in ast.walk(function)):
        return False
    left = [line for line in function.body if not _is_docstring(line)]
    return not left or any(ast.unparse(line) in ("...", "pass") or isinstance(line, ast.Raise) for line in left)


def _is_docstring(line: ast.stmt) -> bool:
    return isinstance(line, ast.Expr) and isinstance(line.value, ast.Constant) and isinstance(line.value.value, str)
