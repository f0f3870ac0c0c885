"""A file that one process at a time writes to, held until it is closed."""

from __future__ import annotations

import fcntl
from pathlib import Path
from typing import BinaryIO

from tool_gym.errors import InputError


def open_locked(path: Path) -> BinaryIO:
    """Opens a file for reading and appending; makes it, and its folder, if it is not there.

    Raises:
        InputError: If it cannot be opened, or another process holds it.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        file = path.open("a+b")
    except OSError as error:
        raise InputError(f"{path}: cannot be opened ({error.strerror}); choose another place") from None
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        file.close()
        raise InputError(f"{path}: another process writes it; wait for its end, or choose another place") from None
    return file
