"""Where each row of a file stands: the offset sidecar that makes the first of 100,000 scenarios come in milliseconds.

A sidecar is a 56-byte header (magic, rows, size and SHA-256 of the file it describes) and three little-endian columns
sorted by key: the key's first 64 bits of SHA-256 (u64), the row's start (u64), the row's length (u32).
It is only a hint: whoever reads a row through it checks that the row is the one that was asked for.

A sidecar stays on disk (that of 800,000 tools would take 16 MB of memory): keys are hashes, hence spread evenly, so
that where one stands can be reckoned from its value, and one small read around that place finds it.
"""

from __future__ import annotations

import hashlib
import math
import re
import struct
import sys
from array import array
from bisect import bisect_left
from collections.abc import Iterator
from typing import BinaryIO

from tool_gym.errors import PackError
from tool_gym.jsonvalue import Json, NotJson, loads
from tool_gym.packs.files import FileParts, lines

_MAGIC = b"TGIDX1\r\n"
_HEADER = struct.Struct("<8sQQ32s")
_COLUMNS = "QQI"
"""Types of the columns: keys, starts, lengths."""
_WIDTHS = [array(code).itemsize for code in _COLUMNS]
_SPREAD = 2
"""A key stands within so many square roots of the number of rows of the place that is reckoned, in nearly all cases:
that is four standard deviations at least."""


def key_hash(key: str) -> int:
    """The 64 bits by which a row is found."""
    return int.from_bytes(hashlib.sha256(key.encode("utf-8", "replace")).digest()[:8], "little")


class RowIndex:
    """Finds rows by key, in memory."""

    def __init__(self, keys: array[int], starts: array[int], lengths: array[int]) -> None:
        self._keys, self._starts, self._lengths = keys, starts, lengths

    def find(self, key: str) -> tuple[int, int] | None:
        """Start and length in bytes of the row with this key, or None; to be checked by reading the row."""
        wanted = key_hash(key)
        place = bisect_left(self._keys, wanted)
        if place == len(self._keys) or self._keys[place] != wanted:
            return None
        return self._starts[place], self._lengths[place]

    def dump(self, size: int, sha256: str) -> bytes:
        """The sidecar's bytes, for a file of this size and SHA-256."""
        header = _HEADER.pack(_MAGIC, len(self._keys), size, bytes.fromhex(sha256))
        return header + b"".join(_swap(column).tobytes() for column in (self._keys, self._starts, self._lengths))


class Sidecar:
    """Finds rows by key, in a sidecar's file.

    Args:
        file: The sidecar.
        size: Size of the file that it is to describe.
        sha256: SHA-256 of that file.

    Raises:
        PackError: If it cannot be read, is broken, or belongs to another file.
    """

    def __init__(self, file: FileParts, size: int, sha256: str) -> None:
        header = file.read(0, _HEADER.size)
        wanted = (_MAGIC, size, bytes.fromhex(sha256))
        magic, rows, *of_file = _HEADER.unpack(header.ljust(_HEADER.size, b"\0"))
        if (magic, *of_file) != wanted or file.size != _HEADER.size + rows * sum(_WIDTHS):
            raise PackError(f"{file.path}: not the sidecar of this file")
        self._file, self._rows = file, rows
        self._bases = [_HEADER.size + rows * sum(_WIDTHS[:number]) for number in range(len(_COLUMNS))]

    def find(self, key: str) -> tuple[int, int] | None:
        """Start and length in bytes of the row with this key, or None; to be checked by reading the row."""
        wanted = key_hash(key)
        near, reach = wanted * self._rows >> 64, _SPREAD * math.isqrt(self._rows) + 1
        low, high = max(0, near - reach), min(self._rows, near + reach)
        keys = self._column(0, low, high - low)
        place = bisect_left(keys, wanted)
        if place == len(keys) or (keys[place] != wanted and not place):  # it stands elsewhere, or nowhere
            keys, low = self._column(0, 0, self._rows), 0
            place = bisect_left(keys, wanted)
        if place == len(keys) or keys[place] != wanted:
            return None
        start, length = self._column(1, low + place, 1), self._column(2, low + place, 1)
        return (start[0], length[0]) if start and length else None

    def _column(self, number: int, first: int, count: int) -> array[int]:
        """Some values of a column; fewer where the file was cut short or is gone."""
        column, width = array(_COLUMNS[number]), _WIDTHS[number]
        try:
            data = self._file.read(self._bases[number] + first * width, count * width)
        except PackError:
            return column
        column.frombytes(data[: len(data) - len(data) % width])
        return _swap(column)


def _swap(column: array[int]) -> array[int]:
    """The column from or to little-endian, which most machines are."""
    if sys.byteorder == "big":
        column = column[:]
        column.byteswap()
    return column


class IndexBuilder:
    """Collects the places of rows while they are written or scanned."""

    def __init__(self) -> None:
        self._keys, self._starts, self._lengths = (array(code) for code in _COLUMNS)

    def add(self, key: str, start: int, length: int) -> None:
        """Notes a row: its key, and its start and length in bytes, the line's end not counted."""
        self._keys.append(key_hash(key))
        self._starts.append(start)
        self._lengths.append(length)

    def build(self) -> RowIndex:
        """The index of all rows noted so far; of rows with one key, the first is found."""
        order = sorted(range(len(self._keys)), key=self._keys.__getitem__)
        columns = (self._keys, self._starts, self._lengths)
        return RowIndex(*(array(column.typecode, map(column.__getitem__, order)) for column in columns))


def scan(file: BinaryIO, field: str) -> RowIndex:
    """Builds the index of a file of rows by reading it; rows that cannot be read are left out.

    Args:
        file: One JSON object a line.
        field: The field that holds the key.
    """
    builder = IndexBuilder()
    for key, start, length in keyed_rows(file, field):
        builder.add(key, start, length)
    return builder.build()


def keyed_rows(file: BinaryIO, field: str) -> Iterator[tuple[str, int, int]]:
    """Key, start and length (without the line's end) of each row of a file; rows that cannot be read are left out."""
    # Rows as this package writes them begin with the key, which spares the parsing of the rest.
    prefix = re.compile(rb'\{"%s":"([A-Za-z0-9-]+)"' % field.encode())
    start = 0
    for line in lines(file):
        found = prefix.match(line)
        key = found[1].decode() if found else _parsed_key(line, field)
        if key is not None:
            yield key, start, len(line.rstrip(b"\r\n"))
        start += len(line)


def _parsed_key(line: bytes, field: str) -> str | None:
    try:
        row: Json = loads(line)
    except NotJson:
        return None
    key = row.get(field) if isinstance(row, dict) else None
    return key if isinstance(key, str) else None
