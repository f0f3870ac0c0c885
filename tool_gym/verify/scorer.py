"""The scorer: folds an episode's turns into rewards and scores. Live episodes and rescoring share it."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from tool_gym.jsonvalue import Json
from tool_gym.messages import AssistantMessage, ToolCall, ToolMessage
from tool_gym.scenario import Expected, StateCheck, SubQuestion
from tool_gym.trajectory import Score
from tool_gym.verify.answer import answer_correct
from tool_gym.verify.matching import Matcher
from tool_gym.verify.metrics import counted_calls, solve_f1, solve_precision, solve_recall
from tool_gym.verify.progress import Progress
from tool_gym.verify.turn import Reward, Turn


class Scorer:
    """Verification and reward of one episode.

    Attributes:
        score: The score after the turns so far.
    """

    def __init__(
        self,
        sub_questions: Sequence[SubQuestion],
        state_checks: Sequence[StateCheck],
        answer: Expected | None,
        reward: Reward,
        matcher: Matcher,
        *,
        due: Sequence[Sequence[str]] = (),
        found: Mapping[str, Json] | None = None,
    ) -> None:
        self._progress = Progress(sub_questions, state_checks, matcher, due, found)
        self._answer, self._reward, self._matcher = answer, reward, matcher
        self._calls: list[ToolCall] = []
        self._seen: list[ToolMessage] = []
        self.score = self._score(0, 0, False, {})

    def turn(
        self,
        action: AssistantMessage,
        results: Sequence[ToolMessage],
        *,
        last: bool,
        answered: bool,
        state: Json = None,
    ) -> tuple[float, Score]:
        """Scores one turn.

        Args:
            action: What the agent did.
            results: One answer per call, in order, with the values before any cut.
            last: Whether the episode ends with this turn.
            answered: Whether it ends because the turn is the reply that closes the last user turn.
            state: The tools' state after the turn; looked at when checks are due.

        Returns:
            The turn's reward and the score after it.
        """
        before, calls, progress = self.score, action.tool_calls, self._progress
        statuses = [result.status for result in results]
        if "unavailable" in statuses:  # calls that did not get through count nowhere
            got_through = [pair for pair in zip(calls, results, strict=True) if pair[1].status != "unavailable"]
            calls, results = tuple(call for call, _ in got_through), [result for _, result in got_through]
        solved_before = progress.solved
        if calls:
            progress.turn(calls, results)
            if self._answer is not None:
                self._calls += calls
                self._seen += results
        replied = not action.tool_calls
        correct = answered and self._answers(action.content)
        by_state = len(progress.close(state)) if replied else 0
        by_state += len(progress.end(state, answered=correct)) if last else 0
        valid = len(results) - statuses.count("invalid_call")
        turn = Turn(
            calls=len(calls),
            well_formed=[call.error for call in calls].count(None),
            valid=valid,
            solved=progress.solved - solved_before,
            state_solved=by_state,
            calls_before=before.calls,
            solved_before=solved_before,
            total=progress.total,
            content=action.content,
            parse_error=action.parse_error is not None,
            replied=replied,
            last=last,
            answer=self._answer,
            answer_correct=correct,
        )
        reward = self._reward
        components = reward.parts(turn) if reward.parts else {reward.name: reward.function(turn)}
        earned = math.fsum(components.values())
        self.score = self._score(before.calls + len(calls), before.valid_calls + valid, correct, components)
        return earned, self.score

    @property
    def found(self) -> Mapping[str, Json]:
        """What checks of the state that were due before the end found; see `trajectory.Gold`."""
        return self._progress.found

    def _answers(self, content: str) -> bool:
        return answer_correct(self._answer, content, self._seen, self._matcher, self._calls)

    def _score(self, calls: int, valid_calls: int, correct: bool, components: dict[str, float]) -> Score:
        solved, total = self._progress.solved, self._progress.total
        counted = counted_calls(calls, solved)
        return Score.of_checked(
            solved=solved,
            total=total,
            calls=calls,
            valid_calls=valid_calls,
            precision=solve_precision(solved, counted),
            completeness=solve_recall(solved, total),
            f1=solve_f1(solved, counted, total),
            answer_correct=correct,
            reward_components=components,
        )

    def snapshot(self) -> dict[str, Any]:
        """The verification as it stands: immutable parts that pickle."""
        return {
            "progress": self._progress.snapshot(),
            "calls": tuple(self._calls),
            "seen": tuple(self._seen),
            "score": self.score,
        }

    def restore(self, snapshot: dict[str, Any]) -> None:
        """Goes back to a snapshot of the same scenario, as often as wanted."""
        self._progress.restore(snapshot["progress"])
        self._calls, self._seen = list(snapshot["calls"]), list(snapshot["seen"])
        self.score = snapshot["score"]
