"""Short hands to play scripted episodes of the small pack."""

from collections.abc import Sequence
from typing import Any

from small_pack import TABLES

from tool_gym.episode import Caps, Episode
from tool_gym.messages import AssistantMessage, ToolCall
from tool_gym.scenario import Scenario
from tool_gym.trajectory import Trajectory


def ask(name: str, **arguments: Any) -> ToolCall:
    return ToolCall(name=name, arguments=arguments)


def act(*calls: ToolCall) -> AssistantMessage:
    return AssistantMessage(tool_calls=calls)


def say(content: str) -> AssistantMessage:
    return AssistantMessage(content=content)


BROKEN_CALL = ToolCall(name="population", raw='{"town": ', error="not JSON")


def played(executor: Any, scenario: Scenario, actions: Sequence[AssistantMessage], **options: Any) -> Trajectory:
    """The trajectory of these actions; fewer than the episode needs leave it running."""
    caps = Caps(**options.pop("caps", {}))
    episode = Episode(scenario, executor, tables=TABLES, caps=caps, **options)
    for action in actions:
        episode.step(action)
    return episode.trajectory()
