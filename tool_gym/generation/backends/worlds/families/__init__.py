"""Families of tools: each knows how its tools are documented, called and written. Adding one is adding a file."""

from __future__ import annotations

from tool_gym.generation.backends.worlds.families.arithmetic import Arithmetic
from tool_gym.generation.backends.worlds.families.base import Family
from tool_gym.generation.backends.worlds.families.calendar import Gap, Shift
from tool_gym.generation.backends.worlds.families.convert import Convert
from tool_gym.generation.backends.worlds.families.distance import Distance
from tool_gym.generation.backends.worlds.families.figures import Figures
from tool_gym.generation.backends.worlds.families.identify import Identify
from tool_gym.generation.backends.worlds.families.letters import Letters
from tool_gym.generation.backends.worlds.families.past import Past
from tool_gym.generation.backends.worlds.families.record import Record
from tool_gym.generation.backends.worlds.families.search import Search
from tool_gym.generation.backends.worlds.families.units import Units
from tool_gym.generation.backends.worlds.families.working import Weekday, WorkingGap, WorkingShift

_ALL: tuple[Family, ...] = (
    Record(), Search(), Figures(), Past(), Identify(), Distance(), Shift(), Gap(), WorkingShift(), WorkingGap(),
    Weekday(), Convert(), Units(), Arithmetic(), Letters(),
)  # fmt: skip
FAMILIES: dict[str, Family] = {family.name: family for family in _ALL}
"""By name."""
FAMILY_OF: dict[str, Family] = {operation: family for family in _ALL for operation in family.operations}
"""By the operation of a plan."""
