"""One file of rows, read row by row through its offset sidecar."""

from __future__ import annotations

import functools
from pathlib import Path

from tool_gym.errors import PackError
from tool_gym.jsonvalue import Json
from tool_gym.packs.files import INDEXES, KEYS, MAX_ROW_BYTES, FileParts, Place, check_advice, open_inside
from tool_gym.packs.index import RowIndex, Sidecar, scan
from tool_gym.packs.rows import decode_row

_AHEAD = 16384
"""Bytes that are read beyond a row: tools stand one after another where a scenario was the first to use them."""


class RowFile:
    """Random access to `scenarios.jsonl`, `tools.jsonl` or `tables.jsonl`."""

    def __init__(self, folder: Path, name: str, sha256: str | None) -> None:
        self._folder, self._name, self._sha256 = folder, name, sha256
        self._advice = check_advice(folder)
        self._index: RowIndex | Sidecar | None = None
        self._scanned = False
        self._asked: tuple[str | None, tuple[int, int] | None] = (None, None)  # the key last looked for, and its place
        self._next = (0, b"")  # place and bytes of what follows the row that was read last

    @property
    def index(self) -> RowIndex | Sidecar:
        """The places of the rows: from the sidecar where it belongs to this file, else found now by a scan.

        Raises:
            PackError: If the file cannot be read.
        """
        if self._index is None:
            self._index = self._sidecar() or self._scan()
        return self._index

    def find(self, key: str) -> tuple[int, int] | None:
        """Start and length in bytes of the row with this key by the index, or None; to be checked by reading the row.

        Raises:
            PackError: If the file cannot be read.
        """
        # Whoever asks whether there is a row asks next for the row.
        if self._asked[0] != key:
            self._asked = (key, self.index.find(key))
        return self._asked[1]

    def has(self, key: str) -> bool:
        """Whether there is a row with this key; a miss reads the whole file once, in case the sidecar is too old.

        Raises:
            PackError: If the file cannot be read.
        """
        if self.find(key) is None and not self._scanned:
            self._index = self._scan()
        return self.find(key) is not None

    def get(self, key: str) -> tuple[dict[str, Json], Place]:
        """The row with this key, and its place.

        Raises:
            PackError: If there is no such row, or it is broken.
        """
        row = self._read(key)
        if row is None and not self._scanned:
            # The sidecar fits by size and hash, yet not by content: the file was changed by hand.
            self._index = self._scan()
            row = self._read(key)
        if row is None:
            path = self._folder / self._name
            raise PackError(f"{path}: no row has the {KEYS[self._name]} {key!r}; {self._advice}")
        return row

    def _read(self, key: str) -> tuple[dict[str, Json], Place] | None:
        found = self._following(key) or self._found(key)
        if found is None:
            return None
        start, line = found
        place = Place(self._folder, self._name, start)
        try:
            if len(line) > MAX_ROW_BYTES:
                raise PackError(f"{place}: the row is longer than {MAX_ROW_BYTES:,} bytes")
            row = decode_row(line, place, self._advice)
        except PackError:
            if self._scanned:
                raise
            return None
        return (row, place) if row.get(KEYS[self._name]) == key else None

    def _following(self, key: str) -> tuple[int, bytes] | None:
        """Start and line of the row after the one that was read last, if it has this key and was read along."""
        start, data = self._next
        if not data.startswith(f'{{"{KEYS[self._name]}":"{key}"'.encode()):
            return None
        line, end, rest = data.partition(b"\n")
        self._next = (start + len(line) + 1, rest)
        return (start, line) if end else None

    def _found(self, key: str) -> tuple[int, bytes] | None:
        """Start and line of the row with this key by the index; of too long a line one byte more than is taken."""
        found = self.find(key)
        if found is None:
            return None
        start, length = found
        length = min(length, MAX_ROW_BYTES + 1)
        data = self._file.read(start, length + _AHEAD)
        self._next = (start + length + 1, data[length + 1 :])
        return start, data[:length]

    @functools.cached_property
    def _file(self) -> FileParts:
        return FileParts(self._folder, self._name)

    def _sidecar(self) -> Sidecar | None:
        if self._sha256 is None:
            return None
        try:
            return Sidecar(FileParts(self._folder, INDEXES[self._name]), self._file.size, self._sha256)
        except PackError:
            return None

    def _scan(self) -> RowIndex:
        self._scanned, self._asked = True, (None, None)
        with open_inside(self._folder, self._name) as file:
            return scan(file, KEYS[self._name])
