"""`ids.txt`: a line for each scenario, its id and its split. It is all that registration reads of a pack."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import overload

import numpy as np
from numpy.typing import NDArray

from tool_gym.errors import PackError
from tool_gym.names import SLUG
from tool_gym.packs.files import IDS, check_advice, read_small

_LINE = re.compile(rf"({SLUG}) ([A-Za-z0-9_-]{{1,100}})")
_ALL_LINES = re.compile(rf"(?:{SLUG} [A-Za-z0-9_-]{{1,100}}\n)*+".encode())

_SPLIT = re.compile(rb" (.+)\n")


def ids_line(scenario_id: str, split: str) -> str:
    """A scenario's line of `ids.txt`, its end included."""
    return f"{scenario_id} {split}\n"


class Ids(Sequence[str]):
    """Ids in the order of the file, held as its text: 100,000 take 4 MB. Equal to a tuple of the same ids.

    Args:
        text: The content of the file.
        starts: Where in it the ids begin, int[ids].
    """

    def __init__(self, text: bytes, starts: NDArray[np.int64]) -> None:
        self._text, self._starts = text, starts

    def __len__(self) -> int:
        return len(self._starts)

    @overload
    def __getitem__(self, place: int) -> str: ...
    @overload
    def __getitem__(self, place: slice) -> Ids: ...
    def __getitem__(self, place: int | slice) -> str | Ids:
        if isinstance(place, slice):
            return Ids(self._text, self._starts[place])
        start = int(self._starts[place])
        return self._text[start : self._text.index(b" ", start)].decode()

    def __eq__(self, other: object) -> bool:
        return isinstance(other, (Ids, tuple)) and len(other) == len(self) and tuple(other) == tuple(self)

    def __hash__(self) -> int:
        return hash(tuple(self))

    def __repr__(self) -> str:
        return f"Ids({len(self)}: {', '.join(self[:3])}{', ...' if len(self) > 3 else ''})"


class Listing:
    """The ids of a pack's scenarios by split; reads no scenario.

    Attributes:
        splits: The ids of each split, and under "all" those of all.

    Raises:
        PackError: If `ids.txt` is missing, or a line is not an id and a split.
    """

    def __init__(self, folder: str | Path) -> None:
        self._text = _read(Path(folder))
        ends = np.flatnonzero(np.frombuffer(self._text, np.uint8) == ord("\n"))
        starts = np.concatenate([[0], ends + 1])[:-1].astype(np.int64)
        names = _SPLIT.findall(self._text)
        numbers = {name: number for number, name in enumerate(dict.fromkeys(names))}
        which = np.fromiter(map(numbers.__getitem__, names), np.int64, len(names))
        self.splits = {"all": Ids(self._text, starts)}
        for name, number in numbers.items():
            self.splits[name.decode()] = Ids(self._text, starts[which == number])

    def split_of(self, scenario_id: str) -> str | None:
        """The split of a scenario, None if there is none of this id."""
        wanted = f"{scenario_id} ".encode("utf-8", "replace")
        start = 0 if self._text.startswith(wanted) else self._text.find(b"\n" + wanted) + 1
        if not self._text.startswith(wanted, start):
            return None
        return self._text[start + len(wanted) : self._text.index(b"\n", start)].decode()


def read_ids(folder: str | Path) -> dict[str, str]:
    """The split of each scenario of a pack by its id, in the order of `scenarios.jsonl`; reads no scenario.

    Raises:
        PackError: If `ids.txt` is missing, a line is not an id and a split, or an id comes twice.
    """
    path = Path(folder)
    words = _read(path).decode().split()
    ids = words[::2]
    splits = dict(zip(ids, words[1::2], strict=True))
    if len(splits) != len(ids):
        twice, _ = Counter(ids).most_common(1)[0]
        raise PackError(f"{path / IDS}: the id {twice!r} comes twice; {check_advice(path)}")
    return splits


def _read(folder: Path) -> bytes:
    """The file, every line of which is an id and a split."""
    text = read_small(folder, IDS)
    # One match over the whole text is several times faster than one for each line.
    if not _ALL_LINES.fullmatch(text):
        rows = text.decode("utf-8", "replace").split("\n")
        bad = next((number for number, row in enumerate(rows, 1) if not _LINE.fullmatch(row)), len(rows))
        raise PackError(
            f"{folder / IDS}, line {bad}: {rows[bad - 1][:100]!r}; expected a scenario's id and its split, as "
            f"'book-flight-003 train'; {check_advice(folder)}"
        )
    return text
