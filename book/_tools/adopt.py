"""Make a fork its own: put OWNER/NAME where the repository's name stands in the tracked files.

    python book/_tools/adopt.py [OWNER/NAME]        # default: the GitHub repository of the remote ``origin``
    python book/_tools/adopt.py --check OWNER/NAME  # status 1 if the course names another repository

Colab opens the notebook that the fork has committed, so the install line is changed in the file itself.
"""

import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
SLUG = r"[A-Za-z0-9-]+/[A-Za-z0-9._-]+"


def repository() -> str:
    """The repository that ``_config.yml`` names."""
    config = (ROOT / "_config.yml").read_text("utf-8")
    return re.search(rf"url: https://github\.com/({SLUG})", config)[1]


def origin() -> str:
    url = subprocess.run(["git", "remote", "get-url", "origin"], cwd=ROOT, capture_output=True, text=True).stdout
    found = re.search(rf"github\.com[:/]({SLUG}?)(\.git)?\s*$", url)
    if not found:
        raise SystemExit("the remote 'origin' is not on GitHub; say which: make adopt REPO=owner/name")
    return found[1]


def replace(text: str, old: str, new: str) -> str:
    """``old`` -> ``new`` in links and install lines, and the address of the published book."""
    pages = [f"{owner.lower()}.github.io/{name}" for owner, name in (old.split("/"), new.split("/"))]
    text = re.sub(rf"{re.escape(pages[0])}(?![\w-])", pages[1], text)
    return re.sub(rf"(github(?:\.com)?/){re.escape(old)}(?![\w-])", rf"\g<1>{new}", text)


def main(arguments: list[str]) -> int:
    check = "--check" in arguments
    names = [a for a in arguments if a != "--check"]
    old, new = repository(), names[0] if names else origin()
    if not re.fullmatch(SLUG, new):
        raise SystemExit(f"expected OWNER/NAME, got {new!r}")
    if check:
        if old != new:
            print(f"_config.yml and the notebooks name {old}; run `make adopt REPO={new}` and commit")
        return int(old != new)
    tracked = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=True)
    for name in filter(None, tracked.stdout.split("\0")):
        path = ROOT / name
        try:
            text = path.read_bytes().decode()
        except (UnicodeDecodeError, OSError):
            continue
        if (changed := replace(text, old, new)) != text:
            path.write_bytes(changed.encode())
            print(f"{name}: {old} -> {new}")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
