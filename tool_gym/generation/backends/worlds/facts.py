"""True facts: frozen extracts of freely licensed data. A world takes some entities and all that belongs to them.

An extract is a JSON file in `extracts/`, made by `extracts/make.py`. It names its sources, their versions and licences,
the day on which it was taken, and the words by which each source wants to be named.
"""

from __future__ import annotations

import functools
import random
from collections.abc import Iterable
from datetime import date
from importlib import resources
from typing import Any

from tool_gym.generation.backends.worlds.domain import Domain, load_domain
from tool_gym.jsonvalue import loads
from tool_gym.messages import Noun

_FOLDER = resources.files("tool_gym.generation.backends.worlds") / "extracts"


class Source(Noun):
    """Where facts come from.

    Attributes:
        data: Name of the data.
        package: The Python package that they were read from.
        version: Its version.
        license: SPDX expression of the data's licence.
        attribution: How the data want to be named.
    """

    data: str
    package: str
    version: str
    license: str
    attribution: str


class Rows(Noun):
    """Rows as columns and values, which is shorter than objects."""

    columns: tuple[str, ...]
    rows: tuple[tuple[Any, ...], ...]

    def as_dicts(self) -> list[dict[str, Any]]:
        """Every row by column."""
        return [dict(zip(self.columns, row, strict=True)) for row in self.rows]


class Facts(Noun):
    """An extract.

    Attributes:
        title: A few words.
        taken: The day on which it was taken.
        sources: Where it comes from.
        types: Entities by type: `name`, `id`, attributes, names of related entities, and `latitude` and `longitude`.
        histories: Rows of dated relations by "type.relation": `name`, `value`, `since`, and `until`, exclusive.
    """

    title: str
    taken: date
    sources: tuple[Source, ...]
    types: dict[str, Rows]
    histories: dict[str, Rows] = {}


@functools.cache
def load_facts(name: str) -> Facts:
    """Reads an extract.

    Raises:
        FileNotFoundError: If there is none of that name.
    """
    return Facts.model_validate(loads((_FOLDER / f"{name}.json").read_bytes()))


def sources(domains: Iterable[str]) -> list[Source]:
    """The sources of the facts of some domains, each once; invented domains have none."""
    extracts = [load_facts(domain.facts) for domain in map(load_domain, domains) if domain.facts]
    return list(dict.fromkeys(source for extract in extracts for source in extract.sources))


def attribution(domains: Iterable[str]) -> str:
    """What a pack that uses some domains has to say of its sources; empty for none."""
    return " ".join(f"{each.attribution} ({each.license})." for each in sources(domains))


def sample(domain: Domain, facts: Facts, rng: random.Random) -> dict[str, list[dict[str, Any]]]:
    """Entities by type: some of the type that worlds are sampled by, and all that belongs to them.

    What an entity points at comes with it, now and in the past; and wherever sets may be asked for, so do all that
    point at it, so that counts and extremes of such a set are as true in the world as they are in the extract.
    """
    rows = {key: each.as_dicts() for key, each in facts.types.items()}
    names = [row["name"] for row in rows[domain.sampled_by]]
    count = min(len(names), rng.randint(*domain.types[domain.sampled_by].count))
    taken: dict[str, set[str]] = {key: set() for key in domain.types}
    taken[domain.sampled_by] = set(rng.sample(names, count))
    links = [(key, name, each) for key, kind in domain.types.items() for name, each in kind.relations.items()]
    size = 0
    while size != (size := sum(map(len, taken.values()))):
        for key, name, relation in links:
            for row in rows[key]:
                if row["name"] in taken[key]:
                    taken[relation.target].add(row[name])
                elif relation.inverses and row[name] in taken[relation.target]:
                    taken[key].add(row["name"])
            for past in past_rows(facts, key, name):
                if past["name"] in taken[key]:
                    taken[relation.target].add(past["value"])
    return {key: [row for row in rows[key] if row["name"] in taken[key]] for key in domain.types}


def past_rows(facts: Facts, key: str, relation: str) -> list[dict[str, Any]]:
    """The history of a relation of a type; empty if it has none."""
    found = facts.histories.get(f"{key}.{relation}")
    return found.as_dicts() if found else []
