"""verl: an agent loop that plays whole episodes. Rollouts tested with verl 0.9.1; under verl's own trainer untested.

The rows are those of `tool-gym export verl`. A YAML file, named as `agent_loop_config_path` of the rollout's agent:

    - name: tool_gym
      _target_: tool_gym.adapters.verl.ToolGymAgentLoop
      pack: starter

All calls of a turn run, whatever verl's `max_parallel_calls`, and the tools' schemas reach the template whole. Tokens
are merged by verl's own builder; tool output is masked out.
"""

from __future__ import annotations

from typing import Any
from uuid import uuid4

from verl.experimental.agent_loop.agent_loop import AgentLoopBase, AgentLoopOutput
from verl.utils.profiler import simple_timer

from tool_gym.adapters.games import plain_data, shared_games
from tool_gym.parsing.parser import parser as find_parser


class ToolGymAgentLoop(AgentLoopBase):  # type: ignore[misc]
    """Plays the episode of a row.

    Args:
        *args: verl's.
        pack: Name or folder of the pack.
        parser: How the model's family writes calls.
        reward: Name of the reward; the pack's own by default.
        max_turns: Turn limit; the pack's own by default.
        **kwargs: verl's.
    """

    def __init__(
        self,
        *args: Any,
        pack: str,
        parser: str = "hermes",
        reward: str | None = None,
        max_turns: int | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(*args, **kwargs)
        self._games, self._parse = shared_games(pack, reward, max_turns), find_parser(parser)

    async def run(self, sampling_params: dict[str, Any], **row: Any) -> AgentLoopOutput:
        """Plays until the episode ends or the response is full; a cut off episode is closed with an empty reply."""
        place = {key: row["extra_info"][key] for key in ("scenario", "seed", "prefix", "pack", "version")}
        game, request_id, longest = self._games.open(**place), uuid4().hex, self.rollout_config.response_length
        shown = plain_data(game.episode.observation)
        ids = await self.ct_build_initial_tokens(shown["messages"], tools=shown["tools"])
        start, metrics, turns = len(ids), dict[str, Any](), 0
        mask: list[int] = []
        logprobs: list[float] | None = None
        while len(mask) < longest and not game.episode.done:
            with simple_timer("generate_sequences", metrics):
                said = await self.server_manager.generate(
                    request_id=request_id, prompt_ids=ids, sampling_params=sampling_params
                )
            turns += 1
            known = [] if said.log_probs and logprobs is None else logprobs
            merged, mask, logprobs = await self.ct_merge_assistant_token(
                ids, said.token_ids, mask, known, assistant_logprobs=said.log_probs or None
            )
            ids = merged.token_ids
            if len(mask) >= longest:
                break
            with simple_timer("tool_calls", metrics):
                await game.astep(self._parse(self.tokenizer.decode(said.token_ids, skip_special_tokens=False)))
            if not game.episode.done:
                before, shown = shown, plain_data(game.episode.observation)
                spoken = shown["messages"][: len(before["messages"]) + 1]
                merged, mask, logprobs = await self.ct_merge_context_msg(
                    spoken, shown["messages"], ids, mask, logprobs, tools=shown["tools"]
                )
                ids = merged.token_ids
        earned = game.close()
        return AgentLoopOutput(
            prompt_ids=ids[:start],
            response_ids=ids[start:][:longest],
            response_mask=mask[:longest],
            response_logprobs=logprobs[:longest] if logprobs else None,
            reward_score=earned,
            num_turns=2 * turns,
            metrics=metrics,
            extra_fields={"turn_scores": [], "tool_rewards": [], "solve_f1": game.episode.score.f1},
        )
