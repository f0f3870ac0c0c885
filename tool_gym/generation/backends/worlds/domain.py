"""Domains: what kinds of things a world has, and how people speak of them. A domain is a TOML file in `domains/`.

The facts of most domains are invented; a domain that names an extract in `extracts/` samples true ones.
"""

from __future__ import annotations

import functools
import tomllib
from importlib import resources
from typing import Literal

from pydantic import Field, ValidationError, model_validator

from tool_gym.errors import InputError, UnknownName
from tool_gym.messages import Noun
from tool_gym.scenario import Truth
from tool_gym.trajectory import brief

_FOLDER = resources.files("tool_gym.generation.backends.worlds") / "domains"

NUMERIC = ("integer", "decimal", "money")
"""Kinds of attributes that can be added up."""
SORTABLE = (*NUMERIC, "date", "year")


class Attribute(Noun):
    """A value that every entity of a type has, unless it is missing.

    Attributes:
        kind: integer, decimal, money (in the world's currency), year, date, enum, boolean, or list (of texts).
        range: Least and greatest value; years for dates; lengths of a list; of a boolean nothing.
        decimals: Decimal places of a decimal or money.
        unit: Symbol of the unit, as `m`.
        unit_words: The unit in words, as `metres`.
        values: Members of an enum, and what an invented list can hold.
        nouns: What the value is called: "the {noun} of X".
        asks: Questions for it, with {x} for the entity: "how long is {x}".
        most: Superlatives for the greatest value, as "longest".
        least: Superlatives for the least.
        adjective: For an enum, how a member stands before the type's noun, as "{v}"; or
        clause: how it stands after it, as "of class {v}".
        additive: Whether a total of several makes sense.
        missing: Share of entities that lack it, in [0, 1).
    """

    kind: Literal["integer", "decimal", "money", "year", "date", "enum", "boolean", "list"]
    range: tuple[float, float] = (0, 0)
    decimals: int = 0
    unit: str = ""
    unit_words: str = ""
    values: tuple[str, ...] = ()
    nouns: tuple[str, ...] = Field(min_length=1)
    asks: tuple[str, ...] = ()
    most: tuple[str, ...] = ()
    least: tuple[str, ...] = ()
    adjective: str = ""
    clause: str = ""
    additive: bool = True
    missing: float = Field(default=0.0, ge=0, lt=1)


class Relation(Noun):
    """A link of every entity of a type to one entity of another.

    Attributes:
        target: The other type.
        nouns: What the other is called: "the {noun} of X".
        verbs: What the other does to it, with {x} for the entity: "operates {x}".
        pasts: The same in the past: "operated {x}". Given for a relation whose history is recorded.
        inverses: How the entity stands to the other: "operated by {x}". Left out where a world of facts may hold only
            some of those that stand so: then no set of them is asked for.
        clauses: How the other is told by it where "that" and a verb will not do: "where {x} lives".
        asks: Questions for the other where "which" and a verb will not do: "in which town does {x} live".
    """

    target: str
    nouns: tuple[str, ...] = Field(min_length=1)
    verbs: tuple[str, ...] = ()
    pasts: tuple[str, ...] = ()
    inverses: tuple[str, ...] = ()
    clauses: tuple[str, ...] = ()
    asks: tuple[str, ...] = ()


class EntityType(Noun):
    """A kind of thing.

    Attributes:
        noun: Its name in the singular, also in identifiers, so one word or joined by a space.
        plural: In the plural.
        person: Whether entities are people: "who", not "which".
        names: Patterns of invented names, see `Namer.new`.
        suffixes: What {suffix} in a pattern can be.
        id: Pattern of invented ids, see `Namer.identifier`.
        count: Least and greatest number of entities; of true ones only for the type that worlds are sampled by.
        located: Whether entities have coordinates.
        renamed: Share of entities that had another name before, in [0, 1): columns `former_name` and `renamed_on`.
        nicknamed: Share of entities that people also know by another name, in [0, 1): column `nickname`.
        records: What a collection of records about them is called, as "register".
        attributes: By key, which is the column's name.
        relations: By key, likewise.
    """

    noun: str
    plural: str
    person: bool = False
    names: tuple[str, ...] = ()
    suffixes: tuple[str, ...] = ()
    id: str = ""
    count: tuple[int, int] = (0, 0)
    located: bool = False
    renamed: float = Field(default=0.0, ge=0, lt=1)
    nicknamed: float = Field(default=0.0, ge=0, lt=1)
    records: tuple[str, ...] = Field(min_length=1)
    attributes: dict[str, Attribute]
    relations: dict[str, Relation] = {}

    @property
    def table(self) -> str:
        """Name of the table of its entities."""
        return self.plural.replace(" ", "_")


class Domain(Noun):
    """A declaration.

    Attributes:
        name: As on the command line.
        title: A few words.
        keepers: Who keeps the records, in identifiers and descriptions: "harbour office".
        personas: Sentences that may open a question.
        languages: Languages of invented names, see `names.LANGUAGES`; a world has two of them.
        facts: Name of the extract that holds the facts, see `facts.load_facts`; empty where they are invented.
        sampled_by: The type of which a world of true facts takes some entities, and with them all that belongs to them.
        about: Sentences of which each question of true facts has one: whose figures count, and what is on file.
        types: By key.
    """

    name: str
    title: str
    keepers: tuple[str, ...] = Field(min_length=1)
    personas: tuple[str, ...] = ()
    languages: tuple[str, ...] = ()
    facts: str = ""
    sampled_by: str = ""
    about: tuple[str, ...] = ()
    types: dict[str, EntityType]

    @property
    def truth(self) -> Truth:
        """How far a world's facts can be trusted."""
        return "extracted" if self.facts else "invented"

    @model_validator(mode="after")
    def _check(self) -> Domain:
        if self.facts and not (self.about and self.sampled_by in self.types):
            raise ValueError("a domain of true facts says in `about` whose they are, and has `sampled_by`")
        if not self.facts and len(self.languages) < 2:
            raise ValueError("an invented domain has two or more languages")
        for name, kind in self.types.items():
            if not self.facts and not (kind.names and kind.id and kind.count[0]):
                raise ValueError(f"types.{name}: an invented type has names, an id and a count")
            for key, relation in kind.relations.items():
                if relation.target not in self.types:
                    raise ValueError(f"types.{name}.relations.{key}: there is no type {relation.target!r}")
                if not relation.verbs and not (relation.clauses and relation.asks):
                    raise ValueError(f"types.{name}.relations.{key}: without verbs it needs clauses and asks")
                if not self.facts and not relation.inverses:
                    raise ValueError(f"types.{name}.relations.{key}: an invented relation has inverses")
            for key, attribute in kind.attributes.items():
                if attribute.values and attribute.kind not in ("enum", "list"):
                    raise ValueError(f"types.{name}.attributes.{key}: only an enum or a list has values")
                if not attribute.values and (attribute.kind == "enum" or (attribute.kind == "list" and not self.facts)):
                    raise ValueError(f"types.{name}.attributes.{key}: {attribute.kind} needs values")
        return self


def domain_names() -> list[str]:
    """The names of all domains."""
    return sorted(each.name.removesuffix(".toml") for each in _FOLDER.iterdir() if each.name.endswith(".toml"))


@functools.cache
def load_domain(name: str) -> Domain:
    """Reads a domain's declaration.

    Raises:
        UnknownName: If there is no such domain.
        InputError: If its file is not sound.
    """
    if name not in domain_names():
        raise UnknownName("domain", name, domain_names())
    text = (_FOLDER / f"{name}.toml").read_text(encoding="utf-8")
    try:
        return Domain.model_validate({"name": name, **tomllib.loads(text)})
    except ValidationError as error:
        raise InputError(f"domains/{name}.toml: {brief(error)}") from None
