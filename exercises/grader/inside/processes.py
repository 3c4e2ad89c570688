"""What the keeper asks of Linux: limits for a process, who is below whom, how much memory somebody holds."""

import ctypes
import os
import resource
import socket
from contextlib import suppress
from pathlib import Path

import seccomp

SUBREAPER, DUMPABLE, KEEP_RIGHTS, NO_NEW_RIGHTS = 36, 4, 8, 38  # of prctl(2)
FILE, SOCKET = 2 << 10, 256 << 10  # bytes that the kernel needs at most for a file's name, for an open socket
READ_ALL = 1 << 2  # CAP_DAC_READ_SEARCH of capabilities(7)


def protect_this_one() -> None:
    """Orphans come to this process, so that they can be found; nobody may trace it or read its memory.

    Should the machine run out of memory all the same, what is in here is the first to go.
    """
    Path("/proc/self/oom_score_adj").write_text("1000", encoding="ascii")
    libc = ctypes.CDLL(None)
    libc.prctl(SUBREAPER, 1, 0, 0, 0)
    libc.prctl(DUMPABLE, 0, 0, 0, 0)


def limit(limits: dict, user: dict | None) -> None:
    """Bind this process, and whatever it starts, for good.

    `RLIMIT_DATA` counts what a process may write to; `RLIMIT_AS` would also count the gigabytes that torch only maps.
    """
    already = limits["already"]
    if user is not None:  # root is above the limit on processes, and above much else
        already = become(**user)
    seconds = int(2 * limits["seconds"]) + 1  # of the CPU, for the visible check and the hidden cell together
    held = amount("self", "VmData")
    for which, value in {
        resource.RLIMIT_CORE: 0,
        resource.RLIMIT_CPU: seconds,
        resource.RLIMIT_DATA: held + limits["memory"],
        resource.RLIMIT_FSIZE: limits["file"],
        resource.RLIMIT_NOFILE: 256,
        resource.RLIMIT_NPROC: 2 * limits["processes"] + already,  # with all threads; the keeper counts processes
    }.items():
        hard = resource.getrlimit(which)[1]
        value = value if hard == resource.RLIM_INFINITY else min(value, hard)
        resource.setrlimit(which, (value, value))
    seccomp.refuse()


def become(id: int, reads: bool) -> int:
    """Root becomes a user without any rights, or with the right to read whatever root may.

    How many tasks that user may have elsewhere is returned: none, for it is new.
    """
    libc = ctypes.CDLL(None, use_errno=True)
    if reads:
        libc.prctl(KEEP_RIGHTS, 1, 0, 0, 0)
    os.setgroups([])
    elsewhere = 0
    try:
        os.setresgid(id, id, id)
    except OSError:  # a container that knows a few ids only
        id, elsewhere = 65534, 1000
        os.setresgid(id, id, id)
    os.setresuid(id, id, id)
    if reads:
        header = (ctypes.c_uint32 * 2)(0x20080522, 0)
        rights = (ctypes.c_uint32 * 6)(READ_ALL, READ_ALL, 0, 0, 0, 0)  # effective, permitted, inheritable; twice
        if libc.capset(header, rights):
            raise OSError(ctypes.get_errno(), "capset")
    libc.prctl(NO_NEW_RIGHTS, 1, 0, 0, 0)
    return elsewhere


def amount(pid: int | str, *names: str) -> int:
    """The sum of some lines of /proc/PID/status, in bytes; 0 of a process that has ended."""
    try:
        lines = Path(f"/proc/{pid}/status").read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return 0
    fields = dict(line.split(":", 1) for line in lines if ":" in line)
    return sum(1024 * int(fields[name].split()[0]) for name in names if name in fields)


def memory(pid: int) -> int:
    """Bytes that a process holds, with the tables that say where; what it maps from files is everybody's."""
    return amount(pid, "RssAnon", "RssShmem", "VmSwap", "VmPTE")


def in_folders(*folders: str) -> int:
    """Bytes in those of these folders that lie in memory, where an empty file takes some, too."""
    found = {os.stat(folder).st_dev: os.statvfs(folder) for folder in folders if os.path.ismount(folder)}
    blocks = sum((space.f_blocks - space.f_bfree) * space.f_frsize for space in found.values())
    return blocks + FILE * sum(space.f_files - space.f_ffree for space in found.values())


def in_sockets() -> int:
    """Bytes that may wait, unread, in the sockets of this namespace."""
    with open("/proc/net/unix", encoding="utf-8", errors="replace") as table:
        return SOCKET * (sum(1 for _ in table) - 1)


def cpu(pid: int) -> float:
    """Seconds of the CPU that a process has used, and those that it has waited for."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return 0.0
    ticks = stat.rpartition(")")[2].split()[11:15]  # user, system; the same of its dead children
    return sum(map(int, ticks)) / os.sysconf("SC_CLK_TCK")


def below(*known: int) -> dict[int, str]:
    """The state of every process below this one; dead orphans are buried on the way, dead `known` children are not."""
    parents, states, me = {}, {}, os.getpid()
    for name in os.listdir("/proc"):
        if name.isdigit():
            try:
                stat = Path("/proc", name, "stat").read_text(encoding="utf-8", errors="replace")
            except OSError:
                continue
            # Before it stands a program's name: anything at all.
            state, parent = stat.rpartition(")")[2].split()[:2]
            if state in "ZX" and int(parent) == me and int(name) not in known:
                bury(int(name))
            else:
                parents[int(name)], states[int(name)] = int(parent), state
    found, ring = {}, {me}
    while ring:
        ring = {pid for pid, parent in parents.items() if parent in ring} - {me}
        found |= {pid: states[pid] for pid in ring}
    return found


# Seconds of the CPU of all orphans that were buried here, and of those whom they had buried.
buried = 0.0


def bury(pid: int) -> None:
    global buried
    with suppress(ChildProcessError):
        _, _, used = os.wait4(pid, os.WNOHANG)
        buried += used.ru_utime + used.ru_stime


def socket_pair() -> tuple[int, int]:
    """Two ends of a line. Unlike a pipe's, nobody can open the other's end by way of /proc, and fill it."""
    mine, theirs = socket.socketpair()
    return mine.detach(), theirs.detach()


def kill(pid: int, sent: int) -> None:
    with suppress(ProcessLookupError):
        os.kill(pid, sent)


def close_all_but(keep: set[int]) -> None:
    for name in os.listdir("/proc/self/fd"):
        if int(name) not in keep:
            with suppress(OSError):  # the one that listed them
                os.close(int(name))
