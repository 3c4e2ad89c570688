"""Code that stands before a right answer, which is worth its points all the same; `make_class` puts it there.

What is odd but allowed does no harm, and what is forbidden does not work. The words that stand for something, and where
to run it, are those of `attacks`.
"""

WARNS = """
import warnings
warnings.warn("old")
"""

MAGICS = """
%autocall 0
!echo hello
import asyncio
await asyncio.sleep(0)
noted = %sx echo 2
"""

FURNITURE = """
%matplotlib inline
%matplotlib notebook
%config InlineBackend.figure_format = "retina"
%load_ext autoreload
%autoreload 2
%cd ..
%nonsense 3
%timeit -n1 -r1 1 + 1
"""

DAEMONS = """
import os
for _ in range(8):
    if os.fork() == 0:
        os.setsid()
        if os.fork() == 0:
            while True:
                pass
        os._exit(0)
"""

WRITES_OUTSIDE = """
import os
for place in ("SECRETS", "/", "/usr", "/etc", "/home", "/root", "/course"):
    try:
        open(os.path.join(place, "was-here"), "w").write("x")
    except OSError:
        pass
os.system("rm -rf SECRETS 2>/dev/null")
"""

CALLS_OUT = """
import socket
reached = []
for address in (("127.0.0.1", PORT), ("192.0.2.1", 80)):
    try:
        reached.append(socket.create_connection(address, timeout=1))
    except OSError:
        pass
assert not reached, "the network is there"
"""

TAKES_FOLDERS = """
import os
here = os.getcwd()
for name in os.listdir(".."):
    try:
        os.rename(os.path.join("..", name), os.path.join("..", name + "-gone"))
        os.symlink("/usr", os.path.join("..", name))
    except OSError:
        pass
"""

BEYOND_LIMITS = """
import asyncio, mmap, multiprocessing, os, socket
got = []
def attempt(what, *arguments):
    try:
        got.append((what(*arguments), arguments))
    except OSError:
        pass
for family in (socket.AF_INET, socket.AF_INET6, socket.AF_NETLINK, socket.AF_PACKET, 38, 40):
    for kind in (socket.SOCK_STREAM, socket.SOCK_DGRAM, socket.SOCK_RAW, socket.SOCK_SEQPACKET):
        attempt(socket.socket, family, kind)
one, other = socket.socketpair()
for size in (socket.SO_SNDBUF, 32):
    attempt(one.setsockopt, socket.SOL_SOCKET, size, 1 << 22)
attempt(mmap.mmap, -1, 4096)
for place in ("/dev/zero", "/dev/full"):
    file = os.open(place, os.O_RDWR)
    attempt(mmap.mmap, file, 4096)
assert not got, got
one.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
socket.socket(socket.AF_UNIX).close()
mmap.mmap(-1, 4096, mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS).close()
with multiprocessing.get_context("fork").Pool(2) as pool:
    assert pool.map(abs, [-1, 2]) == [1, 2]
assert multiprocessing.Value("d", 1.5).value == 1.5
await asyncio.sleep(0)
"""

ROOT_AGAIN = """
import ctypes, os
libc = ctypes.CDLL(None)
got = [libc.unshare(0x10000000), libc.shmget(0, 4096, 0o1600), libc.ptrace(0, 0, 0, 0)]
try:
    got.append(os.memfd_create("memory"))
except OSError:
    pass
for place in ("/dev/file", "/proc/self/oom_score_adj", "/proc/sys/kernel/hostname"):
    try:
        with open(place, "w") as file:
            file.write("-1000")
        got.append(place)
    except OSError:
        pass
assert set(got) == {-1}, got
"""

BEFORE = {
    "warns": WARNS,
    "magics": MAGICS,
    "furniture": FURNITURE,
    "daemons": DAEMONS,
    "writes-outside": WRITES_OUTSIDE,
    "calls-out": CALLS_OUT,
    "takes-folders": TAKES_FOLDERS,
    "root-again": ROOT_AGAIN,
    "beyond-limits": BEYOND_LIMITS,
}
