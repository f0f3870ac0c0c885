"""Whether a pack can be solved, and how hard it is: scripted policies play it.

The oracle plays everything, by the pack's own rules, and has to earn all of it: it shows that the reference calls solve
every check in its turn, state checks among them, and that the answer counts. What a fixed reader without a model and
random calls solve of a sample says how much is left for a model to learn.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, TypeAlias

from tool_gym.gate.validate import Finding
from tool_gym.packs.reader import Pack
from tool_gym.policies.policy import Policy
from tool_gym.policies.reader import CarefulReader
from tool_gym.policies.scripted import OraclePolicy, RandomPolicy
from tool_gym.rollouts import Play, plays, rollout
from tool_gym.sandbox.executor import Executor
from tool_gym.scenario import STRUCTURES, Scenario
from tool_gym.trajectory import Trajectory
from tool_gym.verify.metrics import episode_metrics

Watch: TypeAlias = Callable[[Iterable[Any], int, str], Iterator[Any]]
"""Passes items on while something shows how far they are; is told how many they are, and what."""
Row: TypeAlias = dict[str, str | int | float | None]


def validate_solutions(pack: Pack, scenarios: Sequence[str], executor: Executor, watch: Watch) -> Iterator[Finding]:
    """What the oracle does not solve, of those scenarios whose reference calls are known."""
    known = [name for name in scenarios if has_calls(pack[name])]
    played = rollout(OraclePolicy(pack), pack, plays(known), executor)
    for play, trajectory in watch(played, len(known), "solutions"):
        if problem := _short(trajectory, pack[play.scenario]):
            proved = bool(pack[play.scenario].sub_questions)
            yield Finding("error" if proved else "warning", "gold", play.scenario, problem)


def has_calls(scenario: Scenario) -> bool:
    """Whether all reference calls of a scenario are known, so that the oracle can play it."""
    return all(step.arguments is not None for step in scenario.sub_questions)


def _short(trajectory: Trajectory, scenario: Scenario) -> str | None:
    score = trajectory.transitions[-1].score
    if score.solved < score.total:
        open_checks = f"{score.total - score.solved} of {score.total} checks"
        if not scenario.sub_questions:
            return f"nothing shows that its {open_checks} can be solved; add steps with the calls that do it"
        return f"played to its end ({trajectory.termination}), the reference calls leave {open_checks} open"
    if scenario.answer is not None and not score.answer_correct:
        return f"given as the last reply, its own answer {scenario.answer.value!r} does not count"
    return None


def difficulty(pack: Pack, sample: Sequence[str], executor: Executor) -> list[Row]:
    """Mean Solve-F1 of each policy on some scenarios, by structure and overall.

    Returns:
        Rows with `structure`, `scenarios`, and for each policy its mean in [0, 1]; the oracle's is None where a
        reference call is not known.
    """
    policies: dict[str, Policy] = {"careful_reader": CarefulReader(), "random": RandomPolicy()}
    if all(has_calls(pack[name]) for name in sample):
        policies = {"oracle": OraclePolicy(pack), **policies}
    earned = {name: _earned(policy, pack, sample, executor) for name, policy in policies.items()}
    rows: list[Row] = []
    for group in (*STRUCTURES, "overall"):
        names = [name for name in sample if group in (pack[name].structure, "overall")]
        if names:
            means = {policy: math.fsum(f1[name] for name in names) / len(names) for policy, f1 in earned.items()}
            rows.append({"structure": group, "scenarios": len(names), "oracle": None, **means})
    return rows


def _earned(policy: Policy, pack: Pack, sample: Sequence[str], executor: Executor) -> dict[str, float]:
    done: Iterator[tuple[Play, Trajectory]] = rollout(policy, pack, plays(sample), executor, reward="solve_f1")
    return {play.scenario: episode_metrics(each.transitions[-1].score)["solve_f1"] for play, each in done}
