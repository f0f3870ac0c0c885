"""A clock and a source of randomness that belong to the call: the same seed, the same readings.

Tools see Python's own `datetime` classes; only the methods that would ask the machine for its clock or its time zone
are answered here, through `guards`. The zone is always UTC.
"""

from __future__ import annotations

import calendar
import datetime
import functools
import random
import re
import time
from collections.abc import Callable
from time import struct_time
from typing import Any

_START = int(datetime.datetime(2025, 1, 1, tzinfo=datetime.UTC).timestamp())
_YEAR_S = 365 * 86400
_TICK_NS = 1_000_000
_UTC = datetime.UTC
_MACHINE_ZONE = re.compile(r"%[^a-zA-Z%]*s")


class Clock:
    """A virtual clock: starts at a second of 2025 that the seed chooses, and goes on by 1 ms at each reading."""

    def __init__(self) -> None:
        self._now_ns = _START * 10**9
        self._began_ns = self._now_ns

    def start(self, seed: bytes) -> None:
        """Sets the clock for a call; `seed` has at least 8 bytes."""
        self._began_ns = self._now_ns = (_START + int.from_bytes(seed[:8], "big") % _YEAR_S) * 10**9

    def time_ns(self) -> int:
        """Nanoseconds since 1970."""
        self._now_ns += _TICK_NS
        return self._now_ns

    def time(self) -> float:
        """Seconds since 1970."""
        return self.time_ns() / 10**9

    def elapsed_ns(self) -> int:
        """Nanoseconds since the call began."""
        return self.time_ns() - self._began_ns

    def elapsed(self) -> float:
        """Seconds since the call began."""
        return self.elapsed_ns() / 10**9

    def sleep(self, seconds: float) -> None:
        """Moves the clock on and returns at once."""
        if seconds < 0:
            raise ValueError("sleep length must be non-negative")
        self._now_ns += int(seconds * 10**9)

    def gmtime(self, seconds: float | None = None) -> struct_time:
        """The broken-down time in UTC, of now by default."""
        return time.gmtime(self.time() if seconds is None else seconds)

    def strftime(self, pattern: str, when: Any = None) -> str:
        """The text of a time, of now by default."""
        return _strftime(time.strftime, pattern, self.gmtime() if when is None else when)

    def asctime(self, when: Any = None) -> str:
        """The text of a time, of now by default."""
        return time.asctime(self.gmtime() if when is None else when)

    def ctime(self, seconds: float | None = None) -> str:
        """The text of a time, of now by default."""
        return time.asctime(self.gmtime(seconds))

    @staticmethod
    def mktime(when: Any) -> float:
        """Seconds since 1970 of a broken-down time in UTC."""
        return float(calendar.timegm(when))

    def guarded(self) -> dict[str, Callable[[Any], Any]]:
        """For each method of dates that asks the machine: the attribute that a tool gets instead (see `guards`)."""
        return {
            "now": lambda it: self._of_class(it, "now", datetime.datetime, self._now),
            "utcnow": lambda it: self._of_class(it, "utcnow", datetime.datetime, self._now),
            "today": lambda it: self._of_class(it, "today", datetime.date, self._today),
            "fromtimestamp": lambda it: self._of_class(it, "fromtimestamp", datetime.date, _from_timestamp),
            "strftime": lambda it: _of_moment(it, "strftime"),
            "strptime": lambda it: _parser(it.strptime),
            "timestamp": lambda it: _of_instance(it, "timestamp", _timestamp),
            "astimezone": lambda it: _of_instance(it, "astimezone", _as_time_zone),
        }

    def _now(self, cls: Any, tz: datetime.tzinfo | None = None) -> Any:
        return _from_timestamp(cls, self.time(), tz)

    def _today(self, cls: Any) -> Any:
        return _from_timestamp(cls, self.time())

    @staticmethod
    def _of_class(it: Any, name: str, base: type, ours: Callable[..., Any]) -> Any:
        """`ours`, bound to the class `it` (or the class of `it`), where that is a date class; else what `it` has."""
        cls = it if isinstance(it, type) else type(it)
        return functools.partial(ours, cls) if issubclass(cls, base) else getattr(it, name)


def check_directives(pattern: Any) -> None:
    """Refuses a pattern for dates with `%s` and the like, which ask the machine for its time zone."""
    if isinstance(pattern, str) and _MACHINE_ZONE.search(pattern.replace("%%", "")):
        raise ValueError("the directive %s of strftime is not part of the tool dialect; use timestamp()")


def _strftime(write: Callable[..., str], pattern: str, *when: Any) -> str:
    check_directives(pattern)
    return write(pattern, *when)


def _parser(read: Callable[..., Any]) -> Callable[..., Any]:
    """`read`, whose patterns may name a time zone: of such, only UTC is the same everywhere."""

    def parse(text: Any, *pattern: Any) -> Any:
        if any(isinstance(part, str) and "%Z" in part for part in pattern):
            zone = time.strptime(text, *pattern).tm_zone
            if zone is not None and zone.lower() not in ("utc", "gmt"):
                raise ValueError(f"time data {text!r} does not match format {pattern[0]!r}")
        return read(text, *pattern)

    return parse


parse_time = _parser(time.strptime)


def _of_moment(it: Any, name: str) -> Any:
    cls = it if isinstance(it, type) else type(it)
    method = getattr(it, name)
    if not issubclass(cls, (datetime.date, datetime.time)):
        return method
    if it is cls:
        return lambda moment, pattern: _strftime(lambda text: method(moment, text), pattern)
    return lambda format: _strftime(method, format)


def _of_instance(it: Any, name: str, ours: Callable[..., Any]) -> Any:
    if isinstance(it, datetime.datetime):
        return functools.partial(ours, it)
    if isinstance(it, type) and issubclass(it, datetime.datetime):
        return ours
    return getattr(it, name)


def _from_timestamp(cls: Any, seconds: float, tz: datetime.tzinfo | None = None) -> Any:
    moment = datetime.datetime.fromtimestamp(seconds, _UTC if tz is None else tz)
    if not issubclass(cls, datetime.datetime):
        return cls(moment.year, moment.month, moment.day)
    return cls.combine(moment.date(), moment.time(), tz)


def _aware(moment: datetime.datetime) -> datetime.datetime:
    return moment if moment.tzinfo else moment.replace(tzinfo=_UTC)


def _timestamp(moment: datetime.datetime) -> float:
    return _aware(moment).timestamp()


def _as_time_zone(moment: datetime.datetime, tz: datetime.tzinfo | None = None) -> datetime.datetime:
    return _aware(moment).astimezone(_UTC if tz is None else tz)


class Dice(random.Random):
    """The generator behind the tools' `random` module and `uuid4`; reseeded for every call that can use it."""

    _seed = 0

    def start(self, seed: bytes) -> None:
        """Seeds it for a call."""
        self._seed = int.from_bytes(seed, "big")
        self.seed(self._seed)

    def seed(self, a: Any = None, version: int = 2) -> None:
        """As `random.seed`; without an argument, back to the call's own seed."""
        super().seed(self._seed if a is None else a, version)

    def generator(self) -> type[random.Random]:
        """The tools' `random.Random`: without a seed of its own it takes one from here."""
        dice = self

        class Random(random.Random):
            def __new__(cls, x: Any = None) -> Any:
                return random.Random.__new__(cls, 0)  # type: ignore[call-arg]  # without it, C would ask the machine

            def seed(self, a: Any = None, version: int = 2) -> None:
                super().seed(dice.getrandbits(64) if a is None else a, version)

        return Random
