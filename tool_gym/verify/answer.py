"""Is a reply the scenario's answer?

Under `ftrl` the paper's substring rule holds. Under `typed` the reply is what `reply.what_it_says` makes of the
content: the last `<answer>…</answer>`, else what follows the last "Answer:" or "the answer is", else all of it, without
markup. It is right if it is the expected value and nothing else; or if it **states** the value and **does not hedge**.

**Stated.** The value stands in the reply as a whole token, a number with no unit or its own (a word that is no known
unit, as in "11 steps", is none), and not only after a denial: "not 11", "any day but 2031-11-04", and for numbers and
dates comparisons too, as in "less than 11", "at least 11" or "before 2031-11-04". What is denied is not said: "11, not
12" says 11. A year after a preposition ("in 2030") is no number, unless such a year is the answer. In a tag a text
comes first, after no more than a lead-in ("It is", "The capital is", "The town of", an article, a title); then the
reply ends or goes on with punctuation or a preposition: "Haven, an old port", "Haven on Kelspar".

**Hedged.** The reply offers another value beside it:

- "or" stands right before the value, or soon after it in the same sentence ("or so" is no offer).
- It holds another number or date. In a tag any other one counts. Outside of one, those do not that are in another known
  unit than the answer, or that the agent handed to a tool, as the numbers of a question are; but more than
  `MAX_RESTATED` of these are a list of guesses, and one that a tool returned counts in any case.
- It repeats another text that a tool returned, if the answer is a text.

A tool that repeats a value of its own call's arguments has not returned it: "the capital of Norland is Haven" is right
even if the result repeats the argument "Norland". But where the answer itself was never returned in this sense ("which
is larger, A or B?"), such echoes are candidates like it, and count; there a tag says which one is meant.

A bool is said by yes or true, no or false, and hedged by saying both. Lists and objects must have every element in the
reply. That no tool can answer (`scenario.UNANSWERABLE`) is said by those words alone.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterable, Iterator, Sequence
from typing import TypeAlias

from tool_gym.jsonvalue import Json, NotJson, loads
from tool_gym.messages import ToolCall, ToolMessage
from tool_gym.scenario import UNANSWERABLE, Expected
from tool_gym.verify import ftrl
from tool_gym.verify.dates import dates, read_date
from tool_gym.verify.matching import Matcher
from tool_gym.verify.normal import blank, find_token, leaves, normal_text, words
from tool_gym.verify.numbers import is_unit, quantities, read_quantity
from tool_gym.verify.reply import what_it_says
from tool_gym.verify.targets import DateTarget, NumberTarget, Target, TextTarget, argument_texts, targets

MAX_RESTATED = 4
"""Numbers or dates beside the answer that may restate the question; more are a list of guesses."""

_NEAR = 60  # characters; what denies or offers a value stands no farther from it
_BETWEEN = r"(?: (?:the|a|an|on|in|of|exactly|about|equal to))* ?[$€£¥₹\"'(]*$"
_DENIED = re.compile(
    rf"(?:\b(?:not|no|never|nor|neither|except|excluding|without|"
    rf"(?:other|rather) than|instead of|any(?: \w+)? but)|n't){_BETWEEN}"
)
_COMPARED = re.compile(
    r"(?:\b(?:than|over|under|above|below|exceeding|at (?:least|most)|up to|before|after)|(?<![-=])[<>≤≥≠])" + _BETWEEN
)
_OFFERED_BEFORE = re.compile(rf"\bor{_BETWEEN}")
_OFFERED_AFTER = re.compile(r"(?:[^.;!?]|[.;!?](?! )){0,40}?\bor\b(?! so\b)")
_YEAR = re.compile(r"\b(?:in|of|since|until|by|from|during) (\d{4})(?![\w%°]|[.,:/-]\d)")
_LEAD_IN = re.compile(
    r"(?:[^,.;:()]{0,60}? (?:is|was|are|were|be|named|called) |(?:it|that|he|she)'s )?"
    r"(?:(?:the|an?|mrs?|ms|dr)\.? |the (?:town|city|village|port|island) of )*$"
)
_GOES_ON = re.compile(r"\W*$| ?[,.;:()-]| (?:in|on|at|of|by|from|near|with|as)\b")

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
    reply, tagged = what_it_says(content)
    right = targets(expected)
    if any(target.equal(form) for target in right for form in _forms(content, reply)):
        return True
    if expected == UNANSWERABLE:
        return False
    text = _without_years(right, normal_text(reply))
    said = blank(text, _denied(right, text))
    if not any(target.inside(said) and (not tagged or _comes_first(target, said)) for target in right):
        return False
    return not _hedges(right, said, tagged, _evidence(seen, calls))


def _forms(content: str, reply: str) -> Iterator[Json]:
    """The whole content; the reply as text, without the full stop of a sentence, and as JSON if it is some."""
    yield content
    yield reply
    yield reply.strip().removesuffix(".")
    try:
        yield loads(reply)
    except NotJson:
        return


def _without_years(right: Sequence[Target], text: str) -> str:
    """The text without years after a preposition ("in 2030"), unless one of them is the answer."""
    numbers = [part for part in _parts(right) if isinstance(part, NumberTarget)]
    years = list(_YEAR.finditer(text))
    if any(number.near(int(year.group(1))) for number in numbers for year in years):
        return text
    return blank(text, [year.span(1) for year in years])


def _denied(right: Sequence[Target], text: str) -> list[tuple[int, int]]:
    """Where the answer's own values, or any number or date if it has some, stand after a denial."""
    places = {(place, isinstance(part, TextTarget)) for part in _parts(right) for place in part.places(text)}
    if any(isinstance(part, NumberTarget) for part in _parts(right)):
        places |= {((quantity.start, quantity.end), False) for quantity in quantities(_without_dates(text))}
    if any(isinstance(part, DateTarget) for part in _parts(right)):
        places |= {((start, end), False) for _, start, end in dates(text)}
    found: list[tuple[int, int]] = []
    for (start, end), is_text in sorted(places):
        before = text[max(0, start - _NEAR) : start]
        denied = _DENIED.search(before) or (not is_text and _COMPARED.search(before))
        if denied and (not found or start >= found[-1][1]):
            found.append((start, end))
    return found


def _comes_first(target: Target, text: str) -> bool:
    """Whether a text stands where a tag's answer does: after a lead-in at most, and before a clause at most."""
    if not isinstance(target, TextTarget):
        return True
    return any(
        start <= _NEAR * 2 and _LEAD_IN.match(text[:start].lstrip("\"'( ")) and _GOES_ON.match(text, end)
        for start, end in target.places(text)
    )


def _parts(right: Sequence[Target]) -> list[Target]:
    return [part for target in right for part in target.parts()]


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
    own = _parts(right)
    others = [*_other_numbers(own, text), *_other_dates(own, text)]
    if others and (tagged or len(others) > MAX_RESTATED):
        return True
    handed_in = [arguments for arguments, _ in evidence]
    if not all(_in_another_unit(own, other, text) or any(map(other.held, handed_in)) for other in others):
        return True
    if _offers(own, text):
        return True
    if not any(_returned(part, evidence) for part in own):
        evidence = [(None, values) for _, values in evidence]
    return any(_returned(other, evidence) for other in others) or _repeats_text(own, text, evidence)


def _offers(own: Sequence[Target], text: str) -> bool:
    """Whether "or" stands beside one of the answer's own values."""
    return any(
        _OFFERED_BEFORE.search(text[max(0, start - _NEAR) : start]) or _OFFERED_AFTER.match(text, end)
        for part in own
        for start, end in part.places(text)
    )


def _returned(target: Target, evidence: _Evidence) -> bool:
    """Whether a tool returned the value to a call that did not hold it itself."""
    return any(target.found(values) and not target.held(arguments) for arguments, values in evidence)


def _other_numbers(own: Sequence[Target], text: str) -> Iterator[NumberTarget]:
    """The numbers of the reply that are not the answer's, dates aside, if its answer has numbers."""
    numbers = [part for part in own if isinstance(part, NumberTarget)]
    if not numbers:
        return
    for quantity in quantities(_without_dates(text)):
        if not any(number.fits(quantity) for number in numbers):
            # A returned number may be said rounded, so it is looked for to the digits that were said.
            rounding = 0.5 * 10.0**-quantity.decimals if quantity.decimals else 0.0
            slack = max([rounding, *(number.tolerance or 0.0 for number in numbers)])
            yield NumberTarget(quantity.value, slack or None, quantity.unit or None)


def _in_another_unit(own: Sequence[Target], other: Target, text: str) -> bool:
    """Whether a number has a known unit that the answer has not, so that nobody can take it for the answer."""
    numbers = [part for part in own if isinstance(part, NumberTarget)]
    if not isinstance(other, NumberTarget) or not other.unit:
        return False
    if any(number.unit for number in numbers):
        return not any(other.unit in number.units for number in numbers)
    return not any(said.unit for said in quantities(text) if any(number.fits(said) for number in numbers))


def _without_dates(text: str) -> str:
    return blank(text, sorted((start, end) for _, start, end in dates(text)))


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
    texts = {part.text: part for part in own if isinstance(part, TextTarget)}
    if not texts:
        return False
    for token in sorted(texts, key=len, reverse=True):
        text = blank(text, texts[token].places(text))
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
