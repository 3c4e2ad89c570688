"""``python -m course_lib.reference list | train NAME... | evaluate NAME | table | gpu | pack FOLDER | rehearse``"""

import argparse
from pathlib import Path

import torch

from .. import session
from ..data import DataError
from ..training import CheckpointError
from . import RESULTS, recipes
from .gpu import first_minutes
from .gpu.packing import pack
from .gpu.rehearse import line, rehearse_all
from .run import evaluate, train


def main(arguments: list[str] | None = None) -> int:
    """Run the command line; returns the exit status (1 if a training is not finished yet)."""
    parser = argparse.ArgumentParser(prog="python -m course_lib.reference", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("list", help="all recipes, and which of them still wait for a run")
    training = commands.add_parser("train", help="train, measure, write result and weights; continues a stopped run")
    training.add_argument("names", nargs="+", choices=recipes(), metavar="NAME")
    training.add_argument("--minutes", type=float, help="stop cleanly after this time; the same command continues")
    training.add_argument("--scale", choices=("gpu", "cpu"), help="default: what this machine has")
    training.add_argument("--steps", type=int, help="a schedule of another length than the recipe's")
    training.add_argument("--runs", type=Path, default=Path("runs"), help="where checkpoints live")
    measuring = commands.add_parser("evaluate", help="measure the stored weights again")
    measuring.add_argument("names", nargs="+", choices=recipes(), metavar="NAME")
    minutes = commands.add_parser("gpu", help="check the library on the device, time it, train what is pending")
    minutes.add_argument("--minutes", type=float, default=10, help="all in all; default 10")
    minutes.add_argument("--out", type=Path, required=True, help="folder for report, results, weights, checkpoints")
    minutes.add_argument("--device", default=None, help="default: what this machine has")
    minutes.add_argument("--for", dest="names", help="runs in their order, with commas; default: what is pending")
    packing = commands.add_parser("pack", help="a folder that does `gpu` where only torch, numpy and Pillow are")
    packing.add_argument("folder", type=Path)
    packing.add_argument("--for", dest="names", required=True, help="which runs, with commas")
    trial = commands.add_parser("rehearse", help="the first steps at `gpu` scale: shapes, memory there, seconds here")
    trial.add_argument("names", nargs="*", metavar="NAME", help="default: one run of each kind")
    trial.add_argument("--steps", type=int, default=20, help="default 20")
    page = commands.add_parser("table", help="the Results page, as Markdown")
    page.add_argument("--out", type=Path, help="the folder of the book: write results.md and its pictures")
    options = parser.parse_args(arguments)
    session.keep_freed_memory()
    try:
        return _run(options)
    except (CheckpointError, DataError, FileNotFoundError, ValueError) as error:
        parser.exit(2, f"{error}\n")


def _run(options: argparse.Namespace) -> int:
    if options.command == "list":
        for name, recipe in recipes().items():
            state = "done" if (RESULTS / f"{name}.json").exists() else "pending"
            print(f"{name:28} {state:8} {recipe.title}")
    elif options.command == "train":
        done = [
            train(name, options.runs, options.minutes, options.scale, steps=options.steps) for name in options.names
        ]
        return 0 if all(done) else 1
    elif options.command == "evaluate":
        for name in options.names:
            print(name, evaluate(name)["metrics"])
    elif options.command == "gpu":
        device = torch.device(options.device) if options.device else session.pick_device()
        names = options.names.split(",") if options.names else None
        print(first_minutes.markdown(first_minutes.first_minutes(options.out, options.minutes, device, names)))
    elif options.command == "pack":
        print(f"{options.folder}: {pack(options.folder, options.names.split(',')) / 1e6:.1f} MB")
    elif options.command == "rehearse":
        rows = []
        for row in rehearse_all(options.names, options.steps):
            rows.append(row)
            print(line(row), flush=True)
        return int(any("why" in row for row in rows))
    else:
        _write_page(options.out)
    return 0


def _write_page(out: Path | None) -> None:
    # its picture needs matplotlib, which a machine that only trains may lack
    from . import table

    if out:
        table.write(out)
    else:
        print(table.page(), end="")


if __name__ == "__main__":
    raise SystemExit(main())
