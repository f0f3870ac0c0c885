"""What the page keeps of one episode: everything a reader steps through, as text that needs no further reading.

Values are rendered here, so that the page never parses what a model or a tool wrote.
"""

from __future__ import annotations

import json

from tool_gym.evaluation.failures import Verdict
from tool_gym.evaluation.results import Result
from tool_gym.jsonvalue import Json, dumps
from tool_gym.messages import ToolCall, ToolMessage
from tool_gym.scenario import Expected
from tool_gym.trajectory import Gold, Trajectory, Transition
from tool_gym.verify.matching import matcher
from tool_gym.verify.progress import Progress

MAX_CHARS = 20_000
"""Longest text of one field; the rest stands in the run's own file."""
_ONE_LINE = 88


def episode_data(trajectory: Trajectory, result: Result) -> dict[str, Json]:
    """The episode as the page's viewer takes it.

    Returns:
        `seed`, `reward`, `matcher`, `termination`, `failure`; `turns`, each with its calls and what they solved; and
        from the gold `checks`, `state_solved` (ids of the state checks that hold at the end) and `answer`.
    """
    gold = trajectory.gold
    return {
        "seed": trajectory.seed,
        "reward": trajectory.reward,
        "matcher": trajectory.matcher,
        "termination": trajectory.termination,
        "failure": _cut(trajectory.failure or ""),
        "turns": [
            _turn(turn, verdicts) for turn, verdicts in zip(trajectory.transitions, result.diagnosis.turns, strict=True)
        ],
        "checks": _checks(gold) if gold else [],
        "state_solved": _state_solved(trajectory, gold) if gold else [],
        "answer": _expected(gold.answer) if gold and gold.answer else None,
    }


def _turn(turn: Transition, verdicts: tuple[Verdict, ...]) -> dict[str, Json]:
    action = turn.action
    return {
        "content": _cut(action.content),
        "reasoning": _cut(action.reasoning or ""),
        "error": _cut(action.parse_error or ""),
        "calls": [
            _call(call, result, verdict)
            for call, result, verdict in zip(action.tool_calls, turn.results, verdicts, strict=True)
        ],
        "reward": turn.reward,
        "components": turn.score.reward_components,
        "f1": turn.score.f1,
        "solved": turn.score.solved,
        "total": turn.score.total,
        "answer_correct": turn.score.answer_correct,
    }


def _call(call: ToolCall, result: ToolMessage, verdict: Verdict) -> dict[str, Json]:
    return {
        "name": call.name,
        "arguments": _cut(call.raw or "") if call.error else pretty(call.arguments),
        "error": _cut(call.error or ""),
        "verdict": verdict.kind,
        "check": verdict.check,
        "status": result.status,
        "result": pretty(result.value) if result.status == "ok" else _cut(result.content),
    }


def _checks(gold: Gold) -> list[dict[str, Json]]:
    steps = [
        {
            "id": step.id,
            "question": step.question,
            "tool": " or ".join(step.tools),
            "arguments": None if step.arguments is None else pretty(step.arguments),
            "expected": _expected(step.expected),
        }
        for step in gold.sub_questions
    ]
    states = [
        {
            "id": check.id,
            "question": check.question,
            "state": check.path or "the whole state",
            "expected": _expected(check.expected),
        }
        for check in gold.state_checks
    ]
    return [*steps, *states]


def _state_solved(trajectory: Trajectory, gold: Gold) -> list[str]:
    if trajectory.termination is None:
        return []
    progress = Progress((), gold.state_checks, matcher(trajectory.matcher), gold.due, gold.found)
    for turn in trajectory.transitions:
        if not turn.action.tool_calls:
            progress.close(None)
    progress.end(gold.final_state)
    return list(progress.solved_ids)


def _expected(expected: Expected) -> str:
    return pretty(expected.value) + (f" {expected.unit}" if expected.unit else "")


def pretty(value: Json) -> str:
    """A value for reading: text as it is, else JSON, on one line where it is short."""
    if isinstance(value, str):
        return _cut(value)
    line = dumps(value).decode()
    if len(line) <= _ONE_LINE:
        return json.dumps(value, ensure_ascii=False)
    return _cut(json.dumps(value, ensure_ascii=False, indent=2))


def _cut(text: str) -> str:
    if len(text) <= MAX_CHARS:
        return text
    return f"{text[:MAX_CHARS]}\n… {len(text) - MAX_CHARS:,} more characters; the run's trajectories.jsonl has them all"
