"""Stage 5, localised deployment: documents become Python functions, and the gold calls are replayed in the sandbox.

A scenario counts only if every gold call returns its answer at its place, and no probe gives one away: neither a gold
call with another entity in the place of an answer that it depends on, nor a distractor asked about the same entity.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Any, NamedTuple

from tool_gym.errors import ToolRejected
from tool_gym.generation.backend import Backend
from tool_gym.generation.decompose import filled
from tool_gym.generation.document import telling
from tool_gym.generation.proposals import Deployment, Probe, Refused, Scaled, Step
from tool_gym.jsonvalue import Json, digest
from tool_gym.messages import ToolCall, ToolMessage
from tool_gym.sandbox.executor import Executor
from tool_gym.scenario import Provenance, Scenario, SubQuestion, TableRef, Tool, UserTurn
from tool_gym.verify.matching import TypedMatcher
from tool_gym.verify.normal import normal_text
from tool_gym.verify.targets import targets

_MATCHER = TypedMatcher()


class Deployed(NamedTuple):
    """A scenario, and the tables that its tools read, by digest."""

    scenario: Scenario
    tables: dict[str, Json]


def deploy(value: Scaled, backend: Backend, executor: Executor, scenario_id: str) -> Deployed:
    """Asks for the functions, builds the scenario, and replays its gold calls and the probes.

    Args:
        value: The scaled toolset.
        backend: Proposes the functions.
        executor: The sandbox.
        scenario_id: Id of the new scenario.

    Raises:
        Refused: If a source is outside the dialect, a gold call does not return its answer, a probe gives one away, or
            the question holds one.
    """
    proposal = backend.deploy(value)
    _check_probes(value, proposal)
    tables = {name: digest(rows) for name, rows in proposal.tables.items()}
    scenario = _scenario(value, proposal, tables, scenario_id, backend.name)
    _check_question(scenario)
    rows = {tables[name]: content for name, content in proposal.tables.items()}
    _replay(scenario, proposal.probes, rows, executor, domain=digest(value.topic.source))
    return Deployed(scenario, rows)


def _check_probes(value: Scaled, proposal: Deployment) -> None:
    needing = {value.scaling.calls[step.id].tool for step in value.decomposition.steps if step.depends_on}
    missing = needing - {probe.call.tool for probe in proposal.probes}
    if missing:
        raise Refused("deploy", "a tool without a probe", ", ".join(sorted(missing)))


def _scenario(
    value: Scaled, proposal: Deployment, tables: Mapping[str, str], scenario_id: str, source: str
) -> Scenario:
    decomposition = value.decomposition
    try:
        return Scenario(
            id=scenario_id,
            turns=(UserTurn(content=decomposition.question),),
            answer=decomposition.answer.expected(),
            tools=tuple(_tools(value, proposal, tables)),
            sub_questions=tuple(_sub_question(step, value, proposal) for step in decomposition.steps),
            split=value.topic.split,
            provenance=Provenance(truth=decomposition.truth, source=source, detail=_provenance(value)),
        )
    except (KeyError, ValueError) as error:
        raise Refused("deploy", "parts that do not fit together", str(error)) from None


def _tools(value: Scaled, proposal: Deployment, tables: Mapping[str, str]) -> list[Tool]:
    made = []
    for document in value.scaling.tools:
        source = proposal.sources[document.name]
        refs = tuple(TableRef(name=name, sha256=tables[name]) for name in source.tables)
        made.append(
            Tool(
                name=document.name,
                description=document.description,
                parameters=document.parameters,
                source=source.text,
                data=refs,
            )
        )
    return made


def _sub_question(step: Step, value: Scaled, proposal: Deployment) -> SubQuestion:
    call = value.scaling.calls[step.id]
    return SubQuestion(
        id=step.id,
        question=filled(step, value.decomposition.steps),
        tools=(call.tool,),
        arguments=call.arguments,
        expected=step.answer.expected(proposal.paths[step.id]),
        depends_on=step.depends_on,
    )


def _provenance(value: Scaled) -> dict[str, Any]:
    """How the scenario came about, in few bytes: of merges only the real ones, of strategies how often they worked."""
    return {
        **value.topic.model_dump(exclude={"split", "structure", "strategies"}, exclude_none=True),
        "strategies": list(value.topic.strategies.model_dump().values()),
        **value.decomposition.detail,
        "merged": {name: list(names) for name, names in value.integration.merged.items() if len(names) > 1},
        "changes": dict(Counter(change.strategy for change in value.scaling.changes)),
    }


def _check_question(scenario: Scenario) -> None:
    """The question names no tool, and no answer that a gold call does not need as an argument."""
    text = normal_text(scenario.question)
    for tool in scenario.tools:
        if "_" in tool.name and tool.name in scenario.question:
            raise Refused("deploy", "the question names a tool", tool.name)
    needed = [step.arguments for step in scenario.sub_questions]
    for expected in (scenario.answer, *(step.expected for step in scenario.sub_questions)):
        if expected is None or not telling(expected):
            continue
        for target in targets(expected):
            if target.inside(text) and not any(target.held(arguments) for arguments in needed):
                raise Refused("deploy", "the question holds an answer", str(expected.value))


def _replay(
    scenario: Scenario, probes: tuple[Probe, ...], tables: Mapping[str, Json], executor: Executor, domain: str
) -> None:
    """Scenarios from one source are one trust domain, so that they share a worker that has their tables already."""
    steps = scenario.sub_questions
    gold = [ToolCall(id=step.id, name=step.tools[0], arguments=step.arguments or {}) for step in steps]
    tried = [
        ToolCall(id=f"probe_{i}", name=probe.call.tool, arguments=probe.call.arguments)
        for i, probe in enumerate(probes)
    ]
    try:
        session = executor.session(scenario.tools, tables=tables, domain=domain)
    except ToolRejected as error:
        raise Refused("deploy", "a source outside the dialect", str(error)) from None
    answers = session.call([*gold, *tried])
    for step, call, answer in zip(steps, gold, answers[: len(gold)], strict=True):
        if not answer.deterministic or not _MATCHER.accepts(step.expected, call, answer, step.arguments):
            detail = f"{call.name}({dict(call.arguments)!r}) returned {answer.content[:300]!r}, "
            detail += f"expected {step.expected.value!r} at {step.expected.path!r}"
            raise Refused("deploy", "a gold call without its answer", detail)
        # Whoever made such a call first would be credited with one of the two, and it might be the other one.
        both = [each for each in steps if each.id != step.id and each.tools == step.tools]
        if any(_MATCHER.accepts(each.expected, call, answer, each.arguments) for each in both):
            raise Refused("deploy", "one call answers two steps", f"{step.id}: {call.name}")
    for probe, call, answer in zip(probes, tried, answers[len(gold) :], strict=True):
        if probe.succeeds and answer.status != "ok":
            detail = f"{call.name}({dict(call.arguments)!r}) returned {answer.content[:300]!r}"
            raise Refused("deploy", "a tool that does not answer another call", detail)
        step = next(step for step in steps if step.id == probe.step)
        if _answers(step, call, answer):
            detail = f"{call.name}({dict(call.arguments)!r}) returned {step.expected.value!r}, the answer of {step.id}"
            raise Refused("deploy", f"leak: {probe.why}", detail)


def _answers(step: SubQuestion, call: ToolCall, result: ToolMessage) -> bool:
    """Whether a call answers a step: at its place, or for another tool anywhere, if the answer is a telling one."""
    if call.name in step.tools:
        return _MATCHER.accepts(step.expected, call, result, step.arguments)
    if not telling(step.expected):
        return False
    text = normal_text(result.content)
    return any(target.inside(text) and not target.held(call.arguments) for target in targets(step.expected))
