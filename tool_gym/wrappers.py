"""Wrappers of the environment."""

from __future__ import annotations

from typing import Any

import gymnasium as gym
from gymnasium.utils import RecordConstructorArgs

from tool_gym.messages import AssistantMessage
from tool_gym.parsing.parser import parser as find_parser
from tool_gym.spaces import TextSpace


class ParseText(gym.ActionWrapper[dict[str, Any], str, Any], RecordConstructorArgs):
    """Acts with the raw text that a model generated in one turn.

    A malformed call beside a good one is answered `invalid_call`, not dropped.
    """

    def __init__(self, env: gym.Env[dict[str, Any], Any], parser: str = "hermes") -> None:
        """Wraps an environment.

        Args:
            env: Takes assistant messages.
            parser: Name of the model family's format: `hermes` (also Qwen), `llama3`, `mistral`, `json`, `pythonic`.

        Raises:
            UnknownName: If there is no such parser.
        """
        RecordConstructorArgs.__init__(self, parser=parser)
        super().__init__(env)
        self._parse = find_parser(parser)
        self.action_space = TextSpace(4 * 65_536)

    def action(self, action: str) -> AssistantMessage:
        """The message that the text spells; whatever is not text goes on as it is, for the environment to answer."""
        return self._parse(action) if isinstance(action, str) else action
