"""Answers to the first question of a notebook that a grader has to survive; `make_class` puts them into notebooks.

NAME stands for the question's function, SECRETS for a folder that nobody may touch, PORT for a port of 127.0.0.1.
Run them behind bubblewrap only: what they try, they would otherwise do.
"""

RAISES = """
def NAME(*a, **k):
    raise ValueError("no")
"""

NOT_PYTHON = """
def NAME(x:
    return x
"""

WRONG = """
def NAME(*a, **k):
    return a[0]
"""

ENDLESS = """
def NAME(*a, **k):
    while True:
        pass
"""

SWALLOWS = """
import signal
for s in range(1, 65):
    try:
        signal.signal(s, signal.SIG_IGN)
    except (OSError, ValueError):
        pass

def NAME(*a, **k):
    while True:
        try:
            while True:
                pass
        except BaseException:
            pass
"""

FORK_BOMB = """
import os
while True:
    try:
        os.fork()
    except OSError:
        pass
"""

EIGHT_GIGABYTES = """
def NAME(*a, **k):
    return len(bytearray(8 << 30))
"""

MANY_MEGABYTES = """
import os, time
for _ in range(3):
    if os.fork() == 0:
        block = bytearray(400 << 20)
        for i in range(0, len(block), 4096):
            block[i] = 1
        time.sleep(60)
time.sleep(60)
"""

SLEEPS = """
import time

def NAME(*a, **k):
    time.sleep(1_000_000)
"""

HALF_CHARACTERS = """
def NAME(*a, **k):
    assert False, "\\ud800 \\x00 <script>alert(1)</script>"
"""

CHATTY = """
import sys
while True:
    sys.stdout.write("x" * 65536)
"""

PATCHES = """
import json, math, sys
true = lambda *a, **k: True
json.dumps = lambda *a, **k: "{}"
math.isclose = true
print = lambda *a, **k: None
if "torch" in sys.modules:
    import numpy.testing, torch, torch.testing
    torch.allclose = torch.equal = torch.testing.assert_close = true
    numpy.testing.assert_allclose = numpy.testing.assert_array_equal = true

class Everything(float):
    __eq__ = __ne__ = __lt__ = __le__ = __gt__ = __ge__ = true
    __hash__ = float.__hash__

def NAME(*a, **k):
    return Everything(0)
"""

STEALS = """
import os
def look():
    seen = []
    for place in ("/proc/1/mem", "/proc/1/environ", "SECRETS", "GRADER", "/home"):
        try:
            seen += os.listdir(place) if os.path.isdir(place) else [open(place, "rb").read(1)]
        except OSError:
            pass
    return seen

def NAME(*a, **k):
    assert False, f"seen: {look()}"
"""

TELLS_PATHS = """
import sys
mounts = [line.split() for line in open("/proc/self/mountinfo")]
places = {mount[i] for mount in mounts for i in (3, 4)} | {sys.prefix, sys.executable}
assert False, " ".join(sorted(places))
"""

# {kind: (code, the status it should end with)}
IN_PLACE = {
    "raises": (RAISES, "ok"),
    "not-python": (NOT_PYTHON, "ok"),
    "wrong": (WRONG, "ok"),
    "endless": (ENDLESS, "timeout"),
    "endless-cell": ("while True: pass", "timeout"),
    "swallows": (SWALLOWS, "timeout"),
    "exits": ("import os\nos._exit(0)", "kernel-died"),
    "sys-exits": ("import sys\nsys.exit()", "ok"),
    "segfault": ("import ctypes\nctypes.string_at(0)", "kernel-died"),
    "fork-bomb": (FORK_BOMB, "processes"),
    "8-gigabytes": (EIGHT_GIGABYTES, "memory"),
    "many-megabytes": (MANY_MEGABYTES, "memory"),
    "sleeps": (SLEEPS, "timeout"),
    "half-characters": (HALF_CHARACTERS, "ok"),
    "chatty": (CHATTY, "output"),
    "patches": (PATCHES, "ok"),
    "steals": (STEALS, "ok"),
    "tells-paths": (TELLS_PATHS, "ok"),
}
