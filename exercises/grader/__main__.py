"""The command: python -m exercises.grader grade SUBMISSIONS --out grades.csv"""

import argparse
import os
import sys
from pathlib import Path

if sys.platform != "linux":
    sys.exit(
        f"The grader needs Linux, and this is {sys.platform}: it locks submissions in with what only Linux has. On "
        "Windows run it in WSL 2, on a Mac in a Linux container or on a Linux machine."
    )

from . import by_hand, late
from .collect import Submission, collect
from .grade import Grading
from .master import read_master
from .result import Result
from .run import Limits
from .sandbox import Sandbox, find_sandbox
from .whole_class import grade_all, threads
from .write import claim, write_all

MASTERS = Path(__file__).resolve().parent.parent / "instructor"
WARNING = """
WARNING: {why}.
Submissions run as plain processes, with limits but without a lock: they may read and write whatever you may, and use
the network. Do this only with submissions that you trust, or on a machine that you can throw away. On Debian and
Ubuntu: apt-get install bubblewrap. Every status says "unsandboxed".
"""


def parser() -> argparse.ArgumentParser:
    top = argparse.ArgumentParser(prog="python -m exercises.grader", description="Points for a class's notebooks.")
    command = top.add_subparsers(required=True, metavar="COMMAND").add_parser(
        "grade",
        help="grade a folder of submissions",
        description="Grade a folder of submissions. What is graded already is not graded again; start it as often as "
        "you like, after an interruption too.",
    )
    add = command.add_argument
    add(
        "submissions",
        type=Path,
        help="STUDENT.ipynb, STUDENT/*.ipynb, or a bulk download from Canvas or Moodle",
    )
    add(
        "--out",
        type=Path,
        default=Path("grades.csv"),
        help="the table; all else goes into a folder beside it",
    )
    add("--master", type=Path, default=MASTERS / "denoising.ipynb", help="the instructor's notebook")
    add(
        "--workers",
        type=int,
        default=max(1, (os.cpu_count() or 2) // 2),
        help="submissions at a time (%(default)s)",
    )
    add("--scheduler", metavar="tcp://...", help="grade on a Dask cluster")
    add("--regrade", nargs="*", metavar="STUDENT", help="grade these again, or all if none is named")
    add(
        "--seconds",
        type=float,
        default=Limits.seconds,
        help="of the CPU, for a question's check (%(default)g)",
    )
    add("--memory", type=float, default=Limits.memory / 2**30, help="GiB for a question (%(default)g)")
    add("--seed", default="", help="other numbers in the hidden checks: a word of your own")
    add("--anonymous", action="store_true", help="code names in by-hand.html and by-hand.csv")
    add("--no-sandbox", action="store_true", help="plain processes even where bubblewrap works")
    return top


def main(arguments: list[str] | None = None) -> int:
    asked = parser().parse_args(arguments)
    sandbox = Sandbox(False, why_not="asked for with --no-sandbox") if asked.no_sandbox else find_sandbox()
    if not sandbox.locked:
        print(WARNING.format(why=sandbox.why_not[:1].upper() + sandbox.why_not[1:]), file=sys.stderr)
    try:
        master = read_master(asked.master)
        # without an ending it would be the folder's own name
        asked.out = asked.out if asked.out.suffix else asked.out.with_suffix(".csv")
        if asked.out.is_dir():
            raise ValueError(f"--out must name a table, such as {asked.out / 'grades.csv'}; {asked.out} is a folder")
        folder = asked.out.with_suffix("")
        submissions = collect(asked.submissions, master)
        claim(folder, master)
        # What people have filled in is looked at first: an error in it costs nobody an hour of grading.
        by_hand.read_marks(folder / "by-hand.csv", master, submissions)
        late.read_late(folder / "late.csv", submissions)
        limits = Limits(seconds=asked.seconds, memory=int(asked.memory * 2**30))
        hidden = tuple(path.resolve() for path in (asked.submissions, folder, asked.master.parent))
        print(f"{master.name}: {len(submissions)} submissions. Whoever is new or has changed is graded.")
        grading = Grading(master, limits, sandbox, asked.seed, hidden)
        results = grade_class(asked, submissions, grading, folder)
        print(write_all(asked.out, folder, master, submissions, results, asked.anonymous))
    except (OSError, ValueError, RuntimeError) as error:
        print(f"grader: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("\ngrader: stopped. The same command goes on from here.", file=sys.stderr)
        return 130
    return 0


def grade_class(asked, submissions: list[Submission], grading: Grading, folder: Path) -> dict[str, Result]:
    """Everyone's result, with a progress bar."""
    from tqdm import tqdm

    if asked.scheduler:
        from .cluster import dask

        pool = dask(asked.scheduler)
    else:
        pool = threads(asked.workers)
    names = {s.student for s in submissions} | {s.name for s in submissions}
    if unknown := set(asked.regrade or ()) - names:
        raise ValueError(f"no submission of {', '.join(sorted(unknown))}")
    again = set()
    if asked.regrade is not None:
        again = {s.student for s in submissions if not asked.regrade or {s.student, s.name} & set(asked.regrade)}
    done = grade_all(submissions, grading, folder / "results", again.__contains__, pool)
    bar = tqdm(done, total=len(submissions), unit="student", disable=None)
    return {submission.student: result for submission, result in bar}


if __name__ == "__main__":
    sys.exit(main())
