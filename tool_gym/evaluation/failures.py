"""The failure taxonomy: one label for each episode and one verdict for each call, from the trajectory alone.

Verdicts of a call; the first that fits:

| verdict | the call |
|---|---|
| `solved` | solved a check |
| `unavailable` | did not get through, by a perturbation's doing |
| `malformed` | could not be read as a call |
| `repeated` | was made before in the episode, with the same result |
| `unknown_tool` | names a tool that there is not |
| `invalid_arguments` | does not fit the tool's schema, or is one call too many for its turn |
| `tool_failed` | reached a tool that ran out of time or memory, crashed, or raised though it is the reference call |
| `wrong_argument` | is of a tool that could have solved an open check; it returned something else, or raised |
| `unneeded` | is of a tool whose checks are all solved |
| `wrong_tool` | is of a tool that solves no check of the scenario |
| `unjudged` | reached a tool, but what for is unknown: without gold, or of a tool that may serve a state check |

Labels of an episode; the first that fits:

| label | the episode |
|---|---|
| `endpoint_failed` | was broken off because the policy had no action to give; it says nothing of the agent |
| `success` | solved all checks, and its answer is right where the scenario asks for one |
| `wrong_answer` | made all the right calls, replied, and the reply is wrong |
| `answer_without_calls` | replied rightly with checks still open |
| `looped` | repeated earlier calls in at least three of its calls and at least half of them |
| a call's fault | had calls that failed: the commonest fault among `FAULTS`, of equally common ones the first there |
| `no_calls` | replied without any call |
| `gave_up` | replied with checks open, though no call of it had failed |
| `cut_off` | was ended by a limit of turns, invalid calls or size, though no call of it had failed |
| `unfinished` | has not ended |

An episode that a limit ended after failing calls bears the fault as its label; its `termination` tells of the limit.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from tool_gym.evaluation.credits import call_credits
from tool_gym.jsonvalue import canonical
from tool_gym.messages import ToolCall, ToolMessage
from tool_gym.trajectory import Gold, Trajectory

FAULTS: Final = ("malformed", "unknown_tool", "invalid_arguments", "tool_failed", "wrong_argument", "wrong_tool")
"""Verdicts that can be the label of an episode."""
VERDICTS: Final = ("solved", "unavailable", "repeated", *FAULTS, "unneeded", "unjudged")
LABELS: Final = (
    "success",
    "wrong_answer",
    "answer_without_calls",
    "looped",
    *FAULTS,
    "no_calls",
    "gave_up",
    "cut_off",
    "unfinished",
    "endpoint_failed",
)
"""All labels, in the order in which tables show them."""
_UNKNOWN_TOOL = '"message":"no tool is called '  # how the sandbox answers a call of a tool that there is not
_LOOP = 3  # repeated calls that make a loop, if they are half of all


@dataclass(frozen=True, slots=True)
class Verdict:
    """What became of one call: a verdict of the table above, and the id of the check that it solved, if any."""

    kind: str
    check: str | None = None


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """How an episode went.

    Attributes:
        label: Its label, see the table above.
        turns: For each turn the verdict of each call.
    """

    label: str
    turns: tuple[tuple[Verdict, ...], ...]

    @property
    def counts(self) -> Counter[str]:
        """How many calls have each verdict."""
        return Counter(verdict.kind for turn in self.turns for verdict in turn)


def diagnose(trajectory: Trajectory) -> Diagnosis:
    """The label of an episode and the verdicts of its calls.

    Without gold, calls with a result are `unjudged`, and what the scores say must do for the label.
    """
    turns = tuple(_verdicts(trajectory))
    counts = Counter(verdict.kind for turn in turns for verdict in turn)
    return Diagnosis(_label(trajectory, counts), turns)


def succeeded(trajectory: Trajectory) -> bool:
    """Whether all checks are solved and the answer, where one is asked for, is right.

    Without gold a scenario is taken to ask for one.
    """
    score = trajectory.transitions[-1].score if trajectory.transitions else None
    answerable = trajectory.gold is None or trajectory.gold.answer is not None
    return score is not None and score.solved == score.total and (score.answer_correct or not answerable)


def _label(trajectory: Trajectory, counts: Counter[str]) -> str:
    if trajectory.failure is not None:
        return "endpoint_failed"
    if trajectory.termination is None:
        return "unfinished"
    if succeeded(trajectory):
        return "success"
    score = trajectory.transitions[-1].score
    replied = trajectory.termination == "answer"
    if replied and score.solved == score.total:
        return "wrong_answer"
    if score.answer_correct:
        return "answer_without_calls"
    calls = counts.total()
    if counts["repeated"] >= max(_LOOP, calls / 2):
        return "looped"
    worst = max(FAULTS, key=lambda fault: counts[fault])
    if counts[worst]:
        return worst
    if not replied:
        return "cut_off"
    return "gave_up" if calls else "no_calls"


def _verdicts(trajectory: Trajectory) -> Iterator[tuple[Verdict, ...]]:
    gold = trajectory.gold
    seen: set[tuple[str, bytes, str, str]] = set()
    credits = list(call_credits(trajectory, gold)) if gold else None
    for number, turn in enumerate(trajectory.transitions):
        checks, still_open = credits[number] if credits else ([None] * len(turn.results), set[str]())
        verdicts = []
        for call, result, check in zip(turn.action.tool_calls, turn.results, checks, strict=True):
            made = (call.name, canonical(call.arguments), result.status, result.content)
            kind = "solved" if check else _fault(call, result, repeated=made in seen)
            verdicts.append(Verdict(kind or _use(call, result, gold, still_open), check))
            seen.add(made)
        yield tuple(verdicts)


def _fault(call: ToolCall, result: ToolMessage, *, repeated: bool) -> str | None:
    """What is wrong with a call whatever the gold is."""
    if result.status == "unavailable":
        return "unavailable"
    if call.error is not None:
        return "malformed"
    if repeated:
        return "repeated"
    if result.status == "invalid_call":
        return "unknown_tool" if _UNKNOWN_TOOL in result.content else "invalid_arguments"
    return None if result.status in ("ok", "tool_error") else "tool_failed"


def _use(call: ToolCall, result: ToolMessage, gold: Gold | None, still_open: set[str]) -> str:
    """What a call that was answered was good for, though it solved nothing."""
    if gold is None:
        return "unjudged"
    served = [step for step in gold.sub_questions if call.name in step.tools]
    if not served:
        return "unjudged" if gold.state_checks else "wrong_tool"
    if result.status != "ok" and any(call.arguments == step.arguments for step in served):
        return "tool_failed"
    return "wrong_argument" if any(step.id in still_open for step in served) else "unneeded"
