"""Seals the calling process: after `seal` it can compute, read its socket and write to it, and nothing else.

Five kernel layers, each of which would hold most escapes alone: another user, no new privileges, resource limits,
Landlock, seccomp. Where the kernel lacks one the others still apply, and the caller is told.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import resource
import signal
import sys
from collections.abc import Callable

from tool_gym.sandbox import landlock, seccomp

LAYERS = ("user", "no_new_privs", "limits", "landlock", "seccomp")
"""The kernel layers, in the order in which they are put in force."""

NOBODY = 65534
_MAX_DESCRIPTORS = 16
_STACK_BYTES = 96 << 20
"""Python follows and frees long chains of iterators, slices and the like by recursion in C: twelve times the usual room
lets a chain of some 200,000 end well, and of longer ones most reach the limit of memory first."""
_PR_SET_PDEATHSIG, _PR_SET_DUMPABLE, _PR_SET_NO_NEW_PRIVS = 1, 4, 38


def seal(memory_limit_mb: int, cpu_limit_s: int) -> dict[str, str | None]:
    """Puts all layers in force; everything that is needed later must be imported by now.

    Args:
        memory_limit_mb: Address space that the process may use, in MiB.
        cpu_limit_s: Processor seconds after which the kernel ends the process.

    Returns:
        For each of `LAYERS` None if it is in force, else why it is not.
    """
    steps: tuple[Callable[[], None], ...] = (
        _leave_root,
        _no_new_privileges,
        lambda: _limit_resources(memory_limit_mb, cpu_limit_s),
        landlock.restrict,
        seccomp.restrict,
    )
    missing: dict[str, str | None] = {}
    for layer, step in zip(LAYERS, steps, strict=True):
        try:
            step()
        except (OSError, ValueError, AttributeError) as error:  # AttributeError: a platform without the call
            missing[layer] = str(error) or type(error).__name__
        else:
            missing[layer] = None
    return missing


def _leave_root() -> None:
    """Becomes nobody if this is root; the user of an unprivileged trainer it cannot leave."""
    parent = os.getppid()
    # Should the machine run out of memory, this process is the one to end.
    with contextlib.suppress(OSError), open("/proc/self/oom_score_adj", "w") as file:
        file.write("1000")
    if os.geteuid() == 0 or os.getuid() == 0:
        os.setgroups([])
        os.setresgid(NOBODY, NOBODY, NOBODY)
        os.setresuid(NOBODY, NOBODY, NOBODY)
    if sys.platform == "linux":  # a change of user clears both, so they come after it
        _prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
        _prctl(_PR_SET_DUMPABLE, 0)
        if os.getppid() != parent:  # it died before this process asked to die with it
            raise SystemExit


def _no_new_privileges() -> None:
    _prctl(_PR_SET_NO_NEW_PRIVS, 1)


def _limit_resources(memory_limit_mb: int, cpu_limit_s: int) -> None:
    limits = {
        resource.RLIMIT_CORE: 0,
        resource.RLIMIT_FSIZE: 0,
        resource.RLIMIT_NPROC: 0,
        resource.RLIMIT_NOFILE: _MAX_DESCRIPTORS,
        resource.RLIMIT_CPU: cpu_limit_s,
        resource.RLIMIT_AS: memory_limit_mb << 20,
        resource.RLIMIT_STACK: _STACK_BYTES,
    }
    for kind, value in limits.items():
        hard = resource.getrlimit(kind)[1]
        value = value if hard == resource.RLIM_INFINITY else min(value, hard)
        resource.setrlimit(kind, (value, value))


def _prctl(option: int, value: int) -> None:
    libc = ctypes.CDLL(None, use_errno=True)
    zero = ctypes.c_ulong(0)
    if libc.prctl(option, ctypes.c_ulong(value), zero, zero, zero) != 0:
        raise OSError(ctypes.get_errno(), f"prctl({option}) failed")
