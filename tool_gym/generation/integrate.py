"""Stage 3, function integration: tools that compute the same become one, and what was merged is recorded."""

from __future__ import annotations

from tool_gym.generation.backend import Backend
from tool_gym.generation.document import check_calls, check_documents, check_silence
from tool_gym.generation.proposals import Documented, Integrated, Integration, Refused


def integrate(value: Documented, backend: Backend) -> Integrated:
    """Asks for the merged tools and checks them.

    Raises:
        Refused: If two tools still compute the same, the record of what was merged is not complete, or a step lost its
            call.
    """
    proposal = backend.integrate(value)
    steps = value.decomposition.steps
    check_documents(proposal.tools, "integrate")
    _check_merges(value, proposal)
    check_calls("integrate", steps, {tool.name: tool for tool in proposal.tools}, proposal.calls)
    check_silence("integrate", steps, proposal.tools)
    fields = {name: getattr(value, name) for name in Documented.model_fields}
    return Integrated(**fields, integration=proposal)


def _check_merges(value: Documented, proposal: Integration) -> None:
    functions = [tool.function for tool in proposal.tools]
    if len(set(functions)) < len(functions):
        raise Refused("integrate", "overlapping tools are left", ", ".join(sorted(functions)))
    if proposal.merged.keys() != {tool.name for tool in proposal.tools}:
        raise Refused("integrate", "an incomplete record of merges", ", ".join(proposal.merged))
    before = sorted(document.name for document in value.documents.documents.values())
    if sorted(name for names in proposal.merged.values() for name in names) != before:
        raise Refused("integrate", "an incomplete record of merges", "every document must go into one tool")
