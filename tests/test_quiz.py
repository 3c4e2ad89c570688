"""Questions: what is right is marked right, the bytes are the same each time, and nothing is asked of the net."""

import pytest
from IPython.core.interactiveshell import InteractiveShell
from IPython.utils.capture import capture_output

from course_lib.explore import choice, number, quiz


def shown(*questions) -> dict:
    InteractiveShell.instance()
    with capture_output() as captured:
        quiz(*questions)
    (output,) = captured.outputs
    return output.data


def test_the_first_answer_is_right_and_only_that():
    question = choice("2 + 2?", ("4", "yes"), ("5", "no"), ("22", "no"))
    assert [a["correct"] for a in question["answers"]] == [True, False, False]
    right, default = number("6 x 7?", 42, "yes", "no")["answers"]
    assert right["value"] == 42 and right["correct"] and default["type"] == "default"


def test_the_same_questions_give_the_same_bytes_and_others_another_element():
    one, two = choice("a?", ("yes", "."), ("no", ".")), choice("b?", ("yes", "."), ("no", "."))
    first = shown(one)["text/html"]
    assert shown(one)["text/html"] == first
    assert shown(two)["text/html"].split('"')[1] != first.split('"')[1]


def test_it_is_one_element_whose_script_finds_it_and_loads_nothing():
    html = shown(number("how many?", 3, "yes", "no"))["text/html"]
    name = html.split('"')[1]
    assert f'getElementById("{name}")' in html and html.count("<div") == html.count("</div>")
    assert "typeof MathJax" not in html
    assert "how many?" in shown(number("how many?", 3, "yes", "no"))["text/plain"]


@pytest.mark.parametrize(("value", "tolerance", "shown_as"), [(2.5, 0.1, "0.1"), (-40, 2, "2"), (0.2, 0.1, "0.1")])
def test_a_tolerance_is_shown_and_holds_at_both_ends(value, tolerance, shown_as):
    question = number("how far?", value, "yes", "no", tolerance=tolerance)
    assert question["question"] == f"how far? (\u00b1 {shown_as} counts as right)"
    assert f"\u00b1 {shown_as}" in shown(question)["text/plain"]
    (near,) = [a for a in question["answers"] if a["type"] == "range"]
    low, high = near["range"]
    for typed in (value - tolerance, round(value - tolerance, 6), value, round(value + tolerance, 6)):
        assert low <= typed < high and near["correct"]
    assert not low <= value + 1.01 * tolerance < high and not low <= value - 1.01 * tolerance < high
    assert number("how far?", value, "yes", "no")["question"] == "how far?"


def test_a_tolerance_is_no_less_than_nothing():
    for wrong in (-1, float("nan"), float("inf")):
        with pytest.raises(ValueError, match="tolerance must be at least 0"):
            number("how far?", 1, "yes", "no", tolerance=wrong)


def test_no_question_is_an_error():
    with pytest.raises(ValueError, match="at least one question"):
        quiz()
