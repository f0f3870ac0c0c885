"""Few-shot examples: reference plays of a pack's easiest training scenarios, rendered once as plain text."""

from __future__ import annotations

from typing import NamedTuple

from tool_gym.episode import Episode
from tool_gym.errors import InputError
from tool_gym.packs.reader import Pack
from tool_gym.policies.plaintext import PlainMessage, plain
from tool_gym.policies.scripted import OraclePolicy
from tool_gym.sandbox.executor import Executor

_LONGEST = 400
"""Characters of a message of an example; a longer one is cut, since an example shows the form."""


class Shots(NamedTuple):
    """Examples.

    Attributes:
        scenarios: Ids of the scenarios they were played on, which an evaluation leaves out.
        messages: All their messages.
    """

    scenarios: tuple[str, ...]
    messages: tuple[PlainMessage, ...]


def make_shots(pack: Pack, count: int, executor: Executor) -> Shots:
    """Plays the scenarios with the fewest sub-questions of the split `train`, else of all, with the oracle.

    Args:
        pack: A pack with reference calls.
        count: Examples, >= 1.
        executor: Runs the tools.

    Raises:
        InputError: If the pack has too few scenarios with reference calls.
    """
    split = "train" if pack.manifest.splits.get("train") else "all"
    steps = {scenario: pack[scenario].sub_questions for scenario in pack.ids(split)}
    playable = [name for name, parts in steps.items() if parts and all(step.arguments is not None for step in parts)]
    if len(playable) < count:
        raise InputError(
            f"pack {pack.name!r}: {len(playable)} scenarios have reference calls, {count} examples were asked for; "
            "name another pack for the examples"
        )
    chosen = sorted(playable, key=lambda name: (len(steps[name]), name))[:count]
    oracle = OraclePolicy(pack)
    messages: list[PlainMessage] = []
    for name in chosen:
        episode = Episode.of_pack(pack, name, executor)
        while not episode.done:
            episode.step(oracle(episode.observation, episode.info))
        messages += plain(episode.observation["messages"])
    return Shots(tuple(chosen), tuple(_short(message) for message in messages))


def _short(message: PlainMessage) -> PlainMessage:
    text = message["content"]
    if len(text) <= _LONGEST or message["role"] == "assistant":
        return message
    return {**message, "content": f"{text[:_LONGEST]} …"}
