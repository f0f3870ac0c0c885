"""What an import did: the scenarios made, the tools that are dead, and what had to be mended."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple, TypeAlias

from tool_gym.jsonvalue import Json
from tool_gym.messages import Noun
from tool_gym.scenario import STRUCTURES, Structure, Tool

ToolCheck: TypeAlias = Callable[[Sequence[Tool]], list[tuple[Tool, str]]]
"""Takes tools and gives those of them that do not load, each with the reason in one line."""


class DeadTool(NamedTuple):
    """A tool whose source does not load; calls of it are answered `tool_error`.

    Attributes:
        scenario: Id of the scenario.
        tool: Name of the tool.
        reason: Why, one line.
    """

    scenario: str
    tool: str
    reason: str


class StructureCount(Noun):
    """What was imported of one structure.

    Attributes:
        scenarios: Scenarios.
        sub_questions: Their sub-questions.
        reference_calls: Those of them that have a reference call.
        tools: Their tools; a tool counts in each scenario that has it.
        dead_tools: Those of them that do not load.
    """

    scenarios: int = 0
    sub_questions: int = 0
    reference_calls: int = 0
    tools: int = 0
    dead_tools: int = 0

    def __add__(self, other: StructureCount) -> StructureCount:
        mine, its = self.model_dump(), other.model_dump()
        return StructureCount(**{name: mine[name] + its[name] for name in mine})


class ImportReport(Noun):
    """What an import did.

    Attributes:
        kind: The kind of data.
        source: The file.
        name: Name of the pack.
        version: Its version.
        path: Its folder.
        records: Records read, each of which is a scenario.
        tools: Different tools.
        scenarios: What was imported, by structure.
        dead_tools: Tools that do not load, for each scenario that has them.
        mended: What had to be changed, a line each.
    """

    kind: str
    source: str
    name: str
    version: int
    path: str
    records: int
    tools: int
    scenarios: dict[Structure, StructureCount]
    dead_tools: tuple[DeadTool, ...] = ()
    mended: tuple[str, ...] = ()

    def table(self) -> list[dict[str, Json]]:
        """A row for each structure that occurs and one for all, to be shown as a table."""
        present = {name: self.scenarios[name] for name in STRUCTURES if name in self.scenarios}
        rows = [*present.items(), ("all", sum(present.values(), start=StructureCount()))]
        return [{"structure": name, **count.model_dump()} for name, count in rows]

    def as_json(self) -> dict[str, Json]:
        """The report as JSON data."""
        dead = [tool._asdict() for tool in self.dead_tools]
        return {**self.model_dump(mode="json", exclude={"dead_tools"}), "dead_tools": dead}
