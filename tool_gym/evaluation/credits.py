"""Credits: which call of an episode solved which check."""

from __future__ import annotations

from collections.abc import Iterator

from tool_gym.jsonvalue import digest
from tool_gym.trajectory import Gold, Trajectory, Transition
from tool_gym.verify.matching import Matcher, matcher
from tool_gym.verify.pairing import pair
from tool_gym.verify.progress import Progress


def call_credits(trajectory: Trajectory, gold: Gold) -> Iterator[tuple[list[str | None], set[str]]]:
    """What each turn's calls solved.

    Verification itself says which checks a turn solves; which call is credited with which of them is told here, by the
    same matcher, each check to a call of its own.

    Yields:
        For each turn: the id of the check that each call solved, or None; and the ids of the sub-questions that were
        open before the turn.
    """
    rule = matcher(trajectory.matcher)
    progress = Progress(gold.sub_questions, (), rule, gold.due)
    used: set[str] = set()
    for turn in trajectory.transitions:
        still_open = {step.id for step in gold.sub_questions} - set(progress.solved_ids)
        solved = progress.turn(turn.action.tool_calls, turn.results)
        if not turn.action.tool_calls:
            progress.close(None)
        yield _credit(turn, solved, gold, rule, used), still_open


def _credit(turn: Transition, solved: tuple[str, ...], gold: Gold, rule: Matcher, used: set[str]) -> list[str | None]:
    """The check of each call; `used` are the digests of calls credited before, which most matchers credit once."""
    calls, results = turn.action.tool_calls, turn.results
    credited: list[str | None] = [None] * len(calls)
    if not solved:
        return credited
    places: dict[str, int] = {}
    for i, (call, result) in enumerate(zip(calls, results, strict=True)):
        key = str(i) if rule.greedy else digest([call.name, call.arguments, result.value])
        if call.error is None and key not in used:
            places.setdefault(key, i)
    steps = [step for step in gold.sub_questions if step.id in solved]
    fits = [
        [
            i
            for i in places.values()
            if calls[i].name in step.tools and rule.accepts(step.expected, calls[i], results[i], step.arguments)
        ]
        for step in steps
    ]
    for step, place in zip(steps, pair(fits), strict=True):
        if place is not None:
            credited[place] = step.id
    if not rule.greedy:
        used.update(key for key, i in places.items() if credited[i] is not None)
    return credited
