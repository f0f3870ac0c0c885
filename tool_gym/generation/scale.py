"""Stage 4, complexity scaling: four strategies make the tools harder to choose and to call, each with its own level."""

from __future__ import annotations

from typing import Any

from tool_gym.generation.backend import Backend
from tool_gym.generation.document import check_calls, check_documents, check_silence
from tool_gym.generation.proposals import Integrated, Refused, Scaled, Scaling


def scale(value: Integrated, backend: Backend) -> Scaled:
    """Asks for the scaled toolset and checks it.

    Raises:
        Refused: If a strategy that is off changed something, a tool lost parameters or was lost itself, or a distractor
            answers a step.
    """
    proposal = backend.scale(value)
    steps = value.decomposition.steps
    check_documents(proposal.tools, "scale")
    check_calls("scale", steps, {tool.name: tool for tool in proposal.tools}, proposal.calls)
    check_silence("scale", steps, proposal.tools)
    _check_strategies(value, proposal)
    _check_distractors(value, proposal)
    fields = {name: getattr(value, name) for name in Integrated.model_fields}
    return Scaled(**fields, scaling=proposal)


def _check_strategies(value: Integrated, proposal: Scaling) -> None:
    for change in proposal.changes:
        if getattr(value.topic.strategies, change.strategy) == 0:
            raise Refused("scale", "a strategy that is off", f"{change.strategy} changed {change.tool}")
    before = {tool.name: tool for tool in value.integration.tools}
    touched = {change.tool for change in proposal.changes}
    for tool in proposal.tools:
        old = before.get(tool.name)
        if old is not None and _shape(old.parameters) != _shape(tool.parameters) and tool.name not in touched:
            raise Refused("scale", "an unrecorded change", tool.name)
        if old is not None and len(tool.parameters["properties"]) < len(old.parameters["properties"]):
            raise Refused("scale", "a tool lost parameters", tool.name)


def _shape(parameters: dict[str, Any]) -> dict[str, Any]:
    """The parameters without their descriptions, in no order."""
    return {name: {**schema, "description": ""} for name, schema in parameters["properties"].items()}


def _check_distractors(value: Integrated, proposal: Scaling) -> None:
    kept = {tool.name for tool in proposal.tools} - set(proposal.distractors)
    if kept != {tool.name for tool in value.integration.tools}:
        raise Refused("scale", "tools and distractors do not add up", ", ".join(sorted(kept)))
    functions = {tool.function for tool in proposal.tools if tool.name in kept}
    for tool in proposal.tools:
        if tool.name in proposal.distractors and tool.function in functions:
            raise Refused(
                "scale", "a distractor that answers", f"{tool.name} computes {tool.function}, as another does"
            )
    if proposal.distractors and not value.topic.strategies.toolset_extension:
        raise Refused("scale", "a strategy that is off", "toolset_extension added distractors")
