import pytest
import small

from exercises.grader.grade import Grading, prepare
from exercises.grader.master import read_master
from exercises.grader.run import Limits
from exercises.grader.sandbox import Sandbox, find_sandbox
from exercises.grader.trial.make_class import solution, stub, student_notebook

QUICK = Limits(seconds=1.5, memory=1 << 30, processes=24, output=1 << 20)


@pytest.fixture(scope="session", params=["bubblewrap", "plain"])
def sandbox(request):
    """Both ways to start a process; the first only where it works."""
    if request.param == "plain":
        return Sandbox(False, why_not="a test without it")
    found = find_sandbox()
    return found if found.locked else pytest.skip(found.why_not)


@pytest.fixture(scope="session")
def master_path(tmp_path_factory):
    return small.write(tmp_path_factory.mktemp("instructor") / "small.ipynb", small.master())


@pytest.fixture(scope="session")
def master(master_path):
    return read_master(master_path)


@pytest.fixture(scope="session")
def grading(master, sandbox, master_path):
    return prepare(Grading(master, QUICK, sandbox, "a seed", (master_path.parent,)))


@pytest.fixture
def full():
    return student_notebook(small.master(), lambda _, source: solution(source))


@pytest.fixture
def blank():
    return student_notebook(small.master(), lambda _, source: stub(source))
