"""Three tools of five parameters: a lookup in 20 rows, a date calculator, a unit converter.

Beside each stands the same answer computed in another way, so that what a tool returns is checked and not believed.
"""

from __future__ import annotations

from datetime import date
from fractions import Fraction
from typing import Any

from workloads.plays import Kind
from workloads.schemas import choice, day, integer, parameters

_STATIONS = (
    ("Aldmoor", "north", 412, 1130, 64),
    ("Brisk Head", "coast", 8, 1570, 91),
    ("Corvane", "south", 95, 640, 12),
    ("Dunmarrow", "north", 530, 1395, 58),
    ("Estwick", "east", 61, 585, 77),
    ("Fennholt", "east", 3, 610, 80),
    ("Garsdale", "north", 288, 1240, 49),
    ("Hollin Bay", "coast", 14, 1480, 103),
    ("Isenford", "south", 120, 705, 31),
    ("Jarrowmere", "west", 77, 1710, 85),
    ("Keldside", "north", 610, 1525, 42),
    ("Lorne Point", "coast", 21, 1635, 110),
    ("Marchley", "east", 45, 560, 66),
    ("Nethercote", "south", 140, 690, 27),
    ("Oxenby", "east", 33, 595, 71),
    ("Pellworm", "coast", 2, 790, 98),
    ("Quarrel Fell", "west", 745, 2140, 69),
    ("Ravensey", "coast", 17, 1390, 107),
    ("Sallowdale", "west", 160, 1820, 73),
    ("Thornwater", "south", 88, 720, 35),
)

_ROWS = "\n".join(
    f'        {{"name": "{name}", "region": "{region}", "elevation": {elevation}, "rain": {rain}, "wind": {wind}}},'
    for name, region, elevation, rain, wind in _STATIONS
)

_LOOKUP = f'''def station_record(station, measure, year, month, rounding):
    """Looks up what a weather station measured."""
    rows = [
{_ROWS}
    ]
    trends = {{"rain": 3, "wind": -1, "elevation": 0}}
    units = {{"rain": "mm", "wind": "dm/s", "elevation": "m"}}
    found = None
    for row in rows:
        if row["name"].lower() == station.strip().lower():
            found = row
            break
    if found is None:
        raise ValueError("no station is called " + repr(station))
    if measure not in trends:
        raise ValueError("no station measures " + repr(measure))
    value = found[measure] * 12 + trends[measure] * (year - 2000) * month
    if measure != "elevation":
        season = abs(7 - month)
        value = value + season * 5
    step = {{"exact": 1, "tens": 10, "hundreds": 100}}[rounding]
    rounded = (value + step // 2) // step * step
    neighbours = [row["name"] for row in rows if row["region"] == found["region"] and row is not found]
    return {{
        "station": found["name"],
        "region": found["region"],
        "measure": measure,
        "period": f"{{year}}-{{month:02}}",
        "value": rounded,
        "unit": units[measure],
        "neighbours": neighbours,
    }}
'''


def _look_up(station: str, measure: str, year: int, month: int, rounding: str) -> dict[str, Any]:
    _, region, elevation, rain, wind = next(row for row in _STATIONS if row[0] == station)
    season = 5 * max(7 - month, month - 7)
    exact, unit = {
        "elevation": (elevation * 12, "m"),
        "rain": (rain * 12 + 3 * (year - 2000) * month + season, "mm"),
        "wind": (wind * 12 - (year - 2000) * month + season, "dm/s"),
    }[measure]
    step = {"exact": 1, "tens": 10, "hundreds": 100}[rounding]
    nearest = range(exact - step // 2 + (step > 1), exact + step // 2 + 1)  # halves go up
    value = next(number for number in nearest if number % step == 0)
    return {
        "station": station,
        "region": region,
        "measure": measure,
        "period": f"{year:04d}-{month:02d}",
        "value": value,
        "unit": unit,
        "neighbours": [row[0] for row in _STATIONS if row[1] == region and row[0] != station],
    }


_DATES = '''from datetime import date, timedelta


def shift_date(start, months, weeks, days, direction):
    """The date that lies months, weeks and days after or before another."""
    year, month, day = (int(part) for part in start.split("-"))
    sign = 1 if direction == "after" else -1
    count = year * 12 + month - 1 + sign * months
    year, month = count // 12, count % 12 + 1
    leap = year % 4 == 0 and (year % 100 != 0 or year % 400 == 0)
    lengths = [31, 29 if leap else 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31]
    end = date(year, month, min(day, lengths[month - 1])) + sign * timedelta(weeks=weeks, days=days)
    between = (end - date.fromisoformat(start)).days
    names = ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"]
    return {"date": end.isoformat(), "weekday": names[end.weekday()], "days_between": abs(between)}
'''


def _shift(start: str, months: int, weeks: int, days: int, direction: str) -> dict[str, Any]:
    first = date.fromisoformat(start)
    sign = {"after": 1, "before": -1}[direction]
    year, month = divmod(first.year * 12 + first.month - 1 + sign * months, 12)
    next_month = date(year + month // 11, (month + 1) % 12 + 1, 1)
    last_day = date.fromordinal(next_month.toordinal() - 1).day
    moved = date(year, month + 1, min(first.day, last_day)).toordinal() + sign * (7 * weeks + days)
    end = date.fromordinal(moved)
    return {"date": str(end), "weekday": f"{end:%A}", "days_between": abs(moved - first.toordinal())}


_UNITS = {
    "mm": "0.001", "cm": "0.01", "m": "1", "km": "1000", "inch": "0.0254", "foot": "0.3048", "yard": "0.9144",
    "mile": "1609.344", "nautical_mile": "1852", "furlong": "201.168",
}  # fmt: skip

_CONVERTER = '''METRES = (
    ("mm", 1, 1000), ("cm", 1, 100), ("m", 1, 1), ("km", 1000, 1), ("inch", 127, 5000), ("foot", 381, 1250),
    ("yard", 1143, 1250), ("mile", 201168, 125), ("nautical_mile", 1852, 1), ("furlong", 25146, 125),
)


def size_of(unit):
    for name, above, below in METRES:
        if name == unit:
            return above, below
    raise ValueError("no unit is called " + repr(unit))


def convert_length(amount, from_unit, to_unit, digits, style):
    """Converts a length."""
    above, below = size_of(from_unit)
    to_above, to_below = size_of(to_unit)
    numerator, denominator = amount * above * to_below, below * to_above
    scaled = (2 * numerator * 10**digits + denominator) // (2 * denominator)
    whole, rest = divmod(scaled, 10**digits)
    text = str(whole) if digits == 0 else f"{whole}.{rest:0{digits}d}"
    if style == "with_unit":
        text = text + " " + to_unit
    value = scaled / 10**digits
    return {"from": f"{amount} {from_unit}", "value": value, "text": text, "exact": numerator % denominator == 0}
'''


def _convert(amount: int, from_unit: str, to_unit: str, digits: int, style: str) -> dict[str, Any]:
    exact = amount * Fraction(_UNITS[from_unit]) / Fraction(_UNITS[to_unit])
    scaled = int(exact * 10**digits + Fraction(1, 2))
    text = f"{scaled:0{digits + 1}d}"
    text = f"{text[:-digits]}.{text[-digits:]}" if digits else text
    return {
        "from": f"{amount} {from_unit}",
        "value": float(Fraction(scaled, 10**digits)),
        "text": f"{text} {to_unit}" if style == "with_unit" else text,
        "exact": exact.denominator == 1,
    }


KINDS = (
    Kind(
        name="station_record",
        description="What a weather station measured in a month, rounded.",
        parameters=parameters(
            station=choice("Name of the station.", *[row[0] for row in _STATIONS]),
            measure=choice("What was measured.", "rain", "wind", "elevation"),
            year=integer(1960, 2039, "Year of the record."),
            month=integer(1, 12, "Month, 1 is January."),
            rounding=choice("How the value is rounded.", "exact", "tens", "hundreds"),
        ),
        source=_LOOKUP,
        answer=_look_up,
        path="/value",
        kind="number",
    ),
    Kind(
        name="shift_date",
        description="The date that lies some months, weeks and days after or before another.",
        parameters=parameters(
            start=day("The date to start from, as YYYY-MM-DD."),
            months=integer(0, 60, "Months to move, first; a day past the month's end becomes its last."),
            weeks=integer(0, 30, "Weeks to move, then."),
            days=integer(0, 400, "Days to move, then."),
            direction=choice("Whether to go forward or back.", "after", "before"),
        ),
        source=_DATES,
        answer=_shift,
        path="/date",
        kind="date",
    ),
    Kind(
        name="convert_length",
        description="Converts a length from one unit to another.",
        parameters=parameters(
            amount=integer(1, 99_999, "How many of the first unit."),
            from_unit=choice("Unit to convert from.", *_UNITS),
            to_unit=choice("Unit to convert to.", *_UNITS),
            digits=integer(0, 6, "Digits after the point."),
            style=choice("Whether the text names the unit.", "plain", "with_unit"),
        ),
        source=_CONVERTER,
        answer=_convert,
        path="/value",
        kind="number",
    ),
)
