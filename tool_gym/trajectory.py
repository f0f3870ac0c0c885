"""Trajectories: everything that happened in an episode, enough to replay it and to score it again under another reward.

One JSON line each. Raw results are kept before any cut; the gold stands in one block that can be taken out before
a trajectory is shown to a model.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, Literal, TypeAlias

from pydantic import ValidationError

from tool_gym.errors import InputError
from tool_gym.messages import AssistantMessage, Noun, ToolMessage
from tool_gym.scenario import Expected, Scenario, StateCheck, Structure, SubQuestion

Termination: TypeAlias = Literal["answer", "max_turns", "invalid_calls", "limit"]
"""Why an episode ended: the last user turn was closed by a reply; the turn limit; too many invalid calls in a row; the
limit of the observation's size."""


class Score(Noun):
    """The state of an episode's verification, never gold itself.

    Attributes:
        solved: Checks solved, in [0, total].
        total: Checks of the scenario, >= 1.
        calls: Tool calls made, malformed ones included.
        valid_calls: Calls that reached a tool.
        precision: solved / calls, 1.0 without a call (as in the paper).
        completeness: solved / total.
        f1: 2 * solved / (calls + total).
        answer_correct: Whether the closing reply held the answer; False before it.
        reward_components: Named parts of the last step's reward.
    """

    solved: int
    total: int
    calls: int
    valid_calls: int
    precision: float
    completeness: float
    f1: float
    answer_correct: bool
    reward_components: dict[str, float]


class Transition(Noun):
    """One turn: the action, the tools' answers, what it earned.

    Attributes:
        action: The agent's message.
        results: One answer per call, in order, with the values before any cut.
        reward: Reward of the step, finite.
        score: Verification after the step.
        state_digest: SHA-256 of the tools' state after the turn; None without state.
        token_ids: Sampled token ids of the action, where the policy has them.
        logprobs: Log-probability of each sampled token, where the policy has them.
    """

    action: AssistantMessage
    results: tuple[ToolMessage, ...] = ()
    reward: float
    score: Score
    state_digest: str | None = None
    token_ids: tuple[int, ...] | None = None
    logprobs: tuple[float, ...] | None = None


class Gold(Noun):
    """What the verifier knows and the agent must not: enough to score the trajectory without its pack.

    Attributes:
        sub_questions: The scenario's steps.
        state_checks: Its checks of the state.
        answer: Its answer.
        due: Ids of the checks that are due with each user turn; empty where all are due at the end.
        final_state: The tools' state at the end of the episode.
        found: By their ids, what the checks of the state that were due before the end found at their paths.
    """

    sub_questions: tuple[SubQuestion, ...]
    state_checks: tuple[StateCheck, ...] = ()
    answer: Expected | None
    due: tuple[tuple[str, ...], ...] = ()
    final_state: Any = None
    found: dict[str, Any] = {}

    @classmethod
    def of(cls, scenario: Scenario, final_state: Any = None, found: Mapping[str, Any] | None = None) -> Gold:
        """The gold of a scenario, with what its checks of the state look at."""
        return cls(
            sub_questions=scenario.sub_questions,
            state_checks=scenario.state_checks,
            answer=scenario.answer,
            due=scenario.due,
            final_state=final_state,
            found=dict(found or {}),
        )


class Trajectory(Noun):
    """One episode, from its first turn to where it stands.

    Attributes:
        pack: Name of the pack; empty for a scenario without one.
        version: Version of the pack.
        scenario: Id of the scenario.
        scenario_digest: SHA-256 of the scenario's content.
        structure: The scenario's structure.
        seed: The episode's seed.
        reward: Name of the reward.
        matcher: Name of the matcher.
        max_turns: Turn limit.
        user_turns: User turns of the scenario, >= 1: that many replies without calls end the episode.
        settings: Caps and other arguments of the episode that a replay needs.
        transitions: The turns.
        termination: Why it ended, None while it runs.
        failure: Why the policy had no action to give (its endpoint failed, say), which broke the episode off; None
            otherwise. Such an episode says nothing of the agent.
        gold: The verifier's knowledge, or None where it was taken out.
    """

    pack: str
    version: int
    scenario: str
    scenario_digest: str
    structure: Structure
    seed: int
    reward: str
    matcher: str
    max_turns: int
    user_turns: int = 1
    settings: dict[str, Any] = {}
    transitions: tuple[Transition, ...]
    termination: Termination | None = None
    failure: str | None = None
    gold: Gold | None = None

    def without_gold(self) -> Trajectory:
        """The trajectory with its gold taken out."""
        return self.model_copy(update={"gold": None})


def write_trajectories(path: str | Path, trajectories: Iterable[Trajectory]) -> int:
    """Writes trajectories as JSON lines, replacing the file only when all are written; returns how many."""
    target = Path(path)
    part = target.with_name(target.name + ".part")
    count = 0
    try:
        with part.open("w", encoding="utf-8") as file:
            for trajectory in trajectories:
                file.write(trajectory.model_dump_json(exclude_defaults=True) + "\n")
                count += 1
        part.replace(target)
    finally:
        part.unlink(missing_ok=True)
    return count


def read_trajectories(path: str | Path) -> Iterator[Trajectory]:
    """Reads trajectories one by one.

    Raises:
        InputError: If the file is missing, or a line is not a trajectory; the text names the line.
    """
    source = Path(path)
    if not source.is_file():
        raise InputError(f"{source}: no such file; expected trajectories as JSON lines")
    with source.open("rb") as file:
        for number, line in enumerate(file, 1):
            if not line.strip():
                continue
            try:
                yield Trajectory.model_validate_json(line)
            except ValidationError as error:
                raise InputError(f"{source}, line {number}: not a trajectory: {brief(error)}") from None


def brief(error: ValidationError) -> str:
    """The first complaint of a validation in one line: where, what, and how many more there are."""
    first, more = error.errors()[0], error.error_count() - 1
    place = ".".join(map(str, first["loc"]))
    text = f"{place}: {first['msg']}" if place else str(first["msg"])
    return text + (f" (and {more} more)" if more else "")
