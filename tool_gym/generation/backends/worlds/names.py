"""Invented names: syllables put together by the rules of a few made-up languages, so that no name is a real fact."""

from __future__ import annotations

import random
import re
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
    "karst": Language(
        ("b", "c", "d", "g", "l", "m", "n", "p", "r", "s", "t", "v", "zl", "vr", "dr", "sl", "gl"),
        ("a", "e", "i", "o", "u", "ije", "ju"),
        ("", "", "c", "k", "n", "r", "sh", "lj", "st"),
        ("ovac", "grod", "polje", "ica", "nik", "dole"),
    ),
    "delta": Language(
        ("b", "bh", "ch", "d", "g", "j", "k", "m", "n", "p", "r", "s", "t", "v", "dh", "kr", "pr"),
        ("a", "aa", "e", "i", "o", "u", "ya"),
        ("", "", "l", "m", "n", "r", "nd", "t"),
        ("pur", "nagar", "gunj", "hati", "kota", "ganj"),
    ),
    "cape": Language(
        ("b", "d", "g", "j", "k", "l", "m", "n", "t", "v", "w", "z", "mb", "nd", "ng", "kw", "sw"),
        ("a", "e", "i", "o", "u", "aa"),
        ("", "", "", "m"),
        ("oni", "ande", "zi", "kuru", "wezi", "tambo"),
    ),
    "highland": Language(
        ("ch", "h", "k", "l", "m", "n", "p", "q", "s", "t", "w", "y", "ll", "tl", "x"),
        ("a", "i", "u", "o", "ay", "ui"),
        ("", "", "c", "n", "q", "s", "r", "tl"),
        ("pampa", "bamba", "marca", "cocha", "tepec", "tlan"),
    ),
    "garden": Language(
        ("b", "d", "f", "h", "j", "k", "l", "m", "n", "s", "sh", "t", "x", "zh", "y", "w", "ts"),
        ("a", "ai", "ao", "e", "i", "ie", "o", "ou", "u"),
        ("", "", "n", "ng", "r"),
        ("zhou", "shan", "jing", "hai", "kou", "ling"),
    ),
    "lagoon": Language(
        ("b", "c", "d", "f", "g", "l", "m", "n", "p", "r", "s", "t", "v", "br", "gr", "st", "fr"),
        ("a", "e", "i", "o", "u", "ia", "io"),
        ("", "", "", "l", "n", "r", "s"),
        ("ano", "ella", "orte", "asca", "ucci", "onza"),
    ),
    "moor": Language(
        ("b", "c", "d", "f", "g", "l", "m", "n", "r", "s", "t", "gl", "cr", "bl", "ll", "gw", "dr"),
        ("a", "e", "i", "o", "u", "y", "ae", "ei"),
        ("", "dd", "ch", "n", "r", "th", "ll", "rn", "g"),
        ("pen", "bryn", "aber", "cairn", "loch", "glas"),
    ),
    "plain": Language(
        ("b", "d", "f", "g", "h", "k", "l", "m", "n", "r", "s", "sz", "t", "v", "z", "gy", "cs", "zs"),
        ("a", "e", "i", "o", "u", "ee", "oe"),
        ("", "k", "l", "n", "r", "s", "t", "sz", "rt"),
        ("hely", "vasar", "falva", "keresz", "telek", "szeg"),
    ),
    "taiga": Language(
        ("h", "j", "k", "l", "m", "n", "p", "r", "s", "t", "v"),
        ("a", "aa", "e", "ee", "i", "o", "u", "uo", "ie", "ai"),
        ("", "", "n", "s", "t", "l", "r", "kk", "ll"),
        ("joki", "niemi", "salmi", "vaara", "lampi", "ranta"),
    ),
    "harbour": Language(
        ("b", "d", "g", "h", "k", "l", "m", "n", "p", "r", "s", "v", "w", "z", "br", "sch", "vl", "kr"),
        ("a", "e", "o", "u", "oe", "ij", "ui", "ee"),
        ("", "k", "l", "n", "r", "s", "t", "rt", "nd", "lk"),
        ("drecht", "dam", "zijl", "voort", "kerk", "hoek"),
    ),
}

_SIGNS = {"#": "0123456789", "?": "ABCDEFGHKLMNPRSTVWX"}
_TRIPLE = re.compile(r"(.)\1\1+")
_CHECK = "*"
"""Stands in the pattern of an id for a check digit over the digits before it."""
_FIRST = ("Upper", "Old", "North", "Little", "New", "East", "Great", "Lower")
_VOWELS = "aeiouwy"
_NICKNAMES = [f"the {quality} {thing}" for quality in (
    "Grey", "Lame", "Quiet", "Golden", "Little", "Stubborn", "Blind", "Red", "Lucky", "Iron", "Crooked", "Sleepy",
    "Painted", "Silver", "Wandering", "Patient", "Cold", "Faithful", "Hollow", "Merry",
) for thing in (
    "Heron", "Badger", "Kettle", "Widow", "Lantern", "Mule", "Anchor", "Thistle", "Goose", "Bell", "Giant", "Sparrow",
    "Miller", "Otter", "Candle", "Dowager", "Fiddler", "Magpie", "Anvil", "Shepherd",
)]  # fmt: skip


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
        return _TRIPLE.sub(r"\1\1", "".join(parts)).capitalize()

    def coin(self) -> str:
        """A name for a currency, in small letters."""
        # Shorter ones would now and then be words of English.
        return self.word((2, 2)).lower() + self._rng.choice(("in", "ar", "el"))

    def place(self) -> str:
        """A name for a place; now and then in two words."""
        stem = self.word((1, 2)) + self._rng.choice(self._rng.choice(self._languages).places)
        return f"{self._rng.choice(_FIRST)} {stem}" if self._rng.random() < 0.15 else stem

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

    def near(self, name: str, patterns: tuple[str, ...], suffixes: tuple[str, ...]) -> str:
        """A new name that is easily taken for another: with another suffix, or one vowel of an invented word changed.

        Args:
            name: The other name.
            patterns: What names are made by, see `new`.
            suffixes: What {suffix} in a pattern can be.
        """
        words = name.split()
        others = [" ".join(new if word in suffixes else word for word in words) for new in suffixes]
        plain = {*" ".join((*patterns, *suffixes, *_FIRST)).split()}
        for match in re.finditer(r"\S+", name):
            if match[0] not in plain:
                places = [match.start() + i for i, char in enumerate(match[0]) if char in _VOWELS]
                others += [name[:i] + vowel + name[i + 1 :] for i in places for vowel in "aeiou"]
        new = self._rng.choice([other for other in others if other not in self._given])
        self._given.add(new)
        return new

    def nickname(self) -> str | None:
        """A new name by which people know something, as "the Grey Heron"; None if all are given out."""
        left = [name for name in _NICKNAMES if name not in self._given]
        if not left:
            return None
        self._given.add(name := self._rng.choice(left))
        return name

    def identifier(self, pattern: str) -> str:
        """An id by a pattern in which # is a digit, ? a letter and * a check digit, as `VS-####-?`."""
        while True:
            text = ""
            for char in pattern:
                text += _check_digit(text) if char == _CHECK else self._rng.choice(_SIGNS.get(char, char))
            if text not in self._given:
                self._given.add(text)
                return text


def _check_digit(text: str) -> str:
    """The digit that brings the sum of all, weighted 1, 3, 1, … from the right, to a multiple of ten."""
    digits = [int(char) for char in text if char.isdigit()][::-1]
    return str(-sum(digit * (1 if i % 2 else 3) for i, digit in enumerate(digits)) % 10)
