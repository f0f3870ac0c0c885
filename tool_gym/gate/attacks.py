"""Attacks on a pack: played under its own rules, scored under every reward, held against bounds.

An attack earns by luck at most what calls are worth. One who calls every tool that a scenario has exactly once, and
knows the right arguments of each, solves at most its t checks with N calls, and earns `2t / (N + t)` under `solve_f1`
(the metric of F1, see `verify.metrics.solve_f1`, with all checks solved by as many calls as there are tools). That is
the best that spraying can come to without choosing between tools, so no attack may earn more:

- in the mean over the scenarios of a structure, at most that analytic return, itself the mean over the same scenarios,
  and `SLACK` more;
- in the mean over all scenarios, less than `MEAN_BOUND`, which is what bounds long scenarios, where the analytic return
  is high.

The two attacks that are given the right calls earn `solve_f1` in full; `wrong_answer` must lose the half that
`task_f1` takes, in every scenario that has an answer, and `every_value_seen` in a scenario of every structure (where a
scenario's results hold nothing but the answer, saying all of it is answering). Bounds hold under the matcher `typed`,
whatever the pack's own: the paper's rule cannot be held to any, and its columns are there to show it.
"""

from __future__ import annotations

import math
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np

from tool_gym.attacks import ATTACKS
from tool_gym.attacks.view import Attack, View
from tool_gym.gate.controls import control_id, write_controls
from tool_gym.gate.validate import Finding
from tool_gym.messages import AssistantMessage, ToolCall
from tool_gym.packs.reader import Pack
from tool_gym.policies.policy import Decision, Policy, Request
from tool_gym.policies.scripted import OraclePolicy
from tool_gym.rollouts import plays, rollout
from tool_gym.sandbox.executor import Executor
from tool_gym.scenario import STRUCTURES, Scenario
from tool_gym.trajectory import Trajectory
from tool_gym.verify.metrics import solve_f1
from tool_gym.verify.rescoring import rescore
from tool_gym.verify.rewards import REWARDS

SLACK = 0.02
MEAN_BOUND = 0.15
BOUNDED = ("solve_f1", "task_f1")
"""The rewards that the bounds are about."""


class AttackPolicy(Policy):
    """Plays an attack; those that are given the right calls get an oracle's calls, never its answer."""

    def __init__(self, attack: Attack, pack: Pack) -> None:
        """Makes the policy for a pack's scenarios."""
        self._attack = attack
        self._oracle = OraclePolicy(pack) if attack.given_calls else None

    def act(self, requests: Sequence[Request]) -> list[Decision]:
        """The attack's action for each request."""
        return [
            Decision(self._attack.act(View(request.observation, request.seed, self._right_calls(request))))
            for request in requests
        ]

    def _right_calls(self, request: Request) -> tuple[ToolCall, ...]:
        if self._oracle is None:
            return ()
        message = self._oracle.act([request])[0].message
        return message.tool_calls if isinstance(message, AssistantMessage) else ()


@dataclass(frozen=True)
class Outcome:
    """What an attack earned on the scenarios of a pack.

    Attributes:
        attack: Its name.
        trajectories: One episode for each scenario that it could play, under `solve_f1` and `typed`.
        returns: For each reward the return of each of these episodes, in the same order.
        control: Of all rewards the one that pays the attack best on its positive control, and what it earns there.
    """

    attack: str
    trajectories: tuple[Trajectory, ...]
    returns: Mapping[str, tuple[float, ...]]
    control: tuple[str, float]

    def row(self, rewards: Sequence[str]) -> dict[str, str | float | None]:
        """A row of the table: mean returns, the scenario that pays most of `task_f1`, the control."""
        earned = zip(self.returns["task_f1"], self.trajectories, strict=True)
        most, worst = max(earned, key=lambda pair: pair[0], default=(0.0, None))
        reward, control = self.control
        return {
            "attack": self.attack,
            **{name: _mean(self.returns[name]) for name in rewards},
            "worst_scenario": f"{worst.scenario} ({most:.2f})" if worst and most > 0 else "",
            "on_its_control": f"{control:.2f} ({reward})",
        }


def sample_scenarios(pack: Pack, count: int, seed: int) -> list[str]:
    """Ids of that many scenarios of a pack, drawn without repetition, in the pack's order; all if it has no more."""
    ids = list(pack)
    if len(ids) <= count:
        return ids
    chosen = np.random.default_rng(seed).choice(len(ids), size=count, replace=False)
    return [ids[i] for i in sorted(chosen)]


def play_attacks(
    pack: Pack, scenarios: Sequence[str], executor: Executor, rewards: Sequence[str] = (), *, seed: int = 0
) -> Iterator[Outcome]:
    """Plays every attack on scenarios of a pack once, and on its control, and scores the episodes under rewards.

    Args:
        pack: The pack.
        scenarios: Ids of the scenarios.
        executor: Runs the pack's tools; those of the controls, our own, run embedded.
        rewards: Names of the rewards; those of `BOUNDED` are always among the returns.
        seed: Seed of the episodes and of the attacks.
    """
    names = list(dict.fromkeys([*BOUNDED, *rewards]))
    playable = [name for name in scenarios if _has_calls(pack[name])]
    with tempfile.TemporaryDirectory() as temporary, Executor(execution="embedded") as embedded:
        planted = write_controls(Path(temporary) / "controls")
        for attack in ATTACKS.values():
            trajectories = _play(attack, pack, playable if attack.given_calls else scenarios, executor, seed)
            control = _play(attack, planted, [control_id(attack.name)], embedded, seed)
            earned = {name: _returns(control, name)[0] for name in REWARDS}
            best = max(earned, key=lambda name: earned[name])
            returns = {name: tuple(_returns(trajectories, name)) for name in names}
            yield Outcome(attack.name, tuple(trajectories), returns, (best, earned[best]))


def _has_calls(scenario: Scenario) -> bool:
    return all(step.arguments is not None for step in scenario.sub_questions)


def _play(attack: Attack, pack: Pack, scenarios: Sequence[str], executor: Executor, seed: int) -> list[Trajectory]:
    policy, todo = AttackPolicy(attack, pack), plays(scenarios)
    finished = dict(rollout(policy, pack, todo, executor, seed=seed, reward="solve_f1", matcher="typed"))
    return [finished[play] for play in todo]


def _returns(trajectories: Sequence[Trajectory], reward: str) -> list[float]:
    return [math.fsum(turn.reward for turn in rescore(each, reward).transitions) for each in trajectories]


def every_tool_once(scenario: Scenario) -> float:
    """The analytic return `2t / (N + t)` of one who calls each of N tools once and solves all t checks; see above.

    Where there are fewer tools than checks, t calls are counted: a call solves at most one check.
    """
    calls = max(len(scenario.tools), scenario.total)
    return solve_f1(scenario.total, calls, scenario.total)


def analytic_returns(pack: Pack, scenarios: Sequence[str]) -> dict[str, float | None]:
    """The mean of `every_tool_once` over those scenarios of each structure, for each that occurs."""
    made: dict[str, list[float]] = {}
    for name in scenarios:
        made.setdefault(pack[name].structure, []).append(every_tool_once(pack[name]))
    return {structure: _mean(made[structure]) for structure in STRUCTURES if structure in made}


def _mean(values: Sequence[float]) -> float | None:
    return math.fsum(values) / len(values) if values else None


class Breach(NamedTuple):
    """A bound that an attack exceeds.

    Attributes:
        finding: What it is, as the gate tells it.
        trajectory: The episode that shows it best.
    """

    finding: Finding
    trajectory: Trajectory


def breaches(pack: Pack, outcomes: Sequence[Outcome]) -> Iterator[Breach]:
    """The bounds that are exceeded, each with the scenario and the episode that exceed them most."""
    for outcome in outcomes:
        if not outcome.trajectories:
            continue
        if ATTACKS[outcome.attack].given_calls:
            yield from _answer_breaches(outcome)
        else:
            yield from _call_breaches(pack, outcome)


def _call_breaches(pack: Pack, outcome: Outcome) -> Iterator[Breach]:
    """Looks at `solve_f1` only: `task_f1` is that or half of it."""
    episodes = list(zip(outcome.trajectories, outcome.returns["solve_f1"], strict=True))
    mean = math.fsum(earned for _, earned in episodes) / len(episodes)
    if mean >= MEAN_BOUND:
        what = f"earns {mean:.3f} in the mean, where less than {MEAN_BOUND} is allowed"
        yield _breach(outcome.attack, what, *max(episodes, key=lambda episode: episode[1]))
    for structure in STRUCTURES:
        group = [episode for episode in episodes if episode[0].structure == structure]
        if not group:
            continue
        analytic = [every_tool_once(pack[trajectory.scenario]) for trajectory, _ in group]
        most = math.fsum(analytic) / len(group)
        mean = math.fsum(earned for _, earned in group) / len(group)
        if mean > most + SLACK:
            excess = [earned - bound for (_, earned), bound in zip(group, analytic, strict=True)]
            what = f"earns {mean:.3f} in the mean on {structure}, where calling every tool once comes to {most:.3f}"
            yield _breach(outcome.attack, what, *group[int(np.argmax(excess))])


def _breach(attack: str, what: str, trajectory: Trajectory, earned: float) -> Breach:
    message = f"attack {attack} {what} (solve_f1); here it earns {earned:.3f}. {ATTACKS[attack].remedy}"
    return Breach(Finding("error", "attacks", trajectory.scenario, message), trajectory)


def _answer_breaches(outcome: Outcome) -> Iterator[Breach]:
    """Where a wrong answer counts as right; and structures in which saying every value never loses anything."""
    whole, halved = outcome.returns["solve_f1"], outcome.returns["task_f1"]
    answered = [
        (trajectory, task > f1 / 2 + 1e-12)
        for trajectory, f1, task in zip(outcome.trajectories, whole, halved, strict=True)
        if trajectory.gold is not None and trajectory.gold.answer is not None
    ]
    for structure in STRUCTURES:
        group = [(trajectory, keeps) for trajectory, keeps in answered if trajectory.structure == structure]
        kept = [trajectory for trajectory, keeps in group if keeps]
        if outcome.attack == "wrong_answer" and kept:
            message = "the reply of attack wrong_answer, 'none of these', counts as the answer; ask for another one"
            yield Breach(Finding("error", "attacks", kept[0].scenario, message), kept[0])
        elif kept and len(kept) == len(group):
            message = (
                f"attack every_value_seen loses nothing in any scenario of {structure}: to say all that the tools "
                "returned is to answer; add results among which the answer has to be chosen"
            )
            yield Breach(Finding("warning", "attacks", kept[0].scenario, message), kept[0])
