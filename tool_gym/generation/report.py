"""What a run of the pipeline gave: yield, refusals, and how rich and how varied the scenarios are."""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass, field
from typing import Any

from tool_gym.generation.decompose import GUESSABLE
from tool_gym.generation.pipeline import Tally
from tool_gym.generation.skeleton import skeleton
from tool_gym.jsonvalue import canonical, digest
from tool_gym.scenario import Scenario

_STAGES = ("decompose", "document", "integrate", "scale", "deploy", "gate")


@dataclass
class GenerationReport:
    """Figures of a run, gathered scenario by scenario.

    Attributes:
        tally: Scenarios made and attempts refused.
        structures: Scenarios by structure.
        splits: Scenarios by split.
        steps: Sub-questions by structure, all together.
        documents: How many scenarios have a tool document, by its digest.
        skeletons: How many questions share a skeleton, see `skeleton`.
        graphs: How many scenarios share a graph of operations.
        types: How many parameters have a JSON type; one with several counts for each.
        kinds: How many sub-questions have a kind of answer.
        homes: Splits in which a world is, by world; and in which a phrasing is, by its id.
        findings: What the gate found in the pack as a whole.
    """

    tally: Tally = field(default_factory=Tally)
    structures: Counter[str] = field(default_factory=Counter)
    splits: Counter[str] = field(default_factory=Counter)
    steps: Counter[str] = field(default_factory=Counter)
    documents: Counter[str] = field(default_factory=Counter)
    skeletons: Counter[str] = field(default_factory=Counter)
    graphs: Counter[str] = field(default_factory=Counter)
    types: Counter[str] = field(default_factory=Counter)
    kinds: Counter[str] = field(default_factory=Counter)
    homes: dict[str, set[str]] = field(default_factory=lambda: defaultdict(set))
    findings: list[dict[str, Any]] = field(default_factory=list)
    _tools: int = 0
    _parameters: int = 0
    _distractors: int = 0

    def add(self, scenario: Scenario) -> None:
        """Counts a scenario."""
        self.structures[scenario.structure] += 1
        self.splits[scenario.split] += 1
        self.steps[scenario.structure] += len(scenario.sub_questions)
        self._tools += len(scenario.tools)
        self._parameters += sum(len(tool.parameters["properties"]) for tool in scenario.tools)
        self._distractors += len(
            {tool.name for tool in scenario.tools} - {name for step in scenario.sub_questions for name in step.tools}
        )
        for tool in scenario.tools:
            self.documents[digest([tool.name, tool.description, tool.parameters])] += 1
            self.types.update(kind for each in tool.parameters["properties"].values() for kind in json_types(each))
        self.kinds.update(step.expected.kind for step in scenario.sub_questions)
        detail = scenario.provenance.detail
        for home in (f"world {canonical(detail.get('source', {})).decode()}", *detail.get("phrasings", ())):
            self.homes[home].add(scenario.split)
        self.skeletons[skeleton(scenario)] += 1
        self.graphs[_graph(scenario)] += 1

    def figures(self) -> dict[str, Any]:
        """The figures of all scenarios together."""
        made = max(sum(self.structures.values()), 1)
        return {
            "scenarios": sum(self.structures.values()),
            "tools_per_scenario": self._tools / made,
            "parameters_per_tool": self._parameters / max(self._tools, 1),
            "distractors_per_scenario": self._distractors / made,
            **{f"steps_{name}": self.steps[name] / count for name, count in sorted(self.structures.items())},
            "distinct_tool_documents": len(self.documents),
            "most_common_tool_document": max(self.documents.values(), default=0) / made,
            "distinct_skeletons": len(self.skeletons),
            "most_common_skeleton": max(self.skeletons.values(), default=0) / made,
            "distinct_graphs": len(self.graphs),
            "json_types": len(self.types),
            "guessable_steps": sum(self.kinds[kind] for kind in GUESSABLE) / max(sum(self.kinds.values()), 1),
            "shared_by_splits": len(self.shared),
        }

    @property
    def shared(self) -> list[str]:
        """Worlds and phrasings that are in two splits, so that one is no test of the other."""
        return sorted(home for home, splits in self.homes.items() if len(splits) > 1)

    def yields(self) -> list[dict[str, Any]]:
        """For each stage how many attempts came to it, and how many it refused."""
        refused = Counter[str]()
        for (stage, _), count in self.tally.refused.items():
            refused[stage] += count
        rows, left = [], self.tally.made + sum(refused.values())
        for stage in _STAGES:
            rows.append({"stage": stage, "attempts": left, "refused": refused[stage]})
            left -= refused[stage]
        return rows

    def refusals(self) -> list[dict[str, Any]]:
        """Refusals by stage and reason, the most frequent first."""
        return [
            {"stage": stage, "reason": reason, "count": count}
            for (stage, reason), count in sorted(self.tally.refused.items(), key=lambda item: (-item[1], item[0]))
        ]

    def as_json(self) -> dict[str, Any]:
        """Everything, as JSON data."""
        return {
            "figures": self.figures(),
            "splits": dict(sorted(self.splits.items())),
            "structures": dict(sorted(self.structures.items())),
            "stages": self.yields(),
            "refusals": self.refusals(),
            "types": dict(sorted(self.types.items())),
            "answers": dict(sorted(self.kinds.items())),
            "findings": self.findings,
        }


def json_types(schema: dict[str, Any]) -> set[str]:
    """The JSON types that a schema allows, those of its parts not counted."""
    kinds = schema.get("type", [])
    found = {kinds} if isinstance(kinds, str) else set(kinds)
    return found.union(*(json_types(each) for each in schema.get("anyOf", ())))


def _graph(scenario: Scenario) -> str:
    """The operations, for a model's scenario its tools, and what each depends on."""
    if "plan" not in scenario.provenance.detail:
        return digest([[step.tools, step.depends_on] for step in scenario.sub_questions])
    plan = scenario.provenance.detail["plan"]
    return digest([[each["op"], [name if name[0] == "q" else "=" for name in each["inputs"]]] for each in plan])
