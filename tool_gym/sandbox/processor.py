"""Which processor the calling thread runs on, and how to keep it there for the time of a round trip."""

from __future__ import annotations

import ctypes
from collections.abc import Callable
from typing import Any

_MASK_BYTES = 128  # of 1,024 processors, as in C's `cpu_set_t`
_Mask: Any = ctypes.c_char * _MASK_BYTES


class Stay:
    """Keeps the calling thread on one processor between `begin` and `end`; does nothing where the system cannot.

    A worker answers soonest from the processor where its caller waits. Left alone, though, a thread that another one
    wakes is put on an idle processor if there is one: then caller and worker chase each other over the processors of an
    idle machine, at three times the cost of a round trip. Staying costs some 6 us.
    """

    __slots__ = ("_before",)

    def __init__(self) -> None:
        self._before: Any = None

    def begin(self, cpu: int) -> None:
        """Stays on a processor from here on."""
        if 0 <= cpu < 8 * _MASK_BYTES:
            before = _Mask()
            if _libc.sched_getaffinity(0, _MASK_BYTES, before) >= 0:
                self._before = before
                _libc.sched_setaffinity(0, _MASK_BYTES, _mask_of(cpu))

    def end(self) -> None:
        """Lets the thread run where it might before."""
        if self._before is not None:
            _libc.sched_setaffinity(0, _MASK_BYTES, self._before)
            self._before = None


# PyDLL keeps the interpreter's lock: these calls take less time than letting go of it.
_libc = ctypes.PyDLL(None)
_masks: dict[int, Any] = {}


def _mask_of(cpu: int) -> Any:
    mask = _masks.get(cpu)
    if mask is None:
        mask = _masks[cpu] = _Mask.from_buffer_copy((1 << cpu).to_bytes(_MASK_BYTES, "little"))
    return mask


def _nowhere() -> int:
    return -1


current_cpu: Callable[[], int] = getattr(_libc, "sched_getcpu", _nowhere)
"""Number of the calling thread's processor, -1 where the platform does not say."""
