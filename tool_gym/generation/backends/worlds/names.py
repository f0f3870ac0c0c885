"""Invented names: syllables put together by the rules of a few made-up languages, so that no name is a real fact."""

from __future__ import annotations

import random
from typing import NamedTuple


class Language(NamedTuple):
    """Parts of syllables, and the endings that make a word a place."""

    onsets: tuple[str, ...]
    vowels: tuple[str, ...]
    codas: tuple[str, ...]
    places: tuple[str, ...]


LANGUAGES = {
    "fjord": Language(
        ("b", "d", "f", "g", "h", "j", "k", "l", "m", "n", "r", "s", "t", "v", "sk", "st", "br", "gr", "kv", "tr"),
        ("a", "e", "i", "o", "u", "y", "ei", "au"),
        ("", "n", "r", "l", "rn", "ld", "sk", "ng", "m", "rk"),
        ("vik", "holm", "sund", "nes", "dal", "haven", "berg", "mark"),
    ),
    "levant": Language(
        ("b", "d", "f", "h", "j", "k", "l", "m", "n", "q", "r", "s", "sh", "t", "z", "th"),
        ("a", "i", "u", "aa", "e", "ai"),
        ("", "", "b", "d", "m", "n", "r", "s", "z", "l"),
        ("abad", "iyah", "mar", "zar", "ouf", "een"),
    ),
    "isle": Language(
        ("k", "l", "m", "n", "p", "t", "v", "h", "r", "w", "f"),
        ("a", "e", "i", "o", "u", "ao", "ei", "oa"),
        ("", "", "", "n"),
        ("roa", "nui", "kele", "tapu", "lua"),
    ),
    "steppe": Language(
        ("b", "ch", "d", "g", "k", "m", "n", "s", "t", "z", "zh", "kh", "tr", "v"),
        ("a", "e", "o", "u", "y", "ia"),
        ("", "k", "l", "n", "r", "t", "sh", "v", "rg"),
        ("grad", "ovo", "mensk", "tash", "kand"),
    ),
    "vale": Language(
        ("b", "c", "d", "f", "h", "l", "m", "p", "r", "s", "t", "w", "cr", "br", "st", "th"),
        ("a", "e", "i", "o", "u", "ea", "ow"),
        ("", "l", "m", "n", "r", "ck", "nd", "rn", "ll", "x"),
        ("ford", "combe", "wick", "ham", "leigh", "ton", "mere"),
    ),
}


_SIGNS = {"#": "0123456789", "?": "ABCDEFGHKLMNPRSTVWX"}


class Namer:
    """Gives out names that were not given out before.

    Args:
        rng: Draws.
        languages: Names of the languages of a world, each with `LANGUAGES`' rules.
    """

    def __init__(self, rng: random.Random, languages: tuple[str, ...]) -> None:
        self._rng = rng
        self._languages = [LANGUAGES[name] for name in languages]
        self._given: set[str] = set()
        self._families = [self.word((2, 2)) for _ in range(24)]

    def word(self, syllables: tuple[int, int] = (2, 3)) -> str:
        """A capitalised word."""
        language = self._rng.choice(self._languages)
        count = self._rng.randint(*syllables)
        parts = []
        for i in range(count):
            parts += [self._rng.choice(language.onsets), self._rng.choice(language.vowels)]
            # Consonants pile up where syllables meet, so most close only the last one.
            if i == count - 1 or self._rng.random() < 0.25:
                parts.append(self._rng.choice(language.codas))
        return "".join(parts).capitalize()

    def coin(self) -> str:
        """A name for a currency, in small letters."""
        return self.word((1, 2)).lower() + self._rng.choice(("", "in", "ar", "el"))

    def place(self) -> str:
        """A name for a place; now and then in two words."""
        stem = self.word((1, 2)) + self._rng.choice(self._rng.choice(self._languages).places)
        first = self._rng.choice(("Upper", "Old", "North", "Little", "New", "East", "Great", "Lower"))
        return f"{first} {stem}" if self._rng.random() < 0.15 else stem

    def person(self) -> str:
        """A given name and one of the world's family names, which many people share."""
        return f"{self.word((2, 2))} {self._rng.choice(self._families)}"

    def new(self, patterns: tuple[str, ...], suffixes: tuple[str, ...]) -> str:
        """A name that is new, by one of the patterns.

        Args:
            patterns: Text with {word}, {place}, {person}, {family}, {partner} (another family) or {suffix}.
            suffixes: What {suffix} can be.
        """
        while True:
            pattern = self._rng.choice(patterns)
            family, partner = self._rng.sample(self._families, 2)
            name = pattern.format(
                word=self.word(),
                place=self.place(),
                person=self.person(),
                family=family,
                partner=partner,
                suffix=self._rng.choice(suffixes or ("",)),
            )
            if name not in self._given and 3 < len(name) <= 40:
                self._given.add(name)
                return name

    def identifier(self, pattern: str) -> str:
        """An id by a pattern in which # is a digit and ? a letter, as `VS-####-?`."""
        while True:
            text = "".join(self._rng.choice(_SIGNS.get(char, char)) for char in pattern)
            if text not in self._given:
                self._given.add(text)
                return text
