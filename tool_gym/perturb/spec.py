"""`Perturbation`: what is done to the scenarios of a pack, and by which seed.

| name | what it does to a scenario |
|---|---|
| `clean` | nothing |
| `slight` | letters are inserted, left out or replaced in the names of tools and parameters |
| `medium` | names are reversed, or letters without meaning |
| `heavy` | tools swap their names, and their parameters theirs; or get required parameters that do nothing |
| `union` | one to three of all these for each tool |
| `order` | tools and parameters are listed in another order |
| `distractors` | tools of other scenarios stand beside its own |
| `missing` | tools are gone: those that nobody needs, or, in half of the scenarios, those that know the answer |
| `unanswerable` | those that know the answer are gone, wherever that can be |
| `flaky` | calls fail now and then, and work when they are made again |

The first five are the levels of RoTBench (arXiv 2401.08326). Names are joined by "+", as in `medium+distractors+flaky`;
in which order they are written changes nothing.
"""

from __future__ import annotations

import random
from typing import Any

from pydantic import field_validator

from tool_gym.errors import InputError, UnknownName
from tool_gym.messages import Noun

LEVELS = ("clean", "slight", "medium", "heavy", "union")
NAMES = (*LEVELS, "order", "distractors", "missing", "unanswerable", "flaky")
_ALTERNATIVES = (LEVELS, ("missing", "unanswerable"))
"""Names of which a perturbation has one at most."""


class Perturbation(Noun):
    """A perturbation.

    Attributes:
        perturb: Its names, joined by "+" in the order of `NAMES`; never `clean`.
        perturb_seed: Its seed.
    """

    perturb: str
    perturb_seed: int = 0

    @field_validator("perturb")
    @classmethod
    def _check(cls, text: str) -> str:
        names = text.split("+")
        if names != [name for name in NAMES[1:] if name in names]:
            raise ValueError(f"{text!r} does not name perturbations in their order; they are {', '.join(NAMES[1:])}")
        return text

    @classmethod
    def read(cls, text: str | None, seed: int = 0) -> Perturbation | None:
        """The perturbation that a text names; None where it changes nothing.

        Raises:
            UnknownName: If it names one that there is not.
            InputError: If it names two that exclude each other.
        """
        asked = [] if text is None else [name.strip() for name in text.split("+")]
        for name in asked:
            if name not in NAMES:
                raise UnknownName("perturbation", name, NAMES, "Several are joined by '+', as in medium+flaky.")
        for group in _ALTERNATIVES:
            if len(both := [name for name in group if name in asked]) > 1:
                raise InputError(f"perturb={text!r}: {' and '.join(both)} exclude each other; name one of them")
        kept = [name for name in NAMES[1:] if name in asked]
        return cls(perturb="+".join(kept), perturb_seed=seed) if kept else None

    @property
    def names(self) -> tuple[str, ...]:
        """Its names, in the order in which they are applied to a scenario by `NAMES`."""
        return tuple(self.perturb.split("+"))

    def rng(self, *about: Any) -> random.Random:
        """A source of randomness of its own for whatever is named; the same in every process."""
        return random.Random("/".join(map(str, (self.perturb_seed, *about))))

    def __str__(self) -> str:
        return f"{self.perturb} by seed {self.perturb_seed}"
