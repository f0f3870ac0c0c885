"""The pack that ships: what its author promises beyond what the build and the gate check of every pack."""

import importlib.util
import itertools
import json
import math
from collections import Counter
from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from tool_gym.authoring import DATA, build_pack
from tool_gym.authoring.functions import read_tools
from tool_gym.jsonvalue import encode, loads
from tool_gym.messages import ToolCall
from tool_gym.packs.reader import Pack
from tool_gym.sandbox.executor import Executor
from tool_gym.scenario import Scenario
from tool_gym.verify.matching import matcher

ENVS = Path(__file__).parents[2] / "envs"
SOURCES = ENVS / "sources" / "starter"
PACK = Pack(ENVS / "starter")
SCENARIOS = [PACK[name] for name in PACK]


@pytest.fixture(scope="module")
def tools() -> Iterator[ModuleType]:
    """The author's tools.py as plain Python, with its tables."""
    spec = importlib.util.spec_from_file_location("starter_tools", SOURCES / "tools.py")
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    DATA.load(SOURCES)
    yield module
    DATA.clear()


def _leaves(value: Any) -> list[Any]:
    if isinstance(value, (dict, list)):
        return list(itertools.chain.from_iterable(map(_leaves, value.values() if isinstance(value, dict) else value)))
    return [value]


def _results(tools: ModuleType, scenario: Scenario) -> dict[str, Any]:
    return {
        step.id: loads(encode(getattr(tools, step.tools[0])(**(step.arguments or {}))))
        for step in scenario.sub_questions
    }


def test_the_shipped_pack_is_what_its_sources_build(tmp_path):
    with Executor(execution="embedded") as executor:
        build_pack(SOURCES, tmp_path / "starter", executor=executor)
    built = {path.name: path.read_bytes() for path in (tmp_path / "starter").iterdir()}
    assert built == {path.name: path.read_bytes() for path in (ENVS / "starter").iterdir()}


def test_it_has_eight_scenarios_of_each_structure_in_two_splits():
    assert set(Counter(scenario.structure for scenario in SCENARIOS).values()) == {8}
    assert Counter(scenario.split for scenario in SCENARIOS) == {"train": 20, "test": 12}


def test_every_scenario_shows_8_to_12_tools_of_which_at_least_4_are_not_needed():
    for scenario in SCENARIOS:
        needed = {name for step in scenario.sub_questions for name in step.tools}
        assert 8 <= len(scenario.tools) <= 12, scenario.id
        assert len(scenario.tools) - len(needed) >= 4, scenario.id


def test_every_step_says_where_its_answer_stands():
    assert all(step.expected.path for scenario in SCENARIOS for step in scenario.sub_questions)


def test_no_question_holds_its_answer_or_that_of_a_step_or_a_name_of_a_tool_or_parameter():
    for scenario in SCENARIOS:
        text = scenario.question.casefold().replace(",", "")
        answers = [scenario.answer, *(step.expected for step in scenario.sub_questions)]
        names = [name for tool in scenario.tools for name in (tool.name, *tool.parameters["properties"]) if "_" in name]
        for word in [*(str(answer.value) for answer in answers if answer), *names]:
            assert word.casefold() not in text, (scenario.id, word)


def test_a_steps_answer_comes_from_its_own_call_and_reaches_the_calls_that_depend_on_it(tools):
    for scenario in SCENARIOS:
        results, steps = _results(tools, scenario), {step.id: step for step in scenario.sub_questions}
        for number, step in enumerate(scenario.sub_questions):
            for earlier in scenario.sub_questions[:number]:
                assert step.expected.value not in _leaves(results[earlier.id]), (scenario.id, step.id, earlier.id)
            for need in step.depends_on:
                assert steps[need].expected.value in _leaves(step.arguments), (scenario.id, step.id, need)


def test_a_step_is_not_solved_with_other_answers_in_place_of_those_that_it_needs():
    typed = matcher("typed")
    tried = solved = 0
    with Executor(execution="embedded") as executor:
        for scenario in SCENARIOS:
            session = executor.session(scenario.tools, tables=PACK.tables)
            needed = {need for step in scenario.sub_questions for need in step.depends_on}
            for step in scenario.sub_questions:
                for need, other in _replacements(scenario, step.depends_on):
                    call = ToolCall(id="call", name=step.tools[0], arguments=_replaced(step.arguments, need, other))
                    [result] = session.call([call])
                    hit = typed.accepts(step.expected, call, result, step.arguments)
                    assert step.id in needed or not hit, (scenario.id, step.id, other)
                    tried, solved = tried + 1, solved + hit
    assert tried > 300
    assert solved <= 0.05 * tried  # two pupils may share a teacher, two towns an island; no last step is so met


def _replacements(scenario: Scenario, needs: tuple[str, ...]) -> Iterator[tuple[Any, Any]]:
    """Answers that a step needs, each with others from a column of a table in which it stands."""
    values = {step.id: step.expected.value for step in scenario.sub_questions}
    for need in needs:
        for rows in (loads(path.read_bytes()) for path in sorted((SOURCES / "tables").glob("*.json"))):
            columns = [[row[key] for row in rows] for key in rows[0]]
            column = next((column for column in columns if values[need] in column), [])
            others = [value for value in dict.fromkeys(map(str, column)) if value not in ("None", values[need])]
            yield from ((values[need], other) for other in others[:8] if isinstance(values[need], str))


def _replaced(value: Any, old: Any, new: Any) -> Any:
    if isinstance(value, dict):
        return {key: _replaced(item, old, new) for key, item in value.items()}
    if isinstance(value, list):
        return [_replaced(item, old, new) for item in value]
    return new if value == old else value


VARIANTS: list[tuple[str, dict[str, Any], dict[str, Any]]] = [
    ("place_gazetteer", {"name": "Kragness"}, {
        "name": "Iskwick", "details": ["harbour"], "coordinate_format": "degrees_minutes",
        "accept_former_names": False, "island": "Hask"}),
    ("place_finder", {"region": "Hask"}, {
        "region": "Kelspar", "kinds": ["town"], "min_population": 2000, "founded_before": 1500, "with_harbour": True,
        "sort_by": "founded", "descending": True, "limit": 2}),
    ("distance_calculator", {"stops": ["Velara", "Isklow"]}, {
        "stops": ["Velara", "Wendwick"], "unit": "nmi", "decimals": 0, "return_to_start": True, "each_leg": True}),
    ("vessel_register", {"vessel": "Grey Pilot"}, {
        "vessel": "Brave Heron", "look_up_by": "registration", "sections": ["capacity"], "measures": "imperial"}),
    ("vessel_search", {"built_from": 1990}, {
        "vessel_type": "tug", "operator": "Hask Mail Boats", "designer": "Osric Ammarel", "built_from": 2000,
        "built_to": 2000, "sort_by": "built", "descending": True, "limit": 3}),
    ("sailing_timetable", {"origin": "Tessuna", "date": "2031-11-05"}, {
        "origin": "Isklow", "date": "2031-11-06", "destination": "Wendwick", "depart_after": "09:00",
        "depart_before": "09:00", "operator": "Grey Gannet Shipping", "sort_by": "duration"}),
    ("ferry_fare", {"sailing": "W141", "date": "2031-05-03"}, {
        "sailing": "D235", "date": "2031-07-12", "adults": 2, "children": 1, "car_length_m": 4.0,
        "islander_card": True, "open_return": True}),
    ("company_profile", {"company": "Union Salvage"}, {
        "company": "Tindrey Line", "as_of": "2012-01-01", "sections": ["fleet"], "include_former_directors": True,
        "fleet_order": "built"}),
    ("person_directory", {"name": "Osric Ammarel"}, {
        "name": "Katla Raskov", "born_year": 1900, "fields": ["life"], "date_style": "long"}),
    ("people_search", {"profession": "painter"}, {
        "profession": "sculptor", "birthplace": "Tessuna", "academy": "Sarrelo Conservatory",
        "taught_by": "Rovena Wendelow", "born_from": 1900, "born_to": 1900, "sort_by": "born", "limit": 2}),
    ("museum_guide", {"museum": "Velvet Mill"}, {
        "museum": "Salt Store", "date": "2031-05-14", "adults": 2, "concessions": 1, "sections": ["history"]}),
    ("collection_search", {"year_from": 1900}, {
        "museum": "Velvet Mill", "artist": "Livia Raskov", "medium": "bronze", "year_from": 1950, "year_to": 1950,
        "title_contains": "winter", "sort_by": "year", "limit": 4}),
    ("artwork_record", {"artwork": "Two Gannets"}, {
        "artwork": "Winter Oars", "identify_by": "accession", "artist": "Livia Raskov", "sections": ["keeping"],
        "length_unit": "in"}),
    ("climate_record", {"station": "Isklow", "measure": "rainfall"}, {
        "station": "Velessa", "measure": "gust", "months": [2], "statistic": "lowest", "units": "imperial",
        "decimals": 0}),
    ("currency_exchange", {"amount": 10, "from_currency": "crown", "to_currency": "Lathian mark", "month": "2031-05"}, {
        "amount": 11, "from_currency": "Astavan florin", "to_currency": "Dunmere shilling", "month": "2031-06",
        "rate": "counter", "decimals": 0}),
    ("unit_converter", {"value": 10, "from_unit": "ell", "to_unit": "foot"}, {
        "value": 11, "from_unit": "rope", "to_unit": "mile", "decimals": 0, "rounding": "up"}),
    ("working_day_calendar", {"start": "2031-09-26", "working_days": 30}, {
        "start": "2031-09-27", "working_days": 31, "until": "2031-10-01", "province": "Middle Sound",
        "saturdays": True}),
    ("date_interval", {"start": "2031-01-01", "end": "2031-03-05"}, {
        "start": "2031-01-02", "end": "2031-03-04", "unit": "weeks", "inclusive": True}),
    ("vessel_archive_2017", {"vessel": "Grey Pilot"}, {
        "vessel": "Old Merlin", "look_up_by": "registration", "fields": ["operator"]}),
    ("fleet_statistics", {"measure": "built"}, {
        "measure": "speed_kn", "statistic": "range", "group_by": "yard", "built_from": 2000, "min_vessels": 6,
        "decimals": 3}),
]  # fmt: skip
"""For each tool a call, and for each parameter a value that must change what the call gives."""


def test_every_parameter_of_every_tool_makes_a_difference(tools):
    schemas = {draft.name: draft.parameters["properties"] for draft in read_tools(SOURCES / "tools.py")}
    assert {name: set(changes) for name, _, changes in VARIANTS} == {name: set(schemas[name]) for name in schemas}
    for name, base, changes in VARIANTS:
        plain = getattr(tools, name)(**base)
        for parameter, value in changes.items():
            try:
                changed = getattr(tools, name)(**{**base, parameter: value})
            except ValueError:
                continue
            assert changed != plain, (name, parameter)


def test_every_entity_of_every_table_can_be_looked_up(tools):
    for place in DATA["places"]:
        assert tools.place_gazetteer(place["name"])["population"]["inhabitants"] == place["population"]
        assert not place["former_name"] or tools.place_gazetteer(place["former_name"])["name"] == place["name"]
    for vessel in DATA["vessels"]:
        assert tools.vessel_register(vessel["registration"], look_up_by="registration")["name"] == vessel["name"]
    for old in DATA["archive_2017"]:
        assert tools.vessel_archive_2017(old["registration"], "registration")["operator"] == old["operator"]
    for person in DATA["people"]:
        entry = tools.person_directory(person["name"], born_year=int(person["born"][:4]))
        assert entry["training"]["teacher"] == person["teacher"]
    for work in DATA["artworks"]:
        assert tools.artwork_record(work["accession"], identify_by="accession")["title"] == work["title"]
    for company in DATA["companies"]:
        assert tools.company_profile(company["name"])["management"]["managing_director"]
    for museum in DATA["museums"]:
        assert tools.museum_guide(museum["name"])["town"] == museum["town"]
    for station in DATA["climate_2030"]:
        for measure in ("temperature", "rainfall", "sunshine", "gust"):
            missing = station[measure].count(None)
            record = tools.climate_record(station["station"], measure)
            assert len(record["values"]) == 12 - missing == 12 - len(record["months_without_reading"])
    for sailing in DATA["sailings"]:
        found = tools.sailing_timetable(sailing["origin"], _a_day_of(sailing))["sailings"]
        assert sailing["code"] in [row["sailing"] for row in found]


def _a_day_of(sailing: dict[str, Any]) -> str:
    day = date.fromisoformat(sailing["first"])
    while day.isoweekday() not in sailing["days"]:
        day += timedelta(days=1)
    return day.isoformat()


@pytest.mark.parametrize(
    ("name", "arguments", "words"),
    [
        ("place_gazetteer", {"name": "Targmond"}, "did you mean 'Targmund'"),
        ("place_gazetteer", {"name": "Velara", "island": "Hask"}, "another island"),
        ("distance_calculator", {"stops": ["Velara"]}, "at least two"),
        ("sailing_timetable", {"origin": "Tessuna", "date": "5 May"}, "YYYY-MM-DD"),
        ("sailing_timetable", {"origin": "Tessuna", "date": "2031-05-05", "depart_after": "25:00"}, "HH:MM"),
        ("ferry_fare", {"sailing": "W141", "date": "2031-07-14"}, "does not run on Monday"),
        ("ferry_fare", {"sailing": "T893", "date": "2031-07-14", "car_length_m": 4}, "takes no cars"),
        ("person_directory", {"name": "Corwen Sandoro"}, "give born_year"),
        ("artwork_record", {"artwork": "Morning at the Salt Road"}, "another artist, or the accession number"),
        ("currency_exchange", {"amount": 1, "from_currency": "crown", "to_currency": "florin", "month": "2031-05"},
         "no currency is called 'florin'"),
        ("unit_converter", {"value": 1, "from_unit": "ell", "to_unit": "creel"}, "unit of length"),
        ("working_day_calendar", {"start": "2031-05-05"}, "either working_days or until"),
        ("working_day_calendar", {"start": "2031-12-05", "working_days": 90}, "covers 2030 and 2031"),
        ("date_interval", {"start": "2031-05-05", "end": "2031-05-04"}, "lies before"),
        ("climate_record", {"station": "Isklow", "measure": "gust", "months": [13]}, "between 1 and 12"),
    ],
)  # fmt: skip
def test_a_wrong_argument_is_answered_with_what_is_expected(tools, name, arguments, words):
    with pytest.raises(ValueError, match=words):
        getattr(tools, name)(**arguments)


@pytest.mark.parametrize(
    ("start", "arguments", "end", "count"),
    [
        ("2031-09-26", {"working_days": 4}, "2031-10-03", 4),  # Mariners' Day on 2 October
        ("2031-09-26", {"working_days": 4, "saturdays": True}, "2031-10-01", 4),
        ("2031-10-03", {"working_days": -1}, "2031-10-01", 1),
        ("2031-10-29", {"until": "2031-10-31"}, "2031-10-31", 2),
        ("2031-10-29", {"until": "2031-10-31", "province": "middle sound"}, "2031-10-31", 1),  # All Boats on the 30th
        ("2031-10-29", {"until": "2031-10-29"}, "2031-10-29", 0),
    ],
)
def test_working_days_leave_out_sundays_and_the_holidays_of_the_chosen_calendar(tools, start, arguments, end, count):
    result = tools.working_day_calendar(start, **arguments)
    assert (result["end"], result["working_days"]) == (end, count)


def test_a_completed_month_is_counted_up_to_the_same_day_or_the_end_of_a_shorter_month(tools):
    assert tools.date_interval("2031-01-31", "2031-03-01", "months") == {
        "length": 1, "unit": "months", "days_left_over": 1, "weekdays": ["Friday", "Saturday"]
    }  # fmt: skip
    assert tools.date_interval("1978-09-25", "1987-07-19", "years")["length"] == 8


def test_distances_agree_with_the_spherical_law_of_cosines(tools):
    places = {place["name"]: place for place in DATA["places"]}
    for start, end in (("Velara", "Isklow"), ("Fjandsund", "Zirananza")):
        phi, psi = (math.radians(places[name]["latitude"]) for name in (start, end))
        turn = math.radians(places[end]["longitude"] - places[start]["longitude"])
        angle = math.acos(math.sin(phi) * math.sin(psi) + math.cos(phi) * math.cos(psi) * math.cos(turn))
        assert tools.distance_calculator([start, end], decimals=3)["distance"] == pytest.approx(
            6371.0088 * angle, abs=1e-3
        )


def test_the_pack_stays_small():
    assert sum(path.stat().st_size for path in (ENVS / "starter").iterdir()) < 300_000
    assert json.loads((ENVS / "starter" / "pack.json").read_text())["license"] == "Apache-2.0"
