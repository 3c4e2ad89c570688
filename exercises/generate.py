"""The student's notebook from the instructor's: solutions and hidden tests out, stubs in, by nbgrader itself.

python -m exercises.generate            # make student: all of exercises/instructor/ into exercises/student/
python -m exercises.generate --check    # write nothing; exit status 1 if a student notebook is not up to date
"""

import os
import shutil
import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from unittest.mock import patch

import nbformat

EXERCISES = Path(__file__).parent
STUB = "# YOUR CODE HERE\nraise NotImplementedError"


def student_version(master: Path) -> str:
    """The text of the student's notebook, as nbgrader's generate_assignment makes it; the same on every run."""
    from nbgrader.apps.api import NbGraderAPI
    from nbgrader.coursedir import CourseDirectory
    from traitlets.config import Config

    with TemporaryDirectory() as folder:  # nbgrader wants a course folder of its own
        source = Path(folder, "source", master.stem, master.name)
        source.parent.mkdir(parents=True)
        shutil.copy(master, source)
        config = Config()
        config.CourseDirectory.root = folder
        config.ClearSolutions.code_stub = {"python": STUB}
        # nbgrader calls `alembic`, which is beside this Python, in an environment that need not be activated.
        with patch.dict(os.environ, PATH=f"{Path(sys.executable).parent}:{os.environ.get('PATH', '')}"):
            result = NbGraderAPI(CourseDirectory(config=config), config=config).generate_assignment(master.stem)
        if not result["success"]:
            raise RuntimeError(f"nbgrader could not make {master.name}:\n{result['log']}")
        notebook = nbformat.read(Path(folder, "release", master.stem, master.name), as_version=4)
    return nbformat.writes(notebook) + "\n"


def main(arguments: list[str]) -> int:
    stale = 0
    for master in sorted((EXERCISES / "instructor").glob("*.ipynb")):
        target, text = EXERCISES / "student" / master.name, student_version(master)
        if target.exists() and target.read_text(encoding="utf-8") == text:
            print(f"{master.stem}: up to date")
        elif "--check" in arguments:
            stale += 1
            print(f"{master.stem}: not up to date, run `make student`")
        else:
            target.parent.mkdir(exist_ok=True)
            target.write_text(text, encoding="utf-8")
            print(f"{master.stem}: written")
    return 1 if stale else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
