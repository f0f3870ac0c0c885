"""Small computations as the tools of a world do them: units, arithmetic on a few numbers, letters, working days."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Collection, Sequence
from datetime import date, timedelta
from typing import NamedTuple

WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
WEEKEND = WEEKDAYS[5:]


class Unit(NamedTuple):
    """A unit: how many base units of its kind it is, and its name in the plural."""

    size: float
    words: str


UNITS: dict[str, dict[str, Unit]] = {
    "length": {
        "mm": Unit(0.001, "millimetres"),
        "cm": Unit(0.01, "centimetres"),
        "m": Unit(1.0, "metres"),
        "km": Unit(1000.0, "kilometres"),
        "in": Unit(0.0254, "inches"),
        "ft": Unit(0.3048, "feet"),
        "yd": Unit(0.9144, "yards"),
        "mi": Unit(1609.344, "miles"),
        "nmi": Unit(1852.0, "nautical miles"),
    },
    "mass": {
        "g": Unit(0.001, "grams"),
        "kg": Unit(1.0, "kilograms"),
        "t": Unit(1000.0, "tonnes"),
        "lb": Unit(0.45359237, "pounds"),
        "cwt": Unit(50.80234544, "hundredweights"),
    },
    "area": {
        "m2": Unit(1.0, "square metres"),
        "ha": Unit(10_000.0, "hectares"),
        "km2": Unit(1_000_000.0, "square kilometres"),
        "ac": Unit(4046.8564224, "acres"),
        "mi2": Unit(2_589_988.110336, "square miles"),
    },
    "power": {"W": Unit(1.0, "watts"), "kW": Unit(1000.0, "kilowatts"), "MW": Unit(1_000_000.0, "megawatts"),
              "hp": Unit(745.69987158, "mechanical horsepower")},
    "volume": {"L": Unit(1.0, "litres"), "hL": Unit(100.0, "hectolitres"), "m3": Unit(1000.0, "cubic metres"),
               "gal": Unit(4.54609, "imperial gallons")},
    "duration": {"s": Unit(1.0, "seconds"), "min": Unit(60.0, "minutes"), "h": Unit(3600.0, "hours"),
                 "d": Unit(86400.0, "days")},
}  # fmt: skip
"""By kind of quantity and symbol."""


def quantity_of(unit: str) -> str:
    """The kind of quantity that a unit measures, or empty."""
    return next((kind for kind, units in UNITS.items() if unit in units), "")


def converted(amount: float, source: str, target: str) -> float:
    """An amount in another unit of the same kind."""
    units = UNITS[quantity_of(source)]
    return amount * units[source].size / units[target].size


COMPUTATIONS: dict[str, Callable[[Sequence[float]], float]] = {
    "ratio": lambda numbers: numbers[0] / numbers[1],
    "percentage": lambda numbers: 100 * numbers[0] / numbers[1],
    "portion": lambda numbers: numbers[0] * numbers[1] / 100,
    "mean": statistics.fmean,
    "spread": lambda numbers: max(numbers) - min(numbers),
}
"""What a calculator makes of a few numbers, by name."""

SPELLINGS: dict[str, Callable[[str], str | int]] = {
    "initials": lambda text: "".join(word[0] for word in text.replace("&", " ").split()),
    "letters": lambda text: sum(char.isalpha() for char in text),
    "vowels": lambda text: sum(char in "aeiou" for char in text.casefold()),
    "backwards": lambda text: text[::-1],
    "digit_sum": lambda text: sum(int(char) for char in text if char.isdigit()),
}
"""What a tool makes of a text's characters, by name."""


def working(day: date, holidays: Collection[tuple[int, int]]) -> bool:
    """Whether a day is neither in a weekend nor a holiday, each given as month and day."""
    return day.weekday() < 5 and (day.month, day.day) not in holidays


def working_day_after(day: date, count: int, holidays: Collection[tuple[int, int]]) -> date:
    """The working day that many working days after a day, or before it if negative."""
    left, step = abs(count), timedelta(days=1 if count > 0 else -1)
    while left:
        day += step
        left -= working(day, holidays)
    return day


def working_days_between(first: date, second: date, holidays: Collection[tuple[int, int]]) -> int:
    """Working days after the earlier of two days, up to and with the later one."""
    early, late = min(first, second), max(first, second)
    return sum(working(early + timedelta(days=i + 1), holidays) for i in range((late - early).days))
