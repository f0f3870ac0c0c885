"""Is a reply the scenario's answer?

Under `typed` the reply is the text of the last `<answer>…</answer>` of the content, else the whole content. It is
right if

1. it is the expected value and nothing else; or
2. the value stands in it as a whole token, **and it does not hedge**.

It hedges when it also holds another value of that kind (number, date, text) that a tool returned in the episode: "it
is 3 or 4". A number that only restates the question, and that no tool returned, is fine. Two things sharpen the rule:

- Inside a tag there is nothing to restate, so any other number or date hedges; and outside of one, more than
  `MAX_RESTATED` other numbers or dates are a list of guesses, whether a tool returned them or not.
- A tool that repeats a value of its own call's arguments has not returned it: "the capital of Norland is Haven" is
  right even if the result repeats the argument "Norland". But where the answer itself was never returned in this sense
  ("which is larger, A or B?"), such echoes are candidates like it, and count; there a tag says which one is meant.

A bool is said by yes or true, no or false, and hedged by saying both. Lists and objects must have every element in the
reply. Under `ftrl` the paper's substring rule holds.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterable, Iterator, Sequence
from typing import TypeAlias

from tool_gym.jsonvalue import Json, NotJson, loads
from tool_gym.messages import ToolCall, ToolMessage
from tool_gym.scenario import Expected
from tool_gym.verify import ftrl
from tool_gym.verify.dates import dates, read_date
from tool_gym.verify.matching import Matcher
from tool_gym.verify.normal import blank, find_token, leaves, normal_text, words
from tool_gym.verify.numbers import is_unit, quantities, read_quantity
from tool_gym.verify.targets import DateTarget, NumberTarget, Target, TextTarget, argument_texts, targets

MAX_RESTATED = 12
"""Other numbers or dates that a reply without a tag may hold; more are a list of guesses."""

_TAG = re.compile(r"<(/?)answer>", re.IGNORECASE)

_Evidence: TypeAlias = list[tuple[Json, list[Json]]]
"""For each result that was seen, the arguments of its call and the leaves of its value, texts in normal form."""


def answer_correct(
    expected: Expected | None,
    content: str,
    seen: Iterable[ToolMessage],
    matcher: Matcher,
    calls: Sequence[ToolCall] = (),
) -> bool:
    """Whether the content of a closing reply holds the scenario's answer; see the module for the rule.

    Args:
        expected: The answer; None (a scenario without one) is never answered.
        content: What the agent said.
        seen: The tools' results of the episode, in order.
        matcher: `ftrl`, or any other for the rule above.
        calls: The calls of `seen`, in the same order; without them nothing counts as repeated from arguments.
    """
    if expected is None:
        return False
    if matcher.name == "ftrl":
        return ftrl.in_reply(expected, content)
    tag = _last_tag(content)
    reply = content if tag is None else tag
    right = targets(expected)
    if any(target.equal(form) for target in right for form in _forms(reply)):
        return True
    text = normal_text(reply)
    if not any(target.inside(text) for target in right):
        return False
    return not _hedges(right, text, tag is not None, _evidence(seen, calls))


def _last_tag(content: str) -> str | None:
    """The text of the last answer tag that is closed, or None."""
    start, found = None, None
    for match in _TAG.finditer(content):
        if not match.group(1):
            start = match.end()
        elif start is not None:
            found, start = content[start : match.start()], None
    return found


def _forms(reply: str) -> Iterator[Json]:
    """The reply as text, without the full stop of a sentence, and as JSON if it is some."""
    yield reply
    yield reply.strip().removesuffix(".")
    try:
        yield loads(reply)
    except NotJson:
        return


def _evidence(seen: Iterable[ToolMessage], calls: Sequence[ToolCall]) -> _Evidence:
    """What the agent can have read of the results, texts in normal form."""
    pairs = itertools.zip_longest(seen, calls)
    return [
        (None if call is None else call.arguments, list(_read(result)))
        for result, call in pairs
        if result is not None and result.status == "ok"
    ]


def _read(result: ToolMessage) -> Iterator[Json]:
    """The leaves of a result, no more of them than its content, which may be cut, has room for."""
    room = len(result.content)
    for leaf in leaves(result.value):
        if room <= 0:
            return
        yield normal_text(leaf[:room]) if isinstance(leaf, str) else leaf
        room -= len(leaf) if isinstance(leaf, str) else 1


def _hedges(right: Sequence[Target], text: str, tagged: bool, evidence: _Evidence) -> bool:
    own = [part for target in right for part in target.parts()]
    others = [*_other_numbers(own, text), *_other_dates(own, text)]
    if others and (tagged or len(others) > MAX_RESTATED):
        return True
    if not any(_returned(part, evidence) for part in own):
        evidence = [(None, values) for _, values in evidence]
    return any(_returned(other, evidence) for other in others) or _repeats_text(own, text, evidence)


def _returned(target: Target, evidence: _Evidence) -> bool:
    """Whether a tool returned the value to a call that did not hold it itself."""
    return any(target.found(values) and not target.held(arguments) for arguments, values in evidence)


def _other_numbers(own: Sequence[Target], text: str) -> Iterator[NumberTarget]:
    """The numbers of the reply that are not the answer's, dates aside, if its answer has numbers."""
    numbers = [part for part in own if isinstance(part, NumberTarget)]
    if not numbers:
        return
    text = blank(text, sorted((start, end) for _, start, end in dates(text)))
    for quantity in quantities(text):
        if not any(number.fits(quantity) for number in numbers):
            # A returned number may be said rounded, so it is looked for to the digits that were said.
            rounding = 0.5 * 10.0**-quantity.decimals if quantity.decimals else 0.0
            slack = max([rounding, *(number.tolerance or 0.0 for number in numbers)])
            yield NumberTarget(quantity.value, slack or None)


def _other_dates(own: Sequence[Target], text: str) -> Iterator[DateTarget]:
    """The dates of the reply that are not the answer's, but as precise, if its answer has dates."""
    wanted = [part.date for part in own if isinstance(part, DateTarget)]
    if not wanted:
        return
    for readings, _, _ in dates(text):
        if not any(date.means(reading) for date in wanted for reading in readings):
            yield from (DateTarget(reading) for reading in readings if reading.as_precise_as(wanted[0]))


def _repeats_text(own: Sequence[Target], text: str, evidence: _Evidence) -> bool:
    """Whether the reply repeats a whole text that a tool returned, beside the answer's own, if its answer has texts.

    Units, numbers and dates are no texts here.
    """
    texts = {part.text for part in own if isinstance(part, TextTarget)}
    if not texts:
        return False
    for token in sorted(texts, key=len, reverse=True):
        text = blank(text, _places(text, token))
    said = set(words(text))
    for arguments, values in evidence:
        handed_in: set[str] | None = None
        for token in values:
            if not isinstance(token, str) or token in texts or not _is_said(token, text, said):
                continue
            if handed_in is None:
                handed_in = {word for line in argument_texts(arguments) for word in words(line)}
            if not handed_in.issuperset(words(token)):
                return True
    return False


def _is_said(token: str, text: str, said: set[str]) -> bool:
    """Whether a text stands in the reply as a whole token; `said` are the reply's words."""
    spelled = words(token)
    if not spelled or not said.issuperset(spelled) or find_token(text, token) < 0:
        return False
    return not is_unit(token) and read_quantity(token) is None and not read_date(token)


def _places(text: str, token: str) -> list[tuple[int, int]]:
    """Where a token stands in a text, from left to right."""
    places = []
    start = find_token(text, token)
    while start >= 0:
        end = start + len(token)
        places.append((start, end))
        start = find_token(text, token, end)
    return places
