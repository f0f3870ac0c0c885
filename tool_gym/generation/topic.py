"""What is ordered: a structure, a difficulty, and where the facts come from. Difficulty is a dial from 0 to 5."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import Field

from tool_gym.errors import InputError, UnknownName
from tool_gym.messages import Noun
from tool_gym.scenario import Structure

Level = Annotated[int, Field(ge=0, le=5)]
DEFAULT_LEVEL = 3
"""The difficulty of the paper's test set."""


class Strategies(Noun):
    """How far each of the four strategies of complexity scaling goes, 0 (off) to 5.

    Attributes:
        functional_generalisation: A tool answers more than this question needs.
        parameter_expansion: More parameters, each with an effect.
        type_generalisation: Parameters of richer types: arrays, objects, alternatives.
        toolset_extension: Tools that look relevant and are not.
    """

    functional_generalisation: Level = DEFAULT_LEVEL
    parameter_expansion: Level = DEFAULT_LEVEL
    type_generalisation: Level = DEFAULT_LEVEL
    toolset_extension: Level = DEFAULT_LEVEL

    @classmethod
    def of_level(cls, level: int) -> Strategies:
        """All four at one level."""
        return cls(
            functional_generalisation=level,
            parameter_expansion=level,
            type_generalisation=level,
            toolset_extension=level,
        )

    @classmethod
    def parse(cls, text: str, level: int) -> Strategies:
        """Levels of single strategies, as `parameter_expansion=5,toolset_extension=0`; the others have `level`.

        Raises:
            InputError: If it names something else, or a level out of range.
        """
        levels: dict[str, str | int] = dict.fromkeys(cls.model_fields, level)
        for part in filter(None, map(str.strip, text.split(","))):
            name, _, number = (each.strip() for each in part.partition("="))
            if name not in levels:
                raise UnknownName("strategy", name, list(levels))
            levels[name] = number
        try:
            return cls.model_validate(levels)
        except ValueError:
            raise InputError(f"strategies={text!r}; expected levels from 0 to 5, as parameter_expansion=5") from None


class Topic(Noun):
    """The order for one scenario.

    Attributes:
        seed: Seed of the whole run.
        index: Number of the scenario in the run, from 0.
        attempt: How often this index was refused before, from 0.
        split: Split of the scenario; held-out phrasings belong to `test`.
        structure: How the steps must hang together; None leaves it to the question.
        level: Difficulty of the question itself: hops, branches, indirectness.
        strategies: Difficulty of the tools.
        hops: Steps of each chain, >= 1; None leaves it to the level.
        branches: Chains or independent steps, >= 2; None leaves it to the level.
        source: Where the facts come from, in the backend's own terms: `worlds` wants `domain` and `world`.
    """

    seed: int
    index: Annotated[int, Field(ge=0)]
    attempt: Annotated[int, Field(ge=0)] = 0
    split: str = "train"
    structure: Structure | None
    level: Level = DEFAULT_LEVEL
    strategies: Strategies = Strategies()
    hops: Annotated[int, Field(ge=1, le=8)] | None = None
    branches: Annotated[int, Field(ge=2, le=4)] | None = None
    source: dict[str, Any] = {}
