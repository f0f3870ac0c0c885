"""A seccomp filter: the few system calls that a sealed worker may still make.

The list is what CPython needs to compute, to allocate memory, to read requests and to write replies. Everything else is
answered EPERM, so that a library that tries has an exception to handle; a foreign calling convention ends the process.
"""

from __future__ import annotations

import ctypes
import errno
import platform
import struct
from collections.abc import Iterator
from typing import NamedTuple

_PR_SET_SECCOMP, _MODE_FILTER = 22, 2
_ALLOW, _ERRNO, _KILL = 0x7FFF0000, 0x00050000, 0x80000000
# Instructions of classic BPF: load a 32-bit word, compare, test bits, return.
_LOAD, _EQUAL, _AT_LEAST, _ANY_BIT, _RETURN = 0x20, 0x15, 0x35, 0x45, 0x06
# Where `struct seccomp_data` has its fields.
_NUMBER, _ARCHITECTURE, _ARGUMENTS = 0, 4, 16
_PROT_EXEC = 4
_X32 = 0x40000000


# Number on x86_64, number on aarch64.
_CALLS = {
    "brk": (12, 214),
    "clock_getres": (229, 114),
    "clock_gettime": (228, 113),
    "close": (3, 57),
    "exit": (60, 93),
    "exit_group": (231, 94),
    "futex": (202, 98),
    "getpid": (39, 172),
    "getrandom": (318, 278),
    "gettid": (186, 178),
    "gettimeofday": (96, 169),
    "madvise": (28, 233),
    "mmap": (9, 222),
    "mprotect": (10, 226),
    "mremap": (25, 216),
    "munmap": (11, 215),
    "recvfrom": (45, 207),
    "restart_syscall": (219, 128),
    "rt_sigprocmask": (14, 135),
    "rt_sigreturn": (15, 139),
    "sched_setaffinity": (203, 122),
    "sched_setscheduler": (144, 119),
    "sched_yield": (24, 124),
    "sendto": (44, 206),
    "setpriority": (141, 140),
    "sigaltstack": (131, 132),
}
# Bits that an argument may not have, by its place: no executable memory, no process but the calling one, no policy
# but SCHED_IDLE (5) and what shares its bits.
_FORBIDDEN_BITS = {
    "mmap": {2: _PROT_EXEC},
    "mprotect": {2: _PROT_EXEC},
    "sched_setaffinity": {0: 0xFFFFFFFF},
    "sched_setscheduler": {0: 0xFFFFFFFF, 1: 0xFFFFFFFF & ~5},
    "setpriority": {0: 0xFFFFFFFF, 1: 0xFFFFFFFF},
}


class Machine(NamedTuple):
    """What a filter must know of a processor: its audit number, and its allowed system calls by name."""

    audit: int
    calls: dict[str, int]


MACHINES = {
    "x86_64": Machine(0xC000003E, {name: numbers[0] for name, numbers in _CALLS.items()}),
    "aarch64": Machine(0xC00000B7, {name: numbers[1] for name, numbers in _CALLS.items()}),
}
"""The processors that have a filter."""


class _Program(ctypes.Structure):
    _fields_ = [("length", ctypes.c_ushort), ("code", ctypes.c_char_p)]


def allow_list(machine: Machine) -> bytes:
    """The filter as BPF instructions of 8 bytes each."""
    return b"".join(struct.pack("<HBBI", *instruction) for instruction in _instructions(machine))


def install(code: bytes) -> None:
    """Puts a filter in force for this thread and all that it starts; needs no_new_privs; cannot be undone.

    Raises:
        OSError: If the kernel has no seccomp, or refuses the filter.
    """
    libc = ctypes.CDLL(None, use_errno=True)
    program = _Program(len(code) // 8, code)
    arguments = (ctypes.c_ulong(_MODE_FILTER), ctypes.byref(program), ctypes.c_ulong(0), ctypes.c_ulong(0))
    if libc.prctl(_PR_SET_SECCOMP, *arguments) != 0:
        raise OSError(ctypes.get_errno(), "prctl(PR_SET_SECCOMP) failed")


def restrict() -> None:
    """Installs the allow-list of this machine's processor.

    Raises:
        OSError: If there is none for it, or the kernel refuses.
    """
    name = platform.machine()
    if name not in MACHINES:
        raise OSError(errno.ENOSYS, f"no seccomp filter for {name}; there are some for {', '.join(MACHINES)}")
    install(allow_list(MACHINES[name]))


def _instructions(machine: Machine) -> Iterator[tuple[int, int, int, int]]:
    yield (_LOAD, 0, 0, _ARCHITECTURE)
    yield (_EQUAL, 1, 0, machine.audit)
    yield (_RETURN, 0, 0, _KILL)
    yield (_LOAD, 0, 0, _NUMBER)
    yield (_AT_LEAST, 0, 1, _X32)
    yield (_RETURN, 0, 0, _KILL)
    for name, number in machine.calls.items():
        checks = _FORBIDDEN_BITS.get(name, {})
        yield (_EQUAL, 0, 3 * len(checks) + 1, number)
        for place, bits in checks.items():
            yield (_LOAD, 0, 0, _ARGUMENTS + 8 * place)
            yield (_ANY_BIT, 0, 1, bits)
            yield (_RETURN, 0, 0, _ERRNO | errno.EPERM)
        yield (_RETURN, 0, 0, _ALLOW)
    yield (_RETURN, 0, 0, _ERRNO | errno.EPERM)
