"""Public records of the Orrin Isles, a federation of eight islands that does not exist."""

import calendar
import difflib
import math
import statistics
from datetime import date, timedelta
from itertools import pairwise
from typing import Literal

from tool_gym.authoring import DATA

_WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
_EARTH_RADIUS_KM = 6371.0088


def _same(left, right):
    return left is not None and " ".join(left.split()).casefold() == " ".join(right.split()).casefold()


def _unknown(what, wanted, names):
    """The error for a name that is not on file, with the nearest names that are."""
    names = sorted(set(names))
    near = difflib.get_close_matches(wanted, names, n=3, cutoff=0.6)
    advice = (
        f"did you mean {' or '.join(map(repr, near))}?" if near else f"none of the {len(names)} on file is similar."
    )
    return ValueError(f"no {what} is called {wanted!r}; {advice}")


def _find(rows, key, wanted, what):
    for row in rows:
        if _same(row[key], wanted):
            return row
    raise _unknown(what, wanted, [row[key] for row in rows])


def _one_of(names, wanted, what):
    """The name as it is written on file, or None where nothing was asked for."""
    if wanted is None:
        return None
    for name in names:
        if _same(name, wanted):
            return name
    raise _unknown(what, wanted, [name for name in names if name])


def _date(text, parameter):
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise ValueError(f"{parameter} must be a calendar date written YYYY-MM-DD, got {text!r}") from None


def _weekday(day):
    return _WEEKDAYS[day.weekday()]


def _count(number, parameter, low, high):
    if not low <= number <= high:
        raise ValueError(f"{parameter} must be between {low} and {high}, got {number}")
    return int(number)


def _ranked(rows, key, descending):
    """Rows in the order of a value; those without one come last, whichever the direction."""
    known = sorted((row for row in rows if row[key] is not None), key=lambda row: row[key], reverse=descending)
    return known + [row for row in rows if row[key] is None]


def _extremes(rows, key, label):
    """Which rows have the lowest and the highest value, however the listing is sorted and cut."""
    known = [row for row in rows if row[key] is not None]
    if not known:
        return None
    found = {"of": key, "without_value": len(rows) - len(known)}
    for end, choose in (("lowest", min), ("highest", max)):
        value = choose(row[key] for row in known)
        found[end] = {"value": value, label: " / ".join(row[label] for row in known if row[key] == value)}
    return found


def _in_kilometres(origin, target):
    """Great-circle distance on a sphere."""
    phi_1, phi_2 = math.radians(origin["latitude"]), math.radians(target["latitude"])
    half_phi = (phi_2 - phi_1) / 2
    half_lambda = math.radians(target["longitude"] - origin["longitude"]) / 2
    chord = math.sin(half_phi) ** 2 + math.cos(phi_1) * math.cos(phi_2) * math.sin(half_lambda) ** 2
    return 2 * _EARTH_RADIUS_KM * math.asin(math.sqrt(chord))


def place_gazetteer(
    name: str,
    island: str | None = None,
    details: list[Literal["location", "population", "elevation", "founding", "harbour"]] | None = None,
    coordinate_format: Literal["decimal", "degrees_minutes"] = "decimal",
    accept_former_names: bool = True,
) -> dict:
    """Look up one settlement of the Orrin Isles in the gazetteer.

    Args:
        name: Name of the settlement, as it is spelt today or was spelt before a renaming.
        island: Island on which it must lie; leave out to search all islands.
        details: Parts of the entry to return; all of them by default.
        coordinate_format: Decimal degrees, or degrees and minutes with a compass letter.
        accept_former_names: Whether a settlement may also be found by the name it had before.
    """
    places = DATA["places"]
    place = next((row for row in places if _same(row["name"], name)), None)
    by_former_name = False
    if place is None and accept_former_names:
        place = next((row for row in places if _same(row["former_name"], name)), None)
        by_former_name = place is not None
    if place is None:
        raise _unknown("settlement", name, [row["name"] for row in places])
    wanted = _one_of(sorted({row["island"] for row in places}), island, "island")
    if wanted and wanted != place["island"]:
        raise ValueError(f"there is no {place['name']} on {wanted}; settlements of that name lie on another island")
    entry = {
        "location": {
            "island": place["island"],
            "province": place["province"],
            "latitude": _coordinate(place["latitude"], "NS", coordinate_format),
            "longitude": _coordinate(place["longitude"], "EW", coordinate_format),
        },
        "population": {"inhabitants": place["population"], "census": 2030},
        "elevation": {"metres_above_sea": place["elevation_m"]},
        "founding": {"year": place["founded"], "former_name": place["former_name"]},
        "harbour": {"has_public_harbour": place["harbour"]},
    }
    shown = {part: entry[part] for part in entry if not details or part in details}
    return {"name": place["name"], "kind": place["kind"], "found_by_former_name": by_former_name, **shown}


def _coordinate(degrees, letters, style):
    if style == "decimal":
        return degrees
    minutes = round(abs(degrees) * 60, 1)
    return f"{int(minutes // 60)}°{minutes % 60:04.1f}'{letters[0] if degrees >= 0 else letters[1]}"


def place_finder(
    region: str | None = None,
    kinds: list[Literal["city", "town", "village", "hamlet"]] | None = None,
    min_population: int | None = None,
    founded_before: int | None = None,
    with_harbour: bool | None = None,
    sort_by: Literal["name", "population", "elevation_m", "founded"] = "name",
    descending: bool = False,
    limit: int = 10,
) -> dict:
    """List the settlements that meet all given conditions, and which of them come first and last in the chosen order.

    Args:
        region: Name of an island or of a province.
        kinds: Kinds of settlement to keep.
        min_population: Smallest number of inhabitants; places whose population is not recorded are then left out.
        founded_before: Keep places founded earlier than this year.
        with_harbour: True for places with a public harbour, false for places without one.
        sort_by: What the list is ordered by.
        descending: Largest, latest or last first.
        limit: Most places to list, 1 to 50; the count and the extremes are of all that match.
    """
    places = DATA["places"]
    regions = {row["island"] for row in places} | {row["province"] for row in places}
    area = _one_of(sorted(regions), region, "island or province")
    matches = [
        row
        for row in places
        if (area is None or area in (row["island"], row["province"]))
        and (not kinds or row["kind"] in kinds)
        and (min_population is None or (row["population"] is not None and row["population"] >= min_population))
        and (founded_before is None or row["founded"] < founded_before)
        and (with_harbour is None or row["harbour"] == with_harbour)
    ]
    shown = _ranked(matches, sort_by, descending)[: _count(limit, "limit", 1, 50)]
    keys = ("name", "kind", sort_by)
    return {
        "matching": len(matches),
        "places": [{key: row[key] for key in keys} for row in shown],
        "extremes": _extremes(matches, sort_by, "name") if sort_by != "name" else None,
    }


def distance_calculator(
    stops: list[str],
    unit: Literal["km", "mi", "nmi"] = "km",
    decimals: int = 2,
    return_to_start: bool = False,
    each_leg: bool = False,
) -> dict:
    """Measure how far it is along a series of settlements as the crow flies, on a sphere of radius 6371.0088 km.

    Args:
        stops: Two or more settlements in the order of travel.
        unit: Kilometres, statute miles or nautical miles.
        decimals: Decimal places of the distances, 0 to 6.
        return_to_start: Whether the way back from the last stop to the first is added.
        each_leg: Whether the legs are listed one by one beside the total.
    """
    if len(stops) < 2:
        raise ValueError(f"stops must name at least two settlements, got {len(stops)}")
    places = [_find(DATA["places"], "name", stop, "settlement") for stop in stops]
    if return_to_start:
        places.append(places[0])
    per_unit = {"km": 1.0, "mi": 1.609344, "nmi": 1.852}[unit]
    digits = _count(decimals, "decimals", 0, 6)
    legs, total = [], 0.0
    for start, end in pairwise(places):
        length = _in_kilometres(start, end) / per_unit
        total += length
        legs.append({"from": start["name"], "to": end["name"], "distance": round(length, digits)})
    result = {"route": " - ".join(place["name"] for place in places), "unit": unit, "distance": round(total, digits)}
    return {**result, "legs": legs} if each_leg else result


def vessel_register(
    vessel: str,
    look_up_by: Literal["name", "registration"] = "name",
    sections: list[Literal["ownership", "construction", "dimensions", "capacity", "performance"]] | None = None,
    measures: Literal["metric", "imperial"] = "metric",
) -> dict:
    """Read the entry of one vessel in the current register of shipping.

    Args:
        vessel: Its name, or its registration such as OI-1234-K.
        look_up_by: Which of the two `vessel` is.
        sections: Parts of the entry to return; all of them by default.
        measures: Metric (metres, kilometres per hour) or imperial (feet, knots).
    """
    row = _find(DATA["vessels"], look_up_by, vessel, "vessel")
    metric = measures == "metric"
    entry = {
        "ownership": {"operator": row["operator"], "home_port": row["home_port"]},
        "construction": {"year_built": row["built"], "yard": row["yard"], "designer": row["designer"]},
        "dimensions": {
            "length": row["length_m"] if metric else round(row["length_m"] / 0.3048, 1),
            "beam": row["beam_m"] if metric else round(row["beam_m"] / 0.3048, 1),
            "unit": "m" if metric else "ft",
            "gross_tonnage": row["gross_tonnage"],
        },
        "capacity": {"passengers": row["passengers"], "cars": row["cars"]},
        "performance": {
            "service_speed": round(row["speed_kn"] * 1.852, 1) if metric else row["speed_kn"],
            "unit": "km/h" if metric else "kn",
        },
    }
    shown = {part: entry[part] for part in entry if not sections or part in sections}
    return {"name": row["name"], "registration": row["registration"], "type": row["type"], **shown}


def vessel_search(
    vessel_type: Literal["ferry", "freighter", "research ship", "tug", "cruise ship"] | None = None,
    operator: str | None = None,
    designer: str | None = None,
    built_from: int | None = None,
    built_to: int | None = None,
    sort_by: Literal["name", "built", "length_m", "gross_tonnage", "passengers"] = "name",
    descending: bool = False,
    limit: int = 10,
) -> dict:
    """Find vessels of the current register, and which of them come first and last in the chosen order.

    Args:
        vessel_type: Kind of vessel.
        operator: Company that runs it.
        designer: Naval architect who drew it.
        built_from: First year of building to keep.
        built_to: Last year of building to keep.
        sort_by: What the list is ordered by.
        descending: Largest, latest or last first.
        limit: Most vessels to list, 1 to 50; the count and the extremes are of all that match.
    """
    vessels = DATA["vessels"]
    company = _one_of([row["operator"] for row in vessels], operator, "operator")
    architect = _one_of([row["designer"] for row in vessels], designer, "designer")
    matches = [
        row
        for row in vessels
        if vessel_type in (None, row["type"])
        and company in (None, row["operator"])
        and architect in (None, row["designer"])
        and (built_from is None or row["built"] >= built_from)
        and (built_to is None or row["built"] <= built_to)
    ]
    shown = _ranked(matches, sort_by, descending)[: _count(limit, "limit", 1, 50)]
    keys = ("name", "registration", sort_by)
    return {
        "matching": len(matches),
        "vessels": [{key: row[key] for key in keys} for row in shown],
        "extremes": _extremes(matches, sort_by, "name") if sort_by != "name" else None,
    }


def sailing_timetable(
    origin: str,
    date: str,
    destination: str | None = None,
    depart_after: str = "00:00",
    depart_before: str = "23:59",
    operator: str | None = None,
    sort_by: Literal["departure", "duration"] = "departure",
) -> dict:
    """List the ferry sailings that leave a port on a day of 2031, and name the first and the fastest.

    Args:
        origin: Port of departure.
        date: Day of departure, YYYY-MM-DD.
        destination: Port of arrival; all ports if left out.
        depart_after: Earliest departure, HH:MM, inclusive.
        depart_before: Latest departure, HH:MM, inclusive.
        operator: Only this company's sailings.
        sort_by: Order of the list: by time of departure or by time under way, shortest first.
    """
    sailings = DATA["sailings"]
    day = _date(date, "date")
    earliest, latest = _minutes(depart_after, "depart_after"), _minutes(depart_before, "depart_before")
    start = _one_of([row["origin"] for row in sailings], origin, "port with sailings")
    end = _one_of([row["destination"] for row in sailings], destination, "port with sailings")
    company = _one_of([row["operator"] for row in sailings], operator, "ferry company")
    found = [
        {
            "sailing": row["code"],
            "destination": row["destination"],
            "departs": row["departs"],
            "arrives": _clock(_minutes(row["departs"], "") + row["minutes"]),
            "minutes": row["minutes"],
            "vessel": row["vessel"],
        }
        for row in sailings
        if row["origin"] == start
        and end in (None, row["destination"])
        and company in (None, row["operator"])
        and row["first"] <= day.isoformat() <= row["last"]
        and day.isoweekday() in row["days"]
        and earliest <= _minutes(row["departs"], "") <= latest
    ]
    by_departure = sorted(found, key=lambda row: row["departs"])
    by_duration = sorted(found, key=lambda row: row["minutes"])
    return {
        "origin": start,
        "date": day.isoformat(),
        "weekday": _weekday(day),
        "sailings": by_departure if sort_by == "departure" else by_duration,
        "first": by_departure[0] if found else None,
        "fastest": by_duration[0] if found else None,
    }


def _minutes(clock, parameter):
    hours, colon, minutes = clock.partition(":")
    if not (colon and hours.isdigit() and minutes.isdigit() and int(hours) < 24 and int(minutes) < 60):
        raise ValueError(f"{parameter} must be a time of day written HH:MM, got {clock!r}")
    return int(hours) * 60 + int(minutes)


def _clock(minutes):
    """A time of day; `+1` marks the day after the departure."""
    return f"{minutes // 60 % 24:02}:{minutes % 60:02}" + (f" +{minutes // 1440}" if minutes >= 1440 else "")


def ferry_fare(
    sailing: str,
    date: str,
    adults: int = 1,
    children: int = 0,
    car_length_m: float | None = None,
    islander_card: bool = False,
    open_return: bool = False,
) -> dict:
    """Work out what a party pays for a ferry sailing, in crowns.

    Children pay half. From June to August persons pay 15 % more. An islander card takes 20 % off the persons' fares.
    An open return costs 1.8 times the single, car included.

    Args:
        sailing: Code of the sailing, a letter and three digits.
        date: Day of departure, YYYY-MM-DD; the sailing must run on it.
        adults: Number of adults.
        children: Number of children.
        car_length_m: Length of the party's car in metres, charged by the started metre; none if left out.
        islander_card: Whether the party holds an islander card.
        open_return: Whether the ticket is an open return.
    """
    row = _find(DATA["sailings"], "code", sailing, "sailing")
    day = _date(date, "date")
    if not row["first"] <= day.isoformat() <= row["last"] or day.isoweekday() not in row["days"]:
        raise ValueError(f"sailing {row['code']} does not run on {_weekday(day)}, {day.isoformat()}")
    party = _count(adults, "adults", 0, 60) + _count(children, "children", 0, 60) / 2
    if not adults + children:
        raise ValueError("at least one person must travel")
    persons = party * row["adult"] * (1.15 if 6 <= day.month <= 8 else 1) * (0.8 if islander_card else 1)
    car = 0.0
    if car_length_m is not None:
        if row["car_per_m"] is None:
            raise ValueError(f"sailing {row['code']} takes no cars")
        car = math.ceil(_count(math.ceil(car_length_m), "car_length_m", 1, 20)) * row["car_per_m"]
    factor = 1.8 if open_return else 1
    return {
        "sailing": row["code"],
        "date": day.isoformat(),
        "persons": round(persons * factor, 2),
        "car": round(car * factor, 2),
        "total": round((persons + car) * factor, 2),
        "currency": "crown",
    }


def company_profile(
    company: str,
    as_of: str | None = None,
    sections: list[Literal["general", "management", "fleet"]] | None = None,
    include_former_directors: bool = False,
    fleet_order: Literal["name", "built", "gross_tonnage"] = "name",
) -> dict:
    """Describe a shipping company: seat, staff, who managed it on a given day, and its vessels.

    Args:
        company: Name of the company.
        as_of: Day for which the managing director is wanted, YYYY-MM-DD; the present one if left out.
        sections: Parts of the profile to return; all of them by default.
        include_former_directors: Whether all managing directors on record are listed with their terms.
        fleet_order: Order of the list of vessels, smallest or earliest first.
    """
    row = _find(DATA["companies"], "name", company, "company")
    day = _date(as_of, "as_of").isoformat() if as_of else "9999-12-31"
    terms = row["managing_directors"]
    director = next((term for term in terms if term["from"] <= day <= (term["to"] or "9999-12-31")), None)
    fleet = sorted((v for v in DATA["vessels"] if v["operator"] == row["name"]), key=lambda v: v[fleet_order])
    management = {"managing_director": director["name"] if director else None, "as_of": as_of or "present"}
    if director is None:
        management["note"] = f"the record of managing directors begins on {terms[0]['from']}"
    if include_former_directors:
        management["on_record"] = terms
    profile = {
        "general": {
            "headquarters": row["headquarters"],
            "founded": row["founded"],
            "employees": row["employees"],
            "house_colour": row["house_colour"],
        },
        "management": management,
        "fleet": {
            "size": len(fleet),
            "vessels": [{"name": v["name"], "type": v["type"], fleet_order: v[fleet_order]} for v in fleet],
        },
    }
    return {"company": row["name"], **{part: profile[part] for part in profile if not sections or part in sections}}


def person_directory(
    name: str,
    born_year: int | None = None,
    fields: list[Literal["life", "birthplace", "profession", "training"]] | None = None,
    date_style: Literal["iso", "long"] = "iso",
) -> dict:
    """Read the biographical entry of an artist, designer or scholar of the isles.

    Args:
        name: Full name.
        born_year: Year of birth, needed where two people share a name.
        fields: Parts of the entry to return; all of them by default.
        date_style: Dates as YYYY-MM-DD, or written out as in 4 March 1961.
    """
    people = DATA["people"]
    named = [row for row in people if _same(row["name"], name)]
    if not named:
        raise _unknown("person", name, [row["name"] for row in people])
    found = [row for row in named if born_year in (None, int(row["born"][:4]))]
    if len(found) != 1:
        years = " and ".join(row["born"][:4] for row in named)
        raise ValueError(f"the people called {named[0]['name']} were born in {years}; give born_year as one of these")
    row = found[0]
    born, died = _date(row["born"], "born"), row["died"] and _date(row["died"], "died")
    age = died and died.year - born.year - ((died.month, died.day) < (born.month, born.day))
    entry = {
        "life": {
            "born": _written(born, date_style),
            "died": _written(died, date_style) if died else None,
            "age_at_death": age,
        },
        "birthplace": {"settlement": row["birthplace"]},
        "profession": {"main": row["profession"]},
        "training": {"academy": row["academy"], "teacher": row["teacher"]},
    }
    shown = {part: entry[part] for part in entry if not fields or part in fields}
    return {"name": row["name"], **shown}


def _written(day, style):
    return day.isoformat() if style == "iso" else f"{day.day} {calendar.month_name[day.month]} {day.year}"


def people_search(
    profession: str | None = None,
    birthplace: str | None = None,
    academy: str | None = None,
    taught_by: str | None = None,
    born_from: int | None = None,
    born_to: int | None = None,
    sort_by: Literal["name", "born"] = "name",
    limit: int = 10,
) -> dict:
    """Find people in the biographical directory by profession, origin, training or time.

    Args:
        profession: Main profession, such as painter.
        birthplace: Settlement in which they were born.
        academy: School at which they trained.
        taught_by: Name of their teacher.
        born_from: First year of birth to keep.
        born_to: Last year of birth to keep.
        sort_by: Order of the list: by name, or by date of birth, earliest first.
        limit: Most people to list, 1 to 50; the count and the earliest and latest born are of all that match.
    """
    people = DATA["people"]
    wanted = {
        "profession": _one_of([row["profession"] for row in people], profession, "profession"),
        "birthplace": _one_of([place["name"] for place in DATA["places"]], birthplace, "settlement"),
        "academy": _one_of([row["academy"] for row in people], academy, "academy"),
        "teacher": _one_of([row["name"] for row in people], taught_by, "person"),
    }
    matches = [
        row
        for row in people
        if all(value in (None, row[key]) for key, value in wanted.items())
        and (born_from is None or int(row["born"][:4]) >= born_from)
        and (born_to is None or int(row["born"][:4]) <= born_to)
    ]
    shown = sorted(matches, key=lambda row: row[sort_by])[: _count(limit, "limit", 1, 50)]
    by_birth = sorted(matches, key=lambda row: row["born"])
    return {
        "matching": len(matches),
        "people": [{"name": row["name"], "born_year": int(row["born"][:4])} for row in shown],
        "earliest_born": by_birth[0]["name"] if matches else None,
        "latest_born": by_birth[-1]["name"] if matches else None,
    }


def museum_guide(
    museum: str,
    date: str | None = None,
    adults: int = 1,
    concessions: int = 0,
    sections: list[Literal["opening", "admission", "history", "attendance"]] | None = None,
) -> dict:
    """Give a visitor's information about a museum: opening on a day, price for a group, history and attendance.

    Args:
        museum: Name of the museum.
        date: Day of the visit, YYYY-MM-DD; museums also close on holidays of the whole federation.
        adults: Visitors who pay the full price.
        concessions: Visitors who pay the reduced price.
        sections: Parts to return; all of them by default.
    """
    row = _find(DATA["museums"], "name", museum, "museum")
    opening = {"hours": row["hours"], "closed_on": [_WEEKDAYS[number - 1] for number in row["closed_weekdays"]]}
    if date is not None:
        day = _date(date, "date")
        holidays = {h["date"]: h["name"] for h in DATA["holidays"] if h["provinces"] is None}
        holiday = holidays.get(day.isoformat())
        closed = day.isoweekday() in row["closed_weekdays"] or holiday is not None
        opening["on_date"] = {"date": day.isoformat(), "weekday": _weekday(day), "open": not closed, "holiday": holiday}
    price = _count(adults, "adults", 0, 500) * row["adult_ticket"]
    price += _count(concessions, "concessions", 0, 500) * row["concession_ticket"]
    guide = {
        "opening": opening,
        "admission": {
            "full": row["adult_ticket"],
            "reduced": row["concession_ticket"],
            "group_total": round(price, 2),
            "currency": "crown",
        },
        "history": {"opened": row["opened"], "founder": row["founder"], "head_curator": row["head_curator"]},
        "attendance": {"visitors": row["visitors_2030"], "year": 2030},
    }
    shown = {part: guide[part] for part in guide if not sections or part in sections}
    return {"museum": row["name"], "town": row["town"], **shown}


def collection_search(
    museum: str | None = None,
    artist: str | None = None,
    medium: str | None = None,
    year_from: int | None = None,
    year_to: int | None = None,
    title_contains: str | None = None,
    sort_by: Literal["title", "year", "height_cm", "acquired"] = "title",
    limit: int = 10,
) -> dict:
    """Search the joint catalogue of the museums for works of art, and name the first and last in the chosen order.

    Args:
        museum: Museum that keeps the work.
        artist: Who made it.
        medium: Technique or material, such as oil on canvas.
        year_from: First year of making to keep.
        year_to: Last year of making to keep.
        title_contains: Words that stand in the title.
        sort_by: What the list is ordered by, smallest or earliest first.
        limit: Most works to list, 1 to 50; the count and the extremes are of all that match.
    """
    works = DATA["artworks"]
    wanted = {
        "museum": _one_of([row["name"] for row in DATA["museums"]], museum, "museum"),
        "artist": _one_of([row["name"] for row in DATA["people"]], artist, "artist"),
        "medium": _one_of([row["medium"] for row in works], medium, "medium"),
    }
    matches = [
        row
        for row in works
        if all(value in (None, row[key]) for key, value in wanted.items())
        and (year_from is None or row["year"] >= year_from)
        and (year_to is None or row["year"] <= year_to)
        and (title_contains is None or title_contains.strip().casefold() in row["title"].casefold())
    ]
    shown = _ranked(matches, sort_by, False)[: _count(limit, "limit", 1, 50)]
    keys = ("title", "accession", sort_by)
    return {
        "matching": len(matches),
        "works": [{key: row[key] for key in keys} for row in shown],
        "extremes": _extremes(matches, sort_by, "title") if sort_by != "title" else None,
    }


def artwork_record(
    artwork: str,
    identify_by: Literal["title", "accession"] = "title",
    artist: str | None = None,
    sections: list[Literal["making", "keeping", "dimensions", "acquisition"]] | None = None,
    length_unit: Literal["cm", "in"] = "cm",
) -> dict:
    """Read the catalogue entry of one work of art.

    Args:
        artwork: Its title, or its accession number.
        identify_by: Which of the two `artwork` is.
        artist: Who made it, needed where two works share a title.
        sections: Parts of the entry to return; all of them by default.
        length_unit: Unit of height and width.
    """
    works = DATA["artworks"]
    found = [row for row in works if _same(row[identify_by], artwork)]
    if not found:
        raise _unknown("work", artwork, [row[identify_by] for row in works])
    if artist is not None:
        maker = _one_of([row["name"] for row in DATA["people"]], artist, "artist")
        found = [row for row in found if row["artist"] == maker]
    if len(found) != 1:
        raise ValueError(
            f"{len(found) or 'none'} of the works called {artwork!r} fit; give another artist, or the accession number"
        )
    row = found[0]
    scale = 1 if length_unit == "cm" else 2.54
    entry = {
        "making": {"artist": row["artist"], "year": row["year"], "medium": row["medium"]},
        "keeping": {"museum": row["museum"]},
        "dimensions": {
            "height": round(row["height_cm"] / scale, 1),
            "width": round(row["width_cm"] / scale, 1),
            "unit": length_unit,
        },
        "acquisition": {"date": row["acquired"], "price": row["price"], "currency": row["currency"]},
    }
    shown = {part: entry[part] for part in entry if not sections or part in sections}
    return {"title": row["title"], "accession": row["accession"], **shown}


def climate_record(
    station: str,
    measure: Literal["temperature", "rainfall", "sunshine", "gust"],
    months: list[int] | None = None,
    statistic: Literal["monthly", "sum", "mean", "highest", "lowest"] = "monthly",
    units: Literal["metric", "imperial"] = "metric",
    decimals: int = 1,
) -> dict:
    """Read what a weather station measured in 2030, month by month or summed up.

    Args:
        station: Settlement in which the station stands.
        measure: Mean temperature, rainfall, hours of sunshine, or strongest gust of each month.
        months: Months to take into account, 1 to 12; the whole year by default.
        statistic: All values, or one figure made of them; months without a reading are left out and listed.
        units: Metric (°C, mm, m/s) or imperial (°F, in, kn); sunshine is in hours.
        decimals: Decimal places, 0 to 4.
    """
    row = _find(DATA["climate_2030"], "station", station, "weather station")
    chosen = [_count(month, "every month", 1, 12) for month in sorted(set(months or range(1, 13)))]
    digits = _count(decimals, "decimals", 0, 4)
    convert = {"temperature": lambda v: v * 1.8 + 32, "rainfall": lambda v: v / 25.4, "gust": lambda v: v * 3.6 / 1.852}
    readings = {}
    for month in chosen:
        value = row[measure][month - 1]
        if value is not None:
            readings[month] = convert[measure](value) if units == "imperial" and measure in convert else value
    result = {
        "station": row["station"],
        "year": 2030,
        "measure": measure,
        "unit": {
            "temperature": ("°C", "°F"), "rainfall": ("mm", "in"), "sunshine": ("h", "h"), "gust": ("m/s", "kn")
        }[measure][units == "imperial"],
        "months_without_reading": [month for month in chosen if month not in readings],
    }  # fmt: skip
    if statistic == "monthly":
        return {**result, "values": {calendar.month_name[m]: round(v, digits) for m, v in readings.items()}}
    if not readings:
        raise ValueError(f"station {row['station']} has no reading of {measure} in the chosen months")
    figure = {"sum": sum, "mean": statistics.fmean, "highest": max, "lowest": min}[statistic](list(readings.values()))
    result |= {"statistic": statistic, "value": round(figure, digits)}
    if statistic in ("highest", "lowest"):
        result["in_month"] = " / ".join(calendar.month_name[m] for m, v in readings.items() if v == figure)
    return result


def currency_exchange(
    amount: float,
    from_currency: str,
    to_currency: str,
    month: str,
    rate: Literal["mid", "counter"] = "mid",
    decimals: int = 2,
) -> dict:
    """Convert an amount of money with the federal bank's rates of a month of 2031.

    Args:
        amount: Amount in `from_currency`.
        from_currency: Its currency: crown, Lathian mark, Peregrine thaler, Dunmere shilling or Astavan florin.
        to_currency: Currency wanted.
        month: Month whose rate applies, YYYY-MM.
        rate: Mid-market rate, or the counter rate that a customer gets, worse by the bank's spread.
        decimals: Decimal places of the result, 0 to 6.
    """
    rates = DATA["exchange_rates"]
    names = ["crown", *(row["currency"] for row in rates)]
    source, target = _one_of(names, from_currency, "currency"), _one_of(names, to_currency, "currency")
    months = sorted({row["month"] for row in rates})
    if month not in months:
        raise ValueError(f"month must be one of {months[0]} to {months[-1]}, written YYYY-MM, got {month!r}")
    crowns, spread = {"crown": 1.0}, {"crown": 0.0}
    for row in rates:
        if row["month"] == month:
            crowns[row["currency"]], spread[row["currency"]] = row["crowns"], row["spread"]
    factor = crowns[source] / crowns[target]
    if rate == "counter" and source != target:
        factor *= (1 - spread[source]) * (1 - spread[target])
    digits = _count(decimals, "decimals", 0, 6)
    return {
        "converted": round(amount * factor, digits),
        "currency": target,
        "units_per_unit": round(factor, 6),
        "basis": f"{rate} rate from {source} in {month}",
    }


def unit_converter(
    value: float,
    from_unit: str,
    to_unit: str,
    decimals: int = 3,
    rounding: Literal["nearest", "up", "down"] = "nearest",
) -> dict:
    """Convert between units of length, area, volume, mass and speed, the isles' old local units included.

    Args:
        value: Number to convert.
        from_unit: Its unit, written out in the singular, such as kilometre, knot, Orrin league, ell or creel.
        to_unit: Unit wanted, of the same quantity.
        decimals: Decimal places of the result, 0 to 8.
        rounding: To the nearest value, always up, or always down.
    """
    source = _find(DATA["units"], "unit", from_unit, "unit")
    target = _find(DATA["units"], "unit", to_unit, "unit")
    if source["quantity"] != target["quantity"]:
        raise ValueError(
            f"{source['unit']} is a unit of {source['quantity']}, {target['unit']} of {target['quantity']}"
        )
    scale = 10 ** _count(decimals, "decimals", 0, 8)
    exact = value * source["si"] / target["si"]
    if rounding == "nearest":
        converted = round(exact * scale) / scale
    else:
        converted = (math.ceil if rounding == "up" else math.floor)(round(exact * scale, 6)) / scale
    return {
        "converted": converted,
        "unit": target["unit"],
        "quantity": target["quantity"],
        "old_local_unit": source["local"] or target["local"],
    }


def working_day_calendar(
    start: str,
    working_days: int | None = None,
    until: str | None = None,
    province: str | None = None,
    saturdays: bool = False,
) -> dict:
    """Count working days of 2030 and 2031, or find the day that lies a number of working days after another.

    Sundays and holidays are free. The start itself is not counted, the end is. Give either `working_days` or `until`.

    Args:
        start: Day to count from, YYYY-MM-DD.
        working_days: How many working days to go forward, or back if negative.
        until: Last day to count, YYYY-MM-DD.
        province: Province whose regional holidays are free as well; only those of the whole federation if left out.
        saturdays: Whether Saturdays are worked.
    """
    if (working_days is None) == (until is None):
        raise ValueError("give either working_days or until, not both and not neither")
    provinces = sorted({row["province"] for row in DATA["places"]})
    area = _one_of(provinces, province, "province")
    free = {
        row["date"]: row["name"]
        for row in DATA["holidays"]
        if row["provinces"] is None or (area is not None and area in row["provinces"])
    }
    day, last = _date(start, "start"), _date(until, "until") if until else None
    forward = last >= day if last else working_days > 0
    counted, met = 0, []
    while day != last if last else counted < abs(working_days):
        day += timedelta(days=1 if forward else -1)
        if day.year not in (2030, 2031):
            raise ValueError(f"the calendar covers 2030 and 2031; the count reached {day.isoformat()}")
        holiday = free.get(day.isoformat())
        weekend = day.isoweekday() == 7 or (day.isoweekday() == 6 and not saturdays)
        if holiday and not weekend:
            met.append(holiday)
        counted += not (holiday or weekend)
    return {
        "start": start,
        "end": day.isoformat(),
        "end_weekday": _weekday(day),
        "working_days": counted,
        "holidays_met": met,
        "calendar": area or "whole federation",
    }


def date_interval(
    start: str,
    end: str,
    unit: Literal["days", "weeks", "months", "years"] = "days",
    inclusive: bool = False,
) -> dict:
    """Measure the time between two dates in completed days, weeks, months or years, with what is left over in days.

    Args:
        start: First date, YYYY-MM-DD.
        end: Second date, YYYY-MM-DD, not before the first.
        unit: Unit of the length.
        inclusive: Whether the last day counts as well.
    """
    first, last = _date(start, "start"), _date(end, "end")
    if last < first:
        raise ValueError(f"end {end} lies before start {start}")
    if inclusive:
        last += timedelta(days=1)
    days = (last - first).days
    if unit in ("days", "weeks"):
        length, left = divmod(days, 1 if unit == "days" else 7)
    else:
        months = (last.year - first.year) * 12 + last.month - first.month - (last.day < first.day)
        length = months if unit == "months" else months // 12
        full = length if unit == "months" else length * 12
        year, month = divmod(first.year * 12 + first.month - 1 + full, 12)
        reached = date(year, month + 1, min(first.day, calendar.monthrange(year, month + 1)[1]))
        left = (last - reached).days
    return {
        "length": length,
        "unit": unit,
        "days_left_over": left,
        "weekdays": [_weekday(first), _weekday(_date(end, "end"))],
    }


def vessel_archive_2017(
    vessel: str,
    look_up_by: Literal["name", "registration"] = "name",
    fields: list[Literal["operator", "home_port", "gross_tonnage", "passengers", "speed_kn"]] | None = None,
) -> dict:
    """Read a vessel's entry in the register as it stood in 2017, kept for research; later changes are not in it.

    Args:
        vessel: The vessel's name in 2017, or its registration such as OI-1234-K.
        look_up_by: Which of the two `vessel` is.
        fields: Entries to return; all of them by default.
    """
    row = _find(DATA["archive_2017"], look_up_by, vessel, "vessel of 2017")
    shown = {key: row[key] for key in row if key not in ("name", "registration") and (not fields or key in fields)}
    return {"name_in_2017": row["name"], "registration": row["registration"], "edition": 2017, **shown}


def fleet_statistics(
    measure: Literal["length_m", "gross_tonnage", "passengers", "speed_kn", "built"],
    statistic: Literal["mean", "median", "total", "range"] = "mean",
    group_by: Literal["type", "operator", "yard"] = "type",
    built_from: int | None = None,
    min_vessels: int = 1,
    decimals: int = 1,
) -> dict:
    """Summarise the current fleet of the isles by group; single vessels are not named.

    Args:
        measure: Quantity to summarise; vessels without it are left out.
        statistic: Mean, median, total, or the range between the smallest and the largest.
        group_by: What the vessels are grouped by.
        built_from: Leave out vessels built before this year.
        min_vessels: Leave out groups with fewer vessels.
        decimals: Decimal places, 0 to 4.
    """
    groups = {}
    for row in DATA["vessels"]:
        if row[measure] is not None and (built_from is None or row["built"] >= built_from):
            groups.setdefault(row[group_by], []).append(row[measure])
    reduce = {
        "mean": statistics.fmean,
        "median": statistics.median,
        "total": sum,
        "range": lambda values: max(values) - min(values),
    }[statistic]
    digits = _count(decimals, "decimals", 0, 4)
    figures = {
        name: {"vessels": len(values), "value": round(reduce(values), digits)}
        for name, values in sorted(groups.items())
        if len(values) >= min_vessels
    }
    return {"measure": measure, "statistic": statistic, "by": group_by, "groups": figures}
