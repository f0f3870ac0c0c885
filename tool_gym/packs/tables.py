"""A pack's tables, by content hash, each read from disk when it is asked for."""

from __future__ import annotations

import functools
from collections.abc import Iterator, Mapping
from pathlib import Path

from tool_gym.jsonvalue import Json
from tool_gym.packs.files import KEYS, TABLES, check_advice, open_inside
from tool_gym.packs.index import keyed_rows
from tool_gym.packs.rowfile import RowFile
from tool_gym.packs.rows import read_table

_KEPT = 32


class Tables(Mapping[str, Json]):
    """`tables.jsonl` as a mapping; what it returns is shared, so copy a table before changing it."""

    def __init__(self, folder: Path, sha256: str | None, count: int) -> None:
        self._folder, self._count = folder, count
        self._file = RowFile(folder, TABLES, sha256)
        self._sha256 = sha256
        self._table = functools.lru_cache(_KEPT)(self._read)

    def __reduce__(self) -> tuple[type[Tables], tuple[Path, str | None, int]]:
        return type(self), (self._folder, self._sha256, self._count)

    def __getitem__(self, sha256: str) -> Json:
        """The content of the table with this hash.

        Raises:
            KeyError: If the pack has none.
            PackError: If its row is broken.
        """
        if sha256 not in self:
            raise KeyError(sha256)
        return self._table(sha256)

    def __contains__(self, sha256: object) -> bool:
        return isinstance(sha256, str) and self._file.has(sha256)

    def __iter__(self) -> Iterator[str]:
        with open_inside(self._folder, TABLES) as file:
            for key, _, _ in keyed_rows(file, KEYS[TABLES]):
                yield key

    def __len__(self) -> int:
        return self._count

    def _read(self, sha256: str) -> Json:
        row, place = self._file.get(sha256)
        return read_table(row, place, check_advice(self._folder))
