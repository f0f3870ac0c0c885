"""Which processor the calling thread runs on."""

from __future__ import annotations

import ctypes
from collections.abc import Callable


def _find() -> Callable[[], int]:
    try:
        # PyDLL keeps the interpreter's lock: the call takes less time than letting go of it.
        return ctypes.PyDLL(None).sched_getcpu
    except AttributeError:  # not Linux
        return lambda: -1


current_cpu: Callable[[], int] = _find()
"""Number of the calling thread's processor, -1 where the platform does not say."""
