"""Randomness: every draw comes from sha256 of what it is for, so that the same seed gives the same bytes anywhere."""

from __future__ import annotations

import hashlib
import random
from collections.abc import Sequence
from typing import TypeVar

T = TypeVar("T")


def seed_of(*parts: object) -> int:
    """A seed in [0, 2**63) that follows from the parts alone, as `seed_of(seed, "scale", index)`."""
    text = "/".join(map(str, parts)).encode()
    return int.from_bytes(hashlib.sha256(text).digest()[:8], "big") >> 1


def rng_of(*parts: object) -> random.Random:
    """A generator of random numbers for one purpose."""
    return random.Random(seed_of(*parts))


def some(rng: random.Random, items: Sequence[T], count: int) -> list[T]:
    """Up to that many of the items, drawn without repetition, in random order."""
    return rng.sample(list(items), min(max(count, 0), len(items)))
