"""`ToolUse-v0`: an episode as a Gymnasium environment."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Literal

import gymnasium as gym
from gymnasium import spaces

from tool_gym.episode import Caps, Episode, StepResult, rules
from tool_gym.errors import EpisodeError, InputError, UnknownName
from tool_gym.models.chat import ModelError
from tool_gym.packs.reader import Pack, load_pack
from tool_gym.perturb.pack import under
from tool_gym.perturb.spec import Perturbation
from tool_gym.render import transcript_text
from tool_gym.sandbox.executor import Executor, default_executor
from tool_gym.spaces import JsonSpace, MessageSpace
from tool_gym.users import User

DEFAULT_PACK = "starter"


class ToolUseEnv(gym.Env[dict[str, Any], Any]):
    """A question, local tools, and a verifiable reward.

    Observation: `{"messages": [...], "tools": [...]}`, read-only, in the form that `apply_chat_template` takes.
    Action: an assistant message, `{"content": str, "tool_calls": [{"name", "arguments"}, ...]}` (see
    `tool_gym.messages.read_action` for all that is taken). Calls run in order; a message without any closes the
    user's turn, and the episode with the last one. Whatever is sent as an action, `step` neither raises nor hangs.
    """

    metadata: ClassVar[dict[str, Any]] = {"render_modes": ["ansi", "human"], "render_fps": 1}  # type: ignore[misc]

    def __init__(
        self,
        pack: str | Pack | None = None,
        scenario: str | None = None,
        split: str | None = None,
        reward: str | None = None,
        matcher: str | None = None,
        max_turns: int | None = None,
        execution: Literal["isolated", "embedded"] = "isolated",
        system: str | None = None,
        *,
        user: User | None = None,
        isolation: Literal["auto", "full", "best_effort"] = "auto",
        trust: bool = False,
        perturb: str | None = None,
        perturb_seed: int = 0,
        render_mode: str | None = None,
        **caps: Any,
    ) -> None:
        """Makes an environment over a pack's scenarios.

        Args:
            pack: Name or folder of a pack, or a loaded one; the default pack by default.
            scenario: Id of the one scenario to play; by default the seed chooses among those of the split.
            split: Split to choose from, or "all"; `train` where the pack has one, else all, by default.
            reward: Name of the reward, the pack's own by default.
            matcher: Name of the matcher; the reward's, or the pack's own, by default.
            max_turns: Actions before truncation, the pack's own by default.
            execution: `isolated` runs tools in sealed processes, `embedded` in this one (for code that you trust).
            system: Text of a system message before the question; the scenario's own, if it has one, by default.
            user: Speaks for the user, see `tool_gym.users`; by default the scenario's turns are what it says.
            isolation: What `isolated` asks of the kernel, see `Executor`.
            trust: Whether the tools of a native pack, plain Python, may run; sealed all the same.
            perturb: What is done to the scenarios, as `medium` or `union+distractors+flaky`; see `perturb.spec`.
            perturb_seed: Seed of that.
            render_mode: `ansi` (render returns the transcript) or `human` (it is printed at every step).
            **caps: Fields of `tool_gym.Caps`.

        Raises:
            UnknownName: If there is no such pack, scenario, split, reward, matcher or perturbation.
            PackError: If the pack cannot be read.
        """
        if render_mode is not None and render_mode not in self.metadata["render_modes"]:
            raise UnknownName("render mode", render_mode, self.metadata["render_modes"])
        unknown = sorted(caps.keys() - Caps.model_fields.keys())
        if unknown:
            raise UnknownName("argument of ToolUse-v0", unknown[0], Caps.model_fields)
        source = pack if isinstance(pack, Pack) else load_pack(pack or DEFAULT_PACK)
        self.pack = under(source, Perturbation.read(perturb, perturb_seed))
        self.render_mode = render_mode
        self.caps = Caps(**caps)
        self._ids = self._choices(scenario, split)
        self._play = {**rules(self.pack, reward, matcher, max_turns), "caps": self.caps, "system": system, "user": user}
        self._execution, self._isolation, self._native = execution, isolation, self.pack.native and trust
        self._episode: Episode | None = None
        self.action_space = MessageSpace(4 * self.caps.max_content_chars)
        size = self.caps.max_observation_bytes
        self.observation_space = spaces.Dict({"messages": JsonSpace(size), "tools": JsonSpace(size)})

    def _choices(self, scenario: str | None, split: str | None) -> Sequence[str]:
        """The ids that a reset chooses from."""
        if scenario is not None:
            if scenario not in self.pack:
                raise UnknownName(f"scenario of pack {self.pack.name!r}", scenario, self.pack.ids())
            return (scenario,)
        if split is None:
            split = "train" if self.pack.manifest.splits.get("train") else "all"
        ids = self.pack.ids(split)
        if not ids:
            known = [*self.pack.manifest.splits, "all"]
            raise UnknownName(f"split with scenarios in pack {self.pack.name!r}", split, known)
        return ids

    @property
    def episode(self) -> Episode:
        """The running episode: its score, trajectory, snapshots.

        Raises:
            EpisodeError: Before the first reset.
        """
        if self._episode is None:
            raise EpisodeError("no episode is running; call reset() first")
        return self._episode

    @property
    def executor(self) -> Executor:
        """What runs the tools: one for all environments of this process."""
        return default_executor(self._execution, self._isolation, self._native)

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[dict[str, Any], dict[str, Any]]:
        """Begins an episode.

        Args:
            seed: Decides the scenario and the tools' randomness, for this and the following resets.
            options: May hold `scenario` (an id of the pack, from any split) and `prefix` (actions that are played
                before the first observation is returned).

        Raises:
            UnknownName: If there is no such scenario, or no such option.
            EpisodeError: If the prefix ends the episode.
            ModelError: If a simulated user's model does not answer.
        """
        super().reset(seed=seed)
        chosen, prefix = _read_options(options)
        # Both draws happen at every reset, so that naming a scenario does not shift what later resets draw.
        drawn = self._ids[int(self.np_random.integers(len(self._ids)))]
        seed = int(self.np_random.integers(2**31))
        episode = self._open(drawn if chosen is None else chosen, seed)
        for number, action in enumerate(prefix):
            if episode.step(action).info["termination"]:
                raise EpisodeError(f"action {number} of the prefix ends the episode; give only the actions before it")
        return self._begin(episode)

    def _open(self, scenario: str, seed: int) -> Episode:
        return Episode.of_pack(self.pack, scenario, self.executor, seed=seed, **self._play)

    def _begin(self, episode: Episode) -> tuple[dict[str, Any], dict[str, Any]]:
        self._episode = episode
        observation = episode.observation
        self.check_user()
        self._show()
        return observation, episode.info

    def check_user(self) -> None:
        """Tells of a simulated user who broke the episode off.

        Raises:
            ModelError: If its model did not answer.
        """
        if self.episode.failure is not None:
            raise ModelError(f"scenario {self.episode.scenario.id!r}, the simulated user: {self.episode.failure}")

    def step(self, action: Any) -> StepResult:
        """Plays one turn; see the class for what an action is.

        Raises:
            EpisodeError: Before `reset`, or after the end of the episode.
            ModelError: If a simulated user's model does not answer; the episode is broken off.
        """
        result = self.episode.step(action)
        self.check_user()
        self._show()
        return result

    def render(self) -> str | None:
        """The transcript as text under `ansi`; under `human` it has been printed already."""
        if self.render_mode != "ansi":
            return None
        return transcript_text(self.episode.observation["messages"])

    def _show(self) -> None:
        if self.render_mode == "human":
            print(transcript_text(self.episode.observation["messages"][-1:]))

    def snapshot(self) -> dict[str, Any]:
        """The episode as it stands, as data that pickles."""
        return {"scenario": self.episode.scenario.id, "seed": self.episode.seed, "episode": self.episode.snapshot()}

    def restore(self, state: dict[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
        """Continues from a snapshot of any scenario of this pack; returns observation and info as `reset` does.

        Raises:
            EpisodeError: If it is no snapshot, or one of a scenario that has changed.
            UnknownName: If the pack has no such scenario.
        """
        if not isinstance(state, dict) or not {"scenario", "seed", "episode"} <= state.keys():
            raise EpisodeError("that is no snapshot; expected what snapshot() of this environment returned")
        episode = self._open(state["scenario"], state["seed"])
        episode.restore(state["episode"])
        return self._begin(episode)


def _read_options(options: object) -> tuple[str | None, Sequence[Any]]:
    """The scenario and the prefix that reset options name."""
    if options is None:
        options = {}
    if not isinstance(options, Mapping):
        raise InputError(f"reset options must be a mapping, got {type(options).__name__}")
    unknown = [name for name in options if name not in ("scenario", "prefix")]
    if unknown:
        raise UnknownName("reset option", str(unknown[0]), ["scenario", "prefix"])
    prefix = options.get("prefix", ())
    if not isinstance(prefix, (list, tuple)):
        raise InputError(f"the reset option 'prefix' must be a list of actions, got {type(prefix).__name__}")
    return options.get("scenario"), prefix
