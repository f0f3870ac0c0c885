"""Domains: every declaration is sound, and whatever the seed, its worlds keep what it declares."""

import math
import re
from collections import Counter
from datetime import date
from itertools import combinations

import pytest

from tool_gym.generation.backends.worlds.backend import WorldsBackend
from tool_gym.generation.backends.worlds.domain import NUMERIC, Domain, domain_names, load_domain
from tool_gym.generation.backends.worlds.names import LANGUAGES, Namer
from tool_gym.generation.backends.worlds.world import HISTORY_YEARS, archive, build_world, history
from tool_gym.generation.pipeline import Tally, build
from tool_gym.generation.seeds import rng_of
from tool_gym.generation.topic import Strategies, Topic
from tool_gym.messages import ToolCall
from tool_gym.sandbox.executor import Executor
from tool_gym.scenario import STRUCTURES
from tool_gym.verify.matching import TypedMatcher

DOMAINS = domain_names()
INVENTED = [name for name in DOMAINS if not load_domain(name).facts]
FACTS = [name for name in DOMAINS if load_domain(name).facts]
SEEDS = range(20)


def worlds(domain):
    return (build_world(domain, seed) for seed in SEEDS)


def test_there_are_at_least_twelve_invented_domains_and_three_of_facts():
    assert len(INVENTED) >= 12
    assert len(FACTS) >= 3


@pytest.mark.parametrize("name", DOMAINS)
def test_a_domain_has_types_relations_places_units_and_choices_to_ask_for(name):
    domain = load_domain(name)
    attributes = [each for kind in domain.types.values() for each in kind.attributes.values()]
    relations = [each for kind in domain.types.values() for each in kind.relations.values()]
    assert len(domain.types) >= 3
    assert len(relations) >= 2
    assert sum(each.kind in NUMERIC for each in attributes) >= 3
    assert any(each.unit for each in attributes)
    assert any(len(each.values) >= 4 for each in attributes if each.kind == "enum")
    assert len({kind.table for kind in domain.types.values()}) == len(domain.types)
    for each in attributes:
        assert all(text.count("{x}") == 1 for text in each.asks)
        assert bool(each.unit) == bool(each.unit_words)
    if not domain.facts:
        assert any(kind.located for kind in domain.types.values())
        assert any(each.pasts for each in relations)
        assert {"money", "date"} <= {each.kind for each in attributes}


def test_every_new_shape_of_attribute_and_name_is_in_use():
    kinds = [kind for name in INVENTED for kind in load_domain(name).types.values()]
    assert {each.kind for kind in kinds for each in kind.attributes.values()} >= {"boolean", "list"}
    assert any(kind.renamed for kind in kinds)
    assert any(kind.nicknamed for kind in kinds)


@pytest.mark.parametrize("name", DOMAINS)
def test_whatever_the_seed_names_are_unique_and_relations_lead_somewhere(name):
    for world in worlds(name):
        names = [row["name"] for rows in world.entities.values() for row in rows]
        other = [
            row.get(key) for rows in world.entities.values() for row in rows for key in ("former_name", "nickname")
        ]
        called = names + [each for each in other if each]
        assert len(set(map(str.casefold, called))) == len(called)
        for key, kind in world.domain.types.items():
            rows = world.entities[key]
            assert rows
            assert len({row["id"] for row in rows}) == len(rows)
            for relation, each in kind.relations.items():
                targets = {row["name"] for row in world.entities[each.target]}
                assert all(row[relation] in targets for row in rows), relation


@pytest.mark.parametrize("name", DOMAINS)
def test_whatever_the_seed_values_stay_in_their_declared_range(name):
    for world in worlds(name):
        for key, kind in world.domain.types.items():
            for row in world.entities[key]:
                if kind.located:
                    assert -90 <= row["latitude"] <= 90
                    assert -180 <= row["longitude"] <= 180
                for field, attribute in kind.attributes.items():
                    if row[field] is None:
                        assert attribute.missing, f"{key}.{field} is missing in {row['name']}, and must not be"
                    else:
                        assert fits(attribute, row[field]), f"{key}.{field} = {row[field]!r}"


def fits(attribute, value):
    low, high = attribute.range
    match attribute.kind:
        case "enum":
            return value in attribute.values
        case "boolean":
            return value is True or value is False
        case "list":
            known = not attribute.values or set(value) <= set(attribute.values)
            return known and low <= len(set(value)) == len(value) <= high
        case "date":
            return low <= date.fromisoformat(value).year <= high
        case "integer" | "year":
            return isinstance(value, int) and low <= value <= high
        case _:
            return low <= value <= high and math.isclose(value, round(value, attribute.decimals))


@pytest.mark.parametrize("name", DOMAINS)
def test_a_history_has_no_gaps_and_ends_with_what_is_true_now(name):
    for world in worlds(name):
        for key, kind in world.domain.types.items():
            for field, relation in kind.relations.items():
                if not relation.pasts:
                    continue
                targets = {row["name"] for row in world.entities[relation.target]}
                past = {}
                for row in world.tables[history(kind, field)]:
                    past.setdefault(row["name"], []).append(row)
                assert past.keys() == {row["name"] for row in world.entities[key]}
                for owner, rows in past.items():
                    assert all(row["value"] in targets for row in rows)
                    assert [row["since"] for row in rows[1:]] == [row["until"] for row in rows[:-1]]
                    assert all(row["until"] is None or row["since"] < row["until"] for row in rows)
                    assert rows[-1]["until"] is None
                    assert rows[-1]["value"] == world.row(key, owner)[field]


@pytest.mark.parametrize("name", INVENTED)
def test_an_invented_world_has_outdated_records_look_alikes_and_other_names(name):
    alike = 0
    for world in worlds(name):
        for key, kind in world.domain.types.items():
            rows, old = world.entities[key], world.tables[archive(kind)]
            assert kind.count[0] <= len(rows) <= kind.count[1]
            assert [row["name"] for row in old] == [row["name"] for row in rows]
            for now, then in zip(rows, old, strict=True):
                assert all(now[field] != then[field] for field in kind.relations)
            for row in rows:
                if row.get("former_name"):
                    assert date.fromisoformat(row["renamed_on"]) < world.present
            alike += sum(nearly(*pair) for pair in combinations([row["name"] for row in rows], 2))
    assert alike >= len(SEEDS), "too few names that are easily mistaken for each other"


def nearly(one, other):
    """Whether two names differ in a single letter."""
    return len(one) == len(other) and sum(a != b for a, b in zip(one, other, strict=True)) == 1


def test_names_of_two_domains_hardly_ever_meet_and_there_are_thousands():
    seen = Counter()
    for name in INVENTED:
        seen.update({row["name"] for world in worlds(name) for rows in world.entities.values() for row in rows})
    assert len(seen) > 30_000
    assert sum(count > 1 for count in seen.values()) < len(seen) / 100


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_language_makes_words_that_can_be_read_aloud(language):
    namer = Namer(rng_of(language), (language,))
    words = {namer.word() for _ in range(2000)}
    assert len(words) > 1000
    assert all(re.fullmatch(r"[A-Z][a-z]+", word) and not re.search(r"(.)\1\1", word) for word in words)


def test_an_id_ends_with_its_check_digit_where_its_pattern_says_so():
    namer = Namer(rng_of("ids"), ("vale",))
    for _ in range(200):
        digits = [int(char) for char in namer.identifier("POL-######-*") if char.isdigit()][::-1]
        assert sum(digit * (3 if i % 2 else 1) for i, digit in enumerate(digits)) % 10 == 0


KIND = {"noun": "thing", "plural": "things", "names": ["{word}"], "id": "#", "count": [1, 2], "records": ["list"]}
SIZE = {"kind": "integer", "range": [1, 2], "nouns": ["size"]}
LINK = {"target": "thing", "nouns": ["friend"], "verbs": ["likes {x}"], "inverses": ["liked by {x}"]}


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        ({"types": {"thing": {**KIND, "id": ""}}}, "an invented type has names"),
        ({"types": {"thing": {**KIND, "relations": {"a": {**LINK, "target": "nothing"}}}}}, "no type 'nothing'"),
        ({"types": {"thing": {**KIND, "relations": {"a": {**LINK, "verbs": []}}}}}, "needs clauses and asks"),
        ({"types": {"thing": {**KIND, "relations": {"a": {**LINK, "inverses": []}}}}}, "has inverses"),
        ({"types": {"thing": {**KIND, "attributes": {"a": {**SIZE, "kind": "enum"}}}}}, "enum needs values"),
        ({"types": {"thing": {**KIND, "attributes": {"a": {**SIZE, "kind": "list"}}}}}, "list needs values"),
        ({"types": {"thing": {**KIND, "attributes": {"a": {**SIZE, "values": ["x"]}}}}}, "only an enum or a list"),
        ({"languages": ["vale"]}, "two or more languages"),
        ({"facts": "elements"}, "`about`"),
    ],
)
def test_a_declaration_that_makes_no_sense_is_told_where(wrong, told):
    sound = {"name": "x", "title": "x", "keepers": ["x"], "languages": ["vale", "isle"]}
    sound["types"] = {"thing": {**KIND, "attributes": {"a": SIZE}, "relations": {"b": LINK}}}
    assert Domain.model_validate(sound)
    broken = {**sound, **wrong}
    for kind in broken["types"].values():
        kind.setdefault("attributes", {})
    with pytest.raises(ValueError, match=told):
        Domain.model_validate(broken)


@pytest.fixture(scope="module")
def executor():
    with Executor(execution="embedded") as running:
        yield running


def scenarios(domain, executor, level, count):
    for index in range(count):
        topic = Topic(
            seed=5, index=index, structure=STRUCTURES[index % 4], level=level, strategies=Strategies.of_level(level),
            source={"domain": domain, "world": index % 2},
        )  # fmt: skip
        yield build(topic, WorldsBackend(), executor, f"{domain}-{index}", Tally())


def check_solvable(scenario, tables, executor):
    """The gold calls, made from a fresh session, solve all; and the scenario says how true its facts are."""
    session = executor.session(scenario.tools, tables=tables)
    for step in scenario.sub_questions:
        call = ToolCall(name=step.tools[0], arguments=step.arguments)
        assert TypedMatcher().accepts(step.expected, call, session.call([call])[0], step.arguments)


@pytest.mark.parametrize("name", DOMAINS)
def test_every_domain_gives_solvable_scenarios_of_all_structures(name, executor):
    made = list(scenarios(name, executor, level=2, count=4))
    assert [scenario.structure for scenario, _ in made] == list(STRUCTURES)
    for scenario, tables in made:
        check_solvable(scenario, tables, executor)
        assert scenario.provenance.truth == load_domain(name).truth


@pytest.mark.slow
@pytest.mark.parametrize("level", [0, 3, 5])
@pytest.mark.parametrize("name", DOMAINS)
def test_every_domain_gives_solvable_scenarios_at_every_level(name, level, executor):
    for scenario, tables in scenarios(name, executor, level, count=12):
        check_solvable(scenario, tables, executor)
        assert len(scenario.question) < 2000


def test_a_history_reaches_back_as_far_as_it_says():
    world = build_world("insurance", 0)
    first = min(row["since"] for row in world.tables["policies_insurer_history"])
    assert world.present.year - int(first[:4]) in (HISTORY_YEARS, HISTORY_YEARS - 1)
