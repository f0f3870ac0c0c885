"""Can a text be put together from a call's arguments, as they stand?

A tool that repeats its arguments can only spell what they spell: one argument that holds all words, in any order, or
several that stand one after another, the first ending and the last beginning with a part of it, those between whole.
"seattle bait store" cannot come from "bait store" and "seattle port", but "john dewey" can from "john" and "dewey".
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import TypeAlias

from tool_gym.verify.normal import words

_Words: TypeAlias = tuple[str, ...]
_SEPARATOR = re.compile(r"[,;:/|()\[\]{}\n]")
"""What a tool may split an argument at, to repeat a part of it."""


def spelled_by(wanted: Sequence[str], texts: Iterable[str]) -> bool:
    """Whether texts hold a text's words so that repeating them can spell it.

    Args:
        wanted: The words of the text, at least one.
        texts: The arguments' leaves and keys, in normal form.
    """
    lines = [(text, words(text)) for text in texts]
    needed, squeezed = frozenset(wanted), "".join(wanted)
    if any(needed.issubset(line) or "".join(line) == squeezed for _, line in lines):
        return True
    if not needed.issubset(word for _, line in lines for word in line):
        return False
    return _in_a_row(tuple(wanted), {piece for text, line in lines for piece in _pieces(text, line)})


def _pieces(text: str, line: Sequence[str]) -> Iterable[_Words]:
    yield tuple(line)
    if _SEPARATOR.search(text):
        for part in _SEPARATOR.split(text):
            yield tuple(words(part))


def _in_a_row(wanted: _Words, pieces: set[_Words]) -> bool:
    """Whether the words are the end of a piece, then whole pieces, then the beginning of a piece."""
    size = len(wanted)
    heads = [length for length in range(1, size + 1) if any(piece[-length:] == wanted[:length] for piece in pieces)]
    tails = {start for start in range(size) if any(piece[: size - start] == wanted[start:] for piece in pieces)}
    lengths = {len(piece) for piece in pieces if piece}
    reached, waiting = set(heads), heads
    while waiting:
        end = waiting.pop()
        if end == size or end in tails:
            return True
        for length in lengths:
            after = end + length
            if after <= size and after not in reached and wanted[end:after] in pieces:
                reached.add(after)
                waiting.append(after)
    return False
