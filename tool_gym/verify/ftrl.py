"""The paper's own matching rule, kept exactly, faults included, so that its results can be reproduced.

Source: FTRL (arXiv 2508.08791) and the code released with it. `typed` (see `matching`) is the rule without the faults.
"""

from __future__ import annotations

import json

from tool_gym.jsonvalue import Json, NotJson, loads
from tool_gym.messages import ToolMessage
from tool_gym.scenario import Expected

_LEFT_OVER = ("<tool_call>", "</tool_call>", "<tool_parsed_response>")


def rendering(result: ToolMessage) -> str:
    """A result as the released code writes it: text as it is, lists and objects as JSON, the rest by Python's `str`."""
    if result.status != "ok":
        return f"an error occured when call {result.name}: {_failure(result.content)}"
    return _as_text(result.value)


def in_result(expected: Expected, output: str) -> bool:
    """The paper's `answer_verify`: every part of the answer, split at ", ", is a substring of the output."""
    output = _bare(output)
    return all(_bare(part) in output for part in _as_text(expected.value).split(", "))


def in_reply(expected: Expected, content: str) -> bool:
    """The paper's rule for the final answer: it is a substring of the reply."""
    return _bare(_as_text(expected.value)) in _bare(content)


def has_left_over(content: str) -> bool:
    """Whether a reply holds a mark of a tool call that was not read as one."""
    return any(mark in content for mark in _LEFT_OVER)


def _as_text(value: Json) -> str:
    if isinstance(value, str):
        return value
    if isinstance(value, (dict, list, tuple)):
        return json.dumps(value, ensure_ascii=False)
    return str(value)


def _bare(text: str) -> str:
    return text.lower().replace(",", "").strip()


def _failure(content: str) -> str:
    """The message of a failure's content."""
    try:
        return str(loads(content)["message"])
    except (NotJson, KeyError, TypeError):
        return content
