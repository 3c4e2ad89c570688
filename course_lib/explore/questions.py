"""Short questions with instant feedback, by the jupyterquiz library, as one element that a page can keep."""

import hashlib
import math
import re

from ..plotting._display import publish

# What the library leaves out: a name for screen readers, and a colour that the dark theme can show.
_STYLE = ".Quiz .InpLabel { color: inherit; }"
_LABELS = """for (const box of document.querySelectorAll(".Quiz .Input-text"))
  box.setAttribute("aria-label", "Your answer, a number");"""


def choice(question: str, *answers: tuple[str, str]) -> dict:
    """A multiple-choice question for `quiz`: each answer is (text, feedback), and the first one is right."""
    options = [{"answer": text, "correct": i == 0, "feedback": feedback} for i, (text, feedback) in enumerate(answers)]
    return {"question": question, "type": "multiple_choice", "answers": options}


def number(question: str, value: float, right: str, wrong: str, tolerance: float = 0) -> dict:
    """A question for `quiz` that is answered by a number; ``right`` and ``wrong`` are the feedback.

    Args:
        tolerance: how far from ``value`` an answer may be, at most; shown behind the question unless it is 0.

    Raises:
        ValueError: the tolerance is negative or not finite.
    """
    if not 0 <= tolerance < math.inf:
        raise ValueError(f"tolerance must be at least 0, got {tolerance}")
    answers = [{"type": "value", "value": value, "correct": True, "feedback": right}]
    if tolerance:
        question = f"{question} (\u00b1 {tolerance:g} counts as right)"
        # the library leaves the upper end out, and decimals are rounded: 0.3 is not quite 0.2 + 0.1
        slack = 1e-9 * max(abs(value), tolerance)
        near = [value - tolerance - slack, value + tolerance + slack]
        answers.append({"type": "range", "range": near, "correct": True, "feedback": right})
    answers.append({"type": "default", "feedback": wrong})
    return {"question": question, "type": "numeric", "answers": answers}


def quiz(*questions: dict) -> None:
    """Display questions made by `choice` and `number`; answers are shuffled for every reader.

    ``jupyterquiz`` displays HTML and JavaScript as two outputs, and looks for MathJax on the net. We join them to one
    closed element without that search, so that it works in a page without a kernel and asks nobody for anything.

    Raises:
        ValueError: there is no question.
    """
    from IPython.core.interactiveshell import InteractiveShell
    from IPython.utils.capture import capture_output
    from jupyterquiz import display_quiz

    if not questions:
        raise ValueError("quiz needs at least one question, got none")
    alt = "Quiz: " + " ".join(q["question"] for q in questions)
    if not InteractiveShell.initialized():  # a script, where nothing can be captured either
        publish(alt, "text/html", "")
        return
    with capture_output() as captured:
        display_quiz(list(questions), colors={"--jq-multiple-choice-bg": "#1f4e79", "--jq-numeric-bg": "#1f4e79"})
    body, script = (output.data for output in captured.outputs)
    code = script["application/javascript"].replace("typeof MathJax", "typeof undefined")
    # The library draws a random name for the element; ours is made from the content, so a re-run gives the same bytes.
    random_name = re.search(r'<div id="(\w+)"', body["text/html"])[1]
    name = "quiz" + hashlib.sha256(repr(questions).encode()).hexdigest()[:8]
    html = f"{body['text/html']}</div><style>{_STYLE}</style><script>{code}\n{_LABELS}</script>"
    publish(alt, "text/html", html.replace(random_name, name))
