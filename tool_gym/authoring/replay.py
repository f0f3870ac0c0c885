"""The proof of a scenario: its reference calls, run in the sandbox, return what its steps expect."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from itertools import islice

from tool_gym.jsonvalue import Json, dumps
from tool_gym.messages import ToolCall, ToolMessage
from tool_gym.sandbox.executor import Executor
from tool_gym.scenario import Scenario, SubQuestion
from tool_gym.verify.matching import Matcher, json_pointer
from tool_gym.verify.progress import Progress

Show = Callable[[str], None]
"""Takes one line of text about a reference call."""


_MOST_PROPOSED = 6
_ECHO = (
    "the arguments of the reference call {} hold the expected value {!r}, so returning it proves nothing; "
    "expect another part of the result, or say echo_ok = true"
)


def replay_problems(
    scenario: Scenario,
    executor: Executor,
    matcher: Matcher,
    *,
    tables: Mapping[str, Json],
    unknown: frozenset[str] = frozenset(),
    show: Show | None = None,
) -> Iterator[str]:
    """Runs a scenario's reference calls in order, in one session, and says what is not as the scenario expects.

    Args:
        scenario: The scenario; every step has arguments.
        executor: Runs the tools.
        matcher: Decides whether a result holds an expected value.
        tables: Rows by content hash.
        unknown: Ids of steps whose expected value is not written yet.
        show: Is told every call and its result.

    Yields:
        One text per step or state check that fails, without the scenario's name.
    """
    session = executor.session(scenario.tools, tables=tables, state=scenario.initial_state)
    for number, step in enumerate(scenario.sub_questions):
        call = ToolCall(id=f"call_{number}_0", name=step.tools[0], arguments=step.arguments or {})
        result = session.call([call])[0]
        if show:
            show(f"{scenario.id}, step {step.id!r}: {_written(call)} -> {result.status}: {result.content}")
        if step.id in unknown:
            yield f"step {step.id!r}: no `expected` yet; {_written(call)} returned {_short(result)}{_proposed(result)}"
        elif not matcher.accepts(step.expected, call, result, step.arguments):
            yield f"step {step.id!r}: {_complaint(step, call, result)}"
        elif not matcher.accepts(step.expected, call, result, None):
            yield f"step {step.id!r}: {_ECHO.format(_written(call), step.expected.value)}"
    progress = Progress((), scenario.state_checks, matcher)
    progress.end(session.state)
    for check in scenario.state_checks:
        if check.id not in progress.solved_ids:
            stands = json_pointer(session.state, check.path)
            yield f"state check {check.id!r}: {stands!r} stands at {check.path!r}, expected {check.expected.value!r}"


def _complaint(step: SubQuestion, call: ToolCall, result: ToolMessage) -> str:
    place = f" at {step.expected.path!r}" if step.expected.path else ""
    return f"the reference call {_written(call)} returned {_short(result)}, expected {step.expected.value!r}{place}"


def _proposed(result: ToolMessage) -> str:
    """Lines that an author may copy: one for each single value of a result, the first of them."""
    lines = (
        f"expected = {{ value = {dumps(value).decode()}, path = {dumps(path).decode()} }}"
        for path, value in _single_values(result.value)
    )
    return "".join(f"\n    {line}" for line in islice(lines, _MOST_PROPOSED))


def _single_values(value: Json, path: str = "") -> Iterator[tuple[str, Json]]:
    """The texts, numbers and bools in JSON data, each with its JSON Pointer."""
    if isinstance(value, (str, int, float)):
        yield path, value
    pairs = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, item in pairs:
        yield from _single_values(item, f"{path}/{str(key).replace('~', '~0').replace('/', '~1')}")


def _written(call: ToolCall) -> str:
    return f"{call.name}({', '.join(f'{name}={value!r}' for name, value in call.arguments.items())})"


def _short(result: ToolMessage, limit: int = 600) -> str:
    text = result.content if result.status != "ok" else dumps(result.value).decode()
    return text if len(text) <= limit else text[:limit] + " …"
