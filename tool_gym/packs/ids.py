"""`ids.txt`: a line for each scenario, its id and its split. It is all that registration reads of a pack."""

from __future__ import annotations

import re
import sys
from collections import Counter
from pathlib import Path

from tool_gym.errors import PackError
from tool_gym.names import SLUG
from tool_gym.packs.files import IDS, check_advice, read_small

_LINE = re.compile(rf"({SLUG}) ([A-Za-z0-9_-]{{1,100}})")
_ALL_LINES = re.compile(rf"(?:{SLUG} [A-Za-z0-9_-]{{1,100}}\n)*+")


def ids_line(scenario_id: str, split: str) -> str:
    """A scenario's line of `ids.txt`, its end included."""
    return f"{scenario_id} {split}\n"


def read_ids(folder: str | Path) -> dict[str, str]:
    """The split of each scenario of a pack by its id, in the order of `scenarios.jsonl`; reads no scenario.

    Raises:
        PackError: If `ids.txt` is missing, a line is not an id and a split, or an id comes twice.
    """
    path = Path(folder)
    text = read_small(path, IDS).decode("utf-8", "replace")
    # One match over the whole text is several times faster than one for each line.
    if not _ALL_LINES.fullmatch(text):
        rows = text.split("\n")
        bad = next((number for number, row in enumerate(rows, 1) if not _LINE.fullmatch(row)), len(rows))
        raise PackError(
            f"{path / IDS}, line {bad}: {rows[bad - 1][:100]!r}; expected a scenario's id and its split, as "
            f"'book-flight-003 train'; {check_advice(path)}"
        )
    words = text.split()
    ids = words[::2]
    splits = dict(zip(ids, map(sys.intern, words[1::2]), strict=True))
    if len(splits) != len(ids):
        twice, _ = Counter(ids).most_common(1)[0]
        raise PackError(f"{path / IDS}: the id {twice!r} comes twice; {check_advice(path)}")
    return splits
