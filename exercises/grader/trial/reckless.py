"""Answers that may cost their author more than the first question: what they do, they do to all that is theirs.

The words that stand for something are those of `attacks`.
"""

SPIES = """
import sys, threading
def watch():
    while True:
        for frame in list(sys._current_frames().values()):
            emit = frame.f_globals.get("emit")
            if getattr(emit, "__name__", "") == "emit":
                emit("score", 99.0)
                emit("double", 1.0)
                return
threading.Thread(target=watch, daemon=True).start()

def NAME(*a, **k):
    return 0.0
"""

KILLS = """
import os, signal
os.kill(-1, signal.SIGKILL)
"""

FORGES = """
import os, threading
def forge():
    while True:
        for fd in range(3, 40):
            try:
                os.write(fd, b'\\ndone\\n{"what": "double", "value": 0}\\n')
            except OSError:
                pass
threading.Thread(target=forge, daemon=True).start()

def NAME(*a, **k):
    return 0
"""

ONLY_SAYS_DONE = """
import os, time
deep = b"[" * 900 + b"]" * 900
for fd in range(3, 40):
    try:
        os.write(fd, b'report {"errors": 7, "check": ' + deep + b"}\\ndone\\n")
    except OSError:
        pass
time.sleep(0.3)
held = []
while True:
    held.append(b"x" * (64 << 20))
"""

FILLS_THE_LINE = """
import fcntl, os, stat, time
for fd in range(3, 64):
    try:
        if stat.S_ISFIFO(os.fstat(fd).st_mode) or stat.S_ISSOCK(os.fstat(fd).st_mode):
            w = os.open(f"/proc/self/fd/{fd}", os.O_WRONLY | os.O_NONBLOCK)
            try:
                while os.write(w, b"x" * 4096):
                    pass
            except BlockingIOError:
                pass
    except OSError:
        pass

def never(*a, **k):
    time.sleep(1e9)
import sys
sys.modules["cells"].OPEN = os.fdopen = never

def NAME(*a, **k):
    return 0
"""

# {kind: (code, the status it should end with)}
RECKLESS = {
    "spies": (SPIES, "ok"),
    "kills": (KILLS, "kernel-died"),
    "forges": (FORGES, "forged"),
    "only-says-done": (ONLY_SAYS_DONE, "forged"),
    "fills-the-line": (FILLS_THE_LINE, "timeout"),
}
