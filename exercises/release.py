"""The public tree of the course: every tracked file but those that only instructors may see.

    python -m exercises.release DIR        # make release DIR=../course-public

The files are copied as they are now, committed or not. DIR may be a clone of the public repository: what an earlier
release put there and this one no longer has is removed, and nothing else in it is touched.
"""

import shutil
import subprocess
import sys
from pathlib import Path

from exercises import generate

ROOT = Path(__file__).resolve().parents[1]
PRIVATE = ("exercises/instructor/", "tests/exercises/")  # the second holds right and wrong answers
LIST = ".released-files"


def public_files(root: Path = ROOT) -> list[str]:
    """Tracked files that everybody may see, relative to the root."""
    found = subprocess.run(["git", "ls-files", "-z"], cwd=root, capture_output=True, text=True)
    if found.returncode:
        raise SystemExit(f"a release copies what git tracks, and git says: {found.stderr.strip()}")
    names = [n for n in found.stdout.split("\0") if n and not n.startswith(PRIVATE)]
    return sorted(n for n in names if (root / n).is_file())


def release(target: Path, root: Path = ROOT) -> int:
    """Copy the public files; the number of them. Refuses a folder that holds anything but an earlier release."""
    target = target.resolve()
    if target == root or root in target.parents or target in root.parents:
        raise SystemExit(f"{target} lies in the course or around it; choose a folder beside it")
    if target.exists() and not target.is_dir():
        raise SystemExit(f"{target} is a file; choose a folder")
    there = {path.name for path in target.iterdir()} - {".git"} if target.exists() else set()
    if there and LIST not in there:
        raise SystemExit(f"{target} is not empty and no earlier release ({LIST} is not in it); choose another folder")
    earlier = (target / LIST).read_text("utf-8").splitlines() if there else []
    names = public_files(root)
    target.mkdir(parents=True, exist_ok=True)
    # Both lists first: after an interruption the folder is still known as a release, and nothing stays behind.
    (target / LIST).write_text("\n".join(sorted({*earlier, *names})) + "\n", encoding="utf-8")
    for name in set(earlier) - set(names):
        inside(target, name).unlink(missing_ok=True)
    for name in names:
        path = inside(target, name)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.unlink(missing_ok=True)  # a link in its place is replaced, not followed
        shutil.copy(root / name, path, follow_symlinks=False)
    for folder in sorted((p for p in target.rglob("*") if p.is_dir() and ".git" not in p.parts), reverse=True):
        if not any(folder.iterdir()):
            folder.rmdir()
    (target / LIST).write_text("\n".join(names) + "\n", encoding="utf-8")
    return len(names)


def inside(target: Path, name: str) -> Path:
    """The path of a file in the folder; refused if the name, or a link on its way, leads out of it."""
    path = target / name
    if target not in (path.parent.resolve() / path.name).parents:
        raise SystemExit(f"{name} leads out of {target}")
    return path


def main(arguments: list[str]) -> int:
    if len(arguments) != 1:
        raise SystemExit("which folder? make release DIR=../course-public")
    if generate.main(["--check"]):
        return 1
    target = Path(arguments[0])
    print(f"{release(target)} files in {target}, without {' and '.join(PRIVATE)}")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
