"""The normal form of text: what two spellings of the same answer have in common.

Everything that is compared or searched goes through `normal_text` first, so that no other rule has to think of case,
width, quotes, dashes, spaces or thousands separators again.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator

from tool_gym.jsonvalue import Json

_SPELLINGS = {
    **dict.fromkeys(map(ord, "\u2018\u2019\u201a\u201b\u2032\u02bc\u0060\u00b4"), "'"),
    **dict.fromkeys(map(ord, "\u201c\u201d\u201e\u201f\u2033\u00ab\u00bb"), '"'),
    **dict.fromkeys(map(ord, "\u2010\u2011\u2012\u2013\u2014\u2015\u2212"), "-"),
    # Invisible: soft hyphen, zero-width spaces, marks of the writing direction.
    **dict.fromkeys([0xAD, 0x200B, 0x200E, 0x200F, 0x2060, 0xFEFF, *range(0x202A, 0x202F), *range(0x2066, 0x206A)]),
}
_UNSPACED = re.compile(
    "[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff]"
)
"""Scripts written without spaces: Thai, Lao, Burmese, Khmer, kana, Han."""
_THOUSANDS = re.compile(r"(?<![\w.,])\d{1,3}(?:,\d{3})+(?!\w|,\d)")
_WORD = re.compile(r"[^\W_]+")


def normal_text(text: str) -> str:
    """The normal form of a text.

    Compatibility characters become plain (NFKC), case folds, quotes and dashes get one spelling, invisible characters
    go, runs of white space become one space, and numbers lose their thousands commas ("1,249" is "1249"). Each
    character of a script that is written without spaces stands alone, so that whole tokens can be found in it too.
    """
    if text.isascii():
        text = text.lower()
    else:
        text = unicodedata.normalize("NFKC", text.translate(_SPELLINGS)).casefold()
        text = unicodedata.normalize("NFKC", text).translate(_SPELLINGS)
        text = _UNSPACED.sub(r" \g<0> ", text)
    text = " ".join(text.split())
    return _THOUSANDS.sub(_without_commas, text) if "," in text else text


def _without_commas(match: re.Match[str]) -> str:
    return match.group().replace(",", "")


def words(text: str) -> list[str]:
    """The words and digit runs of a text in normal form."""
    return _WORD.findall(text)


def find_token(text: str, token: str, start: int = 0) -> int:
    """Where a token stands whole in a text, from `start` on, or -1; both in normal form.

    Whole means: no letter or digit continues it on either side, and a token that starts or ends with a digit is no part
    of a longer number, date or time: "10" is not in "1000", "-10", "10.5" or "2007-10-10".
    """
    start = text.find(token, start) if token else -1
    while start >= 0:
        if _free_before(text, start) and _free_after(text, start + len(token)):
            return start
        start = text.find(token, start + 1)
    return -1


def _free_before(text: str, start: int) -> bool:
    if start == 0 or not _is_word(text[start]):
        return True
    before = text[start - 1]
    if _is_word(before):
        return _UNSPACED.match(before) is not None
    if not text[start].isdigit():
        return True
    return before != "-" and not (before in ".,:/" and start > 1 and text[start - 2].isdigit())


def _free_after(text: str, end: int) -> bool:
    if end == len(text) or not _is_word(text[end - 1]):
        return True
    after = text[end]
    if _is_word(after):
        return _UNSPACED.match(after) is not None
    joins = text[end - 1].isdigit() and after in ".,:/-"
    return not (joins and end + 1 < len(text) and text[end + 1].isdigit())


def _is_word(char: str) -> bool:
    return char.isalnum() or char == "_"


def leaves(value: Json, *, keys: bool = False) -> Iterator[Json]:
    """The values inside a JSON value that are neither lists nor objects, in order; if wanted, objects' keys as well."""
    waiting = [value]
    while waiting:
        value = waiting.pop()
        if isinstance(value, dict):
            if keys:
                yield from value
            waiting.extend(reversed(value.values()))
        elif isinstance(value, (list, tuple)):
            waiting.extend(reversed(value))
        else:
            yield value


def blank(text: str, spans: Iterable[tuple[int, int]]) -> str:
    """The text with parts of it, in order and apart, replaced by as many newlines, which are part of no token."""
    pieces, position = [], 0
    for start, end in spans:
        pieces += [text[position:start], "\n" * (end - start)]
        position = end
    return "".join([*pieces, text[position:]])
