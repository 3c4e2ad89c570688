"""The grader on a whole class, and its time beside nbgrader's autograde on the same notebooks.

    python benchmarks/bench_grader.py class --students 300     # everyone gets what is expected, nothing is touched
    python benchmarks/bench_grader.py time --students 6        # seconds a submission, 1 and 2 workers, and nbgrader

What ``time`` printed last is kept in ``grader.md``.

Both keep their files in ``--work``; ``class`` goes on there if it was stopped. ``--questions 6`` takes the first six
questions only (the seventh of the denoising exercises trains a network).
"""

import argparse
import csv
import json
import os
import resource
import shutil
import socket
import subprocess
import sys
import time
from pathlib import Path

COURSE = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(COURSE))

from course_lib.exercises.notebook import marks  # noqa: E402
from exercises.grader import whole_class  # noqa: E402
from exercises.grader.__main__ import main as grader  # noqa: E402
from exercises.grader.master import read_master  # noqa: E402
from exercises.grader.trial.make_class import make_class  # noqa: E402


def shortened(master: Path, questions: int | None, work: Path) -> Path:
    """The master, or its first questions as a master of their own."""
    if questions is None:
        return master
    notebook = json.loads(master.read_text(encoding="utf-8"))
    last = read_master(master).graded[questions - 1].id.replace(".", "-", 1)
    at = next(i for i, cell in enumerate(notebook["cells"]) if marks(cell).get("grade_id") == last)
    notebook["cells"] = notebook["cells"][: at + 1]
    target = work / "instructor" / master.name
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text(json.dumps(notebook), encoding="utf-8")
    return target


def everyone(asked, master: Path) -> int:
    """Grade a class with everything in it, beside a listening port and a writable folder; 0 if all went as expected."""
    secrets, folder, table = asked.work / "secrets", asked.work / "class", asked.work / "expected.json"
    with socket.socket() as listener:
        known = json.loads(table.read_text()) if table.exists() else {"port": 0}
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(("127.0.0.1", known["port"]))
        listener.listen()
        listener.setblocking(False)
        port = listener.getsockname()[1]
        if not table.exists():
            secrets.mkdir(parents=True, mode=0o777)
            secrets.chmod(0o777)
            (secrets / "grades.csv").write_text("ada,20")
            known = {"port": port, "class": make_class(master, folder, asked.students, secrets, port)}
            table.write_text(json.dumps(known))
        before = snapshot(secrets), snapshot(folder), snapshot(COURSE / "exercises")
        begun, used, longest = time.perf_counter(), cpu(), timed()
        command = ["grade", str(folder), "--out", str(asked.work / "grades.csv"), "--master", str(master)]
        code = grader([*command, "--workers", str(asked.workers), "--seconds", str(asked.seconds), "--memory", "1"])
        wall, used = time.perf_counter() - begun, cpu() - used
        try:
            listener.accept()
            print("THE PORT WAS REACHED")
            code = 1
        except BlockingIOError:
            print("nobody reached the listening port")
    unchanged = (snapshot(secrets), snapshot(folder), snapshot(COURSE / "exercises")) == before
    print("files outside the sandbox are as they were" if unchanged else "FILES OUTSIDE HAVE CHANGED")
    with open(asked.work / "grades.csv", newline="", encoding="utf-8-sig") as file:
        rows = {row["student"]: row for row in csv.DictReader(file)}
    wrong = 0
    for student, (points, status) in known["class"].items():
        row = rows[student]
        if points is not None and (float(row["total"]) != points or status not in row["status"]):
            wrong += 1
            print(f"  {student}: {row['total']} ({row['status']}) instead of {points} ({status})")
    for student in sorted(longest, key=longest.get, reverse=True)[:5]:
        print(f"  {longest[student]:.0f} s: {student}")
    print(
        f"{len(rows)} students, {wrong} not as expected; {wall:.0f} s, {used:.0f} s of the CPU, {asked.workers} workers"
    )
    return code or wrong or not unchanged


def timed() -> dict[str, float]:
    """Seconds that each submission takes, filled in while the grader runs."""
    seconds, original = {}, whole_class.grade

    def grade(submission, grading):
        begun = time.perf_counter()
        try:
            return original(submission, grading)
        finally:
            seconds[submission.student] = time.perf_counter() - begun

    whole_class.grade = grade
    return seconds


def snapshot(folder: Path) -> dict[str, tuple[int, int]]:
    files = [path for path in folder.rglob("*") if path.is_file() and "__pycache__" not in path.parts]
    return {str(path): (path.stat().st_size, path.stat().st_mtime_ns) for path in files}


def cpu() -> float:
    """CPU seconds of this process and of all that it has started and waited for."""
    return sum(sum(resource.getrusage(who)[:2]) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))


def timing(asked, master: Path) -> int:
    """Seconds a submission of honest students, here and with nbgrader."""
    pool = asked.work / "timing-class"
    make_class(master, pool, 3, Path("/nowhere"), 9)  # full, blank, half
    kinds = sorted(pool.glob("*.ipynb"))
    folder = asked.work / "timing"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    for i in range(asked.students):
        shutil.copy(kinds[i % 3], folder / f"student{i:02d}.ipynb")
    print(
        f"{asked.students} submissions of `{master.stem}`, in turn all right, blank and half; the time includes the "
        f"master's own run. {os.cpu_count()} cores, load average before: {os.getloadavg()[0]:.1f}. nbgrader also runs "
        "the cells with pictures and those that a person reads, and locks nothing in.\n"
    )
    print("| grader | workers | s per submission | CPU s per submission |\n|---|---|---|---|", flush=True)
    for workers in (1, 2):
        out = asked.work / f"timing-{workers}.csv"
        shutil.rmtree(out.with_suffix(""), ignore_errors=True)
        command = ["grade", str(folder), "--out", str(out), "--master", str(master), "--workers", str(workers)]
        begun, used = time.perf_counter(), cpu()
        subprocess.run(
            [sys.executable, "-m", "exercises.grader", *command], cwd=COURSE, check=True, stdout=subprocess.DEVNULL
        )
        show("this course's", workers, time.perf_counter() - begun, cpu() - used, asked.students)
    wall, used = nbgrader(asked.work, folder, master)
    show("nbgrader's autograde", 1, wall, used, asked.students)
    return 0


def show(name: str, workers: int, wall: float, used: float, students: int) -> None:
    print(f"| {name} | {workers} | {wall / students:.1f} | {used / students:.1f} |", flush=True)


def nbgrader(work: Path, folder: Path, master: Path) -> tuple[float, float]:
    """Seconds of the wall clock and of the CPU for autograding the same notebooks."""
    course = work / "nbgrader"
    shutil.rmtree(course, ignore_errors=True)
    name = master.stem
    source = course / "source" / name / master.name
    source.parent.mkdir(parents=True)
    shutil.copy(master, source)
    (course / "nbgrader_config.py").write_text("c = get_config()\nc.ExecutePreprocessor.timeout = 300\n")
    for path in folder.glob("*.ipynb"):
        target = course / "submitted" / path.stem / name / master.name
        target.parent.mkdir(parents=True)
        shutil.copy(path, target)
    binary = [sys.executable, "-m", "nbgrader"]
    quiet = {
        "cwd": course,
        "stdout": subprocess.DEVNULL,
        "stderr": subprocess.DEVNULL,
        "env": os.environ | {"OMP_NUM_THREADS": "1", "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"},
    }
    subprocess.run([*binary, "generate_assignment", name, "--create"], check=True, **quiet)
    begun, used = time.perf_counter(), cpu()
    subprocess.run([*binary, "autograde", name, "--create"], check=True, **quiet)
    wall, used = time.perf_counter() - begun, cpu() - used
    graded = len(list((course / "autograded").rglob("*.ipynb")))
    if graded != len(list(folder.iterdir())):
        raise RuntimeError(f"nbgrader has graded {graded} only")
    return wall, used


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("what", choices=("class", "time"))
    parser.add_argument("--master", type=Path, default=COURSE / "exercises" / "instructor" / "denoising.ipynb")
    parser.add_argument("--questions", type=int)
    parser.add_argument("--students", type=int, default=300)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--seconds", type=float, default=5)
    parser.add_argument("--work", type=Path, default=Path("_build/grader"))
    asked = parser.parse_args()
    asked.work = asked.work.resolve()
    asked.work.mkdir(parents=True, exist_ok=True)
    master = shortened(asked.master, asked.questions, asked.work)
    return {"class": everyone, "time": timing}[asked.what](asked, master)


if __name__ == "__main__":
    sys.exit(main())
