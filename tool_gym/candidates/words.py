"""Words of a text in a form in which two texts can be compared: lower case, stems, without small words."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache

from tool_gym.candidates.lexicon import base_form, ends_a_name

_WORD = re.compile(r"[^\W\d_]+|\d+")
_CAMEL = re.compile(r"(?<=[a-z])(?=[A-Z])")
_STEM = 5
"""Letters by which a word is known: enough to see that "operates" and "operator" are one."""
_DOER = re.compile(r"(?:er|or|ist|ian|ant|man|ee|\b(?:captain|chief|coach|head|judge|nurse|pilot|steward|warden))$")
_SHORT_VERB = re.compile(r"([^\W\d]{0,2}(?:[aeiou]{2}[^aeiousczvg]|[^aeiou][^aeiousczvg]|[aeiou]y))(?:ed|ing)")
"""A form of a verb of up to four letters, such as "loaded"; not of one that has lost an e, such as "priced"."""
_SMALL = frozenset(
    "a an the of and or to in on at for by with from is are was were be been it its this that these those as i we you "  # noqa: SIM905
    "me my our your how do does did have has had can could would please give tell let need s".split()
)
_SAME = (
    "born birth", "teach teacher taught instructor instructed mentor tutor trainer trained pupil",
    "staff employees employ workforce headcount personnel", "pay salary wage stipend paid earns earnings",
    "head director leads heads chief manager runs led leader",
    "home residence lives living lived based resident reports", "seat headquarters office seated premises",
    "population inhabitants people", "elevation height high tall altitude highest",
    "length long longest short shortest", "mass weight heavy heaviest weigh weighs tonnage light lightest",
    "depth deep deepest shallow",
    "width wide widest broad narrow narrowest", "speed fast fastest slow slowest quick",
    "founded foundation established founding founder", "built building construction", "opened opening open inaugurated",
    "owner owns owned owning proprietor belongs", "operator operates operated operating operation",
    "cost price fee charge charges rate cheap cheapest costly costliest dearest",
    "revenue turnover income takings sales earn",
    "size large big largest", "capacity hold holds", "distance far apart separation straight crow",
    "ratio divide divided",
    "percentage percent cent portion", "mean average", "total sum combined overall", "spread span range",
    "backwards reverse reversed", "weekday monday week", "vowel vowels", "start begin first",
    "job profession occupation trade",
    "foot feet", "metre meter", "litre liter", "tonne ton",
)  # fmt: skip
"""Common words that say the same; each line is read as one word."""
_SYMBOLS = {
    "mm": "millimetre", "cm": "centimetre", "m": "metre", "km": "kilometre", "in": "inch", "ft": "foot", "yd": "yard",
    "mi": "mile", "nmi": "nautical mile", "mg": "milligram", "g": "gram", "kg": "kilogram", "t": "tonne",
    "oz": "ounce", "lb": "pound", "st": "stone", "cwt": "hundredweight", "m2": "square metre",
    "km2": "square kilometre", "mi2": "square mile", "ha": "hectare", "ac": "acre", "W": "watt", "kW": "kilowatt",
    "MW": "megawatt", "GW": "gigawatt", "hp": "horsepower", "ml": "millilitre", "cl": "centilitre", "L": "litre",
    "l": "litre", "hL": "hectolitre", "hl": "hectolitre", "m3": "cubic metre", "pt": "pint", "gal": "gallon",
    "s": "second", "min": "minute", "h": "hour", "d": "day",
}  # fmt: skip
"""Units of measurement as they are written where a text is nothing else."""


@lru_cache(maxsize=65_536)
def words(text: str) -> tuple[str, ...]:
    """Stems of the words of a text, in order, small words left out; `snake_case` and `camelCase` are taken apart.

    A text that is the symbol of a unit is read as its name.
    """
    return tuple(stem(word) for word in plain_words(_SYMBOLS.get(text, text)))


@lru_cache(maxsize=65_536)
def plain_words(text: str) -> tuple[str, ...]:
    """The words that `words` gives the stems of, whole, so that endings can be looked at."""
    return tuple(small for word, _ in split_words(text) if not is_small(small := word.casefold()))


def split_words(text: str) -> Iterator[tuple[str, int]]:
    """Each word of a text, small ones too, as it is, and where it begins."""
    for match in _WORD.finditer(text):
        start = match.start()
        for part in _CAMEL.split(match[0]):
            yield part, start
            start += len(part)


def is_small(word: str) -> bool:
    """Whether a word in lower case says nothing by itself."""
    return word in _SMALL


def is_doer(text: str) -> bool:
    """Whether the last word of a text is for somebody who does something, by its ending."""
    return bool(_DOER.search(text))


def is_of_thing(name: str) -> bool:
    """Whether a name of several words ends with one that ends names of things, as in "Silver Arrow"."""
    first, _, last = name.rpartition(" ")
    return bool(first) and ends_a_name(last.casefold())


def singular(word: str) -> str:
    """A word in lower case in a form that its singular and its plural share; for comparison, not to be read."""
    if word.endswith("ies") and len(word) > 4:
        word = word[:-3] + "y"
    elif word.endswith(("ches", "shes", "sses", "xes")):
        word = word[:-2]
    elif word.endswith("s") and not word.endswith(("ss", "us", "is")):
        word = word[:-1]
    word = word.removesuffix("e") if len(word) > 3 else word
    return word[:-1] + "f" if word.endswith("v") else word


def stem(word: str) -> str:
    """The first letters of a word in lower case, without the s of a plural; one stem for words that say the same."""
    cut = _cut(base_form(word))
    return _CANON.get(cut, cut)


def _cut(word: str) -> str:
    if match := _SHORT_VERB.fullmatch(word):
        word = match[1]
    elif word.endswith(("ches", "shes", "xes")):
        word = word[:-2]
    return word[:_STEM].rstrip("s") or word


_CANON: dict[str, str] = {}
for _line in _SAME:
    _first, *_others = map(_cut, _line.split())
    _CANON |= dict.fromkeys(_others, _first)
