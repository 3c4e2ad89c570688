"""What the keeper counts: memory and time that no single line of a process's account shows."""

import mmap
import os
import sys
import time

import pytest

from exercises.grader.sandbox import INSIDE


@pytest.fixture
def processes(monkeypatch):
    """As the keeper sees it, whose folder is in the path."""
    monkeypatch.syspath_prepend(str(INSIDE))
    import processes

    yield processes
    for name in ("processes", "seccomp"):
        sys.modules.pop(name)


def test_tables_of_memory_count(processes, tmp_path):
    """A page in every second megabyte of a file: nothing that is the process's own but the tables that say where."""
    with open(tmp_path / "large", "wb+") as file:
        file.truncate(2 << 30)
        before = processes.memory(os.getpid())
        with mmap.mmap(file.fileno(), 0, mmap.MAP_SHARED, mmap.PROT_READ) as block:
            block.madvise(mmap.MADV_RANDOM)
            assert sum(block[at] for at in range(0, 2 << 30, 2 << 20)) == 0
            assert processes.memory(os.getpid()) - before > 1024 * 4096 * 0.9


def test_time_of_dead_children_counts(processes):
    before = processes.cpu(os.getpid())
    pid = os.fork()
    if not pid:
        while time.process_time() < 0.3:
            pass
        os._exit(0)
    os.waitpid(pid, 0)
    assert processes.cpu(os.getpid()) - before > 0.2


def test_empty_files_count(processes, monkeypatch):
    """Of two looks at one folder, the second finds a thousand files more and not a block."""
    space = {"f_blocks": 10, "f_bfree": 4, "f_frsize": 4096, "f_files": 5000, "f_ffree": 4990}
    monkeypatch.setattr(os.path, "ismount", lambda folder: True)
    monkeypatch.setattr(os, "statvfs", lambda folder: type("Space", (), space))
    before = processes.in_folders("/tmp")
    space["f_ffree"] -= 1000
    assert before > 6 * 4096 and processes.in_folders("/tmp") - before == 1000 * processes.FILE


def test_sockets_count(processes):
    import socket

    before = processes.in_sockets()
    pairs = [socket.socketpair() for _ in range(50)]
    full = 0
    for one, _ in pairs[:1]:
        one.setblocking(False)
        try:
            while True:
                full += one.send(bytes(4096))
        except BlockingIOError:
            pass
    assert 0 < full < processes.SOCKET
    assert processes.in_sockets() - before >= 60 * processes.SOCKET  # others may close some in the meantime
    for pair in pairs:
        for end in pair:
            end.close()
