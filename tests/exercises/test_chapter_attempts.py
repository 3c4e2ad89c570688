"""Every attempt in every chapter, found automatically: the folded solution passes, and what is nearly it does not.

That a chapter runs when nothing has been written is tested where all chapters are run.
"""

import ast
import contextlib
import io
import linecache
import re
import textwrap
from dataclasses import dataclass
from pathlib import Path

import nbformat
import pytest
from IPython.core.inputtransformer2 import TransformerManager

BOOK = Path(__file__).parents[2] / "book"


@dataclass
class Attempt:
    """A function that a chapter leaves to its reader, in the cell with that index."""

    chapter: str
    name: str
    cell: int
    solution: str


def code_of(chapter: str) -> dict[int, str]:
    """The code cells of a chapter as plain Python, by index."""
    nb = nbformat.read(BOOK / f"{chapter}.ipynb", as_version=4)
    transform = TransformerManager().transform_cell
    return {i: transform(c.source) for i, c in enumerate(nb.cells) if c.cell_type == "code"}


def attempts(chapter: str) -> list[Attempt]:
    found, solutions = [], {}
    for i, code in code_of(chapter).items():
        for node in ast.walk(ast.parse(code)):
            if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Name)):
                continue
            if node.func.id == "attempt":
                found.append((node.args[0].id, i))
            if node.func.id == "fold" and all(isinstance(a, ast.Constant) for a in node.args):
                title, text = (a.value for a in node.args)
                solutions[title.removeprefix("Solution: ")] = text
    return [Attempt(chapter, name, i, python_in(solutions.get(name, ""))) for name, i in found]


def python_in(text: str) -> str:
    block = re.search(r"```python\n(.*?)```", textwrap.dedent(text), flags=re.S)
    return block[1] if block else ""


def names(code: str, context) -> set[str]:
    found = {n.id for n in ast.walk(ast.parse(code)) if isinstance(n, ast.Name) and isinstance(n.ctx, context)}
    if context is ast.Store:
        for n in ast.walk(ast.parse(code)):
            if isinstance(n, (ast.FunctionDef, ast.ClassDef)):
                found.add(n.name)
            elif isinstance(n, ast.alias):
                found.add(n.asname or n.name)
    return found


def needed(chapter: str, cell: int) -> list[int]:
    """The cells before that give a name its value which this cell reads, directly or not."""
    code = code_of(chapter)
    wanted, kept = names(code[cell], ast.Load), []
    for i in sorted((i for i in code if i < cell), reverse=True):
        if names(code[i], ast.Store) & wanted:
            kept.append(i)
            wanted |= names(code[i], ast.Load)
    return sorted(kept)


def run(code: str, name: str, variables: dict) -> str:
    """What the code prints; its source can be looked up, as in a notebook."""
    linecache.cache[name] = (len(code), None, code.splitlines(keepends=True), name)
    with contextlib.redirect_stdout(io.StringIO()) as out:
        exec(compile(code, name, "exec"), variables)
    return out.getvalue()


def try_out(attempt: Attempt, definition: str, monkeypatch) -> str:
    """What the chapter says to this definition, by a fresh run of the cells that it needs."""
    monkeypatch.setenv("COURSE_PROFILE", "smoke")
    monkeypatch.setenv("COURSE_STATIC", "1")
    variables, code = {"__name__": "chapter"}, code_of(attempt.chapter)
    for i in needed(attempt.chapter, attempt.cell):
        run(code[i], f"<{attempt.chapter} {i}>", variables)
    return run(put(code[attempt.cell], attempt.name, definition), f"<{attempt.chapter} {attempt.cell}>", variables)


def put(code: str, name: str, definition: str) -> str:
    """The cell with another definition of that name."""
    tree = ast.parse(code)
    old = next(n for n in tree.body if isinstance(n, (ast.FunctionDef, ast.ClassDef)) and n.name == name)
    lines = code.split("\n")
    return "\n".join([*lines[: old.lineno - 1], definition.rstrip(), *lines[old.end_lineno :]])


class Slip(ast.NodeTransformer):
    """Exchange one operator of a function, the one with that number; of a function without any, one whole number."""

    swaps = {
        ast.Add: ast.Sub, ast.Sub: ast.Add, ast.Mult: ast.Div, ast.Div: ast.Mult, ast.Eq: ast.NotEq, ast.Lt: ast.Gt,
        ast.Gt: ast.Lt, ast.LtE: ast.GtE, ast.GtE: ast.LtE, ast.NotEq: ast.Eq, ast.Invert: ast.UAdd,
    }  # fmt: skip

    def __init__(self, which: int, numbers: bool):
        self.which, self.numbers, self.seen = which, numbers, -1

    def generic_visit(self, node):
        super().generic_visit(node)
        number = isinstance(node, ast.Constant) and type(node.value) is int
        if not (number if self.numbers else type(node) in self.swaps):
            return node
        self.seen += 1
        if self.seen != self.which:
            return node
        return ast.Constant(node.value + 1) if number else self.swaps[type(node)]()


def slips(solution: str) -> list[str]:
    """The solution with one operator exchanged, in every way; without operators, with one whole number changed."""
    for numbers in (False, True):
        counter = Slip(-2, numbers)
        counter.visit(ast.parse(solution))
        if counter.seen >= 0:
            every = range(counter.seen + 1)
            return [ast.unparse(Slip(which, numbers).visit(ast.parse(solution))) for which in every]
    return []


ALL = [
    a
    for p in sorted(BOOK.rglob("*.ipynb"))
    if ".ipynb_checkpoints" not in p.parts
    for a in attempts(p.relative_to(BOOK).with_suffix("").as_posix())
]
every_attempt = pytest.mark.parametrize("attempt", ALL, ids=lambda a: f"{a.chapter}:{a.name}")
# every mutant of this chapter compares patches once more
SLOW = "projects/noisy_patches"
mutated_attempt = pytest.mark.parametrize(
    "attempt",
    [pytest.param(a, marks=[pytest.mark.long] * (a.chapter == SLOW)) for a in ALL],
    ids=lambda a: f"{a.chapter}:{a.name}",
)


@every_attempt
def test_untouched_it_is_empty_and_says_so(attempt, monkeypatch):
    code = code_of(attempt.chapter)[attempt.cell]
    tree = ast.parse(code)
    definition = next(n for n in tree.body if getattr(n, "name", None) == attempt.name)
    said = try_out(attempt, ast.unparse(definition), monkeypatch)
    assert said.startswith(f"{attempt.name} is still empty, so the chapter goes on with the library's.")


@every_attempt
def test_the_folded_solution_passes(attempt, monkeypatch):
    assert attempt.solution, f'there is no fold("Solution: {attempt.name}", ...) with a python block'
    said = try_out(attempt, attempt.solution, monkeypatch)
    assert said == f"{attempt.name} is right: the chapter goes on with yours.\n"


@mutated_attempt
def test_a_solution_with_one_operator_exchanged_is_caught_and_explained(attempt, monkeypatch):
    wrong = slips(attempt.solution)
    assert wrong, "a solution without an operator or a number: what can a reader get wrong?"
    for definition in wrong:
        said = try_out(attempt, definition, monkeypatch)
        assert f"{attempt.name} is not right yet." in said, f"this passes:\n{definition}"
        assert any(line.startswith("  ") for line in said.splitlines()), said


LOSSES, FIELDS = "metric_learning/siamese_networks", "receptive_fields/effective_receptive_field"
PAIRS, HIDDEN = "learning_from_noise/noise2noise", "learning_from_noise/noise2void"
SHOTS = "denoising/observation_model"
TYPICAL = {
    (SHOTS, "variance_of_noise", "no half"): ("return (z1 - z2).square()", "the shots differ by 0.2 everywhere"),
    (SHOTS, "quality_in_db", "no clamp"): (
        "return -10 * (y_hat - y).square().mean(dim=(1, 2, 3)).log10()",
        "whiter than white is shown as white, and counts as white",
    ),
    (SHOTS, "quality_in_db", "one number for the batch"): (
        "return -10 * (y_hat.clamp(0, 1) - y).square().mean().log10()",
        "an error of a tenth everywhere: 20 dB",
    ),
    ("denoising/dncnn", "noise_loss", "a mean over the pixels"): (
        "return (y_hat - y).square().mean() / 2",
        "one image of six pixels, each off by 1: three",
    ),
    ("denoising/dncnn", "side_seen", "the kernels added up"): (
        "return sum(kernel * dilation for kernel, dilation in layers)",
        "three layers",
    ),
    ("denoising/autoencoders", "through_bottleneck", "the mean is not put back"): (
        "return ((z.flatten(1) - mean) @ directions[:, :k] @ directions[:, :k].T).view_as(z)",
        "the mean is kept, whatever is cut off",
    ),
    ("denoising/real_noise", "crooked_loss", "optimism is cheap"): (
        "above = (estimate > level).float()",
        "return ((alpha - above).abs() * (estimate - level).square()).mean()",
        "noise imagined, an error of 1: it costs alpha",
    ),
    (PAIRS, "l0_loss", "no absolute value"): (
        "return (y_hat - target + 1e-8).pow(gamma).mean()",
        "gamma 1 is the L1 loss, without a sign",
    ),
    (PAIRS, "known_pixels_loss", "the mean over all pixels"): (
        "return ((y_hat - target).square() * (target != 0)).mean()",
        "one of two is lost: the mean of what remains",
    ),
    (HIDDEN, "masked_loss", "hidden pixels counted once for all channels"): (
        "return ((y_hat - z).square() * mask).sum() / mask.sum()",
        "colour: every hidden pixel has three values",
    ),
    (HIDDEN, "nth_neighbour", "the pixel itself is a neighbour"): (
        "return number // width, number % width",
        "behind it: one place further",
    ),
    (LOSSES, "contrastive_loss", "a sum where a mean belongs"): (
        "d = (a - b).norm(dim=1)",
        "return ((1 - y) / 2 * d + y / 2 * (margin - d).clamp(min=0)).sum()",
        "That is 8 times as much.",
    ),
    (LOSSES, "contrastive_loss", "no end to the push"): (
        "d = (a - b).norm(dim=1)",
        "return ((1 - y) / 2 * d + y / 2 * (margin - d)).mean()",
        "two people, farther apart than the margin: nothing",
    ),
    (LOSSES, "contrastive_loss", "a root without a slope at 0"): (
        "d = ((a - b) ** 2).sum(1).sqrt()",
        "return ((1 - y) / 2 * d + y / 2 * (margin - d).clamp(min=0)).mean()",
        "one person in one point: a gradient that is a number",
    ),
    (LOSSES, "contrastive_loss", "the labels the other way round"): (
        "d = (a - b).norm(dim=1)",
        "return (y / 2 * d + (1 - y) / 2 * (margin - d).clamp(min=0)).mean()",
        "one person, 3 apart: half the distance",
    ),
    (LOSSES, "triplet_loss", "no mean"): (
        "gap = (anchor - positive).norm(dim=1) - (anchor - negative).norm(dim=1)",
        "return (margin + gap).clamp(min=0)",
        "hoped for a single number.",
    ),
    (LOSSES, "triplet_loss", "squared distances"): (
        "gap = (anchor - positive).square().sum(1) - (anchor - negative).square().sum(1)",
        "return (margin + gap).clamp(min=0).mean()",
        "the order is wrong by 1",
    ),
    (LOSSES, "hardest_triplets", "the nearest positive"): (
        "distances, same = distance_matrix(embedding), labels[:, None] == labels",
        "return torch.arange(len(labels)), distances.masked_fill(~same, torch.inf).argmin(1), "
        "distances.masked_fill(same, torch.inf).argmin(1)",
        "two people on a line",
    ),
    (FIELDS, "looks_at", "no absolute value"): (
        "x = x.clone().requires_grad_()",
        "network(x)[..., row, column].sum().backward()",
        "erf = x.grad.mean(dim=(0, 1))",
        "return erf / erf.sum()",
        "random weights, also negative ones",
    ),
    (FIELDS, "looks_at", "all output pixels at once"): (
        "x = x.clone().requires_grad_()",
        "network(x).sum().backward()",
        "erf = x.grad.abs().mean(dim=(0, 1))",
        "return erf / erf.sum()",
        "a network that hands its input through: one pixel",
    ),
    (FIELDS, "walk", "chances that do not add up"): (
        "p = torch.ones(1, dtype=torch.float64)",
        "for _ in range(steps):",
        "    wider = nn.functional.pad(p, (2, 2))",
        "    p = wider[:-2] + wider[1:-1] + wider[2:]",
        "return p",
        "That is 3 times as much.",
    ),
}


@pytest.mark.parametrize("chapter, name, mistake", TYPICAL)
def test_a_typical_mistake_is_helped_with(chapter, name, mistake, monkeypatch):
    *body, hint = TYPICAL[chapter, name, mistake]
    attempt = next(a for a in ALL if (a.chapter, a.name) == (chapter, name))
    header = attempt.solution.split("\n")[0]
    said = try_out(attempt, "\n".join([header, *(f"    {line}" for line in body)]), monkeypatch)
    assert said.startswith(f"{name} is not right yet.") and hint in said, said


def test_attempts_are_found():
    assert {a.chapter for a in ALL} >= {LOSSES, FIELDS}
