"""Words of a text in a form in which two texts can be compared: lower case, stems, without small words."""

from __future__ import annotations

import re
from functools import lru_cache

_WORD = re.compile(r"[^\W\d_]+|\d+")
_STEM = 5
"""Letters by which a word is known: enough to see that "operates" and "operator" are one."""
_SMALL = frozenset(
    "a an the of and or to in on at for by with from is are was were be been it its this that these those as i we you "
    "me my our your how do does did have has had can could would please give tell let need s".split()  # noqa: SIM905
)


@lru_cache(maxsize=65_536)
def words(text: str) -> tuple[str, ...]:
    """Stems of the words of a text, in order, small words left out; `snake_case` and `camelCase` are taken apart."""
    return tuple(stem(word) for word in plain_words(text))


@lru_cache(maxsize=65_536)
def plain_words(text: str) -> tuple[str, ...]:
    """The words that `words` gives the stems of, whole, so that endings can be looked at."""
    spaced = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", text)
    return tuple(word for word in _WORD.findall(spaced.casefold()) if word not in _SMALL)


def stem(word: str) -> str:
    """The first letters of a word in lower case, without the s of a plural."""
    return word[:_STEM].rstrip("s") or word
