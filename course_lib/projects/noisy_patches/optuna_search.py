"""The grid of 27, searched by Optuna: on the disk, by several processes at once, and on after a kill.

Akiba et al., "Optuna", KDD 2019, https://arxiv.org/abs/1907.10902
Chapter: book/projects/noisy_patches.ipynb
"""

import os
from collections.abc import Callable, Mapping, Sequence
from itertools import product
from pathlib import Path

# the coursework's: layers of the descriptor (9 n + 2), filters of the denoiser, convolutions in its three branches
DEPTHS, FILTERS, NODES = (20, 29, 38), (32, 64, 128), ("1-3-5", "3-5-9", "5-9-15")
SPACE = {"depth": list(DEPTHS), "filters": list(FILTERS), "nodes": list(NODES)}
Point = tuple[int, int, str]
GRID: list[Point] = list(product(DEPTHS, FILTERS, NODES))


def search(
    path: str | os.PathLike,
    score: Callable[[Point, int], float],
    sampler: str = "grid",
    trials: int | None = None,
    seed: int = 0,
):
    """Go on with the study that is stored in the file ``path``, a new one if there is none, until it is done.

    The file is a journal: each process appends what it did, and none ever changes a line. So several processes may call
    this with one path, and one that is killed leaves nothing but a trial that never ends; the grid gives its point to
    somebody else.

    Args:
        score: (point, third) -> the larger the better; asked for the thirds 1, 2, 3 of a training in this order.
        sampler: ``grid``: every point once. ``tpe``: where good trials were dense and bad ones were not; those
            that are worse than the median after the same third are pruned.
        trials: so many of this call at most; by default all that a grid has left.

    Returns: ``optuna.Study``
    Raises: ``ValueError`` for another sampler, or ``tpe`` without a number of trials.
    """
    if sampler not in ("grid", "tpe") or (sampler == "tpe" and trials is None):
        raise ValueError(f"sampler must be grid, or tpe with a number of trials, got {sampler!r} and {trials}")
    study = _open(path, sampler, seed)
    if sampler == "tpe":
        study.optimize(objective(score), n_trials=trials)
    elif not _all_begun(study):
        study.optimize(
            objective(score), trials, callbacks=[lambda study, _: study.stop() if _all_begun(study) else None]
        )
    return study


def _open(path: str | os.PathLike, sampler: str, seed: int):
    import optuna
    from optuna.storages.journal import JournalFileBackend, JournalFileOpenLock

    optuna.logging.set_verbosity(optuna.logging.ERROR)  # that the lock of a killed process is broken is no news
    path, grid = str(Path(path).expanduser()), sampler == "grid"
    # a process that is killed while it writes leaves its lock behind; after five seconds somebody else breaks it
    return optuna.create_study(
        storage=optuna.storages.JournalStorage(JournalFileBackend(path, JournalFileOpenLock(path, grace_period=5))),
        study_name="noisy patches",
        sampler=optuna.samplers.GridSampler(SPACE, seed)
        if grid
        else optuna.samplers.TPESampler(seed=seed, n_startup_trials=5),
        pruner=optuna.pruners.NopPruner() if grid else optuna.pruners.MedianPruner(n_startup_trials=4),
        direction="maximize",
        load_if_exists=True,
    )


def _all_begun(study) -> bool:
    """Whether each point of the grid is done, or being done by a process that is still there."""
    begun = set()
    for trial in study.get_trials(deepcopy=False):
        running = trial.state.name == "RUNNING" and _is_alive(trial.user_attrs.get("process"))
        if trial.state.name == "COMPLETE" or running:
            begun.add(trial.system_attrs.get("grid_id"))
    return len(begun - {None}) == len(GRID)


def objective(score: Callable[[Point, int], float], thirds: int = 3) -> Callable:
    """What `optuna.Study.optimize` calls: it reports each third, stops if it is pruned, and returns the last score."""

    def run(trial) -> float:
        import optuna

        trial.set_user_attr("process", os.getpid())
        point = tuple(trial.suggest_categorical(name, values) for name, values in SPACE.items())
        for third in range(1, thirds + 1):
            value = score(point, third)
            trial.report(value, third)
            if third < thirds and trial.should_prune():
                raise optuna.TrialPruned
        return value

    return run


def from_table(table: Mapping[Point, Sequence[float]]) -> Callable[[Point, int], float]:
    """The score of a training that somebody has done already: searches can then be compared at no cost, many times."""
    return lambda point, third: table[point][third - 1]


def cost_of_best(study, table: Mapping[Point, Sequence[float]]) -> tuple[int, float] | None:
    """How many trials, and how many full trainings' worth of thirds, until the best point of the table was finished.

    A point that is asked for again costs again. None if it was never finished.
    """
    best, spent = max(table, key=lambda point: table[point][-1]), 0.0
    for number, trial in enumerate(study.get_trials(deepcopy=False), 1):
        spent += len(trial.intermediate_values) / len(table[best])
        if trial.state.name == "COMPLETE" and tuple(trial.params[name] for name in SPACE) == best:
            return number, spent
    return None


def _is_alive(process: int | None) -> bool:
    """Whether a process of this machine is still there; a trial that is too young to have one counts as alive."""
    if process is None:
        return True
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
