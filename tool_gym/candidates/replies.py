"""Replies that an observation suggests: each value that a tool returned, as the answer, and pairs of the latest."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import date
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from tool_gym.candidates.calls import Candidate
from tool_gym.candidates.reading import Reading
from tool_gym.candidates.tools import WORKS_OUT
from tool_gym.candidates.values import Value
from tool_gym.candidates.view import View
from tool_gym.candidates.words import words

_ASKS_BOTH = re.compile(r"\b(?:both|each|side by side|in that order)\b")
_ASKS_DATE = re.compile(r"\b(?:when|date|day)\b")
_ASKS_NUMBER = re.compile(r"\bhow (?!is\b)\w+|\b(?:number|count|per cent|percentage|ratio|distance|difference)\b")
_ASKS_NAME = re.compile(r"\b(?:who|which|name|called)\b")

NAMES = (
    "reply", "first_turn", "nothing_returned", "unused_named", "open", "turns", "failed", "tool_left", "is_last",
    "date_wanted", "number_wanted", "name_wanted", "kind_unwanted", "near", "key_asked", "pair", "pair_wanted",
    "pair_alike", "worked_out", "left_to_work_out", "left_to_search", "last_unused",
    "last_counted", "last_same", "last_mentioned", "unit_settled", "ready",
)  # fmt: skip
"""Names of the features of a reply."""
_WHICH = frozenset(
    "is_last date_wanted number_wanted name_wanted near key_asked pair pair_wanted pair_alike".split()  # noqa: SIM905
)
_CHOOSES = [number for number, name in enumerate(NAMES) if name in _WHICH]
"""Features that say which reply, not whether to reply: measured from the highest among the replies."""


class Reply(NamedTuple):
    """A reply that may be given: values that a tool returned, none at all if nothing was returned."""

    values: tuple[Value, ...]

    @property
    def text(self) -> str:
        """The reply as an answer."""
        parts = [
            each.content.isoformat() if isinstance(each.content, date) else str(each.content) for each in self.values
        ]
        return (
            f"<answer>{parts[0] if len(parts) == 1 else '[' + ', '.join(parts) + ']'}</answer>"
            if parts
            else "I do not know."
        )


def candidate_replies(view: View, most: int) -> list[Reply]:
    """Replies, those with the latest values first.

    Args:
        view: The observation, read.
        most: Replies at most, >= 1.
    """
    returned = [value for value in view.values if value.turn][::-1]
    if not returned:
        return [Reply(())]
    last = returned[0].turn
    # Of each key the values of two turns are what questions for the same of several ask about.
    pairs = [
        Reply((early, late))
        for late in returned
        for early in returned
        if late.turn == last and early.turn < last and early.keys[:1] == late.keys[:1]
    ]
    return [*[Reply((value,)) for value in returned][: most - most // 3], *pairs][:most]


def _works_out(reading: Reading, tool: str) -> bool:
    return reading.families.get(tool) in WORKS_OUT


def _ready(reading: Reading, call: Candidate) -> float:
    """How much a call looks like the last one: it works something out of results that were not used yet."""
    if not _works_out(reading, call.name) or any(value.used for value in call.values):
        return 0.0
    near = sum(value.near for value in call.values if value.turn) / max(1, len(call.values))
    return near * reading.share(reading.tools[call.name], reading.asked)


def reply_features(
    reading: Reading, question: str, replies: Sequence[Reply], calls: Sequence[Candidate]
) -> NDArray[np.float32]:
    """Features of replies.

    Args:
        reading: The observation.
        question: What the user said.
        replies: Replies.
        calls: The calls that may be made instead.

    Returns:
        float32[len(replies), len(NAMES)], each in [-1, 1].
    """
    text = question.lower()
    wanted = [bool(each.search(text)) for each in (_ASKS_DATE, _ASKS_NUMBER, _ASKS_NAME)]
    made = {each.name for each in reading.view.made}
    left = max(
        (reading.share(reading.tools[each.name], reading.asked) for each in calls if each.name not in made), default=0.0
    )
    open_tools = [each.name for each in calls if each.name not in made]
    worked = [reading.share(reading.tools[name], reading.asked) for name in open_tools if _works_out(reading, name)]
    searched = [
        reading.share(reading.tools[name], reading.asked) for name in open_tools if not _works_out(reading, name)
    ]
    common = [
        1.0,
        float(not reading.turn),
        float(not any(value.turn for value in reading.view.values)),
        min(len(reading.unused), 3) / 3,
        len(reading.open) / max(1, len(reading.asked)),
        min(reading.turn, 8) / 8,
        float(bool(reading.view.made) and reading.view.made[-1].failed),
        left,
    ]
    last = [value for value in reading.view.values if value.turn == reading.turn and value.turn]
    named = [value for value in last if value.kind == "name"]
    now = [
        float(any(reading.settled(value)[0] for value in named)),
        float(any(reading.settled(value)[1] for value in named)),
        float(any(value.mentions for value in named)),
        float(any(set(words(value.unit)) & reading.asked for value in last if value.unit)),
        max((_ready(reading, each) for each in calls if each.name not in made), default=0.0),
    ]
    rows = []
    for reply in replies:
        values = reply.values
        kinds = [all(value.kind == kind for value in values) and bool(values) for kind in ("date", "number", "name")]
        rows.append(
            [
                *common,
                float(any(value.turn == reading.turn for value in values)),
                *(float(is_kind and asked) for is_kind, asked in zip(kinds, wanted, strict=True)),
                float(any(is_kind and not asked for is_kind, asked in zip(kinds, wanted, strict=True))),
                sum(value.near for value in values) / max(1, len(values)),
                float(any(word in reading.asked for value in values for word in value.keys[:2])),
                float(len(values) > 1),
                float(bool(len(values) > 1) == bool(_ASKS_BOTH.search(text))),
                float(len({value.keys[:2] for value in values}) == 1),
                float(bool(reading.view.made) and _works_out(reading, reading.view.made[-1].name)),
                max(worked, default=0.0),
                max(searched, default=0.0),
                float(any(v.kind == "name" and v.turn == reading.turn and v.near > 0 for v in reading.view.values)),
                *now,
            ]
        )
    found = np.array(rows, np.float32).reshape(len(rows), len(NAMES))
    found[:, _CHOOSES] -= found[:, _CHOOSES].max(0)
    return found
