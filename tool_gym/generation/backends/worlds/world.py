"""A world: rows about entities, all from one seed. Most are invented; those of a domain of facts are true."""

from __future__ import annotations

import functools
import random
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from tool_gym.generation.backends.worlds.domain import Attribute, Domain, EntityType, load_domain
from tool_gym.generation.backends.worlds.facts import load_facts, past_rows, sample
from tool_gym.generation.backends.worlds.names import Namer
from tool_gym.generation.seeds import rng_of

Row = dict[str, Any]
HISTORY_YEARS = 18
"""How far back dated relations reach before the world's present."""
_CURRENCIES = 5
_NEAR = 0.06
"""Share of entities whose name is easily taken for another's."""
_COORDINATES = (48, 58), (-12, 14)
"""Latitudes and longitudes of invented places, in degrees."""


@dataclass(frozen=True)
class World:
    """What is true in one world.

    Attributes:
        domain: Its declaration.
        tables: Rows by table name; every entity has `name`, `id`, its attributes (None where missing) and, for each
            relation, the other's name. Outdated records and exchange rates are there in invented worlds only.
        entities: Rows by type key.
        currency: Name of the money that amounts are in; empty where there is none.
        present: The day on which the records were closed.
        sources: Where true facts come from, with version and date; empty where they are invented.
    """

    domain: Domain
    tables: dict[str, list[Row]]
    entities: dict[str, list[Row]]
    currency: str
    present: date
    sources: tuple[str, ...] = ()

    def row(self, kind: str, name: str) -> Row:
        """The entity of that type and name."""
        return self._index[kind][name]

    @functools.cached_property
    def _index(self) -> dict[str, dict[str, Row]]:
        return {kind: {row["name"]: row for row in rows} for kind, rows in self.entities.items()}

    def unit(self, attribute: Attribute) -> str:
        """The unit of an attribute's values, empty for none."""
        return self.currency if attribute.kind == "money" else attribute.unit


def archive(kind: EntityType) -> str:
    """Name of the table of a type's outdated records."""
    return f"{kind.table}_archive"


def history(kind: EntityType, relation: str) -> str:
    """Name of the table of a dated relation."""
    return f"{kind.table}_{relation}_history"


@functools.lru_cache(maxsize=4)
def build_world(domain_name: str, seed: int) -> World:
    """A world of a domain, invented or of true facts.

    Args:
        domain_name: Name of its domain.
        seed: Everything follows from it.
    """
    domain = load_domain(domain_name)
    rng = rng_of("world", domain_name, seed)
    return _extracted(domain, rng) if domain.facts else _invented(domain, rng)


def _extracted(domain: Domain, rng: random.Random) -> World:
    facts = load_facts(domain.facts)
    entities = sample(domain, facts, rng)
    tables: dict[str, list[Row]] = {}
    for key, kind in domain.types.items():
        tables[kind.table] = entities[key]
        names = {row["name"] for row in entities[key]}
        for name, relation in kind.relations.items():
            if relation.pasts:
                tables[history(kind, name)] = [row for row in past_rows(facts, key, name) if row["name"] in names]
    sources = tuple(f"{each.data} ({each.package} {each.version}), taken {facts.taken}" for each in facts.sources)
    return World(domain, tables, entities, "", facts.taken, sources)


def _invented(domain: Domain, rng: random.Random) -> World:
    namer = Namer(rng, tuple(rng.sample(domain.languages, 2)))
    currencies = list(dict.fromkeys(namer.coin() for _ in range(3 * _CURRENCIES)))[:_CURRENCIES]
    present = date(rng.randint(2026, 2044), rng.randint(1, 12), rng.randint(1, 28))
    entities = {key: _entities(kind, rng, namer, present) for key, kind in domain.types.items()}
    tables: dict[str, list[Row]] = {}
    for key, kind in domain.types.items():
        _link(kind, entities, key, rng)
        tables[kind.table] = entities[key]
        tables[archive(kind)] = [_outdated(kind, row, entities, rng) for row in entities[key]]
        for name, relation in kind.relations.items():
            if relation.pasts:
                others = [row["name"] for row in entities[relation.target]]
                tables[history(kind, name)] = [
                    each for row in entities[key] for each in _history(row["name"], row[name], others, present, rng)
                ]
    tables["exchange_rates"] = [
        {"currency": each, "per_unit": round(rng.uniform(0.05, 9.0), 4) if i else 1.0}
        for i, each in enumerate(currencies)
    ]
    tables["holidays"] = _holidays(rng, namer)
    return World(domain, tables, entities, currencies[0], present)


def _holidays(rng: random.Random, namer: Namer) -> list[Row]:
    """Public holidays, on the same day of every year."""
    days = sorted((rng.randint(1, 12), rng.randint(1, 28)) for _ in range(9))
    return [{"name": f"{namer.word()} Day", "month": month, "day": day} for month, day in dict.fromkeys(days)]


def _entities(kind: EntityType, rng: random.Random, namer: Namer, present: date) -> list[Row]:
    rows: list[Row] = []
    for _ in range(rng.randint(*kind.count)):
        if rows and rng.random() < _NEAR:
            name = namer.near(rng.choice(rows)["name"], kind.names, kind.suffixes)
        else:
            name = namer.new(kind.names, kind.suffixes)
        row: Row = {"name": name, "id": namer.identifier(kind.id)}
        row |= _other_names(kind, rng, namer, present)
        if kind.located:
            row |= {
                key: round(rng.uniform(*span), 4)
                for key, span in zip(("latitude", "longitude"), _COORDINATES, strict=True)
            }
        for key, attribute in kind.attributes.items():
            row[key] = None if rng.random() < attribute.missing else _value(attribute, rng)
        rows.append(row)
    return rows


def _other_names(kind: EntityType, rng: random.Random, namer: Namer, present: date) -> Row:
    """Former name and nickname, None where an entity has none."""
    row: Row = {}
    if kind.renamed:
        renamed = rng.random() < kind.renamed
        day = present - timedelta(days=rng.randrange(400, 365 * HISTORY_YEARS))
        row["former_name"] = namer.new(kind.names, kind.suffixes) if renamed else None
        row["renamed_on"] = day.isoformat() if renamed else None
    if kind.nicknamed:
        row["nickname"] = namer.nickname() if rng.random() < kind.nicknamed else None
    return row


def _value(attribute: Attribute, rng: random.Random) -> Any:
    low, high = attribute.range
    match attribute.kind:
        case "enum":
            return rng.choice(attribute.values)
        case "boolean":
            return rng.random() < 0.5
        case "list":
            return sorted(rng.sample(attribute.values, rng.randint(int(low), int(high))))
        case "date":
            return (date(int(low), 1, 1) + timedelta(days=rng.randrange(int((high - low + 1) * 365)))).isoformat()
        case "integer" | "year":
            return round(rng.triangular(low, high, low + (high - low) / 3))
        case _:
            return round(rng.triangular(low, high, low + (high - low) / 3), attribute.decimals or None)


def _link(kind: EntityType, entities: dict[str, list[Row]], key: str, rng: random.Random) -> None:
    for name, relation in kind.relations.items():
        others = [row["name"] for row in entities[relation.target]]
        # A few hubs have much, so that "the longest of those operated by X" is a choice among several.
        weights = [rng.choice((1, 2, 4)) for _ in others]
        for row in entities[key]:
            choice = rng.choices(others, weights)[0]
            while relation.target == key and choice == row["name"]:
                choice = rng.choices(others, weights)[0]
            row[name] = choice


def _outdated(kind: EntityType, row: Row, entities: dict[str, list[Row]], rng: random.Random) -> Row:
    """The entity as it was recorded long ago: the same name and id, other values."""
    old = {"name": row["name"], "id": row["id"]}
    for key, attribute in kind.attributes.items():
        value = row[key]
        if attribute.kind == "enum":
            value = rng.choice([each for each in attribute.values if each != value])
        elif attribute.kind == "boolean" and value is not None:
            value = not value
        elif attribute.kind == "list" and value:
            value = sorted(set(attribute.values) - set(value))[: len(value)]
        elif attribute.kind == "date" and value:
            value = (date.fromisoformat(value) - timedelta(days=rng.randint(30, 4000))).isoformat()
        elif attribute.kind == "year" and value:
            value -= rng.randint(1, 9)
        elif value is not None:
            older = round(value * rng.uniform(0.55, 0.93), attribute.decimals or None)
            value = older if older != value else value + 1
        old[key] = value
    for name, relation in kind.relations.items():
        old[name] = rng.choice([each["name"] for each in entities[relation.target] if each["name"] != row[name]])
    return old


def _history(name: str, now: str, others: list[str], present: date, rng: random.Random) -> list[Row]:
    """Who it was over the years, the present one last: rows with `name`, `value`, `since`, `until` (exclusive)."""
    start = present - timedelta(days=365 * HISTORY_YEARS)
    cuts = sorted(rng.sample(range(200, 365 * HISTORY_YEARS - 200), rng.randint(1, 3)))
    days = [start, *(start + timedelta(days=cut) for cut in cuts)]
    values = [*rng.sample([each for each in others if each != now], min(len(cuts), len(others) - 1)), now]
    days = days[-len(values) :]
    ends = [*(day.isoformat() for day in days[1:]), None]
    return [
        {"name": name, "value": value, "since": day.isoformat(), "until": end}
        for value, day, end in zip(values, days, ends, strict=True)
    ]
