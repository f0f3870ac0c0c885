"""What every pack must pass: sound files and schemas, tools inside the dialect, gold calls that return their answers.

Each check reads the pack as a stranger's: it opens no file but the pack's own and runs tools in the sandbox only.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Literal, NamedTuple

from tool_gym.episode import Caps
from tool_gym.errors import PackError, ToolRejected
from tool_gym.jsonvalue import Json, canonical, dumps
from tool_gym.messages import ToolCall, ToolMessage
from tool_gym.packs.reader import Pack
from tool_gym.sandbox.executor import Executor
from tool_gym.scenario import Scenario, SubQuestion, depths
from tool_gym.schema import argument_problem, schema_problem
from tool_gym.verify.matching import matcher as find_matcher


class Finding(NamedTuple):
    """One thing that a check found.

    Attributes:
        level: `error` refuses the pack, `warning` does not.
        check: Name of the check.
        scenario: Id of the scenario, empty for the pack as a whole.
        message: What is wrong, what was expected, and what to do.
    """

    level: Literal["error", "warning"]
    check: str
    scenario: str
    message: str


class Rules(NamedTuple):
    """What a pack says about all its scenarios, as far as checks need it.

    Attributes:
        matcher: Name of the matcher.
        session: What `Executor.session` is given beside a scenario's tools; see `Pack.session_options`.
    """

    matcher: str
    session: Mapping[str, Any]

    @classmethod
    def of_pack(cls, pack: Pack) -> Rules:
        """Those of a pack."""
        return cls(pack.manifest.matcher, pack.session_options)


def validate_files(pack: Pack) -> Iterator[Finding]:
    """Hashes, ids, offsets, and that every row parses."""
    for problem in pack.verify():
        yield Finding("error", "files", "", problem)


def validate_scenario(pack: Pack, scenario_id: str, executors: Sequence[Executor]) -> Iterator[Finding]:
    """`check_scenario` for one scenario of a pack; that it cannot be read is a finding too."""
    try:
        scenario = pack[scenario_id]
    except PackError as error:
        yield Finding("error", "files", scenario_id, str(error))
        return
    yield from check_scenario(scenario, Rules.of_pack(pack), executors)


def check_scenario(scenario: Scenario, rules: Rules, executors: Sequence[Executor]) -> Iterator[Finding]:
    """Schemas, dialect, gold replay and determinism of one scenario.

    Args:
        scenario: The scenario.
        rules: What its pack says.
        executors: At least two, best with different hash seeds; the gold calls must answer the same bytes in each.
    """
    yield from _size(scenario)
    yield from _schemas(scenario, rules)
    yield from _dialect(scenario, rules, executors[0])
    if scenario.initial_state is None and not any(step.arguments is not None for step in scenario.sub_questions):
        yield Finding(
            "warning", "gold", scenario.id, "no sub-question has a reference call, so nothing can be replayed"
        )
        return
    yield from _gold(scenario, rules, executors)


def _size(scenario: Scenario) -> Iterator[Finding]:
    """Tools and first message may fill half of an observation, so that there is room to play."""
    beginning = {"tools": [tool.chat_form for tool in scenario.tools], "messages": [scenario.question]}
    size, most = len(dumps(beginning)), Caps().max_observation_bytes // 2
    if size > most:
        message = f"its tools and first message take {size:,} bytes of an observation, at most {most:,} may"
        yield Finding("error", "size", scenario.id, message)


def _schemas(scenario: Scenario, rules: Rules) -> Iterator[Finding]:
    for tool in scenario.tools:
        if problem := schema_problem(tool.parameters):
            yield Finding("error", "schema", scenario.id, f"tool {tool.name!r}: {problem}")
    if not rules.session["check_arguments"]:
        return
    sound = {tool.name: tool.parameters for tool in scenario.tools if not schema_problem(tool.parameters)}
    for step in scenario.sub_questions:
        if step.arguments is None or step.tools[0] not in sound:
            continue
        if problem := argument_problem(sound[step.tools[0]], step.arguments):
            message = f"sub-question {step.id!r}: the reference arguments do not fit {step.tools[0]!r}: {problem}"
            yield Finding("error", "schema", scenario.id, message)


def _dialect(scenario: Scenario, rules: Rules, executor: Executor) -> Iterator[Finding]:
    for tool in scenario.tools:
        try:
            executor.session([tool], **rules.session)
        except ToolRejected as error:
            needed = any(tool.name in step.tools and step.arguments is not None for step in scenario.sub_questions)
            yield Finding(
                "error" if needed else "warning", "dialect", scenario.id, f"{error}; calling it answers tool_error"
            )


def _gold(scenario: Scenario, rules: Rules, executors: Sequence[Executor]) -> Iterator[Finding]:
    """Plays the reference calls in each executor, forwards and, where there is no state, backwards as well."""
    order = depths(scenario.sub_questions)
    steps = sorted((s for s in scenario.sub_questions if s.arguments is not None), key=lambda step: order[step.id])
    forwards = [_play(scenario, rules, steps, executor) for executor in executors]
    plays = [answers for answers, _ in forwards]
    if scenario.initial_state is None:
        plays.append(_play(scenario, rules, steps[::-1], executors[0])[0][::-1])
    elif any(state != forwards[0][1] for _, state in forwards):
        message = "the reference calls lead to another state in another process"
        yield Finding("error", "determinism", scenario.id, message)
    match = find_matcher(rules.matcher)
    made: dict[bytes, str] = {}
    for i, step in enumerate(steps):
        other = made.setdefault(canonical([step.tools[0], step.arguments]), step.id)
        if other != step.id:
            message = f"sub-questions {other!r} and {step.id!r} share their reference call, which can solve only one"
            yield Finding("error", "gold", scenario.id, message)
        answers = [play[i] for play in plays]
        call = ToolCall(name=step.tools[0], arguments=step.arguments or {})
        if not match.accepts(step.expected, call, answers[0], step.arguments):
            yield Finding("error", "gold", scenario.id, _wrong_gold(step, answers[0]))
        if any(answer.content != answers[0].content for answer in answers):
            message = f"sub-question {step.id!r}: {step.tools[0]} answers differently in another process or order"
            yield Finding("error", "determinism", scenario.id, message)
        if not answers[0].deterministic:
            message = f"sub-question {step.id!r}: the reference call comes near a limit ({answers[0].status})"
            yield Finding("error", "determinism", scenario.id, message)


def _play(
    scenario: Scenario, rules: Rules, steps: Sequence[SubQuestion], executor: Executor
) -> tuple[list[ToolMessage], Json]:
    """The answers to the reference calls of some steps, and the state after them."""
    session = executor.session(scenario.tools, 0, scenario.initial_state, strict=False, **rules.session)
    calls = [ToolCall(id=step.id, name=step.tools[0], arguments=step.arguments or {}) for step in steps]
    return session.call(calls), session.state


def _wrong_gold(step: SubQuestion, answer: ToolMessage) -> str:
    arguments = ", ".join(f"{name}={value!r}" for name, value in (step.arguments or {}).items())
    return (
        f"sub-question {step.id!r}: the reference call {step.tools[0]}({arguments}) returned {answer.content[:200]!r}, "
        f"expected {step.expected.value!r} at {step.expected.path!r}; mend the tool or the sub-question"
    )
