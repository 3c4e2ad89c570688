"""The sheet of a notebook and the file that is handed in: what a student is told, in every situation."""

import json
import linecache
import sys
from types import ModuleType, SimpleNamespace

import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

from course_lib.exercises import check, handin, progress, sheet, start, submit

DOUBLE, WRONG, STUB = "return 2 * x", "return x", "# YOUR CODE HERE\n    raise NotImplementedError"
CHECK = """with check("demo.1"):
    assert double(2) == 4, f"twice 2 is 4; yours is {double(2)}"
"""


def notebook(answer=DOUBLE, text="I saw it.", added="", marked=True):
    """The saved file: a question with a check, a question for a person, and perhaps a cell that a student added."""

    def cell(grade_id, source, new=new_code_cell, **kind):
        marks = {"grade_id": grade_id, "grade": False, "solution": False, "locked": True} | kind
        return new(source, metadata={"nbgrader": marks} if marked else {})

    cells = [
        cell("demo-setup", "import math"),
        *([new_code_cell(added)] if added else []),
        cell("demo-1-answer", f"def double(x):\n    {answer}\n", solution=True, locked=False),
        cell("demo-1", CHECK, grade=True, points=2),
        cell("demo-2", text, new_markdown_cell, grade=True, solution=True, locked=False, points=1),
        cell("demo-submit", "submit()"),
    ]
    return new_notebook(cells=cells)


class Kernel:
    """Runs cells as Jupyter does: one set of variables, and the source of every cell can be looked up."""

    def __init__(self):
        sheet._sheet, self.ran = None, 0
        self.variables = {"__name__": "__main__", "start": start, "check": check, "progress": progress}
        self.run('start("demo", {"demo.1": (2, "Doubling"), "demo.2": (1, "What you saw")}, by_hand=("demo.2",))')

    def run(self, source):
        self.ran += 1
        name = f"<cell {self.ran}>"
        linecache.cache[name] = (len(source), None, source.splitlines(keepends=True), name)
        exec(compile(source, name, "exec"), self.variables)

    def answer(self, body=DOUBLE):
        self.run(f"def double(x):\n    {body}\n")


@pytest.fixture
def kernel(monkeypatch, tmp_path, capsys):
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("JPY_SESSION_NAME", raising=False)
    kernel = Kernel()
    capsys.readouterr()
    yield kernel
    sheet._sheet = None


@pytest.fixture
def hand_in(kernel, tmp_path, capsys):
    """Save a notebook, hand it in, and return what was said after the points."""

    def hand_in(saved, done=True):
        if done:
            kernel.run('with check("demo.2"):\n    pass')
        (tmp_path / "demo.ipynb").write_text(json.dumps(saved))
        capsys.readouterr()
        submit("demo.ipynb")
        return capsys.readouterr().out.split("points more.\n")[1].strip()

    return hand_in


# ---- the sheet -----------------------------------------------------------------------------------


def test_a_check_that_passes_earns_its_points(kernel, capsys):
    kernel.answer()
    kernel.run(CHECK)
    assert capsys.readouterr().out == "demo.1 passes. You have 2 points so far.\n"
    progress()
    bar, first, second, _ = capsys.readouterr().out.splitlines()
    assert bar == "demo  [####################]  2 of 2 points"
    assert first.split() == ["demo.1", "Doubling", "2", "of", "2", "passes"]
    assert "? of 1  not answered yet" in second


def test_a_check_that_fails_shows_its_message_and_keeps_it(kernel, capsys):
    kernel.answer(WRONG)
    with pytest.raises(AssertionError, match="yours is 2"):
        kernel.run(CHECK)
    progress()
    assert "0 of 2  fails: twice 2 is 4; yours is 2" in capsys.readouterr().out


def test_an_error_in_the_answer_is_named_by_its_kind(kernel, capsys):
    kernel.answer("return 1 / 0")
    with pytest.raises(ZeroDivisionError):
        kernel.run(CHECK)
    progress()
    assert "fails: ZeroDivisionError: division by zero" in capsys.readouterr().out


def test_a_stub_is_not_a_failure(kernel, capsys):
    kernel.answer(STUB)
    with pytest.raises(NotImplementedError):
        kernel.run(CHECK)
    progress()
    assert "0 of 2  not answered yet" in capsys.readouterr().out


def shown(kernel, source) -> str | None:
    """What IPython would show of the error instead of a traceback."""
    with pytest.raises(Exception) as caught:  # noqa: PT011, any error at all
        kernel.run(source)
    lines = getattr(caught.value, "_render_traceback_", lambda: None)()
    return lines and "\n".join(lines)


def test_of_a_failed_check_only_the_message_is_shown(kernel):
    kernel.answer(WRONG)
    assert shown(kernel, CHECK) == "demo.1 fails in line 2 of this cell:\n\ntwice 2 is 4; yours is 2"


def test_other_errors_are_explained_or_shown_whole(kernel):
    assert shown(kernel, CHECK).startswith("double is not known yet. Run the cells above")
    kernel.answer(STUB)
    assert shown(kernel, CHECK).startswith("demo.1 is not answered yet. In the cell above, write")
    kernel.answer("2 * x")
    assert "Does your answer end with a return?" in shown(kernel, CHECK.replace("double(2) == 4", "double(2) + 0 == 4"))
    kernel.answer("return x / 0")
    assert shown(kernel, CHECK) is None  # the traceback leads to the line in the answer
    kernel.answer("assert x == 3")
    assert shown(kernel, CHECK) is None


def test_what_is_changed_after_its_check_has_to_be_checked_again(kernel, capsys):
    kernel.answer()
    kernel.run(CHECK)
    kernel.answer(WRONG)
    progress()
    assert "0 of 2  double changed since: run the check again" in capsys.readouterr().out
    kernel.answer()
    kernel.run(CHECK)
    assert "You have 2 points so far" in capsys.readouterr().out


def test_the_first_cell_run_twice_forgets_nothing(kernel, capsys):
    kernel.answer()
    kernel.run(CHECK)
    kernel.run('start("demo", {"demo.1": (2, "Doubling"), "demo.2": (1, "What you saw")}, by_hand=("demo.2",))')
    progress()
    assert "2 of 2 points" in capsys.readouterr().out


def test_another_notebook_in_the_same_kernel_has_its_own_sheet(kernel, capsys):
    kernel.answer()
    kernel.run(CHECK)
    kernel.run('start("other", {"other.1": (4, "Else")})')
    progress()
    assert "0 of 4 points" in capsys.readouterr().out


def test_a_question_that_is_not_on_the_sheet_is_refused(kernel):
    with pytest.raises(ValueError, match="no question 'demo.7', only demo.1, demo.2"):
        check("demo.7")


@pytest.mark.parametrize("call", [progress, submit, lambda: check("demo.1")])
def test_without_a_sheet_the_first_cell_is_missing(call):
    sheet._sheet = None
    with pytest.raises(RuntimeError, match="run the first code cell"):
        call()


def test_hidden_tests_find_an_emit_that_does_nothing_but_not_in_place_of_the_graders(kernel):
    kernel.run('emit("value", 3, atol=1)')
    assert kernel.variables["seed"] == 0
    emitted = []
    kernel.variables |= {"emit": lambda *what: emitted.append(what), "seed": 5}
    kernel.run('start("other", {"other.1": (4, "Else")})\nemit("value", seed)')
    assert emitted == [("value", 5)]


# ---- the file to hand in -------------------------------------------------------------------------


def test_a_complete_notebook_is_handed_in_as_it_is(kernel, hand_in, tmp_path):
    kernel.answer()
    kernel.run(CHECK)
    saved = notebook()
    assert hand_in(saved) == "Nothing is missing. The file to hand in: demo-submission.ipynb"
    assert json.loads((tmp_path / "demo-submission.ipynb").read_text()) == saved


def test_an_answer_that_was_not_saved_is_missed(kernel, hand_in, tmp_path):
    kernel.answer()
    kernel.run(CHECK)
    said = hand_in(notebook(STUB))
    assert "- demo.1: an answer is missing in the file. Is it saved?" in said
    assert "Look at the list above" in said and (tmp_path / "demo-submission.ipynb").exists()


def test_a_text_that_is_not_written_is_missed(kernel, hand_in):
    kernel.answer()
    kernel.run(CHECK)
    assert "- demo.2: an answer is missing in the file" in hand_in(notebook(text="YOUR ANSWER HERE"))


def test_an_answer_whose_check_fails_is_said(kernel, hand_in):
    kernel.answer(WRONG)
    with pytest.raises(AssertionError):
        kernel.run(CHECK)
    assert "- demo.1: fails: twice 2 is 4; yours is 2." in hand_in(notebook(WRONG))


def test_questions_without_an_answer_are_listed(kernel, hand_in):
    said = hand_in(notebook(STUB, text="YOUR ANSWER HERE"), done=False)
    assert said.startswith("- No answer yet: demo.1, demo.2.\n")


def test_a_check_that_never_ran_is_said(kernel, hand_in):
    kernel.answer()
    assert "- demo.1: not answered yet." not in (said := hand_in(notebook()))
    assert "- demo.1: its check has not been run." in said


def test_an_old_definition_that_passed_is_not_what_the_file_says(kernel, hand_in):
    kernel.answer()
    kernel.run(CHECK)
    assert "- demo.1: the double that passed is not what the file says." in hand_in(notebook(WRONG))


def test_a_definition_that_changed_after_its_check_is_said(kernel, hand_in):
    kernel.answer()
    kernel.run(CHECK)
    kernel.answer(WRONG)
    assert "- demo.1: double changed since: run the check again." in hand_in(notebook(WRONG))


def test_a_helper_in_an_added_cell_is_missed(kernel, hand_in):
    added, answer = "import numpy as np\nfactor = 2", "return factor * x + np.zeros(1)[0]"
    kernel.run(added)
    kernel.answer(answer)
    kernel.run(CHECK)
    assert "- Your answers use factor, np from cells that you added." in hand_in(notebook(answer, added=added))
    kernel.answer("factor = 2; return math.floor(factor * x)")
    kernel.run("import math\n" + CHECK)
    assert "that you added" not in hand_in(notebook("factor = 2; return math.floor(factor * x)", added=added))


def test_a_cell_that_is_not_python_is_no_reason_to_stop(kernel, hand_in):
    kernel.answer()
    kernel.run(CHECK)
    assert "Nothing is missing" in hand_in(notebook(added="%%bash\nif then else"))


def test_an_answer_below_its_stub_is_found_and_said(kernel, hand_in):
    """The grader finds it (tests/grader); so nothing is missing, and what is odd is said."""
    kernel.answer()
    kernel.run(CHECK)
    saved = notebook(STUB)
    saved.cells.insert(2, new_code_cell(f"def double(x):\n    {DOUBLE}\n"))
    said = hand_in(saved)
    assert "- demo.1: your answer stands in a cell of its own" in said and "missing in the file" not in said


def test_a_text_below_the_placeholder_or_in_a_cell_below_is_there(kernel, hand_in):
    kernel.answer()
    kernel.run(CHECK)
    assert "Nothing is missing" in hand_in(notebook(text="YOUR ANSWER HERE\n\nI saw it."))
    saved = notebook(text="YOUR ANSWER HERE")
    saved.cells.insert(4, new_markdown_cell("I saw it."))
    said = hand_in(saved)
    assert "- demo.2: your text stands in a cell of its own" in said and "missing in the file" not in said
    saved.cells[4] = new_markdown_cell("## Hand in\n\nSave it.")
    assert "- demo.2: an answer is missing in the file" in hand_in(saved)


def test_without_marks_it_is_said_which_functions_are_there(kernel, hand_in):
    kernel.answer()
    kernel.run(CHECK)
    assert "demo.1" not in hand_in(notebook(marked=False))
    assert "- demo.1: an answer is missing in the file" in hand_in(notebook(STUB, marked=False))


def test_lost_marks_are_said(kernel, hand_in):
    kernel.answer()
    kernel.run(CHECK)
    assert hand_in(notebook(marked=False)).startswith("- The answer cells have lost their marks")


def test_sources_that_are_lists_of_lines_are_read(kernel, hand_in):
    kernel.answer()
    kernel.run(CHECK)
    saved = notebook()
    for cell in saved.cells:
        cell["source"] = cell["source"].splitlines(keepends=True)
    assert "Nothing is missing" in hand_in(saved)


def test_a_file_that_cannot_be_found_is_asked_for(kernel, tmp_path, capsys):
    submit()
    assert handin.NO_NOTEBOOK in capsys.readouterr().out
    assert list(tmp_path.iterdir()) == []
    with pytest.raises(FileNotFoundError, match="no notebook mine.ipynb"):
        submit("mine.ipynb")


def test_a_file_that_is_no_notebook_is_refused_by_name(kernel, tmp_path):
    (tmp_path / "mine.ipynb").write_text("not JSON")
    with pytest.raises(ValueError, match="mine.ipynb is not a notebook"):
        submit("mine.ipynb")


def test_the_submission_itself_is_not_what_is_looked_for(kernel, hand_in, tmp_path, capsys):
    kernel.answer()
    kernel.run(CHECK)
    hand_in(notebook())
    hand_in(notebook())  # a second time replaces the first
    assert sorted(p.name for p in tmp_path.iterdir()) == ["demo-submission.ipynb", "demo.ipynb"]


@pytest.mark.parametrize("who", ["Jupyter", "VS Code"])
def test_the_editor_tells_where_the_notebook_is(who, kernel, tmp_path, monkeypatch, capsys):
    file = tmp_path / "folder" / "demo.ipynb"
    file.parent.mkdir()
    file.write_text(json.dumps(notebook()))
    if who == "Jupyter":
        monkeypatch.setenv("JPY_SESSION_NAME", str(file))
    else:
        kernel.variables["__vsc_ipynb_file__"] = str(file)
    submit()
    assert (tmp_path / "demo-submission.ipynb").read_text() == json.dumps(json.loads(file.read_text()), indent=1) + "\n"


def test_colab_hands_over_what_is_on_the_screen_and_downloads_it(kernel, monkeypatch, capsys):
    on_screen, downloaded = json.loads(json.dumps(notebook())), []
    for cell in on_screen["cells"]:
        cell.pop("id")
    colab, message, files = (ModuleType(f"google.colab{x}") for x in ("", "._message", ".files"))
    message.blocking_request = lambda what, **_: {"ipynb": on_screen} if what == "get_ipynb" else None
    files.download = downloaded.append
    colab._message, colab.files = message, files
    monkeypatch.setitem(sys.modules, "google", SimpleNamespace(colab=colab))
    for module in (colab, message, files):
        monkeypatch.setitem(sys.modules, module.__name__, module)
    kernel.answer()
    kernel.run(CHECK + 'with check("demo.2"):\n    pass')
    submit()
    assert "Nothing is missing" in capsys.readouterr().out
    assert downloaded == ["demo-submission.ipynb"]
    message.blocking_request = lambda *_, **__: None  # the browser does not answer
    submit()
    assert handin.NO_NOTEBOOK in capsys.readouterr().out and len(downloaded) == 1
