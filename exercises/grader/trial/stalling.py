"""Answers to the first question that try to keep the grader waiting, or to make it work, for longer than it may take.

NAME stands for the question's function. Each should cost its author this question, and nobody more time than its limit.
"""

READS_ITS_OWN_REPORT = """
import os, threading, time
def drain(fd):
    while True:
        os.read(fd, 1)
for fd in range(3, 64):
    try:
        r = os.open(f"/proc/self/fd/{fd}", os.O_RDONLY)
        threading.Thread(target=drain, args=(r,), daemon=True).start()
    except OSError:
        pass

def NAME(*a, **k):
    time.sleep(1e9)
"""

VFORK = """
import ctypes
libc = ctypes.CDLL(None)
number = {"x86_64": 58}.get(__import__("platform").machine())
if number is None:
    libc.sleep(1_000_000)
if libc.syscall(number) == 0:
    libc.sleep(1_000_000)
    libc._exit(0)
"""

ORPHANS = """
import os, time
while True:
    if os.fork() == 0:
        if os.fork() == 0:
            end = time.process_time() + 0.2
            while time.process_time() < end:
                pass
        os._exit(0)
    os.wait()
    time.sleep(0.2)
"""

UNBURIED = """
import os, time
while True:
    if os.fork() == 0:
        end = time.process_time() + 0.2
        while time.process_time() < end:
            pass
        os._exit(0)
    time.sleep(0.3)
"""

DEEP = """
class Deep:
    shape = (1, 1, 21, 38)

    def detach(self):
        return self

    cpu = detach

    def tolist(self):
        x = [0] * 100_000
        for _ in range(450):
            x = [x]
        return [x, [0], [0]]

def NAME(*a, **k):
    return Deep()
"""

# {kind: (code, the status it should end with)}
STALLING = {
    "reads-its-own-report": (READS_ITS_OWN_REPORT, ""),
    "vfork": (VFORK, "timeout"),
    "orphans": (ORPHANS, "timeout"),
    "unburied": (UNBURIED, "timeout"),
    "deep-value": (DEEP, "ok"),
}
