"""The files of a pack's folder: their names, and how they are opened without trusting the folder.

It imports no pydantic, because `import tool_gym` finds and registers packs with it.
"""

from __future__ import annotations

import functools
import hashlib
import os
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from tool_gym.errors import PackError

MANIFEST, IDS, README, ERRATA = "pack.json", "ids.txt", "README.md", "errata.json"
SCENARIOS, TOOLS, TABLES = "scenarios.jsonl", "tools.jsonl", "tables.jsonl"
ROW_FILES = (SCENARIOS, TOOLS, TABLES)
INDEXES = {name: name.replace(".jsonl", ".idx") for name in ROW_FILES}
"""The offset sidecar of each file of rows."""
KEYS = {SCENARIOS: "id", TOOLS: "sha256", TABLES: "sha256"}
"""The field by which the rows of each file are found; it is the first of its row."""

MAX_ROW_BYTES = 64 << 20
"""Longest row that is read; a longer one is refused, so that a broken file cannot fill the memory."""
MAX_SMALL_FILE_BYTES = 256 << 20
"""Longest file that is read whole (the manifest, the list of ids, a sidecar)."""


def find_inside(folder: Path, name: str) -> str:
    """The real path of a file of a pack's folder.

    Args:
        folder: The pack's folder; it may itself be a link.
        name: Name of a file in it.

    Raises:
        PackError: If the file is missing, or is a link that leads out of the folder.
    """
    path = folder / name
    try:
        real = path.resolve(strict=True)
        inside = real.is_relative_to(folder.resolve())
    except (OSError, RuntimeError, ValueError) as error:
        raise _unreadable(path, error) from None
    if not inside:
        raise PackError(f"{path}: a link that leads out of the pack's folder; expected a file of its own")
    return str(real)


def open_regular(path: str) -> int:
    """Opens a regular file for reading, given its real path; returns its descriptor.

    Raises:
        PackError: If it cannot be opened, or is no regular file.
    """
    try:
        # Without O_NONBLOCK, opening a named pipe would wait for its writer.
        number = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError as error:
        raise _unreadable(Path(path), error) from None
    if not stat.S_ISREG(os.fstat(number).st_mode):
        os.close(number)
        raise PackError(f"{path}: not a regular file")
    return number


class FileParts:
    """A file of a pack's folder that is read in parts, by any number of threads and forks.

    Attributes:
        path: Its real path.
        size: Its size when it was found.

    Raises:
        PackError: As `find_inside`.
    """

    def __init__(self, folder: Path, name: str) -> None:
        self.path = find_inside(folder, name)
        try:
            status = os.stat(self.path)
        except OSError as error:
            raise _unreadable(Path(self.path), error) from None
        self.size = status.st_size
        self._inode = status.st_ino

    def read(self, start: int, length: int) -> bytes:
        """A part of the file; shorter than `length` where the file ends.

        Raises:
            PackError: As `open_regular`, or if reading fails.
        """
        try:
            return os.pread(_descriptor(self.path, self._inode).number, length, start)
        except (OSError, OverflowError) as error:
            raise _unreadable(Path(self.path), error) from None


class _Descriptor:
    """A descriptor, closed when nobody holds it any more."""

    def __init__(self, number: int) -> None:
        self.number = number

    def __del__(self) -> None:
        os.close(self.number)


@functools.lru_cache(maxsize=64)
def _descriptor(path: str, inode: int) -> _Descriptor:
    """The file at a real path, kept open because opening takes far longer than reading a row.

    The inode is part of the key so that a file in the place of another is opened anew.
    """
    return _Descriptor(open_regular(path))


def _unreadable(path: Path, error: Exception) -> PackError:
    reason = getattr(error, "strerror", None) or error
    return PackError(f"{path}: cannot be read ({reason}); is {path.parent} a whole pack?")


def open_inside(folder: Path, name: str) -> BinaryIO:
    """Opens a file of a pack's folder for reading; see `find_inside` and `open_regular`.

    Raises:
        PackError: If the file is missing, is no regular file, or is a link that leads out of the folder.
    """
    return os.fdopen(open_regular(find_inside(folder, name)), "rb")


def read_small(folder: Path, name: str) -> bytes:
    """The whole content of one of a pack's small files.

    Raises:
        PackError: As `open_inside`, or if the file is longer than `MAX_SMALL_FILE_BYTES`.
    """
    with open_inside(folder, name) as file:
        data = file.read(MAX_SMALL_FILE_BYTES + 1)
    if len(data) > MAX_SMALL_FILE_BYTES:
        raise PackError(f"{folder / name}: longer than {MAX_SMALL_FILE_BYTES:,} bytes, which no pack needs")
    return data


def file_hash(folder: Path, name: str) -> str:
    """SHA-256 of a file's content, 64 hexadecimal digits.

    Raises:
        PackError: As `open_inside`.
    """
    with open_inside(folder, name) as file:
        return hashlib.file_digest(file, "sha256").hexdigest()  # type: ignore[arg-type]


def lines(file: BinaryIO) -> Iterator[bytes]:
    """The file's lines, with their ends; a line past `MAX_ROW_BYTES` comes in pieces, so memory stays bounded."""
    while line := file.readline(MAX_ROW_BYTES):
        yield line


class Place:
    """A row's place in a file; its text names the line, which is counted only when an error is told."""

    def __init__(self, folder: Path, name: str, start: int) -> None:
        self._folder, self._name, self._start = folder, name, start

    def __str__(self) -> str:
        number, left = 1, self._start
        with open_inside(self._folder, self._name) as file:
            while left > 0 and (piece := file.read(min(left, 1 << 20))):
                number, left = number + piece.count(b"\n"), left - len(piece)
        return f"{self._folder / self._name}, line {number}"


def check_advice(folder: Path) -> str:
    """What to do about a broken pack."""
    return f"to see all that is wrong with it, run: tool-gym validate {folder}"
