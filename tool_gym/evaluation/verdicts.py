"""Verdicts: whether an episode counts as right by a benchmark's own rule, where that is none of the usual figures."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from typing import TypeAlias

from tool_gym.errors import UnknownName
from tool_gym.jsonvalue import canonical
from tool_gym.trajectory import Gold, Trajectory, Transition
from tool_gym.verify.matching import matcher
from tool_gym.verify.progress import Progress

Verdict: TypeAlias = Callable[[Trajectory], Mapping[str, float]]
"""From an episode, its gold included, to named figures in [0, 1]."""

BFCL_STEPS = 20
"""Actions that BFCL gives a model for each user turn; an episode that needs more has failed."""


def bfcl_multi_turn(trajectory: Trajectory) -> dict[str, float]:
    """BFCL's rule for its multi-turn tasks: `accuracy`, 1 or 0.

    After each user turn for which there are gold calls: some call was made in it; each class is in the state that the
    gold calls leave it in; and among the responses to all calls so far are those to the turn's gold calls.
    """
    return {"accuracy": float(trajectory.gold is not None and _passes_bfcl(trajectory, trajectory.gold))}


def _passes_bfcl(trajectory: Trajectory, gold: Gold) -> bool:
    if trajectory.termination != "answer":
        return False
    held = set(_solved_states(trajectory, gold))
    expected = {step.id: canonical(step.expected.value) for step in gold.sub_questions}
    responses: Counter[bytes] = Counter()
    for due, steps in zip(gold.due, _user_turns(trajectory), strict=True):
        answers = [result for step in steps for result in step.results]
        responses.update(canonical(result.value) for result in answers if result.status == "ok")
        if len(steps) > BFCL_STEPS:
            return False
        states = {check.id for check in gold.state_checks if check.id in due}
        if due and (not answers or not states <= held):
            return False
        if Counter(expected[name] for name in due if name in expected) - responses:
            return False
    return True


def _user_turns(trajectory: Trajectory) -> Iterator[list[Transition]]:
    """The actions of each user turn, the reply that closes it included."""
    steps: list[Transition] = []
    for step in trajectory.transitions:
        steps.append(step)
        if not step.action.tool_calls:
            yield steps
            steps = []


def _solved_states(trajectory: Trajectory, gold: Gold) -> tuple[str, ...]:
    """Ids of the checks of the state that held when they were due."""
    progress = Progress((), gold.state_checks, matcher(trajectory.matcher), gold.due, gold.found)
    for _ in _user_turns(trajectory):
        progress.close(None)
    if trajectory.termination is not None:
        progress.end(gold.final_state)
    return progress.solved_ids


def all_and_nothing_else(trajectory: Trajectory) -> dict[str, float]:
    """`accuracy`, 1 if every check is solved and no call was made beside those that solve one, else 0."""
    score = trajectory.transitions[-1].score if trajectory.transitions else None
    return {"accuracy": float(score is not None and score.f1 == 1.0)}


def tau_bench(trajectory: Trajectory) -> dict[str, float]:
    """tau-bench's rule: `accuracy`, 1 if the conversation came to its end, and `database` and `outputs` hold, else 0.

    `database`: it is as the gold actions leave it. `outputs`: each of the gold answer's texts stands in some reply to
    the user, in capitals or not and but for commas; 1 where there are none.
    """
    gold = trajectory.gold
    if gold is None:
        return {"accuracy": 0.0, "database": 0.0, "outputs": 0.0}
    replies = [step.action.content for step in trajectory.transitions if not step.action.tool_calls]
    said = [reply.lower().replace(",", "") for reply in replies]
    wanted = gold.answer.value if gold.answer else []
    database = len(_solved_states(trajectory, gold)) == len(gold.state_checks)
    outputs = all(any(str(each).lower() in reply for reply in said) for each in wanted)
    right = trajectory.termination == "answer" and database and outputs
    return {"accuracy": float(right), "database": float(database), "outputs": float(outputs)}


def by_state(trajectory: Trajectory) -> dict[str, float]:
    """For each check of the state, by its id, 1 if it held, else 0."""
    gold = trajectory.gold
    if gold is None:
        return {}
    held = _solved_states(trajectory, gold)
    return {check.id: float(check.id in held) for check in gold.state_checks}


VERDICTS: dict[str, Verdict] = {
    "bfcl-multi-turn": bfcl_multi_turn,
    "all-and-nothing-else": all_and_nothing_else,
    "by-state": by_state,
    "tau-bench": tau_bench,
}
"""The verdicts by name."""


def verdict(name: str) -> Verdict:
    """The verdict of that name.

    Raises:
        UnknownName: If there is none.
    """
    if name not in VERDICTS:
        raise UnknownName("verdict", name, VERDICTS)
    return VERDICTS[name]
