"""The command that locks a process in, and what to do where that does not work.

With bubblewrap: namespaces of its own (no network, no other processes), the system and Python read-only, no home, an
empty scratch folder in memory; the folders of the grader, the submissions and the results do not exist in there.
Limits on memory, time, processes and files are set inside, by ``inside/processes.py``, with bubblewrap or without.
"""

import importlib.util
import itertools
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from functools import cache
from pathlib import Path

HERE = Path(__file__).resolve().parent
INSIDE = HERE / "inside"
COURSE = HERE.parent.parent
SCRATCH = 256 << 20  # bytes of the scratch folder, and of shared memory
ROOT = os.getuid() == 0
_runs = itertools.count(os.getpid() * 1000)


@dataclass(frozen=True)
class Sandbox:
    """How a process is started: ``locked`` if bubblewrap holds it, else ``why_not``."""

    locked: bool
    size: tuple[str, ...] = ()  # of the scratch folder; bubblewrap before 0.7 cannot bound it
    nested: tuple[str, ...] = ()  # no namespaces inside the namespace; not before 0.8
    why_not: str = ""


@cache
def find_sandbox() -> Sandbox:
    """Try bubblewrap in earnest: it may be missing, old, or forbidden by a container or the kernel."""
    if not shutil.which("bwrap"):
        return Sandbox(False, why_not="bubblewrap (the command bwrap) is not installed")
    said = ""
    size, nested = ("--size", str(SCRATCH)), ("--unshare-user", "--disable-userns")
    for sandbox in (Sandbox(True, size, () if ROOT else nested), Sandbox(True, size), Sandbox(True)):
        try:
            alone = "import os, sys; sys.exit(os.getpid() != 1)"
            tried = subprocess.run(
                [*lock(sandbox), sys.executable, "-c", alone],
                env=environment("/tmp"),
                stdin=subprocess.DEVNULL,
                capture_output=True,
                text=True,
                timeout=60,
            )
        except (OSError, subprocess.TimeoutExpired) as error:
            said = str(error)
            continue
        if tried.returncode == 0:
            return sandbox
        said = tried.stderr.strip() or f"it ended with {tried.returncode}"
    return Sandbox(False, why_not=f"bubblewrap does not work here: {said}")


def command(sandbox: Sandbox, hidden: tuple[Path, ...] = ()) -> list[str]:
    """What starts the keeper, with bubblewrap around it if there is one."""
    if sandbox.locked:
        return [*lock(sandbox, hidden), sys.executable, "-B", "/course/inside/keeper.py"]
    return [sys.executable, "-B", str(INSIDE / "keeper.py")]


def lock(sandbox: Sandbox, hidden: tuple[Path, ...] = ()) -> list[str]:
    """The bubblewrap command; what is written behind it runs inside, as process 1."""
    words = [
        "bwrap",
        "--unshare-pid",
        "--unshare-net",
        "--unshare-ipc",
        "--unshare-uts",
        "--unshare-cgroup-try",
    ]
    words += [
        "--hostname",
        "sandbox",
        "--die-with-parent",
        "--new-session",
        "--as-pid-1",
        "--cap-drop",
        "ALL",
    ]
    if ROOT:  # so that the keeper can give the questions' processes a user of their own, and end them
        words += ["--cap-add", "CAP_SETUID", "--cap-add", "CAP_SETGID", "--cap-add", "CAP_KILL"]
    words += sandbox.nested if sandbox.nested or ROOT else ["--unshare-user"]
    words += ["--proc", "/proc", "--dev", "/dev"]
    words += ["--dev-bind", "/dev/null", "/dev/zero"]  # which gives memory that no limit counts
    for scratch in ("/tmp", "/dev/shm"):
        words += [*sandbox.size, "--perms", "1777", "--tmpfs", scratch]
    words += ["--remount-ro", "/dev"]  # itself in memory, of any size
    for name in ("/bin", "/sbin", "/lib", "/lib32", "/lib64"):
        if os.path.islink(name):
            words += ["--symlink", os.readlink(name), name]
        elif os.path.exists(name):
            words += ["--ro-bind", name, name]
    words += ["--perms", "0755", "--dir", "/etc"]
    for name in (
        "/etc/ld.so.cache",
        "/etc/ld.so.conf",
        "/etc/ld.so.conf.d",
        "/etc/alternatives",
        "/etc/localtime",
    ):
        words += ["--ro-bind-try", name, name]
    library = course_library()
    inner = [(Path("/course/inside"), INSIDE)] + ([(Path("/course/course_lib"), library)] if library else [])
    outer = [(path, path if visible else None) for path, visible in mounts(hidden)]
    above = {parent for path, _ in outer + inner for parent in path.parents[:-1]}
    for folder in sorted(parent for parent in above if not any(p == parent or p in parent.parents for p, _ in outer)):
        words += ["--perms", "0755", "--dir", str(folder)]  # bubblewrap's own would be closed to other users
    for path, source in outer + inner:
        words += ["--ro-bind", str(source), str(path)] if source else ["--tmpfs", str(path)]
    for path, source in outer:
        words += [] if source else ["--remount-ro", str(path)]
    return [*words, "--remount-ro", "/", "--chdir", "/tmp"]


def mounts(hidden: tuple[Path, ...]) -> list[tuple[Path, bool]]:
    """Folders that are visible inside, and those in them that are not; what is farther from the root comes later."""
    handed_in = {path.resolve() for path in hidden}
    secret = {COURSE, *handed_in}
    fixed = {Path("/usr"), Path(sys.prefix), Path(sys.base_prefix)}
    seen = {Path(entry) for entry in sys.path if of_packages(entry)}
    if data := os.environ.get("COURSE_DATA"):
        seen.add(Path(data).resolve())
    # Packages may lie in the course (its .venv, run by another Python); what holds the course may not be seen.
    seen = {
        path
        for path in seen
        if not near(path, handed_in)
        and path not in (COURSE, *COURSE.parents)
        and not any(f in path.parents for f in fixed)
    } | fixed
    both = [(path, True) for path in seen]
    both += [(path, False) for path in secret - seen if any(s in path.parents for s in seen)]
    return sorted(both, key=lambda item: len(item[0].parts))


def of_packages(entry: str) -> bool:
    """Whether it is a folder of installed packages; the path of a Python holds the folder it was started in, too."""
    path = Path(entry)
    return path.is_absolute() and path.is_dir() and path.name in ("site-packages", "dist-packages")


def near(path: Path, secret: set[Path]) -> bool:
    """Whether one of these folders is the path, is in it, or holds it."""
    return any(path == s or path in s.parents or s in path.parents for s in secret)


def course_library() -> Path | None:
    """The folder of course_lib, which is visible inside as ``/course/course_lib``."""
    spec = importlib.util.find_spec("course_lib")
    return Path(spec.submodule_search_locations[0]).resolve() if spec else None


def environment(home: str, library: str = "/course") -> dict[str, str]:
    """All the variables that exist inside: the scratch folder, and the folder that course_lib is in."""
    given = [
        entry
        for entry in os.environ.get("PYTHONPATH", "").split(":")
        if of_packages(entry) and Path(entry) not in COURSE.parents
    ]
    kept = {"COURSE_DATA": str(Path(data).resolve())} if (data := os.environ.get("COURSE_DATA")) else {}
    return kept | {
        "PATH": f"{Path(sys.executable).parent}:/usr/local/bin:/usr/bin:/bin",
        "PYTHONPATH": ":".join([library, *given]),
        "HOME": home,
        "TMPDIR": home,
        "USER": "student",
        "LOGNAME": "student",
        "LANG": "C.UTF-8",
        "MPLBACKEND": "Agg",
        "OMP_NUM_THREADS": "1",
        "PYTHONHASHSEED": "0",
        "PYTHONDONTWRITEBYTECODE": "1",
        "COURSE_STATIC": "1",
    }


def user_inside(sandbox: Sandbox) -> dict | None:
    """A user of its own for the questions' processes if the grader is root, who is above some limits; else None.

    Without bubblewrap that user may have to read a Python that is only root's: then he may read, and no more.
    """
    if not ROOT:
        return None
    needed = [Path(sys.executable), Path(sys.base_prefix), course_library() or INSIDE]
    open_to_all = all(place.stat().st_mode & 0o001 for path in needed for place in (path, *path.resolve().parents))
    return {"id": 1_000_000_000 + next(_runs) % 1_000_000, "reads": not sandbox.locked and not open_to_all}
