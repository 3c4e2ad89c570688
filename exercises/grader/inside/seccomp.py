"""System calls that no answer needs, refused by the kernel for good.

Some give memory that belongs to no process, so that no limit counts it; some make namespaces, in which one is root
again and may mount a file system of any size; some look into other processes, or are there for the kernel's own people.
Of some, only certain uses are refused (`uses`), among them every socket but those inside one machine: a namespace
without a network still has the sockets that lead from a virtual machine to its host.
"""

import ctypes
import errno
import platform

NO_NEW_RIGHTS, SECCOMP, FILTER = 38, 22, 2  # of prctl(2)
# name: (number on x86_64, number on aarch64)
REFUSED = {
    "memfd_create": (319, 279),
    "memfd_secret": (447, 447),
    "shmget": (29, 194),
    "msgget": (68, 186),
    "semget": (64, 190),
    "unshare": (272, 97),
    "setns": (308, 268),
    "mount": (165, 40),
    "umount2": (166, 39),
    "pivot_root": (155, 41),
    "open_tree": (428, 428),
    "move_mount": (429, 429),
    "fsopen": (430, 430),
    "fsmount": (432, 432),
    "fspick": (433, 433),
    "mount_setattr": (442, 442),
    "ptrace": (101, 117),
    "process_vm_readv": (310, 270),
    "process_vm_writev": (311, 271),
    "pidfd_getfd": (438, 438),
    "open_by_handle_at": (304, 265),
    "userfaultfd": (323, 282),
    "io_uring_setup": (425, 425),
    "io_setup": (206, 0),
    "vmsplice": (278, 75),
    "bpf": (321, 280),
    "perf_event_open": (298, 241),
    "add_key": (248, 217),
    "request_key": (249, 218),
    "keyctl": (250, 219),
}
CLONE, CLONE3, MMAP, SOCKET, SETSOCKOPT = (56, 220), (435, 435), (9, 222), (41, 198), (54, 208)
SHARED, ANONYMOUS = 1, 0x20  # of mmap(2): together, memory that stays when no process shows it any more
UNIX = 1  # the family of socket(2) that does not leave the machine
SEND_BUFFER, SEND_BUFFER_BY_FORCE = 7, 32  # of socket(7): what a socket holds unread, by default 208 KiB
NAMESPACES = 0x7E020000  # the flags of clone(2) that make namespaces
MACHINES = {"x86_64": (0, 0xC000003E), "aarch64": (1, 0xC00000B7)}
ALLOW, REFUSE = 0x7FFF0000, 0x00050000
LOAD, EQUAL, AT_LEAST, ANY, RETURN = 0x20, 0x15, 0x35, 0x45, 0x06  # of classic BPF
UNLESS = -1  # equal, the other way round
NUMBER, MACHINE, ARGUMENTS = 0, 4, 16  # where these lie in what the filter is shown, 8 bytes an argument


class Instruction(ctypes.Structure):
    _fields_ = [
        ("code", ctypes.c_uint16),
        ("yes", ctypes.c_uint8),
        ("no", ctypes.c_uint8),
        ("k", ctypes.c_uint32),
    ]


class Program(ctypes.Structure):
    _fields_ = [("length", ctypes.c_uint16), ("code", ctypes.POINTER(Instruction))]


def program(machine: str) -> list[tuple[int, int, int, int]]:
    """The filter: (what, steps to skip if so, steps to skip if not, number)."""
    which, name = MACHINES[machine]
    never, unknown = REFUSE | errno.EPERM, REFUSE | errno.ENOSYS
    code = [(LOAD, 0, 0, MACHINE), (EQUAL, 1, 0, name), (RETURN, 0, 0, unknown), (LOAD, 0, 0, NUMBER)]
    code += [(AT_LEAST, 0, 1, 1 << 30), (RETURN, 0, 0, unknown)]  # x86 has a second set of numbers up there
    for numbers in REFUSED.values():
        code += [(EQUAL, 0, 1, numbers[which]), (RETURN, 0, 0, never)]
    code += [
        (EQUAL, 0, 1, CLONE3[which]),
        (RETURN, 0, 0, unknown),
    ]  # its flags cannot be seen; clone(2) does as well
    for numbers, tests in uses():
        code += [(LOAD, 0, 0, NUMBER), (EQUAL, 0, 2 * len(tests) + 1, numbers[which])]
        for at, (argument, what, value) in enumerate(tests):
            behind = 2 * (len(tests) - at) - 1  # steps to the end of this use
            skip = (behind, 0) if what == UNLESS else (0, behind)
            code += [
                (LOAD, 0, 0, ARGUMENTS + 8 * argument),
                (EQUAL if what == UNLESS else what, *skip, value),
            ]
        code += [(RETURN, 0, 0, never)]
    return [*code, (RETURN, 0, 0, ALLOW)]


def uses() -> list[tuple[tuple[int, int], list[tuple[int, int, int]]]]:
    """Calls that are refused if all tests of their arguments hold: (which argument, how to test it, with what)."""
    return [
        (CLONE, [(0, ANY, NAMESPACES)]),
        (MMAP, [(3, ANY, ANONYMOUS), (3, ANY, SHARED)]),
        (SOCKET, [(0, UNLESS, UNIX)]),
        (SETSOCKOPT, [(2, EQUAL, SEND_BUFFER)]),
        (SETSOCKOPT, [(2, EQUAL, SEND_BUFFER_BY_FORCE)]),
    ]


def refuse() -> None:
    """Put the filter on this process and all that it starts; on another kind of machine, nothing."""
    if platform.machine() not in MACHINES:
        return
    steps = program(platform.machine())
    made = Program(len(steps), (Instruction * len(steps))(*(Instruction(*step) for step in steps)))
    libc = ctypes.CDLL(None, use_errno=True)
    libc.prctl(NO_NEW_RIGHTS, 1, 0, 0, 0)
    if libc.prctl(SECCOMP, FILTER, ctypes.byref(made)) and ctypes.get_errno() != errno.EINVAL:
        raise OSError(ctypes.get_errno(), "seccomp")  # EINVAL: a kernel that has no such thing
