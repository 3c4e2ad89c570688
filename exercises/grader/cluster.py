"""A class that outgrows one machine: the same grading on a Dask cluster.

Scheduler and workers need the course's repository in their path and its packages, workers bubblewrap too. Submissions
and the reference travel to them, results come back; only this process writes.
"""

from collections.abc import Iterable
from dataclasses import replace

from .collect import Submission
from .grade import Grading, failed, grade
from .result import Result
from .sandbox import find_sandbox
from .whole_class import Pool


def dask(address: str) -> Pool:
    """Graded by the workers of the scheduler at ``tcp://host:port``, one submission a thread."""
    try:
        from distributed import Client, as_completed
    except ImportError:
        raise RuntimeError("--scheduler needs Dask: pip install distributed") from None

    def pool(todo: list[Submission], grading: Grading) -> Iterable[tuple[Submission, Result]]:
        with Client(address, timeout=30) as client:
            [shared] = client.scatter([grading], broadcast=True)
            futures = {}
            for submission in todo:
                data = submission.data or submission.path.read_bytes()
                future = client.submit(grade_there, replace(submission, data=data), shared, pure=False)
                futures[future] = submission
            for future in as_completed(list(futures)):
                submission = futures[future]
                try:
                    result = future.result()
                except Exception as error:  # the machine it was on has gone
                    said = str(error).replace("\n", " ")[:200]
                    result = failed(grading.master, RuntimeError(f"Dask: {said}"))
                yield submission, result

    return pool


def grade_there(submission: Submission, grading: Grading) -> Result:
    """On a worker: its own bubblewrap counts, not that of the machine that asks."""
    sandbox = grading.sandbox if not grading.sandbox.locked else find_sandbox()
    return grade(submission, replace(grading, sandbox=sandbox))
