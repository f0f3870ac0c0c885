"""Scenarios that are alike: within a pack, from one of its splits to another, and with other packs.

| likeness | how it is found |
|---|---|
| the same question | the texts of the user's turns are equal in normal form, and so is the state that they begin in |
| the same calls | the reference calls and what they must return are equal, in whatever words the question is |
| nearly the same question | they share `LEAST` of their phrases, three words in a row, and begin in the same state |

Alike within a split means that less is taught than the number of scenarios says; alike in two splits, that one is no
test of the other; alike in two packs, that whoever trained on one cannot be tested on the other. Questions of one
template are not near for that: phrases that stand in many questions are left out.
"""

from __future__ import annotations

import math
import zlib
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

from tool_gym.errors import PackError
from tool_gym.gate.validate import Finding
from tool_gym.jsonvalue import canonical, digest
from tool_gym.packs.reader import Pack
from tool_gym.scenario import Scenario
from tool_gym.verify.normal import normal_text, words

LEAST = 0.8
"""Least share of common phrases, in (0, 1], of questions that are called nearly the same."""
_PHRASE = 3
_MOST_COMMON = 10
"""A phrase in more questions is one of many templates, and makes no two of them alike."""
_FEWEST = 4
"""Phrases that a question needs beside those, to be like another."""


class Sketch(NamedTuple):
    """What is compared of a scenario.

    Attributes:
        pack: Name of its pack.
        scenario: Its id.
        split: Its split.
        question: What the user says, in normal form.
        state: Hash of the state that it begins in.
        gold: Its reference calls and what they return, in normal form; None where they are not known.
        phrases: Hashes of the phrases of the question; of one shorter than a phrase, of the whole.
    """

    pack: str
    scenario: str
    split: str
    question: str
    state: str
    gold: bytes | None
    phrases: frozenset[int]

    @classmethod
    def of(cls, scenario: Scenario, pack: str) -> Sketch:
        """That of a scenario."""
        question = normal_text("\n".join(turn.content for turn in scenario.turns))
        said = words(question)
        places = range(max(1, len(said) - _PHRASE + 1))
        phrases = frozenset(zlib.crc32(" ".join(said[i : i + _PHRASE]).encode()) for i in places)
        state = digest(scenario.initial_state)
        return cls(pack, scenario.id, scenario.split, question, state, _gold(scenario), phrases)


def _gold(scenario: Scenario) -> bytes | None:
    steps = scenario.sub_questions
    if not steps or any(step.arguments is None for step in steps):
        return None
    calls = sorted(canonical([step.tools[0], step.arguments, step.expected.value]) for step in steps)
    checks = sorted(canonical([check.path, check.expected.value]) for check in scenario.state_checks)
    return b"\n".join([*calls, *checks])


def sketches(pack: Pack) -> Iterator[Sketch]:
    """Those of a pack's scenarios; what cannot be read is left out, others tell of it."""
    try:
        ids = list(pack)
    except PackError:
        return
    for name in ids:
        try:
            yield Sketch.of(pack[name], pack.name)
        except PackError:
            continue


def find_alike(own: Sequence[Sketch], others: Iterable[Sketch] = ()) -> Iterator[Finding]:
    """Finds for each scenario of a pack the first that is like it among other packs' and those before it.

    Args:
        own: The pack's scenarios.
        others: Scenarios of other packs.
    """
    every = [*others, *own]
    near = _nearest(every, len(every) - len(own))
    questions, golds = dict[tuple[str, str], Sketch](), dict[bytes, Sketch]()
    for place, sketch in enumerate(every):
        same_question = questions.setdefault((sketch.question, sketch.state), sketch)
        same_gold = sketch if sketch.gold is None else golds.setdefault(sketch.gold, sketch)
        if place < len(every) - len(own):
            continue
        if same_question is not sketch:
            yield _finding(sketch, same_question, "asks word for word what {} asks")
        elif same_gold is not sketch:
            yield _finding(sketch, same_gold, "is answered by the same calls as {}")
        elif place in near:
            other, share = near[place]
            yield _finding(sketch, every[other], f"shares {share:.0%} of its question's phrases with {{}}", near=True)


def _finding(sketch: Sketch, other: Sketch, what: str, *, near: bool = False) -> Finding:
    name = f"{other.scenario!r} of split {other.split}"
    if other.pack != sketch.pack:
        message = f"{what.format(f'{name} of pack {other.pack!r}')}; who trained on one cannot be tested on the other"
        return Finding("warning", "contamination", sketch.scenario, message)
    if other.split != sketch.split:
        message = f"{what.format(name)}; it is in split {sketch.split}, and one is no test of the other: drop one"
        return Finding("warning" if near else "error", "duplicates", sketch.scenario, message)
    return Finding("warning", "duplicates", sketch.scenario, f"{what.format(name)}; drop one, or ask something else")


def _nearest(every: Sequence[Sketch], first: int) -> dict[int, tuple[int, float]]:
    """For the scenarios from `first` on that have one, the place of the most alike earlier one, and the share.

    Of two sets that share so much, the rarest few phrases of each cannot all be missing in the other, so that only
    those are looked up.
    """
    common = Counter(phrase for sketch in every for phrase in sketch.phrases)
    telling = [{phrase for phrase in sketch.phrases if common[phrase] <= _MOST_COMMON} for sketch in every]
    holding: defaultdict[int, list[int]] = defaultdict(list)
    found: dict[int, tuple[int, float]] = {}
    for place, (sketch, phrases) in enumerate(zip(every, telling, strict=True)):
        if len(phrases) < _FEWEST:
            continue
        rarest = sorted(phrases, key=lambda phrase: (common[phrase], phrase))
        rarest = rarest[: len(phrases) - math.ceil(LEAST * len(phrases)) + 1]
        if place >= first:
            candidates = {other for phrase in rarest for other in holding[phrase]}
            alike = [other for other in candidates if every[other].state == sketch.state]
            shares = [(_share(phrases, telling[other]), -other) for other in alike]
            share, other = max(shares, default=(0.0, 0))
            if share >= LEAST:
                found[place] = (-other, share)
        for phrase in rarest:
            holding[phrase].append(place)
    return found


def _share(one: set[int], other: set[int]) -> float:
    """Phrases that both have, of those that either has."""
    return len(one & other) / len(one | other)
