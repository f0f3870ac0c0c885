"""What a model is trained on: prompts, and responses to them with their rewards.

A *prefix sample* is a trajectory up to a turn; a response to it is one turn. A *whole-episode sample* is the beginning
of an episode; a response is all that follows, tool output included and marked as not the model's. Token ids are those
that were read and sampled: text is never turned into tokens again.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from tool_gym.episode import Episode, step_together
from tool_gym.errors import InputError
from tool_gym.messages import AssistantMessage
from tool_gym.models.decoding import Sampling
from tool_gym.models.local import Branch, LocalModel
from tool_gym.packs.reader import Pack
from tool_gym.parsing.parser import Parser
from tool_gym.policies.policy import Decision, Policy, Request
from tool_gym.rollouts import Play, episode_id, rollout
from tool_gym.sandbox.executor import Executor
from tool_gym.trajectory import Trajectory


class Rules(NamedTuple):
    """What episodes are played on and by; `reward` and `max_turns` as `Episode.of_pack` takes them."""

    pack: Pack
    executor: Executor
    reward: str | None = None
    max_turns: int | None = None


class Sample(NamedTuple):
    """A prompt.

    Attributes:
        scenario: Id of the scenario.
        seed: Seed of the episode.
        actions: The turns before, as JSON texts of `AssistantMessage`.
        prompt_ids: Tokens that the model reads; empty for a whole episode, which brings them.
    """

    scenario: str
    seed: int
    actions: tuple[str, ...]
    prompt_ids: tuple[int, ...]


class Response(NamedTuple):
    """What the model made of a prompt.

    Attributes:
        ids: Tokens after the prompt, at least one.
        chosen: Which of them the model sampled; the others are tool output and the template's.
        reward: Reward of the turn, or return of the episode.
        whole: Whether all turns stand in `ids`; False where the chat template changed what had been said before.
    """

    ids: tuple[int, ...]
    chosen: tuple[bool, ...]
    reward: float
    whole: bool = True


class Group(NamedTuple):
    """A prompt's tokens and the responses to it."""

    prompt_ids: tuple[int, ...]
    responses: list[Response]


class Turn(NamedTuple):
    """Tokens read and sampled in a turn."""

    prompt_ids: tuple[int, ...]
    token_ids: tuple[int, ...]


class Recorder(Policy):
    """A policy whose tokens are kept, by episode, until they are taken."""

    def __init__(self, policy: Policy) -> None:
        """Wraps a policy whose decisions have tokens."""
        self._policy = policy
        self.batch_sensitive = policy.batch_sensitive
        self._turns: dict[str, list[Turn]] = {}

    def act(self, requests: Sequence[Request]) -> list[Decision]:
        """The policy's decisions."""
        decisions = self._policy.act(requests)
        for request, decision in zip(requests, decisions, strict=True):
            turn = Turn(decision.prompt_ids or (), decision.token_ids or ())
            self._turns.setdefault(request.episode_id, []).append(turn)
        return decisions

    def end(self, episode_id: str) -> None:
        """Tells the policy; the tokens stay."""
        self._policy.end(episode_id)

    def take(self, play: Play) -> list[Turn]:
        """The turns of an episode, which are dropped."""
        return self._turns.pop(episode_id(play), [])


def played(
    policy: Policy, plays: Sequence[Play], rules: Rules, *, seed: int, at_once: int
) -> Iterator[tuple[Play, Trajectory, list[Turn]]]:
    """Plays episodes and yields each with its tokens."""
    recorder = Recorder(policy)
    options = {"reward": rules.reward, "max_turns": rules.max_turns}
    episodes = rollout(recorder, rules.pack, plays, rules.executor, seed=seed, at_once=at_once, **options)
    for play, trajectory in episodes:
        yield play, trajectory, recorder.take(play)


def prefix_samples(trajectory: Trajectory, turns: Sequence[Turn]) -> list[Sample]:
    """One sample for each turn: the prompt that it answered. k tool turns and an answer give k + 1."""
    actions = [step.action.model_dump_json(exclude_defaults=True) for step in trajectory.transitions]
    return [
        Sample(trajectory.scenario, trajectory.seed, tuple(actions[:number]), turn.prompt_ids)
        for number, turn in enumerate(turns)
    ]


def answer_prefixes(
    model: LocalModel,
    samples: Sequence[Sample],
    rules: Rules,
    parse: Parser,
    sampling: Sampling,
    *,
    seeds: Sequence[Sequence[tuple[int, ...]]],
    at_once: int,
    constrained: bool = False,
) -> list[Group]:
    """Samples one-turn responses and runs their calls.

    Args:
        model: Answers.
        samples: Prefixes.
        rules: The episodes'.
        parse: Reads what the model writes.
        sampling: How it writes.
        seeds: For each sample those of its responses.
        at_once: Responses that are written together, >= the longest of `seeds`.
        constrained: Whether they are held to the tools' schemas.

    Returns:
        For each sample its group, responses in the order of the seeds.
    """
    found: list[Group] = []
    size = max(1, at_once // len(seeds[0]))
    for start in range(0, len(samples), size):
        chunk, ways = samples[start : start + size], seeds[start : start + size]
        starts = [_at(sample, rules) for sample in chunk]
        branches = [
            Branch(sample.prompt_ids, own, episode.observation["tools"] if constrained else None)
            for sample, own, episode in zip(chunk, ways, starts, strict=True)
        ]
        written = model.branch(branches, sampling)
        episodes = [_copies(episode, rules, len(own)) for episode, own in zip(starts, ways, strict=True)]
        flat = [answer for answers in written for answer in answers]
        actions = [parse(answer.text) for answer in flat]
        steps = iter(step_together([each for group in episodes for each in group], actions, rules.executor))
        for sample, answers in zip(chunk, written, strict=True):
            responses = [Response(a.token_ids, (True,) * len(a.token_ids), next(steps).reward) for a in answers]
            found.append(Group(sample.prompt_ids, responses))
    return found


def whole_response(trajectory: Trajectory, turns: Sequence[Turn]) -> Response:
    """An episode as one response to its first prompt, with its return as reward.

    Where the chat template writes earlier turns otherwise than they were sampled, the response ends before that turn.
    """
    sequence, chosen = list(turns[0].prompt_ids), [False] * len(turns[0].prompt_ids)
    whole = True
    for turn in turns:
        if list(turn.prompt_ids[: len(sequence)]) != sequence:
            whole = False
            break
        told = turn.prompt_ids[len(sequence) :]
        sequence += [*told, *turn.token_ids]
        chosen += [False] * len(told) + [True] * len(turn.token_ids)
    start = len(turns[0].prompt_ids)
    earned = sum(step.reward for step in trajectory.transitions)
    return Response(tuple(sequence[start:]), tuple(chosen[start:]), earned, whole)


def _open(sample: Sample, rules: Rules) -> Episode:
    return Episode.of_pack(
        rules.pack,
        sample.scenario,
        rules.executor,
        seed=sample.seed,
        reward=rules.reward,
        max_turns=rules.max_turns,
    )


def _at(sample: Sample, rules: Rules) -> Episode:
    """The episode of a sample, its turns played again."""
    episode = _open(sample, rules)
    for number, action in enumerate(sample.actions, 1):
        episode.step(AssistantMessage.model_validate_json(action))
        if episode.done:
            raise InputError(
                f"scenario {sample.scenario!r}: the episode ended at turn {number} of a prefix when it was played "
                "again; the pack is not the one that was played, or its tools are not deterministic"
            )
    return episode


def _copies(episode: Episode, rules: Rules, count: int) -> list[Episode]:
    """The episode and others that stand where it stands."""
    snapshot = episode.snapshot()
    first = Sample(episode.scenario.id, episode.seed, (), ())
    copies = [episode, *[_open(first, rules) for _ in range(count - 1)]]
    for copy in copies[1:]:
        copy.restore(snapshot)
    return copies
