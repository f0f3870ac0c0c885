"""Dates in the spellings that people and tools use. All texts taken here are in normal form (`normal.normal_text`)."""

from __future__ import annotations

import calendar
import functools
import re
from collections.abc import Iterator
from typing import NamedTuple

from tool_gym.verify.normal import blank

_MONTHS = [name.lower() for name in calendar.month_name[1:]]
_MONTH_NUMBER = {name[:3]: number for number, name in enumerate(_MONTHS, 1)}
_MONTH = "|".join([*_MONTHS, *(name[:3] for name in _MONTHS), "sept"])
_WEEKDAY = r"(?:(?:mon|tue|tues|wed|wednes|thu|thur|thurs|fri|sat|satur|sun)(?:day)?,? )?"
_TIME = r"(?:(?:t|,? (?:at )?)(?P<time>\d{1,2}:\d{2}(?::\d{2})?)(?:\.\d+)? ?(?P<zone>z|utc|gmt|[+-]\d{2}:?\d{2})?)?"
_YEAR, _NAMED, _DAY = r"(?P<y>\d{4})", rf"(?P<name>{_MONTH})\.?", r"(?P<d>\d{1,2})(?:st|nd|rd|th)?"
_COMPACT = re.compile(r"(?P<y>\d{4})(?P<m>\d{2})(?P<d>\d{2})")
"""Read only where a text is nothing else: inside a longer one eight digits are a number."""
_SHAPES = [
    rf"{_YEAR}(?P<sep>[-/.])(?P<m>\d{{1,2}})(?P=sep)(?P<d>\d{{1,2}}){_TIME}",
    rf"{_YEAR} ?年 ?(?P<m>\d{{1,2}}) ?月 ?(?P<d>\d{{1,2}}) ?日",
    rf"(?P<a>\d{{1,2}})(?P<sep>[-/.])(?P<b>\d{{1,2}})(?P=sep){_YEAR}{_TIME}",
    rf"{_WEEKDAY}(?:the )?{_DAY}(?: of |\.? |[-/]){_NAMED}(?:,? |[-/]){_YEAR}{_TIME}",
    rf"{_WEEKDAY}{_NAMED} (?:the )?{_DAY}(?:, ?| ){_YEAR}{_TIME}",
    rf"{_YEAR}[ -]{_NAMED}[ -]{_DAY}",
    rf"{_NAMED}(?:,? | of ){_YEAR}",
    rf"{_YEAR}-(?P<m>\d{{2}})",
    rf"{_WEEKDAY}{_NAMED} (?:the )?{_DAY}",
    rf"{_WEEKDAY}(?:the )?{_DAY}(?: of |[ -]){_NAMED}",
]
_LONGEST = 100  # characters; no date is spelled in more
_DATE = [re.compile(rf"(?<!\w)(?<!\d[-/.:,]){shape}(?!\w)(?![-/:.]\d)") for shape in _SHAPES]


class Date(NamedTuple):
    """A date as precise as it was written: parts that were not said are 0 (numbers) or "" (time and zone)."""

    year: int
    month: int
    day: int
    time: str = ""
    zone: str = ""

    def means(self, other: Date) -> bool:
        """Whether the other says at least what this one says: a time that this one does not state is free."""
        if self[:3] != other[:3]:
            return False
        return not self.time or (self.time == other.time and self.zone == other.zone)

    def as_precise_as(self, other: Date) -> bool:
        """Whether both state the same parts of year, month and day."""
        return [bool(part) for part in self[:3]] == [bool(part) for part in other[:3]]


def read_date(text: str) -> tuple[Date, ...]:
    """The readings of a text that is a date and nothing else: none, one, or two where day and month may be swapped."""
    return _read_date(text) if len(text) <= _LONGEST else ()


@functools.lru_cache(maxsize=1024)
def _read_date(text: str) -> tuple[Date, ...]:
    for shape in (*_DATE, _COMPACT):
        match = shape.fullmatch(text)
        if match and (readings := _readings(match)):
            return readings
    return ()


def dates(text: str) -> Iterator[tuple[tuple[Date, ...], int, int]]:
    """The dates that stand in a text: readings, start, end. No part of a text is read twice."""
    if not any(map(str.isdigit, text)):
        return
    for shape in _DATE:
        found = []
        for match in shape.finditer(text):
            if readings := _readings(match):
                found.append(match.span())
                yield readings, *match.span()
        text = blank(text, found)


def _readings(match: re.Match[str]) -> tuple[Date, ...]:
    part = match.groupdict()
    year, time = int(part.get("y") or 0), part.get("time") or ""
    zone = (part.get("zone") or "").replace(":", "")
    zone = "+0000" if zone in ("z", "utc", "gmt") else zone
    if time:
        time = ":".join([*(f"{int(piece):02}" for piece in time.split(":")), "00"][:3])
    if part.get("a"):
        first, second = int(part["a"]), int(part["b"])
        # With dots the day comes first everywhere; otherwise both orders are in use.
        orders = [(second, first)] if part["sep"] == "." else [(second, first), (first, second)]
    else:
        month = _MONTH_NUMBER[part["name"][:3]] if part.get("name") else int(part.get("m") or 0)
        orders = [(month, int(part.get("d") or 0))]
    found = {Date(year, month, day, time, zone): None for month, day in orders if _exists(year, month, day, part)}
    return tuple(found)


def _exists(year: int, month: int, day: int, part: dict[str, str | None]) -> bool:
    if not 1 <= month <= 12 or ("y" in part and year == 0):
        return False
    if "d" not in part and "a" not in part:
        return True
    # Without a year, 29 February exists.
    return 1 <= day <= calendar.monthrange(year or 2000, month)[1]
