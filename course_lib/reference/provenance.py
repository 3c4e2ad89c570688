"""How the numbers came about: one line for the runs that were made alike."""


def lines(runs: list[dict]) -> list[str]:
    """A Markdown list; what differs between runs made alike (minutes, commits, days) is given as a range."""
    alike: dict[str, list[dict]] = {}
    for run in runs:
        alike.setdefault(_common(run), []).append(run)
    return [f"- {_who(group)}: {common} {_code(group)}" for common, group in alike.items()]


def _who(runs: list[dict]) -> str:
    names = ", ".join(f"`{run['name']}`" for run in runs)
    minutes = sorted({round(run["run"]["training_seconds"] / 60) for run in runs if "steps" in run["run"]})
    if not minutes:
        return names
    return f"{names} ({minutes[0]} min)" if len(minutes) == 1 else f"{names} ({minutes[0]} to {minutes[-1]} min each)"


def _common(stored: dict) -> str:
    """Scale, hardware, data and paper."""
    run, data = stored["run"], stored["data"]
    machine = f"{run['device']}, seed {run['seed']}, torch {run['torch']}"
    published = "Published values" if stored["paper"] else "The method (published values are for other test sets)"
    rest = f"{data[0].upper()}{data[1:]}. {published}: {stored['source']}."
    if "steps" not in run:
        return f"a measurement on {machine}. {rest}"
    samples = f"patches of {run['patch']}x{run['patch']}" if "patch" in run else "images"
    parts = ["a GPU's scale" if run["scale"] == "gpu" else "small scale"]
    if "model" in run:
        parts.append(", ".join(f"{key} {value}" for key, value in run["model"].items()) + " instead of the paper's")
    if "images" in run:
        parts.append(f"{run['images']:,} training images")
    if "start" in run:
        parts.append(f"continued from the weights of `{run['start']}`")
    if "restart_at" in run:
        parts.append(f"the learning rate raised once more at step {run['restart_at']:,}")
    parts.append(f"{run['steps']:,} steps of {run['batch']} {samples} on {machine}, precision {run['precision']}")
    return f"{', '.join(parts)}. {rest}"


def _code(runs: list[dict]) -> str:
    commits = list(dict.fromkeys(run["run"]["commit"] for run in runs))
    days = sorted({run["run"]["date"] for run in runs})
    commits = f"Commit{'s' if len(commits) > 1 else ''} {', '.join(f'`{commit}`' for commit in commits)}"
    return f"{commits}, {days[0]}." if len(days) == 1 else f"{commits}, {days[0]} to {days[-1]}."
