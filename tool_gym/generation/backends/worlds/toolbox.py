"""A world's toolbox: one tool for each function, in its full form, from which all scenarios of the world take theirs.

What a tool is called, in which order it lists its fields and which options it gets first follows from the world alone.
So scenarios of a world share tools, a harder level has all that an easier one has, and a strategy changes nothing but
what it is about.
"""

from __future__ import annotations

import functools
import random
from collections.abc import Collection, Sequence
from typing import NamedTuple, TypeVar

from tool_gym.generation.backends.worlds.families import FAMILIES
from tool_gym.generation.backends.worlds.scaling import scaled_spec
from tool_gym.generation.backends.worlds.spec import ToolSpec
from tool_gym.generation.backends.worlds.wording import named, worded
from tool_gym.generation.backends.worlds.world import World, build_world
from tool_gym.generation.proposals import Change, Document, Source
from tool_gym.generation.seeds import rng_of
from tool_gym.generation.topic import Strategies

T = TypeVar("T")

_FIRST_FIELDS, _FIRST_FILTERS = 3, 2
"""What a tool that nobody needs can read and filter by, before it is generalised."""


class Tool(NamedTuple):
    """One tool of the box: all that it can ever be, in the order in which it grows.

    Attributes:
        whole: With every field, filter and word that a level can give it.
        options: All optional parameters, those first that the lowest levels give it.
        shapes: All types that can be generalised, likewise.
        seed: Seed of its description.
    """

    whole: ToolSpec
    options: tuple[str, ...]
    shapes: tuple[str, ...]
    seed: str

    def cut(self, fields: Collection[str], filters: Collection[str]) -> ToolSpec:
        """The tool with these fields and filters only, and without options."""
        return self.whole.model_copy(
            update={
                "fields": tuple(key for key in self.whole.fields if key in fields),
                "filters": tuple(key for key in self.whole.filters if key in filters),
            }
        )


class Toolbox:
    """The tools of a world.

    Attributes:
        world: The world.
        tools: By function.
    """

    def __init__(self, world: World, seed: str) -> None:
        self.world, self._seed = world, seed
        taken: set[str] = set()
        self.tools: dict[str, Tool] = {}
        for family in FAMILIES.values():
            for base in family.functions(world):
                self.tools[base.function] = self._tool(base, taken)

    def _tool(self, base: ToolSpec, taken: set[str]) -> Tool:
        family, seed = FAMILIES[base.family], f"{self._seed}/{base.function}"
        rng = rng_of("tool", seed)
        fields, filters = family.generalised(base, self.world)
        spec = base.model_copy(update={"fields": _mixed(fields, rng), "filters": _mixed(filters, rng)})
        options = _mixed((*family.options, *family.more_options(spec, self.world)), rng)
        # Words for every role, those of simple types and those of generalised ones.
        spec = named(spec.model_copy(update={"options": options}), self.world, rng, taken)
        spec = worded(spec.model_copy(update={"shapes": family.shapes}), self.world, rng)
        taken.add(spec.name)
        return Tool(spec.model_copy(update={"options": (), "shapes": ()}), options, family.shapes, seed)

    def needed(self, specs: Sequence[ToolSpec]) -> ToolSpec:
        """The tool that does what several narrow ones of the same function do, and no more."""
        tool = self.tools[specs[0].function]
        fields, filters = (
            {key for spec in specs for key in spec.fields},
            {key for spec in specs for key in spec.filters},
        )
        return self._said(tool.cut(fields, filters))

    def unneeded(self, function: str) -> ToolSpec:
        """The tool of a function for those who need nothing of it."""
        tool = self.tools[function]
        plain = [key for key in tool.whole.fields if not key.startswith(":")]
        computed = [key for key in tool.whole.fields if key.startswith(":")]
        fields = {*plain[:_FIRST_FIELDS], *computed[:_FIRST_FIELDS]}
        return self._said(tool.cut(fields, tool.whole.filters[:_FIRST_FILTERS]))

    @functools.lru_cache(maxsize=512)  # noqa: B019 - a toolbox lives as long as the few worlds that are at work
    def scaled(self, spec: ToolSpec, strategies: Strategies) -> tuple[ToolSpec, tuple[Change, ...]]:
        """A tool of `needed` or `unneeded` after three of the strategies, and what they changed."""
        tool = self.tools[spec.function]
        grown, changes = scaled_spec(spec, tool.whole, tool.options, tool.shapes, strategies)
        return self._said(grown), changes

    @functools.lru_cache(maxsize=512)  # noqa: B019
    def single(self, spec: ToolSpec, number: int) -> ToolSpec:
        """A narrow tool for one step, under one of many names."""
        return named(spec, self.world, rng_of("single", self._seed, spec.model_dump_json(), number))

    @functools.lru_cache(maxsize=1024)  # noqa: B019
    def document(self, spec: ToolSpec) -> Document:
        """A tool's document."""
        return Document(
            name=spec.name,
            description=spec.summary,
            parameters=FAMILIES[spec.family].schema(spec, self.world),
            function=spec.function,
            detail={"spec": spec.model_dump()},
        )

    @functools.lru_cache(maxsize=512)  # noqa: B019
    def source(self, spec: ToolSpec) -> Source:
        """A tool's function."""
        family = FAMILIES[spec.family]
        return Source(text=family.source(spec, self.world), tables=family.tables(spec, self.world))

    def _said(self, spec: ToolSpec) -> ToolSpec:
        """The spec with a description of what it now does."""
        return worded(spec, self.world, rng_of("said", self.tools[spec.function].seed))


@functools.lru_cache(maxsize=4)
def toolbox(domain: str, world: int) -> Toolbox:
    """The toolbox of the world of that domain and seed."""
    return Toolbox(build_world(domain, world), f"{domain}/{world}")


def _mixed(items: Sequence[T], rng: random.Random) -> tuple[T, ...]:
    return tuple(rng.sample(list(items), len(items)))
