"""The user's words, in order, with what an article, a sentence and a second mention say about them."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Iterable, Iterator
from typing import NamedTuple

from tool_gym.candidates.words import is_small, singular, split_words, stem

_ENDS = re.compile(r"[.!?]+(?=\s|$)|\n+|,? and(?: also:?)?(?= (?:in |at |on |to )?(?:how|what|when|where|which|who)\b)")
"""Where a sentence ends, or a question within it."""
_DEFINITE = frozenset({"the", "that", "this"})
_ORDINALS = frozenset({"first", "second", "third", "fourth", "other"})
_RANKED = re.compile(r"\w{2,}est|most|least|worst|best|second|third|fourth|fifth|one|only|last|first")
_FRAME = frozenset("one question here asking mean take look find which where who a b".split())  # noqa: SIM905
"""Words that are no part of a noun phrase, though no small word parts them from it."""
_COPULAS = frozenset({"is", "be", "was"})
_FILLING = frozenset({"take", "b", "mean", "question", "here", "asking", "look", "find"})
RANKS = ("second", "third", "fourth", "fifth")
"""Words of ranks: 1 and more places behind the first."""
BEST = re.compile(r"\w{2,}est|most|least|worst|best")
_WIDEST = 7
"""Words of a noun phrase before its noun, at most."""
_FAR = 10
"""Words between a value and the noun of the phrase that ends with it, at most."""


class Span(NamedTuple):
    """Where the question speaks of something: words `start` to `end`, the latter not included."""

    start: int
    end: int


class Question(NamedTuple):
    """What the user said; small words are no words of their own, they stand in the gaps.

    Attributes:
        stems: Words in the form in which they are compared.
        whole: The same words as they are, in lower case.
        nouns: The same words in the singular.
        gaps: The small words before each.
        sentences: The sentence of each.
        marks: For a noun that is told from its like by "first" or "B": this mark; else empty.
    """

    stems: tuple[str, ...]
    whole: tuple[str, ...]
    nouns: tuple[str, ...]
    gaps: tuple[tuple[str, ...], ...]
    sentences: tuple[Span, ...]
    marks: tuple[str, ...]

    def sentence(self, at: int) -> Span:
        """The words of the sentence of a word."""
        return self.sentences[min(at, len(self.sentences) - 1)] if self.sentences else Span(0, 0)

    def phrase(self, noun: int) -> int:
        """The first word of the noun phrase of a noun: back to its article, and "the oldest of" before it."""
        first = self.sentence(noun).start
        start = noun
        while start > first and noun - start < _WIDEST and not self._begins(start):
            start -= 1
        if "of" in self.gaps[start] and start > first and noun - start < _WIDEST:
            ranked = start - 1
            while ranked > first and start - ranked < 4 and not _DEFINITE & set(self.gaps[ranked]):
                ranked -= 1
            if any(_RANKED.fullmatch(word) for word in self.whole[ranked:start]):
                return ranked
        return start if self._begins(start) else noun

    def _begins(self, at: int) -> bool:
        return bool({*_DEFINITE, "a", "an", "those", "s", "all"} & set(self.gaps[at]))

    def noun_before(self, end: int, nouns: Collection[str], barred: Iterable[Span]) -> int | None:
        """The last of some nouns before a place in its sentence, without a step over what is barred."""
        first = max(self.sentence(end - 1 if end else 0).start, end - _FAR)
        first = max([first, *(span.end for span in barred if span.end <= end)])
        return next((i for i in range(end - 1, first - 1, -1) if self.nouns[i] in nouns), None)

    def noun_meant(self, start: int, nouns: Collection[str]) -> str:
        """The noun that a clause before a place says more of: "the port where", "the port I mean is the one where"."""
        first = self.sentence(start).start if start < len(self.stems) else start
        for i in range(start - 1, max(first, start - _FAR) - 1, -1):
            if self.whole[i] == "one":
                definite = next((j for j in range(i - 1, first - 1, -1) if self._names(j)), None)
                return self.nouns[self._head(definite, i)] if definite is not None else ""
            if self.nouns[i] in nouns:
                return self.nouns[i]
        return ""

    def topic(self, start: int) -> str:
        """The noun that a place says what it is: "the first port is the seat"; empty if there is none."""
        first = self.sentence(start).start if start < len(self.stems) else start
        at = start - 1
        while at >= first and self.whole[at] in _FILLING:
            at -= 1
        if at < first or not (at + 1 < start or _COPULAS & set(self.gaps[start])):
            return ""
        known = any(self._names(i) and self._head(i, at + 1) == at for i in range(max(first, at - 3), at + 1))
        return self.nouns[at] if known else ""

    def rank(self, span: Span) -> int:
        """How many places behind the first is asked for at a place, as in "second oldest"."""
        for i in range(max(self.sentence(span.start).start, span.start - _WIDEST), min(span.end, len(self.whole) - 1)):
            if self.whole[i] in RANKS and BEST.fullmatch(self.whole[i + 1]):
                return RANKS.index(self.whole[i]) + 1
        return 0

    def superlative(self, span: Span | None = None) -> bool:
        """Whether it asks for an extreme, at a place or, without one, anywhere but where it says "at least"."""
        first, last = span or (0, len(self.whole))
        return any(
            BEST.fullmatch(word) and not (word in ("least", "most") and "at" in gap)
            for word, gap in zip(self.whole[first:last], self.gaps[first:last], strict=True)
        )

    def _names(self, at: int) -> bool:
        counted = self.marks[at] in _ORDINALS and "the" not in (*self.gaps[at - 1], *self.gaps[at - 2])
        named = _DEFINITE & set(self.gaps[at]) or (self.marks[at] and not counted)
        return bool(named) and self.whole[at] not in _FRAME

    def _head(self, first: int, end: int) -> int:
        """The last word of a noun phrase."""
        last = first
        while last + 1 < end and not self.gaps[last + 1] and self.whole[last + 1] not in _FRAME:
            last += 1
        return last

    def mark_of(self, span: Span, nouns: Collection[str]) -> str:
        """By which mark the sentence tells what it says at a place from its like."""
        first = self.sentence(span.start).start
        places = range(min(span.end, len(self.marks)) - 1, first - 1, -1)
        return next((self.marks[i] for i in places if self.marks[i] and self.nouns[i] in nouns), "")

    def mentions(self, nouns: Collection[str], span: Span) -> Iterator[Span]:
        """Where other sentences speak of the same again: "the port", "that port", "the first port", "port A"."""
        if not self.stems:
            return
        mark, own = self.mark_of(span, nouns), self.sentence(span.start)
        for i, noun in enumerate(self.nouns):
            if noun in nouns and not own.start <= i < own.end and self.marks[i] == mark:
                start = i - 1 if mark in _ORDINALS else i
                if mark or _DEFINITE & set(self.gaps[i]):
                    yield Span(start, i + 1)


def read_question(text: str) -> Question:
    """Reads what the user said."""
    stems: list[str] = []
    whole: list[str] = []
    gaps: list[tuple[str, ...]] = []
    sentences: list[int] = []
    marks: list[str] = []
    ends = [match.end() for match in _ENDS.finditer(text)]
    gap: list[str] = []
    for word, start in split_words(text):
        small = word.casefold()
        if word.isupper() and len(word) == 1 and word != "I" and marks and not gap:
            marks[-1] = small
        if is_small(small):
            gap.append(small)
            continue
        stems.append(stem(small))
        whole.append(small)
        gaps.append(tuple(gap))
        sentences.append(sum(end <= start for end in ends))
        marks.append(_ordinal(whole) if not gap else "")
        gap = []
    counts = Counter(sentences)
    spans = [Span(sentences.index(each), sentences.index(each) + counts[each]) for each in sentences]
    return Question(tuple(stems), tuple(whole), tuple(map(singular, whole)), tuple(gaps), tuple(spans), tuple(marks))


def _ordinal(words: list[str]) -> str:
    """The ordinal one or two words before the last; not one of a rank, as in "second oldest"."""
    if _RANKED.fullmatch(words[-1]):
        return ""
    for before in words[-3:-1][::-1]:
        if before in _ORDINALS:
            return before
        if _RANKED.fullmatch(before):
            return ""
    return ""
