"""Leaks: does a scenario give away what it asks for? Looked for scenario by scenario, so that one among many is found.

| leak | how it is found |
|---|---|
| the question holds an answer | it stands there as a whole token, and no reference call needs it as an argument |
| a tool answers whatever it is asked | most of a few calls with arguments drawn from its schema return the answer |
| an error holds the answer | it stands in the message of such a call that failed |
| a check holds before anything is done | it accepts the initial state |

Values that stand in any text by accident (bools, enum members, numbers of one or two digits, very short texts) are not
looked for in texts.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator, Sequence

import numpy as np

from tool_gym.gate.validate import Finding, Rules
from tool_gym.jsonvalue import canonical
from tool_gym.messages import ToolCall, ToolMessage
from tool_gym.packs.reader import Pack
from tool_gym.sandbox.executor import Executor
from tool_gym.scenario import Expected, Scenario, SubQuestion
from tool_gym.schema import sample_arguments
from tool_gym.verify.matching import MISSING, json_pointer, matcher
from tool_gym.verify.normal import normal_text
from tool_gym.verify.targets import NumberTarget, Target, TextTarget, targets

PROBES = 8
"""Calls with made-up arguments for each sub-question."""
_LEAST_HITS = 3
_LEAST_DIGITS, _LEAST_CHARS = 3, 4


def validate_leaks(pack: Pack, scenario_id: str, executor: Executor) -> Iterator[Finding]:
    """`check_leaks` for one scenario of a pack; one that cannot be read has none."""
    yield from check_leaks(pack[scenario_id], Rules.of_pack(pack), executor)


def check_leaks(scenario: Scenario, rules: Rules, executor: Executor) -> Iterator[Finding]:
    """The leaks of one scenario, each an error.

    Args:
        scenario: The scenario.
        rules: What its pack says.
        executor: Runs the calls.
    """
    for problem in (*_in_question(scenario), *_from_the_start(scenario), *_by_any_call(scenario, rules, executor)):
        yield Finding("error", "leak", scenario.id, problem)


def _in_question(scenario: Scenario) -> Iterator[str]:
    said = normal_text("\n".join(turn.content for turn in scenario.turns))
    needed = [step.arguments for step in scenario.sub_questions]
    if None in needed:  # imported data without reference calls: nobody knows what the question has to name
        return
    asked = [("the answer", scenario.answer)] if scenario.answer else []
    asked += [(f"the answer of sub-question {step.id!r}", step.expected) for step in scenario.sub_questions]
    for what, expected in asked:
        for target in _telling(expected):
            if target.inside(said) and not any(target.held(arguments) for arguments in needed):
                yield f"the question holds {what}, {expected.value!r}; ask without naming it"


def _from_the_start(scenario: Scenario) -> Iterator[str]:
    for check in scenario.state_checks:
        value = json_pointer(scenario.initial_state, check.path)
        if value is not MISSING and any(target.equal(value) for target in targets(check.expected)):
            yield f"state check {check.id!r} holds before anything is done; begin in another state or drop the check"


def _by_any_call(scenario: Scenario, rules: Rules, executor: Executor) -> Iterator[str]:
    typed = matcher("typed")
    for step in scenario.sub_questions:
        answers = _probe(scenario, rules, step, executor)
        hits = [call for call, answer in answers if typed.accepts(step.expected, call, answer, step.arguments)]
        answered = sum(answer.status == "ok" for _, answer in answers)
        if step.expected.kind != "bool" and len(hits) >= _LEAST_HITS and 2 * len(hits) > answered:
            yield (
                f"tool {step.tools[0]!r} returns the answer of sub-question {step.id!r} whatever it is asked, as for "
                f"{dict(hits[0].arguments)!r}; make its result depend on its arguments"
            )
        if leak := next(_telling_errors(step, answers), None):
            yield (
                f"an error of tool {step.tools[0]!r} holds the answer of sub-question {step.id!r}: "
                f"{leak.content[:200]!r}; let the error say what was wrong without it"
            )


def _telling_errors(step: SubQuestion, answers: Sequence[tuple[ToolCall, ToolMessage]]) -> Iterator[ToolMessage]:
    for call, answer in answers:
        if answer.status != "ok":
            text = normal_text(answer.content)
            for target in _telling(step.expected):
                handed_in = target.held(call.arguments) or (step.arguments and target.held(step.arguments))
                if target.inside(text) and not handed_in:
                    yield answer


def _probe(
    scenario: Scenario, rules: Rules, step: SubQuestion, executor: Executor
) -> list[tuple[ToolCall, ToolMessage]]:
    """Different calls of a step's tool with arguments drawn from its schema, never the reference call, and answers."""
    tool = next(tool for tool in scenario.tools if tool.name == step.tools[0])
    rng = np.random.default_rng(zlib.crc32(f"{scenario.id}/{step.id}".encode()))
    drawn = [sample_arguments(tool.parameters, rng) for _ in range(PROBES)]
    different = {canonical(arguments): arguments for arguments in drawn if arguments != step.arguments}
    calls = [ToolCall(id=str(i), name=tool.name, arguments=each) for i, each in enumerate(different.values())]
    session = executor.session([tool], 0, scenario.initial_state, strict=False, **rules.session)
    return list(zip(calls, session.call(calls), strict=True))


def _telling(expected: Expected) -> list[Target]:
    """The forms of a value that do not stand in a text by accident."""
    if expected.kind in ("bool", "enum"):
        return []
    return [target for target in targets(expected) if all(map(_tells, target.parts())) and any(target.parts())]


def _tells(part: Target) -> bool:
    if isinstance(part, NumberTarget):
        return sum(char.isdigit() for char in repr(part.value)) >= _LEAST_DIGITS
    return not isinstance(part, TextTarget) or len(part.text) >= _LEAST_CHARS or not part.text.isascii()
