"""Extracts of facts: named sources, and worlds that hold true facts and whole sets of them."""

import json
import re
from importlib import resources

import pytest

from tool_gym.generation.backends.worlds.domain import domain_names, load_domain
from tool_gym.generation.backends.worlds.facts import attribution, load_facts, past_rows, sources
from tool_gym.generation.backends.worlds.geometry import distance_km
from tool_gym.generation.backends.worlds.world import archive, build_world, history

FACTS = [name for name in domain_names() if load_domain(name).facts]
FOLDER = resources.files("tool_gym.generation.backends.worlds") / "extracts"
REDISTRIBUTABLE = {"CC-BY-4.0", "Unicode-3.0", "MIT"}


def rows(domain):
    return {key: each.as_dicts() for key, each in load_facts(load_domain(domain).facts).types.items()}


@pytest.mark.parametrize("name", FACTS)
def test_an_extract_names_its_sources_and_is_small(name):
    facts = load_facts(load_domain(name).facts)
    assert facts.sources
    for source in facts.sources:
        assert source.license in REDISTRIBUTABLE
        assert re.fullmatch(r"[0-9][0-9.]*", source.version)
        assert source.attribution in attribution([name])
    for text in load_domain(name).about:
        assert any(source.data in text for source in facts.sources), "a question must say whose figures count"
    assert len((FOLDER / f"{load_domain(name).facts}.json").read_bytes()) <= 150_000


def test_sources_that_two_domains_share_are_named_once_and_invented_ones_have_none():
    assert attribution(["countries", "airports"]).count("geonames.org") == 1
    assert len(sources(FACTS)) == len(set(sources(FACTS)))
    assert attribution(["shipping"]) == ""


@pytest.mark.parametrize("name", FACTS)
def test_every_extract_is_read_as_canonical_rows_with_the_columns_that_its_domain_declares(name):
    domain, found = load_domain(name), rows(name)
    assert found.keys() == domain.types.keys()
    for key, kind in domain.types.items():
        places = {"latitude", "longitude"} if kind.located else set()
        assert found[key][0].keys() == {"name", "id", *places, *kind.attributes, *kind.relations}
    raw = json.loads((FOLDER / f"{domain.facts}.json").read_text(encoding="utf-8"))
    assert set(raw["histories"]) == {
        f"{key}.{field}" for key, kind in domain.types.items() for field, each in kind.relations.items() if each.pasts
    }


@pytest.mark.parametrize("name", FACTS)
def test_worlds_differ_and_hold_nothing_but_rows_of_the_extract(name):
    found = rows(name)
    worlds = [build_world(name, seed) for seed in range(6)]
    for world in worlds:
        for key in world.domain.types:
            assert all(row in found[key] for row in world.entities[key])
        assert len(world.sources) == len(load_facts(name).sources)
        assert all(str(world.present) in source for source in world.sources)
    assert len({json.dumps(world.entities) for world in worlds}) == len(worlds)


@pytest.mark.parametrize("name", FACTS)
def test_what_may_be_counted_is_whole(name):
    """A set that a question may ask for has as many members in a world as it has in the extract."""
    found = rows(name)
    for seed in range(6):
        world = build_world(name, seed)
        for key, kind in world.domain.types.items():
            for field, relation in kind.relations.items():
                if not relation.inverses:
                    continue
                for target in world.entities[relation.target]:
                    here = [row["name"] for row in world.entities[key] if row[field] == target["name"]]
                    assert here == [row["name"] for row in found[key] if row[field] == target["name"]]


@pytest.mark.parametrize("name", FACTS)
def test_a_world_of_facts_has_no_invented_records_rates_or_holidays(name):
    world = build_world(name, 0)
    tables = {kind.table for kind in world.domain.types.values()}
    assert not tables & {archive(kind) for kind in world.domain.types.values()}
    past = {
        history(kind, field)
        for kind in world.domain.types.values()
        for field, each in kind.relations.items()
        if each.pasts
    }
    assert world.tables.keys() == tables | past


@pytest.mark.parametrize("name", ["countries", "airports"])
def test_a_capital_lies_in_its_country_and_no_place_shares_a_name(name):
    found = rows(name)
    city = {row["name"]: row for row in found["city"]}
    for country in found["country"]:
        assert city[country["capital"]]["country"] == country["name"]
    names = [row["name"] for each in found.values() for row in each]
    assert len(set(names)) == len(names)
    assert not set(names) & {"Taiwan", "Kosovo", "Western Sahara", "Crimea", "Palestine", "Jerusalem"}


def test_an_airport_lies_near_its_city_and_in_the_same_country():
    found = rows("airports")
    city = {row["name"]: row for row in found["city"]}
    for airport in found["airport"]:
        assert distance_km(airport, city[airport["city"]]) < 60
        assert city[airport["city"]]["country"] == airport["country"]
        assert re.fullmatch("[A-Z]{3}", airport["id"])


def test_facts_that_everybody_knows_are_in_the_extracts():
    country = {row["name"]: row for row in rows("countries")["country"]}
    assert country["Norway"]["capital"] == "Oslo"
    assert country["Japan"]["currency"] == "Japanese Yen"
    past = past_rows(load_facts("countries"), "country", "currency")
    assert [row["since"] for row in past if row["name"] == "Estonia" and row["value"] == "Euro"] == ["2011-01-01"]
    element = {row["name"]: row for row in rows("elements")["element"]}
    assert (element["gold"]["id"], element["gold"]["number"], element["gold"]["group"]) == ("Au", 79, "group 11")
    assert sum(row["element"] == "tin" for row in rows("elements")["isotope"]) == 10
    assert [row["size"] for row in rows("elements")["period"]] == [2, 8, 8, 18, 18, 32, 32]


def test_isotopes_of_an_element_make_up_all_of_it():
    found = rows("elements")["isotope"]
    for name in {row["element"] for row in found}:
        assert sum(row["abundance"] for row in found if row["element"] == name) == pytest.approx(100, abs=0.6)
