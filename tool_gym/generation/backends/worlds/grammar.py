"""Small rules of English."""

from __future__ import annotations

import re
from collections.abc import Sequence


def series(items: Sequence[str], word: str) -> str:
    """The items with commas and a last word between them: "A, B and C"."""
    return f" {word} ".join(items) if len(items) < 3 else f"{', '.join(items[:-1])} {word} {items[-1]}"


def be(noun: str) -> str:
    """The verb for a noun phrase: "are" if its first noun is a plural, as in "days at sea", else "is"."""
    head = re.split(r" (?:of|at|in|on|for|from|by|per|a|so|under|spoken)\b", noun)[0]
    return "are" if re.search(r"[^suia]s$", head) else "is"


def possessive(text: str) -> str:
    """The genitive of a name."""
    return f"{text}'" if text.endswith("s") else f"{text}'s"


def article(noun: str) -> str:
    """The noun with "a" or "an" before it."""
    return f"{'an' if re.match(r'[aeio]|u(?!ni|ti)', noun) else 'a'} {noun}"


def capital(text: str) -> str:
    """The text with its first letter in capital."""
    return text[0].upper() + text[1:]
