"""attempt: takes what is right, explains what is not, and never stops a chapter."""

import time

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from course_lib.exercises import attempt, fold
from course_lib.exercises.differences import difference

a, p, n = torch.randn(3, 8, 4, generator=torch.Generator().manual_seed(0))


def ours(anchor, positive, negative, margin=1.0):
    gap = (anchor - positive).norm(dim=1) - (anchor - negative).norm(dim=1)
    return (margin + gap).clamp(min=0).mean()


EXAMPLES = {"a negative far away costs nothing": (a, p, n + 100), "random embeddings": (a, p, n)}


def trying(yours, capsys, **options):
    """What `attempt` printed, and whether it took the reader's."""
    chosen = attempt(yours, ours, options.pop("examples", EXAMPLES), gradient=True, **options)
    assert chosen in (yours, ours)
    return capsys.readouterr().out, chosen is yours


def test_what_is_right_is_taken_however_it_is_written(capsys):
    def loss(x, y, z, margin=1.0):
        d = [torch.sqrt(((x - other) ** 2).sum(1)) for other in (y, z)]
        return torch.relu(margin + d[0] - d[1]).sum() / len(x)

    assert trying(loss, capsys) == ("loss is right: the chapter goes on with yours.\n", True)


def empty_1(anchor, positive, negative): ...


def empty_2(anchor, positive, negative):
    """A docstring."""
    pass


def empty_3(anchor, positive, negative):
    """A docstring."""
    raise NotImplementedError("write it")


def empty_4(anchor, positive, negative):
    """A docstring, and a line that is given."""
    anchor = anchor - positive
    ...


class Empty:
    def __init__(self):
        self.x = 3

    def forward(self, x):
        """A docstring."""
        ...


@pytest.mark.parametrize("empty", [empty_1, empty_2, empty_3, empty_4, Empty])
def test_what_is_empty_is_said_to_be_so(empty, capsys):
    said, taken = trying(empty, capsys)
    assert not taken and said.startswith(f"{empty.__name__} is still empty, so the chapter goes on with the library's.")


def test_what_is_written_is_not_empty_though_dots_were_left(capsys):
    def loss(x, y, z, margin=1.0):
        return ours(x, y, z, margin)
        ...

    assert trying(loss, capsys)[1]


def no_clamp(x, y, z):
    return (1 + (x - y).norm(dim=1) - (x - z).norm(dim=1)).mean()


def the_sum(x, y, z):
    return 8 * ours(x, y, z)


def no_mean(x, y, z):
    return (1 + (x - y).norm(dim=1) - (x - z).norm(dim=1)).clamp(min=0)


def wrong_way(x, y, z):
    return ours(x, z, y)


def no_return(x, y, z):
    ours(x, y, z)


def a_number(x, y, z):
    return ours(x, y, z).item()


def cut_off(x, y, z):
    return ours(x.detach(), y.detach(), z.detach())


def half_cut_off(x, y, z):
    return ours(x, y.detach(), z)


def raises(x, y, z):
    d = x - y
    return d @ z


def not_a_number(x, y, z):
    return ours(x, y, z) * 0 / torch.zeros(())


def a_list(x, y, z):
    return [ours(x, y, z)]


def in_place(x, y, z):
    x -= y
    return x.norm()


def spoils_the_way_back(x, y, z):
    d = (x - y).exp()
    s = (d * d).sum() * 0
    d += 1
    return ours(x, y, z) + s


def for_ever(x, y, z):
    while True:
        pass


@pytest.mark.parametrize(
    "wrong, lines",
    [
        (no_clamp, ["Example: a negative far away costs nothing", "It gave -1", "hoped for 0."]),
        (the_sum, ["Example: random embeddings", "That is 8 times as much."]),
        (no_mean, ["It gave the shape (8,), hoped for a single number.", "Its mean would be right."]),
        (wrong_way, ["Example: a negative far away costs nothing", "hoped for 0."]),
        (no_return, ["It gave nothing (None). Does it end with a return?"]),
        (a_number, ["It gave the plain number 0, hoped for a tensor"]),
        (cut_off, ["it has no gradient", ".detach()"]),
        (half_cut_off, ["Example: random embeddings", "not its gradient with respect to argument 2"]),
        (raises, ["It stops with RuntimeError in line 3 of raises:"]),
        (not_a_number, ["It gave nan among its numbers. Is there a division by zero"]),
        (a_list, ["It gave a list, hoped for a tensor."]),
        (in_place, ["It stops with RuntimeError in line 2 of in_place"]),
        (spoils_the_way_back, ["there is no way back to a gradient"]),
        ("no function", ["It stops with TypeError: 'str' object is not callable"]),
    ],
    ids=lambda x: getattr(x, "__name__", None),
)
def test_a_wrong_answer_is_told_what_is_wrong_with_it(wrong, lines, capsys):
    said, taken = trying(wrong, capsys)
    assert not taken and said.splitlines()[0].endswith(" is not right yet.")
    assert "The chapter goes on with the library's." in said.splitlines()[-1]
    for line in lines:
        assert line in said


def test_what_never_ends_is_stopped(capsys):
    start = time.monotonic()
    said, taken = trying(for_ever, capsys, seconds=0.2)
    assert not taken and "It had not finished after 0.2 seconds." in said
    assert time.monotonic() - start < 3


def test_arguments_and_random_numbers_stay_as_they_were(capsys):
    def spoils(x):
        x += torch.rand(x.shape)
        return x

    x, state = torch.ones(3), torch.get_rng_state()
    attempt(spoils, lambda x: x + torch.rand(x.shape), {"ones": (x,)})
    assert "changes its arguments in place" in capsys.readouterr().out
    assert x.tolist() == [1, 1, 1] and torch.equal(state, torch.get_rng_state())


def test_both_get_the_same_generator(capsys):
    def mine(x, generator):
        return x + torch.randn(x.shape, generator=generator)

    generator = torch.Generator().manual_seed(3)
    before = generator.get_state()
    chosen = attempt(mine, lambda x, g: torch.randn(x.shape, generator=g) + x, {"zeros": (torch.zeros(3), generator)})
    assert chosen is mine and torch.equal(before, generator.get_state())


def test_a_check_asserts_what_examples_cannot_say(capsys):
    def check(f):
        assert f(torch.zeros(2)).abs().sum() == 0, "black should stay black"
        f(torch.ones(2))

    def stays(x):
        return x

    assert attempt(stays, ours, check=check) is stays
    assert attempt(lambda x: x + 1, ours, check=check) is ours
    assert "  black should stay black" in capsys.readouterr().out
    assert attempt(lambda x: x / torch.zeros(3), ours, check=check) is ours
    assert "It stops with RuntimeError" in capsys.readouterr().out


def test_the_library_s_own_is_not_called_the_reader_s(capsys):
    assert attempt(ours, ours, EXAMPLES) is ours
    assert capsys.readouterr().out.startswith("This ours is the library's.")


def test_an_attempt_needs_something_to_go_by():
    with pytest.raises(ValueError, match="examples"):
        attempt(no_mean, ours)


# ---- differences ---------------------------------------------------------------------------------

values = st.lists(st.floats(-100, 100, width=32).filter(lambda x: abs(x) > 0.1), min_size=2, max_size=20)


@settings(deadline=None)
@given(values, st.floats(0.1, 10).filter(lambda c: abs(c - 1) > 0.05))
def test_a_constant_factor_is_named(numbers, factor):
    right = torch.tensor(numbers, dtype=torch.float64)
    assert difference(right.clone(), right) == []
    said = difference(factor * right, right)
    assert said[-1] == f"That is {factor:.4g} times as much."
    assert difference(-right, right)[-1] == "Only the sign is wrong."


@settings(deadline=None)
@given(values, st.integers(1, 50))
def test_one_wrong_number_is_found(numbers, by):
    right = torch.tensor(numbers, dtype=torch.float64)
    answer = right.clone()
    answer[0] += 3 * by
    said = " ".join(difference(answer, right))
    assert f"{answer[0]:.4g}" in said and f"{right[0]:.4g}" in said


@pytest.mark.parametrize(
    "answer, right, said",
    [
        (torch.arange(6.0).view(2, 3), torch.arange(6.0).view(2, 3).T, "Its transpose would be right."),
        (torch.ones(4, 1), torch.ones(4), "The numbers are right, in another shape."),
        (torch.arange(10.0) + 2, torch.arange(10.0), "All of it is too large by 2."),
        ((1, torch.ones(2)), (1, torch.zeros(2)), "Part 2: it gave [1, 1], hoped for [0, 0]."),
        ({"a": 1}, {"b": 1}, "It gave the keys a, hoped for b."),
        ([1, 2], [1], "It gave 2 things, hoped for 1."),
        ("yes", "no", "It gave 'yes', hoped for 'no'."),
        (3, "no", "It gave an int, hoped for a str."),
        (torch.tensor(float("inf")), torch.tensor(1.0), "It gave inf among its numbers."),
    ],
)
def test_other_differences_are_put_into_words(answer, right, said):
    assert said in " ".join(difference(answer, right))


@pytest.mark.parametrize(
    "answer, right",
    [
        (torch.tensor([1.0, float("nan")]), torch.tensor([1.0, float("nan")])),
        (3, torch.tensor(3).numpy()),
        (torch.tensor(3.0), 3.0),
        ([(1, {"a": torch.ones(2)})], [(1, {"a": torch.ones(2)})]),
        (None, None),
        (torch.ones(2, dtype=torch.float64), torch.ones(2)),
        (torch.tensor([True]), torch.tensor([True])),
    ],
)
def test_equals_are_equal(answer, right):
    assert difference(answer, right) == []


def test_a_fold_is_closed_markdown(monkeypatch):
    shown = []
    monkeypatch.setattr("IPython.core.interactiveshell.InteractiveShell.initialized", lambda: True)
    monkeypatch.setattr("IPython.display.display", lambda bundle, raw: shown.append(bundle))
    fold("Solution: f", "\n    ```python\n    def f(): ...\n    ```\n")
    text = shown[0]["text/markdown"]
    assert text == "<details><summary>Solution: f</summary>\n\n```python\ndef f(): ...\n```\n\n</details>"
