"""Numbers as people and tools write them: with signs, thousands commas, scale words and units.

All texts taken here are in normal form (`normal.normal_text`).
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from typing import NamedTuple, TypeAlias

Number: TypeAlias = int | float

_DIGITS = r"\d(?:[\d.,:/_-]*\d)?(?:e[+-]?\d+)?(?!\d)"
_CHUNK = re.compile(rf"(?<!\w)(?<!\w[-.])(?<!\d[,:/])[+-]?{_DIGITS}")
"""A run of digits with whatever joins them; only some runs are numbers ("14:30", "2007-10-10" and "3-4" are not)."""
_NUMBER = re.compile(r"[+-]?\d+(?:\.\d+)?(?:e[+-]?\d+)?")
_MAX_DIGITS = 300
"""Longer ones are no quantity of anything, and would not fit a float."""
_SCALES = {"thousand": 10**3, "million": 10**6, "billion": 10**9, "trillion": 10**12}
_UNIT_WORDS = re.compile(r" ?([^\s\d,;:!?()\[\]{}\"']+[12]?)((?: [^\s\d,;:!?()\[\]{}\"']+[12]?){0,3})")

_UNITS = """
km kilometre kilometres kilometer kilometers kms
m metre metres meter meters
cm centimetre centimetres centimeter centimeters
mm millimetre millimetres millimeter millimeters
mi mile miles
nmi nautical_mile nautical_miles
ft foot feet
yd yard yards
in inch inches
fathom fathoms
pc parsec parsecs
ly light-year light-years light_year light_years
kg kilogram kilograms kilogramme kilogrammes kilo kilos
g gram grams gramme grammes
tonne tonnes metric_ton metric_tons
ton tons
lb lbs pound_weight
oz ounce ounces
pounds pound
l litre litres liter liters
ml millilitre millilitres milliliter milliliters
h hour hours hr hrs
min minute minutes mins
s second seconds sec secs
day days
week weeks
month months
year years yr yrs
kn knot knots
km/h kph kmh kilometres_per_hour kilometers_per_hour
mph miles_per_hour
m/s metres_per_second meters_per_second metre_per_second m_s-1 m·s-1 ms-1
m2 sqm square_metre square_metres square_meter square_meters
km2 square_kilometre square_kilometres square_kilometer square_kilometers
ha hectare hectares
acre acres
% percent per_cent pct
°c c celsius degrees_celsius degrees_c
°f f fahrenheit degrees_fahrenheit degrees_f
w watt watts
kw kilowatt kilowatts
kwh kilowatt_hour kilowatt_hours kilowatt-hours
usd $ dollar dollars us$ us_dollars
eur € euro euros
gbp £ pound_sterling pounds_sterling
jpy ¥ yen
nok
sek
dkk
chf
cny
inr ₹ rupee rupees
aud
cad
"""
_CANONICAL = {
    spelling.replace("_", " "): line.split()[0] for line in _UNITS.strip().splitlines() for spelling in line.split()
}
_SYMBOLS = "$€£¥₹"
_POUNDS = {"pounds": ("lb",), "lb": ("pounds",), "gbp": ("pounds",)}
"""The word says weight or money. A unit that is only called pounds is taken for the weight: money has its own sign."""


class Quantity(NamedTuple):
    """A number that stands in a text.

    Attributes:
        value: The number, scale words applied.
        unit: Its unit where it is a known one, in one spelling for each unit; else "".
        decimals: Digits after the point, 0 where it was written with a scale word or an exponent.
        start: Where it starts in the text.
        end: Where its digits end in the text.
    """

    value: Number
    unit: str
    decimals: int
    start: int
    end: int


def same_unit(unit: str) -> str:
    """One spelling for all spellings of a unit; an unknown unit stays what it is. The text is in normal form."""
    return _CANONICAL.get(unit, unit)


def units_of(unit: str) -> frozenset[str]:
    """What may stand with a number of a unit, in the one spelling of `same_unit`: nothing, or that unit."""
    return frozenset(("", unit, *_POUNDS.get(unit, ())))


def is_unit(text: str) -> bool:
    """Whether a text is a known unit."""
    return text in _CANONICAL


def read_number(text: str) -> Number | None:
    """The number that the whole text is, else None."""
    if len(text) > _MAX_DIGITS or not _NUMBER.fullmatch(text):
        return None
    if text.lstrip("+-").isdigit():
        return int(text)
    value = float(text)
    return value if math.isfinite(value) else None


def read_quantity(text: str) -> tuple[Number, str] | None:
    """The number that the whole text is, with its unit before or after it ("" without one), else None."""
    match = _CHUNK.search(text)
    value = read_number(match.group()) if match else None
    if match is None or value is None:
        return None
    before, after = text[: match.start()].strip(), text[match.end() :].strip()
    scale, _, rest = after.partition(" ")
    if scale in _SCALES:
        value, after = value * _SCALES[scale], rest
    if before and after:
        return None
    return value, same_unit(before or after)


def quantities(text: str) -> Iterator[Quantity]:
    """The numbers that stand as whole tokens in a text, from left to right."""
    for match in _CHUNK.finditer(text):
        value = read_number(match.group())
        if value is None:
            continue
        scale, unit = _what_follows(text, match.end())
        attached = text[match.end() : match.end() + 1].isalnum()
        if attached and (not (scale or unit) or text.startswith("s", match.end())):
            continue  # "5th", "4x4", "1980s": not a number
        before = text[match.start() - 1 : match.start()]
        if before and before in _SYMBOLS:
            unit = same_unit(before)
        _, _, fraction = match.group().partition(".")
        decimals = len(fraction) if fraction.isdigit() and not scale else 0
        yield Quantity(value * scale if scale else value, unit, decimals, match.start(), match.end())


def _what_follows(text: str, end: int) -> tuple[int, str]:
    """The scale and the unit that follow a number: (0, "") without them."""
    match = _UNIT_WORDS.match(text, end, end + 80)
    if not match:
        return 0, ""
    following = [word.rstrip(".") for word in match.group().split()]
    scale = _SCALES.get(following[0], 0)
    if scale:
        following = following[1:]
    for count in range(len(following), 0, -1):
        unit = " ".join(following[:count])
        if unit in _CANONICAL and unit != "in":  # "1,481 in 2030": in a sentence that is hardly ever inches
            return scale, _CANONICAL[unit]
    return scale, ""


def close(expected: Number, actual: Number, tolerance: float | None) -> bool:
    """Whether a number counts as the expected one.

    Args:
        expected: The right number.
        actual: The number at hand.
        tolerance: Largest absolute difference, or None: equal but for the rounding of floats (1e-9 of the expected
            number; whole numbers must be equal, since they may be names of things).
    """
    if actual == expected:
        return True
    if tolerance is None and type(actual) is type(expected) is int:
        return False
    try:
        difference = abs(actual - expected)
        if tolerance is not None:
            # The slack is for the rounding of the difference itself: 0.3 is within 0.1 of 0.2.
            return difference <= tolerance * (1 + 1e-9) + 4e-16 * abs(expected)
        if actual == int(actual) and expected == int(expected):
            return False
        return difference <= (1e-9 * abs(expected) if expected else 1e-12)
    except (OverflowError, ValueError):  # a whole number beyond the floats, NaN or an infinity
        return False
