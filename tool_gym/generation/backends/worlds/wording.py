"""Names and descriptions of tools: the same function is called and described differently in every scenario."""

from __future__ import annotations

import keyword
import random
import re
import tomllib
from collections.abc import Iterable
from importlib import resources

from tool_gym.generation.backends.worlds.families import FAMILIES
from tool_gym.generation.backends.worlds.spec import ToolSpec
from tool_gym.generation.backends.worlds.world import World

_VOCABULARY = tomllib.loads(
    (resources.files("tool_gym.generation.backends.worlds") / "vocabulary.toml").read_text(encoding="utf-8")
)
_WORDS, _NAMES, _VERBS = _VOCABULARY["words"], _VOCABULARY["names"], _VOCABULARY["verbs"]

_LOCALS = frozenset(_VOCABULARY["locals"])
"""Names that sources use themselves."""


def named(spec: ToolSpec, world: World, rng: random.Random, taken: Iterable[str] = ()) -> ToolSpec:
    """The spec with a new name that is not taken, and words for all its roles."""
    key = f"{spec.family} archive" if spec.archived else spec.family
    options = list(_NAMES[key])
    if spec.family == "record" and len(spec.fields) == 1 and not spec.archived:
        options += _NAMES["record field"] * 2
    rng.shuffle(options)
    used = set(taken)
    spec = worded(spec, world, rng)
    for pattern in options:
        name = _identifier(_filled(pattern, spec, world, rng))
        if name not in used and not keyword.iskeyword(name):
            return spec.model_copy(update={"name": name})
    name = _identifier(_filled(options[0], spec, world, rng))
    number = next(i for i in range(2, 99) if f"{name}_{i}" not in used)
    return spec.model_copy(update={"name": f"{name}_{number}"})


def worded(spec: ToolSpec, world: World, rng: random.Random) -> ToolSpec:
    """The spec with words for roles that have none yet, and a description of what it now does."""
    words = dict(spec.words)
    for role in _roles(spec, world):
        if role not in words:
            words[role] = _word(role, spec, world, rng, set(words.values()))
    spec = spec.model_copy(update={"words": words})
    verb = rng.choice(_VERBS[spec.family])
    tail = rng.choice(_VOCABULARY["tails"]["any"]).format(keeper=rng.choice(world.domain.keepers))
    tail *= bool(spec.kind)  # a calculator is kept by nobody
    summary = FAMILIES[spec.family].summary(spec, world)
    return spec.model_copy(update={"summary": f"{verb} {summary}.{tail}"})


def _roles(spec: ToolSpec, world: World) -> list[str]:
    family = FAMILIES[spec.family]
    fields = [f"field:{key}" for key in spec.fields if spec.kind and not key.startswith(":")]
    named_roles = [parameter.role for parameter in family.parameters(spec, world)]
    return [*fields, *named_roles, *spec.options, *_RESULTS.get(spec.family, ()), *(["records"] if spec.kind else [])]


_RESULTS = {
    "search": ("count", "results"), "figures": ("value",), "past": ("holder",), "distance": ("distance",),
    "shift": ("date",), "gap": ("length",), "workshift": ("date",), "workgap": ("length",), "weekday": ("weekday",),
    "convert": ("converted",), "units": ("measured",), "arithmetic": ("computed",), "letters": ("treated",),
    "identify": ("identified",),
}  # fmt: skip


def _word(role: str, spec: ToolSpec, world: World, rng: random.Random, used: set[str]) -> str:
    kind = world.domain.types.get(spec.kind)
    if role == "records" and kind is not None:
        return rng.choice(kind.records)
    group, _, key = role.partition(":")
    if group == "field" and key and kind is not None:
        nouns = (kind.attributes.get(key) or kind.relations[key]).nouns
        options = [_identifier(noun) for noun in nouns] + [key]
    else:
        patterns = (
            _WORDS["convert target"] if spec.family == "convert" and role == "target" else _WORDS.get(group, (group,))
        )
        noun = _identifier(kind.noun) if kind is not None else "entity"
        options = [pattern.format(noun=noun, key=key) for pattern in patterns]
    free = [word for word in options if word not in used and ((group == "field" and key) or _usable(word))]
    return rng.choice(free) if free else f"{group}_{key or 'value'}_{len(used)}"


def _usable(word: str) -> bool:
    return word not in _LOCALS and not keyword.iskeyword(word)


def _filled(pattern: str, spec: ToolSpec, world: World, rng: random.Random) -> str:
    kind = world.domain.types.get(spec.kind)
    return pattern.format(
        noun=kind.noun if kind else "", plural=kind.plural if kind else "", records=spec.words.get("records", ""),
        field=spec.word(f"field:{spec.fields[0]}") if spec.fields else "", keeper=rng.choice(world.domain.keepers),
    )  # fmt: skip


def _identifier(text: str) -> str:
    return re.sub(r"[^a-z0-9]+", "_", text.lower().replace("'", "")).strip("_")
