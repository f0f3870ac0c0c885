"""One file of rows, read row by row through its offset sidecar."""

from __future__ import annotations

import functools
import os
from pathlib import Path

from tool_gym.errors import PackError
from tool_gym.jsonvalue import Json
from tool_gym.packs.files import (
    INDEXES,
    KEYS,
    MAX_ROW_BYTES,
    Place,
    check_advice,
    find_inside,
    open_inside,
    read_part,
)
from tool_gym.packs.index import RowIndex, scan
from tool_gym.packs.rows import decode_row


class RowFile:
    """Random access to `scenarios.jsonl`, `tools.jsonl` or `tables.jsonl`.

    The file is opened for each read, so that a pack may be pickled, shared by threads and carried over a fork.
    """

    def __init__(self, folder: Path, name: str, sha256: str | None) -> None:
        self._folder, self._name, self._sha256 = folder, name, sha256
        self._advice = check_advice(folder)
        self._index: RowIndex | None = None
        self._scanned = False

    @property
    def index(self) -> RowIndex:
        """The places of the rows: from the sidecar where it belongs to this file, else found now by a scan.

        Raises:
            PackError: If the file cannot be read.
        """
        if self._index is None:
            self._index = self._sidecar() or self._scan()
        return self._index

    def has(self, key: str) -> bool:
        """Whether there is a row with this key; a miss reads the whole file once, in case the sidecar is too old.

        Raises:
            PackError: If the file cannot be read.
        """
        if self.index.find(key) is None and not self._scanned:
            self._index = self._scan()
        return self.index.find(key) is not None

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
        found = self.index.find(key)
        if found is None:
            return None
        start, length = found
        place = Place(self._folder, self._name, start)
        try:
            if length > MAX_ROW_BYTES:
                raise PackError(f"{place}: the row is longer than {MAX_ROW_BYTES:,} bytes")
            row = decode_row(read_part(self._path, start, length), place, self._advice)
        except PackError:
            if self._scanned:
                raise
            return None
        return (row, place) if row.get(KEYS[self._name]) == key else None

    @functools.cached_property
    def _path(self) -> str:
        """The file's real path; to find it costs more than to read a row."""
        return find_inside(self._folder, self._name)

    def _sidecar(self) -> RowIndex | None:
        if self._sha256 is None:
            return None
        try:
            with open_inside(self._folder, self._name) as rows:
                size = os.fstat(rows.fileno()).st_size
            with open_inside(self._folder, INDEXES[self._name]) as file:
                return RowIndex.load(file, size, self._sha256)
        except (PackError, EOFError):
            return None

    def _scan(self) -> RowIndex:
        self._scanned = True
        with open_inside(self._folder, self._name) as file:
            return scan(file, KEYS[self._name])
