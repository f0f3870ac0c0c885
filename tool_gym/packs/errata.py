"""`errata.json`: the scenarios of a pack that are known to be bad, and the version of the pack that mends each.

The file is optional and stands beside what the manifest hashes: a mistake is found after a release, and to name it
changes no return of the pack. It holds a list such as
`[{"scenario": "book-flight-003", "problem": "the fare is of the day after", "mended_in": 2}]`.
"""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

from pydantic import Field, TypeAdapter

from tool_gym.jsonvalue import loads
from tool_gym.messages import Noun
from tool_gym.packs.files import ERRATA, check_advice, read_small
from tool_gym.packs.reading import reading
from tool_gym.scenario import Slug


class Erratum(Noun):
    """What is wrong with a scenario.

    Attributes:
        scenario: Its id.
        problem: What is wrong, for readers.
        mended_in: The first version of the pack without the mistake, >= 1; None: none yet.
    """

    scenario: Slug
    problem: Annotated[str, Field(min_length=1)]
    mended_in: Annotated[int, Field(ge=1)] | None = None

    def concerns(self, version: int) -> bool:
        """Whether a version of the pack has the mistake."""
        return self.mended_in is None or version < self.mended_in


_LIST = TypeAdapter(tuple[Erratum, ...])


def read_errata(folder: Path) -> tuple[Erratum, ...]:
    """What a pack's folder says of its mistakes, those that are mended included; nothing where it has no such file.

    Raises:
        PackError: If the file cannot be read or holds something else.
    """
    if not os.path.lexists(folder / ERRATA):
        return ()
    with reading(folder / ERRATA, check_advice(folder)):
        return _LIST.validate_python(loads(read_small(folder, ERRATA)))


def write_errata(folder: Path, errata: Sequence[Erratum]) -> None:
    """Writes the file, if there is anything to say."""
    if errata:
        text = json.dumps([each.model_dump() for each in errata], ensure_ascii=False, indent=1)
        (folder / ERRATA).write_text(text + "\n", encoding="utf-8")
