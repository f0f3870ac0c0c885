"""One play of one scenario, without any framework: what environments, adapters and servers wrap.

A step has two halves, so that the calls of many episodes can travel to the sandbox together:

    calls = episode.begin(action)            # reads the action, says which calls must run
    result = episode.finish(answers)         # takes their answers, verifies, rewards, observes

`step` and `astep` are the two halves with this episode's own session in between.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import closing
from typing import Any, NamedTuple, TypeAlias

from tool_gym.errors import EpisodeError, InputError, UnknownName
from tool_gym.jsonvalue import digest
from tool_gym.messages import AssistantMessage, Noun, ToolCall, ToolMessage, read_action
from tool_gym.models.chat import ModelError
from tool_gym.packs.reader import Pack
from tool_gym.perturb.faults import Faults, merged
from tool_gym.perturb.spec import Perturbation
from tool_gym.sandbox.executor import Executor
from tool_gym.sandbox.session import Session
from tool_gym.scenario import Scenario
from tool_gym.trajectory import Gold, Score, Termination, Trajectory, Transition
from tool_gym.transcript import Transcript
from tool_gym.users import Dialogue, User, fingerprint
from tool_gym.verify.matching import matcher as find_matcher
from tool_gym.verify.rewards import reward as find_reward
from tool_gym.verify.scorer import Scorer

DEFAULT_REWARD = "task_f1"
DEFAULT_MATCHER = "typed"
DEFAULT_MAX_TURNS = 20


class Caps(Noun):
    """Limits of an episode; each bounds what one action can cost.

    Attributes:
        max_calls_per_turn: Calls of a message that run; the others are answered `invalid_call` and count.
        max_content_chars: Longest content of a message, and longest arguments of a call (JSON text), in characters.
        max_result_chars: Longest content of a tool's answer, in characters; longer ones are cut and say so.
        step_time_limit_s: Wall-clock budget of all calls of one step, in seconds; calls left over answer `timeout`.
        max_observation_bytes: Largest observation, in bytes of UTF-8 JSON; it ends the episode with `limit`.
        max_invalid_calls: So many turns in a row in which every call is invalid end the episode; None: no bound.
    """

    max_calls_per_turn: int = 32
    max_content_chars: int = 65_536
    max_result_chars: int = 16_384
    step_time_limit_s: float = 10.0
    max_observation_bytes: int = 1 << 20
    max_invalid_calls: int | None = None


class StepResult(NamedTuple):
    """What a step gives, in the order of `gymnasium.Env.step`."""

    observation: dict[str, Any]
    reward: float
    terminated: bool
    truncated: bool
    info: dict[str, Any]


def rules(pack: Pack, reward: str | None, matcher: str | None, max_turns: int | None) -> dict[str, Any]:
    """The `reward`, `matcher` and `max_turns` that a play of a pack goes by: those given, else the pack's own.

    Raises:
        UnknownName: If there is no such reward or matcher.
        InputError: If the turn limit is below 1.
    """
    manifest = pack.manifest
    rule = find_reward(reward or manifest.reward)
    match = find_matcher(matcher or rule.matcher or manifest.matcher)
    turns = _at_least_one(manifest.max_turns if max_turns is None else max_turns)
    return {"reward": rule.name, "matcher": match.name, "max_turns": turns}


def _at_least_one(max_turns: int) -> int:
    if max_turns < 1:
        raise InputError(f"max_turns must be at least 1, got {max_turns}")
    return max_turns


_Pending: TypeAlias = tuple[AssistantMessage, tuple[ToolMessage, ...], bool, dict[int, ToolMessage]]
"""A step that has begun: its action, the answers to the calls past the caps, whether the observation has room for the
message, and the answers to calls that did not get through, by their places."""
_Turn: TypeAlias = tuple[
    AssistantMessage,
    tuple[ToolMessage, ...],
    float,
    Score,
    str | None,
    tuple[int, ...] | None,
    tuple[float, ...] | None,
]
"""The values of a `Transition`'s fields, which is made of them only when the trajectory is asked for."""


class Episode:
    """The state machine of one play.

    Attributes:
        scenario: What is played.
        session: The tools.
        caps: Limits.
        seed: Decides the tools' randomness and clock.
        turn: Actions taken so far.
        termination: Why the episode ended, None while it runs.
        failure: Why a simulated user has nothing to say (its endpoint failed, say), which breaks the episode off; None
            otherwise.
    """

    def __init__(
        self,
        scenario: Scenario,
        executor: Executor,
        *,
        reward: str = DEFAULT_REWARD,
        matcher: str | None = None,
        seed: int = 0,
        max_turns: int = DEFAULT_MAX_TURNS,
        caps: Caps | None = None,
        system: str | None = None,
        user: User | None = None,
        pack: str = "",
        version: int = 0,
        perturbation: Perturbation | None = None,
        **session_options: Any,
    ) -> None:
        """Opens an episode; the first observation is there at once, or when a simulated user has spoken.

        Args:
            scenario: What to play.
            executor: Opens the session of its tools.
            reward: Name of the reward.
            matcher: Name of the matcher; the one that the reward implies, else `typed`, by default.
            seed: Decides the tools' randomness and clock.
            max_turns: Actions before truncation, >= 1.
            caps: Limits.
            system: Text of a system message before the question; the scenario's own, if it has one, by default.
            user: Speaks for the user, see `tool_gym.users`; by default the scenario's turns are what it says.
            pack: Name of the scenario's pack, for `info` and the trajectory.
            version: Version of that pack.
            perturbation: What was done to the scenario; here it decides whether calls fail now and then.
            **session_options: Passed to `executor.session` (`tables`, `domain`, `check_arguments`, ...).
        """
        rule = find_reward(reward)
        match = find_matcher(matcher or rule.matcher or DEFAULT_MATCHER)
        _at_least_one(max_turns)
        self.scenario, self.caps, self.turn = scenario, caps or Caps(), 0
        self.termination: Termination | None = None
        self.failure: str | None = None
        self._system, self._perturbation = system, perturbation
        self._faults = Faults(perturbation, seed) if perturbation and "flaky" in perturbation.names else None
        self._pack, self._version, self.seed, self._max_turns = pack, version, seed, max_turns
        self._reward, self._matcher = rule.name, match.name
        options: dict[str, Any] = {"strict": False, **session_options}
        self.session = executor.session(scenario.tools, seed, scenario.initial_state, **options)
        self._scorer = Scorer(
            scenario.sub_questions, scenario.state_checks, scenario.answer, rule, match, due=scenario.due
        )
        self._turns: list[_Turn] = []
        self._pending: _Pending | None = None
        self._user_turn = 0
        self._invalid_turns = 0
        self._lost_turns = 0
        self._statuses: list[str] = []
        later = {name for user in scenario.turns[1:] for name in user.add_tools}
        first = [tool.chat_form for tool in scenario.tools if tool.name not in later]
        self._transcript = Transcript(first, self.caps.max_observation_bytes, self.caps.max_result_chars)
        told = scenario.system if system is None else system
        opening = [("system", told)] if told is not None else []
        self._dialogue = None if user is None else self._meet(user)
        if self._dialogue is None:
            opening.append(("user", scenario.question))
        if not all(self._transcript.say(role, text) for role, text in opening):
            raise EpisodeError(
                f"scenario {scenario.id!r}: its tools and first message do not fit an observation of "
                f"{self.caps.max_observation_bytes:,} bytes; raise max_observation_bytes"
            )

    @classmethod
    def of_pack(cls, pack: Pack, scenario: str, executor: Executor, **options: Any) -> Episode:
        """Opens an episode of a pack's scenario, under the pack's own rules where none are given.

        Args:
            pack: The pack.
            scenario: Id of the scenario.
            executor: Opens the session of its tools.
            **options: As the constructor takes them; `reward`, `matcher` and `max_turns` may be None.

        Raises:
            UnknownName: If there is no such scenario, reward or matcher.
        """
        try:
            chosen = pack[scenario]
        except UnknownName:
            raise UnknownName(f"scenario of pack {pack.name!r}", scenario, pack.ids()) from None
        names = ("reward", "matcher", "max_turns")
        return cls(
            chosen,
            executor,
            **{**options, **rules(pack, *[options.get(name) for name in names])},
            pack=pack.name,
            version=pack.version,
            perturbation=pack.perturbation,
            **pack.session_options,
        )

    def _meet(self, user: User) -> Dialogue:
        """Asks a simulated user for its first words, which are waited for when they are needed."""
        if len(self.scenario.turns) > 1:
            raise InputError(
                f"scenario {self.scenario.id!r} has {len(self.scenario.turns)} user turns of its own, so nobody can be "
                "simulated; play it without user"
            )
        dialogue = Dialogue(user, self.scenario.question, self.seed)
        dialogue.ask(())
        return dialogue

    def _open(self) -> None:
        """Waits for a simulated user's first words, unless they are there."""
        if self._dialogue is None or self._dialogue.said or self.failure is not None:
            return
        ending = self._user_speaks(self._dialogue)
        if ending is not None:
            self.failure = f"the simulated user's first words do not come, or do not fit the observation ({ending})"

    def _user_speaks(self, dialogue: Dialogue) -> Termination | None:
        """Waits for what a simulated user says, and why that ends the episode, if it does."""
        try:
            words = dialogue.hear()
        except ModelError as error:
            self.failure = str(error)
            return None
        if words is None:
            return "answer"
        return None if self._transcript.say("user", words) else "limit"

    @property
    def observation(self) -> dict[str, Any]:
        """`{"messages", "tools"}`: the transcript and the tools, deep-frozen (see `tool_gym.frozen`)."""
        self._open()
        return self._transcript.view()

    @property
    def score(self) -> Score:
        """The verification so far."""
        return self._scorer.score

    @property
    def info(self) -> dict[str, Any]:
        """What the environment tells beside the observation; fresh plain data, never gold."""
        score = self._scorer.score
        return {
            "scenario": self.scenario.id,
            "pack": self._pack,
            "structure": self.scenario.structure,
            "turn": self.turn,
            "score": {**score.__dict__, "reward_components": dict(score.reward_components)},
            "tool_statuses": list(self._statuses),
            "termination": self.termination,
        }

    @property
    def done(self) -> bool:
        """Whether the episode has ended, or was broken off."""
        return self.termination is not None or self.failure is not None

    def step(self, action: object) -> StepResult:
        """Plays one turn.

        Args:
            action: An assistant message in any form that `read_action` takes; anything else is the agent's mistake and
                becomes an observation.

        Raises:
            EpisodeError: If the episode has ended.
        """
        return self.finish(self.session.call(self.begin(action), time_limit_s=self.caps.step_time_limit_s))

    async def astep(self, action: object) -> StepResult:
        """`step` that lets other tasks of the event loop run while the tools work, or a simulated user thinks."""
        calls = self.begin(action)
        answers = await self.session.acall(calls, time_limit_s=self.caps.step_time_limit_s)
        if self._dialogue is not None and self._dialogue.answer is not None:
            import asyncio  # whoever comes here has it loaded; others need not wait for it

            await asyncio.wait([asyncio.wrap_future(self._dialogue.answer)])
        return self.finish(answers)

    def begin(self, action: object) -> tuple[ToolCall, ...]:
        """First half of a step: reads the action and returns the calls to run, in order.

        Raises:
            EpisodeError: If the episode has ended, or a step has begun and not finished.
        """
        self._open()
        if self.done:
            raise EpisodeError(
                f"the episode has ended ({self.termination or self.failure}); call reset() before the next step"
            )
        if self._pending is not None:
            raise EpisodeError("a step has begun; give its answers to finish() before the next begin()")
        message = read_action(action, turn=self.turn, max_chars=self.caps.max_content_chars)
        calls = message.tool_calls
        if not self._transcript.act(message):
            why = "the message is too long for the observation, so its calls are not run"
            refused = tuple(ToolMessage.failure(call, "limit", why) for call in calls)
            self._pending = (message, refused, False, {})
            return ()
        most, refused = self.caps.max_calls_per_turn, ()
        if len(calls) > most:
            why = f"at most {most} calls run in one turn; make this one in the next turn"
            refused = tuple(ToolMessage.failure(call, "invalid_call", why) for call in calls[most:])
            calls = calls[:most]
        if self._user_turn + 1 < len(self.scenario.turns):
            calls = tuple([self._known(call) for call in calls])
        if self._dialogue is not None and not message.tool_calls:
            self._dialogue.ask(self._transcript.view()["messages"])
        struck = self._faults.strike(calls) if self._faults else {}
        self._pending = (message, refused, True, struck)
        return tuple([call for place, call in enumerate(calls) if place not in struck]) if struck else calls

    def _known(self, call: ToolCall) -> ToolCall:
        """The call; one of a tool that only a later user turn brings is as good as unknown."""
        if any(call.name in user.add_tools for user in self.scenario.turns[self._user_turn + 1 :]):
            return call.model_copy(update={"error": f"no tool is called {call.name!r}"})
        return call

    def finish(
        self,
        answers: Sequence[ToolMessage],
        *,
        token_ids: tuple[int, ...] | None = None,
        logprobs: tuple[float, ...] | None = None,
    ) -> StepResult:
        """Second half of a step: takes the answers to the calls of `begin`, in their order.

        Args:
            answers: One per call.
            token_ids: Sampled token ids of the action, for the trajectory.
            logprobs: Their log-probabilities, for the trajectory.
        """
        if self._pending is None:
            raise EpisodeError("no step has begun; call begin(action) first")
        action, refused, shown, struck = self._pending
        self._pending = None
        results = (*(merged(answers, struck) if struck else answers), *refused)
        fits = shown
        if shown:
            results, fits = self._transcript.answer(results)
        self.turn += 1
        statuses = self._statuses = [result.status for result in results]
        self._lost_turns += bool(struck) and len(struck) == len(results)
        invalid = statuses.count("invalid_call")
        self._invalid_turns = self._invalid_turns + 1 if invalid and invalid == len(statuses) else 0
        ending = self.termination = self._ending(not action.tool_calls, fits)
        state = self.session.state
        reward, score = self._scorer.turn(
            action, results, last=ending is not None, answered=ending == "answer", state=state
        )
        state_digest = None if self.scenario.initial_state is None else digest(state)
        self._turns.append((action, results, reward, score, state_digest, token_ids, logprobs))
        truncated = ending == "max_turns" or ending == "limit" or self.failure is not None
        return StepResult(self._transcript.view(), reward, ending is not None and not truncated, truncated, self.info)

    def _ending(self, replied: bool, fits: bool) -> Termination | None:
        """Why the episode ends with this turn, if it does; brings the next user turn if a reply closed one."""
        if not fits:
            return "limit"
        if replied and self._dialogue is not None:
            ending = self._user_speaks(self._dialogue)
            if ending is not None or self.failure is not None:
                return ending
        elif replied:
            self._user_turn += 1
            if self._user_turn == len(self.scenario.turns):
                return "answer"
            if not self._next_user_turn():
                return "limit"
        most = self.caps.max_invalid_calls
        if most is not None and self._invalid_turns >= most:
            return "invalid_calls"
        return "max_turns" if self.turn - self._lost_turns >= self._max_turns else None

    def _next_user_turn(self) -> bool:
        """Says the next user turn and shows its tools; False if the observation has no room for them."""
        user = self.scenario.turns[self._user_turn]
        added = [tool.chat_form for tool in self.scenario.tools if tool.name in user.add_tools]
        return self._transcript.say("user", user.content, added)

    def trajectory(self) -> Trajectory:
        """Everything that happened so far, gold included in its own block."""
        dialogue = self._dialogue
        settings = {
            "user": dialogue and fingerprint(dialogue.user),
            "said": dialogue and list(dialogue.said),
            "system": self._system,
            "caps": self.caps.model_dump(exclude_defaults=True),
            "perturbation": self._perturbation and self._perturbation.model_dump(),
        }
        return Trajectory(
            pack=self._pack,
            version=self._version,
            scenario=self.scenario.id,
            scenario_digest=self.scenario.digest,
            structure=self.scenario.structure,
            seed=self.seed,
            reward=self._reward,
            matcher=self._matcher,
            max_turns=self._max_turns,
            user_turns=max(1, len(dialogue.said)) if dialogue else len(self.scenario.turns),
            settings={key: value for key, value in settings.items() if value},
            transitions=tuple(
                [Transition(**dict(zip(Transition.model_fields, turn, strict=True))) for turn in self._turns]
            ),
            termination=self.termination,
            failure=self.failure,
            gold=Gold.of(self.scenario, self.session.state, self._scorer.found),
        )

    def snapshot(self) -> dict[str, Any]:
        """The episode as it stands, as data that pickles; `restore` continues from it, as often as wanted."""
        if self._pending is not None:
            raise EpisodeError("a step has begun; finish it before a snapshot")
        self._open()
        return {
            "scenario": self.scenario.digest,
            "fields": {name: getattr(self, name) for name in _PROGRESS},
            "turns": tuple(self._turns),
            "transcript": self._transcript.snapshot(),
            "scorer": self._scorer.snapshot(),
            "session": self.session.snapshot(),
            "faults": self._faults and self._faults.snapshot(),
            "said": self._dialogue.said.copy() if self._dialogue else [self.scenario.question],
        }

    def restore(self, snapshot: Mapping[str, Any]) -> None:
        """Goes back to a snapshot of this scenario, taken here or in another process.

        Raises:
            EpisodeError: If the snapshot is of another scenario.
        """
        if not isinstance(snapshot, Mapping) or snapshot.get("scenario") != self.scenario.digest:
            raise EpisodeError(f"the snapshot is not of scenario {self.scenario.id!r}; reset to its scenario first")
        for name in _PROGRESS:
            setattr(self, name, snapshot["fields"][name])
        self._turns = list(snapshot["turns"])
        self._transcript.restore(snapshot["transcript"])
        self._scorer.restore(snapshot["scorer"])
        self.session.restore(snapshot["session"])
        if self._faults:
            self._faults.restore(snapshot["faults"])
        if self._dialogue:
            self._dialogue.restore(snapshot["said"])
        self._pending = None


_PROGRESS = ("turn", "termination", "failure", "_user_turn", "_invalid_turns", "_lost_turns", "_statuses", "seed")
"""The plain fields that a snapshot holds."""


_WORTH_HALVING = 32
"""Episodes of which a half keeps a worker busy for longer than it takes to wake it."""


def step_together(
    episodes: Sequence[Episode],
    actions: Sequence[object],
    executor: Executor,
    *,
    tokens: Sequence[tuple[tuple[int, ...] | None, tuple[float, ...] | None]] | None = None,
) -> list[StepResult]:
    """One turn of many episodes, whose calls travel to the sandbox in one batch.

    Args:
        episodes: Episodes of this executor that have not ended.
        actions: One per episode.
        executor: Runs their tools.
        tokens: For each episode the sampled token ids of its action and their log-probabilities, for the trajectory.

    Returns:
        What each step gives, in order.
    """
    limit = max((episode.caps.step_time_limit_s for episode in episodes), default=None)
    # With a processor to spare, one half's tools run while the other half is seen to.
    halved = executor.runs_ahead and len(episodes) >= _WORTH_HALVING
    middle = len(episodes) // 2 if halved else 0
    todo = list(zip(episodes, actions, tokens or [(None, None)] * len(episodes), strict=True))
    begun: list[list[tuple[ToolCall, ...]]] = []

    def pairs(half: Sequence[tuple[Episode, object, Any]]) -> list[tuple[Session, ToolCall]]:
        begun.append([episode.begin(action) for episode, action, _ in half])
        return [
            (episode.session, call) for (episode, _, _), calls in zip(half, begun[-1], strict=True) for call in calls
        ]

    halves = [half for half in (todo[:middle], todo[middle:]) if half]
    results: list[StepResult] = []
    with closing(executor.stream(map(pairs, halves), time_limit_s=limit)) as stream:
        for number, answers in enumerate(stream):
            rest = iter(answers)
            for (episode, _, (ids, logprobs)), calls in zip(halves[number], begun[number], strict=True):
                results.append(episode.finish([next(rest) for _ in calls], token_ids=ids, logprobs=logprobs))
    return results
